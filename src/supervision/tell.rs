//! Posting the notices of supervision.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::identity::Caller;
use crate::notices::model::{Priority, SubjectKind};
use crate::notices::outbox::{self, Done, Draft};
use crate::notices::params::CallParams;
use crate::organisation::{CountyId, DepartmentId, OfficerId};

/// Who hears a notice beside the room it goes to and the officer whose action is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearers {
    /// The county's own channels too.
    Everybody,
    /// Nobody: what goes to discipline goes there alone.
    RoomOnly,
}

/// A notice that a verb plans.
#[derive(Clone, Debug)]
pub struct Telling {
    pub event: &'static str,
    pub room: DepartmentId,
    /// The officer whose action is awaited.
    pub officer: Option<OfficerId>,
    pub hearers: Hearers,
    pub params: CallParams,
}

impl Telling {
    /// News for a room.
    #[must_use]
    pub const fn new(event: &'static str, room: DepartmentId, params: CallParams) -> Self {
        Self { event, room, officer: None, hearers: Hearers::Everybody, params }
    }

    /// Only the room hears it, and in person the officer whose action is awaited.
    #[must_use]
    pub const fn sealed(event: &'static str, room: DepartmentId, params: CallParams) -> Self {
        Self { event, room, officer: None, hearers: Hearers::RoomOnly, params }
    }
}

/// What a step did, as the cards tell it of whoever was called before; `event` is its first in the ledger.
#[must_use]
pub fn done<'a>(caller: &'a Caller, event: Option<&'a str>, now: DateTime<Utc>) -> Done<'a> {
    Done {
        event: event.unwrap_or_default(),
        at: now,
        actor: &caller.name,
        officer: caller.officer,
        facts: Map::new(),
    }
}

/// Posts what was planned about one subject.
pub async fn post(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    subject: (SubjectKind, Uuid),
    tellings: Vec<Telling>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if tellings.is_empty() {
        return Ok(());
    }
    let rooms: Vec<DepartmentId> = tellings.iter().map(|telling| telling.room).collect();
    let officers: Vec<OfficerId> = tellings.iter().filter_map(|telling| telling.officer).collect();
    let routes = outbox::routes(conn, county, &rooms, &officers).await?;
    let mut within = routes.clone();
    within.rooms.retain(|room| room.department.is_some());
    let mut rows = Vec::new();
    for telling in tellings {
        let params: Value = telling.params.to_json();
        let draft = Draft {
            subject_kind: subject.0,
            subject_id: subject.1,
            event: telling.event,
            department: Some(telling.room),
            officer: telling.officer,
            priority: Priority::Normal,
            params,
        };
        let open = match telling.hearers {
            Hearers::Everybody => &routes,
            Hearers::RoomOnly => &within,
        };
        rows.extend(outbox::address(&draft, county, open, now));
    }
    outbox::post(conn, &rows).await
}
