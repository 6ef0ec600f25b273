//! Which notices a verb sends, and what stands in them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::desk::Desk;
use super::link::Link;
use super::model::Call;
use super::store::Faces;
use crate::deadlines::{Clock, Deadline};
use crate::notices::enterprise;
use crate::notices::model::{Priority, SubjectKind};
use crate::notices::outbox::{self, Draft};
use crate::organisation::{DepartmentId, OfficerId};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// What the enterprise is told as well; what it does itself it need not be told.
const ENTERPRISE_HEARS: [&str; 10] = [
    "call.accepted",
    "call.contacted",
    "call.leaving",
    "call.arrived",
    "call.promised",
    "call.resolved",
    "call.refused",
    "call.merge_proposed",
    "call.pause_decided",
    "call.extension_decided",
];

/// A notice that a verb plans.
#[derive(Clone, Debug)]
pub struct Telling {
    pub event: &'static str,
    /// The department whose room hears it; none: only the county's own channels.
    pub room: Option<DepartmentId>,
    /// The officer whose action is awaited.
    pub officer: Option<OfficerId>,
    pub priority: Priority,
    /// What this event says beyond the call itself.
    pub extra: Map<String, Value>,
}

impl Telling {
    /// News for a room.
    #[must_use]
    pub fn news(event: &'static str, room: DepartmentId) -> Self {
        Self { event, room: Some(room), officer: None, priority: Priority::Normal, extra: Map::new() }
    }

    /// An alarm: this officer is to act.
    #[must_use]
    pub fn alarm(event: &'static str, room: DepartmentId, officer: OfficerId) -> Self {
        Self { officer: Some(officer), priority: Priority::FirstAlarm, ..Self::news(event, room) }
    }

    /// Only the county's own channels hear it.
    #[must_use]
    pub fn quiet(event: &'static str) -> Self {
        Self { event, room: None, officer: None, priority: Priority::Normal, extra: Map::new() }
    }

    /// Adds what the event says.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}

/// Posts what a verb planned.
pub async fn post(case: &mut Case<'_>, faces: &Faces, tellings: Vec<Telling>) -> Result<(), Problem> {
    if tellings.is_empty() {
        return Ok(());
    }
    let rooms: Vec<DepartmentId> = tellings.iter().filter_map(|telling| telling.room).collect();
    let county = case.call.county_id;
    let officers: Vec<OfficerId> = tellings.iter().filter_map(|telling| telling.officer).collect();
    let routes = outbox::routes(case.conn, county, &rooms, &officers).await?;
    let clocks: Vec<Deadline> = case.clocks.all().cloned().collect();
    let (mut rows, mut news) = (Vec::new(), Vec::new());
    for telling in tellings {
        let draft = draft(case.desk, &case.call, faces, &clocks, &case.person.name, telling, case.now);
        let known = news.iter().any(|told: &Draft| told.event == draft.event);
        if ENTERPRISE_HEARS.contains(&draft.event) && !known {
            news.push(draft.clone());
        }
        rows.extend(outbox::address(&draft, county, &routes, case.now));
    }
    outbox::post(case.conn, &rows).await?;
    for draft in news {
        enterprise::tell(case.conn, county, case.call.enterprise_id, &draft, case.now).await?;
    }
    Ok(())
}

/// One notice about a call, with everything its text may need.
#[must_use]
pub fn draft(
    desk: &Desk,
    call: &Call,
    faces: &Faces,
    clocks: &[Deadline],
    actor: &str,
    telling: Telling,
    now: DateTime<Utc>,
) -> Draft {
    let due =
        |clock| clocks.iter().find(|row| row.clock == clock && row.is_live()).map(|row| china(row.due_at));
    let mut params = json!({
        "callId": call.id,
        "number": call.number,
        "title": call.title,
        "text": call.text,
        "state": call.state,
        "urgency": call.urgency,
        "enterprise": faces.enterprise.name,
        "place": if call.place.is_empty() { &faces.enterprise.address } else { &call.place },
        "contactName": call.contact_name,
        "contactPhone": call.contact_phone,
        "department": faces.department.short_name,
        "holder": faces.holder.name,
        "holderMobile": faces.holder.mobile,
        "itemName": faces.item.as_ref().map(|item| &item.name),
        "actor": actor,
        "reason": call.route_reason,
        "dueAt": due(Clock::Accept),
        "resolveDueAt": due(Clock::Resolve),
        "raisedAt": china(call.raised_at),
        "appointmentAt": call.appointment_at.map(china),
    });
    if let (Some(officer), Some(map)) = (telling.officer, params.as_object_mut()) {
        let link = Link::new(call.county_id, call.id, officer, now);
        map.insert("actPath".into(), json!(link.path(&desk.link_key)));
    }
    if let Some(map) = params.as_object_mut() {
        map.extend(telling.extra);
    }
    Draft {
        subject_kind: SubjectKind::Call,
        subject_id: call.id.0,
        event: telling.event,
        department: telling.room,
        officer: telling.officer,
        priority: telling.priority,
        params,
    }
}
