//! A call as the API shows it.

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::desk::Desk;
use super::model::{
    Call, CallId, Closing, Entrance, Matter, MatterId, MatterKind, MatterState, RouteRule, State,
};
use super::standing::Standing;
use super::state::{Beside, Verb, allowed};
use super::store::Faces;
use crate::catalogue::suggest::SuggestedItem;
use crate::deadlines::limits::Urgency;
use crate::deadlines::{Clock, Deadline, DeadlineState, Limit};
use crate::organisation::model::Post;
use crate::organisation::{DepartmentId, EnterpriseId, OfficerId};
use crate::platform::mask::{mask_phone, mask_phones};
use crate::platform::time::china;

/// A call.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    pub id: CallId,
    /// Nine digits to say on the phone; the last is a check digit.
    pub number: String,
    pub state: State,
    pub urgency: Urgency,
    /// Whether the officer is asked to come.
    pub visit: bool,
    pub item_code: Option<String>,
    pub item_name: Option<String>,
    pub title: String,
    pub text: String,
    /// Where to come: the enterprise's address unless it named another place.
    pub place: String,
    pub contact_name: String,
    /// Full for the enterprise and the officers in charge, else masked.
    pub contact_phone: String,
    pub appointment_at: Option<DateTime<FixedOffset>>,
    pub entrance: Entrance,
    pub enterprise: EnterpriseView,
    pub department: DepartmentView,
    /// The one person responsible now.
    pub holder: HolderView,
    pub route: RouteView,
    /// For a call in triage: items it may be about, likeliest first.
    #[schema(value_type = Vec<SuggestedItem>)]
    pub suggestions: Value,
    pub clocks: Vec<ClockView>,
    pub matters: Vec<MatterView>,
    pub raised_at: DateTime<FixedOffset>,
    pub dispatched_at: Option<DateTime<FixedOffset>>,
    pub accepted_at: Option<DateTime<FixedOffset>>,
    pub arrived_at: Option<DateTime<FixedOffset>>,
    pub resolved_at: Option<DateTime<FixedOffset>>,
    pub ended_at: Option<DateTime<FixedOffset>>,
    /// What was done, or why the call was refused.
    pub outcome: Option<String>,
    pub closing: Option<Closing>,
    pub merged_into: Option<CallId>,
    /// Six digits for the enterprise to show to the officer who has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival_code: Option<String>,
    pub version: i32,
    /// The verbs that the caller may use now.
    pub allowed: Vec<Verb>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnterpriseView {
    pub id: EnterpriseId,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DepartmentView {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HolderView {
    pub id: OfficerId,
    pub name: String,
    pub phone: String,
    pub role: Post,
    pub title: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RouteView {
    pub rule: RouteRule,
    pub reason: String,
}

/// One promise.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockView {
    pub name: Clock,
    pub limit: Limit,
    pub started_at: DateTime<FixedOffset>,
    pub due_at: DateTime<FixedOffset>,
    pub state: DeadlineState,
    pub stopped_at: Option<DateTime<FixedOffset>>,
    /// True when it rests on a year whose holidays are not published yet.
    pub provisional: bool,
}

/// A side matter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatterView {
    pub id: MatterId,
    pub kind: MatterKind,
    pub state: MatterState,
    pub asked_by: Uuid,
    pub asked_at: DateTime<FixedOffset>,
    pub reason_code: Option<String>,
    pub reason: String,
    /// What an official gave as evidence; for officials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// To where, or who helps; of an extension, the department that decides instead of the officer's own.
    pub department_id: Option<DepartmentId>,
    /// To whom, or who was called to decide.
    pub officer_id: Option<OfficerId>,
    pub other_call_id: Option<CallId>,
    pub working_days: Option<i16>,
    pub until: Option<DateTime<FixedOffset>>,
    pub decided_at: Option<DateTime<FixedOffset>>,
    pub decision: Option<String>,
    pub ended_at: Option<DateTime<FixedOffset>>,
}

/// The call as somebody of this standing sees it at `now`.
#[must_use]
pub fn view(
    desk: &Desk,
    call: &Call,
    faces: Faces,
    matters: &[Matter],
    clocks: &[Deadline],
    standing: &Standing,
    now: DateTime<Utc>,
) -> CallView {
    let close = standing.reads_phones();
    let phone = |phone: &str| if close { phone.to_owned() } else { mask_phone(phone) };
    let words = |words: &str| if close { words.to_owned() } else { mask_phones(words) };
    let at = |moment: Option<DateTime<Utc>>| moment.map(china);
    let shows_code = standing.member && call.state == State::Accepted;
    CallView {
        id: call.id,
        number: call.number.clone(),
        state: call.state,
        urgency: call.urgency,
        visit: call.wants_visit,
        item_code: faces.item.as_ref().map(|item| item.code.clone()),
        item_name: faces.item.map(|item| item.name),
        title: words(&call.title),
        text: words(&call.text),
        place: if call.place.is_empty() { faces.enterprise.address } else { words(&call.place) },
        contact_name: words(&call.contact_name),
        contact_phone: phone(&call.contact_phone),
        appointment_at: at(call.appointment_at),
        entrance: call.entrance,
        enterprise: EnterpriseView { id: faces.enterprise.id, name: faces.enterprise.name },
        department: DepartmentView {
            id: faces.department.id,
            code: faces.department.code,
            name: faces.department.name,
        },
        holder: HolderView {
            id: faces.holder.id,
            name: faces.holder.name,
            phone: phone(&faces.holder.mobile),
            role: faces.holder.post,
            title: faces.holder.title,
        },
        route: RouteView { rule: call.route_rule, reason: words(&call.route_reason) },
        suggestions: call.suggestions.clone(),
        clocks: clocks
            .iter()
            .filter(|row| row.state != DeadlineState::Cancelled)
            .map(|row| clock_view(row, now))
            .collect(),
        matters: matters.iter().map(|matter| matter_view(matter, standing)).collect(),
        raised_at: china(call.raised_at),
        dispatched_at: at(call.dispatched_at),
        accepted_at: at(call.accepted_at),
        arrived_at: at(call.arrived_at),
        resolved_at: at(call.resolved_at),
        ended_at: at(call.ended_at),
        outcome: call.outcome_text.as_deref().map(words),
        closing: call.closing,
        merged_into: call.merged_into,
        arrival_code: shows_code.then(|| desk.arrival_code(call.id, now)),
        version: call.version,
        allowed: allowed(call, standing, Beside(matters)),
    }
}

/// A clock as shown at `now`.
#[must_use]
pub fn clock_view(row: &Deadline, now: DateTime<Utc>) -> ClockView {
    ClockView {
        name: row.clock,
        limit: Limit { amount: row.limit_amount, unit: row.limit_unit },
        started_at: china(row.started_at),
        due_at: china(row.due_at),
        state: row.shown_state(now),
        stopped_at: row.stopped_at.map(china),
        provisional: row.provisional,
    }
}

fn matter_view(matter: &Matter, standing: &Standing) -> MatterView {
    let words = |words: &String| if standing.reads_phones() { words.clone() } else { mask_phones(words) };
    let evidence = Some(&matter.evidence).filter(|words| standing.official() && !words.is_empty());
    MatterView {
        id: matter.id,
        kind: matter.kind,
        state: matter.state,
        asked_by: matter.asked_by,
        asked_at: china(matter.asked_at),
        reason_code: matter.reason_code.clone(),
        reason: words(&matter.reason),
        evidence: evidence.map(words),
        department_id: matter.department_id,
        officer_id: matter.officer_id,
        other_call_id: matter.other_call_id,
        working_days: matter.working_days,
        until: matter.until_at.map(china),
        decided_at: matter.decided_at.map(china),
        decision: matter.decision.as_ref().map(words),
        ended_at: matter.ended_at.map(china),
    }
}
