//! Which notices a verb sends, and what stands in them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::desk::Desk;
use super::link::Link;
use super::model::{Call, MatterId};
use super::store::Faces;
use crate::deadlines::limits::CallRules;
use crate::deadlines::{Clock, Deadline};
use crate::notices::enterprise;
use crate::notices::model::{Priority, SubjectKind};
use crate::notices::outbox::{self, Draft};
use crate::organisation::{DepartmentId, OfficerId};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// What the enterprise is told as well; what it does itself it need not be told.
const ENTERPRISE_HEARS: [&str; 11] = [
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
    "call.closed_silently",
];

/// What the enterprise hears when officers are told this; that its call is another's now it hears in words of its own.
fn enterprise_hears(draft: &Draft) -> Option<&'static str> {
    match draft.event {
        "call.assigned" | "call.transferred" => Some("call.handed_on"),
        // A return that was granted called the next officer.
        "call.ruled" => draft.officer.is_some().then_some("call.handed_on"),
        event => ENTERPRISE_HEARS.contains(&event).then_some(event),
    }
}

/// A notice that a verb plans.
#[derive(Clone, Debug)]
pub struct Telling {
    pub event: &'static str,
    /// The department whose room hears it; none: only the county's own channels.
    pub room: Option<DepartmentId>,
    /// The officer whose action is awaited.
    pub officer: Option<OfficerId>,
    /// The request he is to decide; none: it is about the call itself.
    pub matter: Option<MatterId>,
    pub priority: Priority,
    /// What this event says beyond the call itself.
    pub extra: Map<String, Value>,
}

impl Telling {
    /// News for a room.
    #[must_use]
    pub fn news(event: &'static str, room: DepartmentId) -> Self {
        Self { room: Some(room), ..Self::quiet(event) }
    }

    /// An alarm: this officer is to act.
    #[must_use]
    pub fn alarm(event: &'static str, room: DepartmentId, officer: OfficerId) -> Self {
        Self { officer: Some(officer), priority: Priority::FirstAlarm, ..Self::news(event, room) }
    }

    /// Only the county's own channels hear it.
    #[must_use]
    pub fn quiet(event: &'static str) -> Self {
        let priority = Priority::Normal;
        Self { event, room: None, officer: None, matter: None, priority, extra: Map::new() }
    }

    /// It asks for a decision on a request: its link opens that request, and it is settled with it, not with the call.
    #[must_use]
    pub fn about(mut self, matter: MatterId) -> Self {
        self.matter = Some(matter);
        self
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
    let scene = Scene {
        desk: case.desk,
        rules: &case.rules.calls,
        call: &case.call,
        faces,
        clocks: &clocks,
        actor: &case.person.name,
        now: case.now,
    };
    let (mut rows, mut news) = (Vec::new(), Vec::new());
    for telling in tellings {
        let draft = scene.draft(telling);
        if let Some(event) = enterprise_hears(&draft)
            && news.iter().all(|told: &Draft| told.event != event)
        {
            news.push(Draft { event, ..draft.clone() });
        }
        rows.extend(outbox::address(&draft, county, &routes, case.now));
    }
    outbox::post(case.conn, &rows).await?;
    for draft in news {
        enterprise::tell(case.conn, county, case.call.enterprise_id, &draft, case.now).await?;
    }
    Ok(())
}

/// A call with everything that the text of a notice may need.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub desk: &'a Desk,
    pub rules: &'a CallRules,
    pub call: &'a Call,
    pub faces: &'a Faces,
    pub clocks: &'a [Deadline],
    /// Who did it.
    pub actor: &'a str,
    pub now: DateTime<Utc>,
}

impl Scene<'_> {
    /// One notice about the call, or about a request beside it.
    #[must_use]
    pub fn draft(self, telling: Telling) -> Draft {
        let mut params = self.params();
        if let Some(map) = params.as_object_mut() {
            if let Some(officer) = telling.officer {
                map.insert("actPath".into(), json!(self.link(officer, telling.matter)));
            }
            map.extend(telling.extra);
        }
        let (subject_kind, subject_id) = match telling.matter {
            Some(matter) => (SubjectKind::SideMatter, matter.0),
            None => (SubjectKind::Call, self.call.id.0),
        };
        Draft {
            subject_kind,
            subject_id,
            event: telling.event,
            department: telling.room,
            officer: telling.officer,
            priority: telling.priority,
            params,
        }
    }

    fn link(self, officer: OfficerId, matter: Option<MatterId>) -> String {
        let expires_at = self.now + TimeDelta::days(self.rules.link_days);
        let link = Link { matter, ..Link::new(self.call.county_id, self.call.id, officer, expires_at) };
        link.path(&self.desk.link_key)
    }

    fn params(self) -> Value {
        let Self { call, faces, .. } = self;
        let due = |clock| {
            self.clocks.iter().find(|row| row.clock == clock && row.is_live()).map(|row| china(row.due_at))
        };
        json!({
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
            "actor": self.actor,
            "reason": call.route_reason,
            "dueAt": due(Clock::Accept),
            "resolveDueAt": due(Clock::Resolve),
            "raisedAt": china(call.raised_at),
            "appointmentAt": call.appointment_at.map(china),
        })
    }
}
