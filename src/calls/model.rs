//! The vocabulary of a call: its rows and the words of its columns.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::ItemId;
use crate::deadlines::limits::Urgency;
use crate::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};
use crate::{id_type, schema, text_enum};

id_type!(
    /// A call (一叫 / 诉求 / 工单).
    CallId
);
id_type!(
    /// A side matter of a call.
    MatterId
);

text_enum!(
    /// Who owes the next step (DOMAIN §3).
    State {
        Triage = "triage",
        Dispatched = "dispatched",
        Accepted = "accepted",
        Arrived = "arrived",
        Resolved = "resolved",
        Closed = "closed",
        Withdrawn = "withdrawn",
        Refused = "refused",
        Merged = "merged",
    }
);

impl State {
    /// Nothing is owed any more.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn | Self::Refused | Self::Merged)
    }

    /// Before anybody has accepted.
    #[must_use]
    pub const fn is_unaccepted(self) -> bool {
        matches!(self, Self::Triage | Self::Dispatched)
    }

    /// Somebody works on it.
    #[must_use]
    pub const fn is_in_hand(self) -> bool {
        matches!(self, Self::Accepted | Self::Arrived)
    }

    /// The state's name for people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Triage => "待分派",
            Self::Dispatched => "待接单",
            Self::Accepted => "已接单",
            Self::Arrived => "已到场",
            Self::Resolved => "已办结，待企业确认",
            Self::Closed => "已关闭",
            Self::Withdrawn => "已撤回",
            Self::Refused => "不予受理",
            Self::Merged => "已合并",
        }
    }
}

text_enum!(
    /// Through which door the call came.
    Entrance { Enterprise = "enterprise", Phone = "phone", Letter = "letter", Visit = "visit" }
);

text_enum!(
    /// Which rule found the responsible officer, in the order of DOMAIN "Who is asked".
    RouteRule {
        ItemCard = "item_card",
        CategoryCard = "category_card",
        LeadOfficer = "lead_officer",
        ItemContact = "item_contact",
        DutyContact = "duty_contact",
        Triage = "triage",
        Assigned = "assigned",
        Transferred = "transferred",
        Ruled = "ruled",
    }
);

text_enum!(
    /// How a closed call was closed. Silence is counted apart, never as satisfied.
    Closing { Confirmed = "confirmed", Silent = "silent" }
);

text_enum!(
    /// What is asked beside the state.
    MatterKind {
        Return = "return",
        Extension = "extension",
        Pause = "pause",
        Assistance = "assistance",
        Transfer = "transfer",
        Reassign = "reassign",
        Redo = "redo",
        Reopen = "reopen",
        Merge = "merge",
    }
);

text_enum!(
    /// Asked → approved or refused; done when what was approved is over (pause ended, assistance given).
    MatterState { Asked = "asked", Approved = "approved", Refused = "refused", Done = "done" }
);

/// A row of `calls`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable, serde::Serialize)]
#[diesel(table_name = schema::calls, check_for_backend(diesel::pg::Pg))]
pub struct Call {
    pub id: CallId,
    pub county_id: CountyId,
    pub number: String,
    pub state: State,
    pub urgency: Urgency,
    pub wants_visit: bool,
    pub enterprise_id: EnterpriseId,
    pub item_id: Option<ItemId>,
    pub title: String,
    pub text: String,
    pub place: String,
    pub contact_name: String,
    pub contact_phone: String,
    pub appointment_at: Option<DateTime<Utc>>,
    pub entrance: Entrance,
    pub raised_by: Uuid,
    pub raised_at: DateTime<Utc>,
    pub department_id: DepartmentId,
    pub holder_id: OfficerId,
    pub backup_id: Option<OfficerId>,
    pub route_rule: RouteRule,
    pub route_reason: String,
    pub suggestions: Value,
    pub dispatched_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub arrived_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome_text: Option<String>,
    pub closing: Option<Closing>,
    pub merged_into: Option<CallId>,
    pub version: i32,
}

/// The columns of a call that a verb may change.
#[derive(AsChangeset)]
#[diesel(table_name = schema::calls, treat_none_as_null = true)]
pub struct CallChange<'a> {
    pub state: State,
    pub item_id: Option<ItemId>,
    pub title: &'a str,
    pub department_id: DepartmentId,
    pub holder_id: OfficerId,
    pub backup_id: Option<OfficerId>,
    pub route_rule: RouteRule,
    pub route_reason: &'a str,
    pub dispatched_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub arrived_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome_text: Option<&'a str>,
    pub closing: Option<Closing>,
    pub merged_into: Option<CallId>,
    pub version: i32,
}

/// A row of `side_matters`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::side_matters, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Matter {
    pub id: MatterId,
    pub county_id: CountyId,
    pub call_id: CallId,
    pub kind: MatterKind,
    pub state: MatterState,
    pub asked_by: Uuid,
    pub asked_at: DateTime<Utc>,
    pub reason_code: Option<String>,
    pub reason: String,
    pub evidence: String,
    pub from_department_id: Option<DepartmentId>,
    pub department_id: Option<DepartmentId>,
    pub officer_id: Option<OfficerId>,
    pub other_call_id: Option<CallId>,
    pub working_days: Option<i16>,
    pub until_at: Option<DateTime<Utc>>,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decision: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Matter {
    /// A new matter, asked now.
    #[must_use]
    pub fn asked(call: &Call, kind: MatterKind, by: Uuid, now: DateTime<Utc>, reason: String) -> Self {
        Self {
            id: MatterId::fresh(),
            county_id: call.county_id,
            call_id: call.id,
            kind,
            state: MatterState::Asked,
            asked_by: by,
            asked_at: now,
            reason_code: None,
            reason,
            evidence: String::new(),
            from_department_id: Some(call.department_id),
            department_id: None,
            officer_id: None,
            other_call_id: None,
            working_days: None,
            until_at: None,
            decided_by: None,
            decided_at: None,
            decision: None,
            ended_at: None,
        }
    }

    /// Decides it; nobody does when the clock does. The person who asked and the person who decides are kept apart by the verb's guard.
    pub fn decide(&mut self, approve: bool, by: Option<Uuid>, now: DateTime<Utc>, note: String) {
        self.state = if approve { MatterState::Approved } else { MatterState::Refused };
        self.decided_by = by;
        self.decided_at = Some(now);
        self.decision = Some(note);
    }

    /// What was approved is over.
    pub fn finish(&mut self, by: Option<Uuid>, now: DateTime<Utc>) {
        self.state = MatterState::Done;
        self.decided_by = self.decided_by.or(by);
        self.decided_at.get_or_insert(now);
        self.ended_at = Some(now);
    }
}
