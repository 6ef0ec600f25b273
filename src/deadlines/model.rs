//! The vocabulary of clocks.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::calendar::{Due, Edition};
use super::ladder::Timing;
use crate::organisation::{CountyId, DepartmentId};
use crate::{id_type, schema, text_enum};

id_type!(
    /// A row of `deadlines`.
    DeadlineId
);

text_enum!(
    /// What a deadline is about.
    SubjectKind { Call = "call", SideMatter = "side_matter", SupervisionOrder = "supervision_order" }
);

text_enum!(
    /// The event that is promised (DOMAIN: T1–T7 and the side clocks).
    Clock {
        /// T1
        Accept = "accept",
        /// T2
        Contact = "contact",
        /// T3
        Arrive = "arrive",
        /// T4
        Plan = "plan",
        /// T5
        Resolve = "resolve",
        /// T6
        Confirm = "confirm",
        /// T7
        Stall = "stall",
        /// A date the officer promised; replaces T4.
        Promise = "promise",
        /// An agreed hour; replaces T1–T3.
        Appointment = "appointment",
        /// The business office decides where an unrouted call goes.
        Triage = "triage",
        ReturnRuling = "return_ruling",
        Assistance = "assistance",
        /// The bound of a pause.
        Pause = "pause",
        /// The ordered department signs for a supervision order.
        OrderSign = "order_sign",
        /// And answers it.
        OrderReply = "order_reply",
        /// Whoever supervises closes it or sends it back.
        OrderClose = "order_close",
    }
);

impl Clock {
    /// Whether its due moment is no broken promise but a consequence: silence confirms, a pause ends.
    #[must_use]
    pub const fn acts_by_itself(self) -> bool {
        matches!(self, Self::Confirm | Self::Pause)
    }

    /// Whether somebody else than the call's own department owes it.
    #[must_use]
    pub const fn is_of_others(self) -> bool {
        matches!(self, Self::ReturnRuling | Self::Assistance)
    }

    /// Whether a pause holds it: T4, T5, and the moment that was promised in the place of T4; never T1 to T3.
    #[must_use]
    pub const fn may_stand_still(self) -> bool {
        matches!(self, Self::Plan | Self::Resolve | Self::Promise)
    }

    /// Whether it is about a step of a supervision order.
    #[must_use]
    pub const fn is_of_order(self) -> bool {
        matches!(self, Self::OrderSign | Self::OrderReply | Self::OrderClose)
    }

    /// What is promised, for people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Accept => "接单",
            Self::Contact => "联系企业",
            Self::Arrive => "到场",
            Self::Plan => "答复方案",
            Self::Resolve => "办结",
            Self::Confirm => "企业确认",
            Self::Stall => "进展",
            Self::Promise => "承诺",
            Self::Appointment => "预约到场",
            Self::Triage => "分派",
            Self::ReturnRuling => "退回裁定",
            Self::Assistance => "协办",
            Self::Pause => "暂停到期",
            Self::OrderSign => "督办单签收",
            Self::OrderReply => "督办单答复",
            Self::OrderClose => "督办单办结",
        }
    }
}

text_enum!(
    /// `missed` is also shown for a running clock whose due moment is over.
    DeadlineState { Running = "running", Paused = "paused", Met = "met", Missed = "missed", Cancelled = "cancelled" }
);

text_enum!(
    /// How a limit counts.
    Unit {
        /// Round the clock.
        Minute = "minute",
        WorkingMinute = "working_minute",
        WorkingDay = "working_day",
        /// A given moment; the amount is the grace in minutes.
        Moment = "moment",
    }
);

text_enum!(
    /// What let a step fire before its time.
    LiftedBy {
        /// The enterprise.
        Urge = "urge",
        /// Whoever supervises.
        Official = "official",
        /// The alarm before it reached nobody.
        Unreached = "unreached",
    }
);

impl Unit {
    /// Whether the working calendar decides when it is over.
    #[must_use]
    pub const fn is_working(self) -> bool {
        matches!(self, Self::WorkingMinute | Self::WorkingDay)
    }
}

/// So much time in such a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    pub amount: i32,
    pub unit: Unit,
}

impl Limit {
    #[must_use]
    pub const fn minutes(amount: i32) -> Self {
        Self { amount, unit: Unit::Minute }
    }

    #[must_use]
    pub const fn working_minutes(amount: i32) -> Self {
        Self { amount, unit: Unit::WorkingMinute }
    }

    #[must_use]
    pub const fn working_days(amount: i32) -> Self {
        Self { amount, unit: Unit::WorkingDay }
    }
}

impl std::fmt::Display for Limit {
    /// As it is written in settings: `15wm`, `3wd`, `5m`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Minute | Unit::Moment => "m",
            Unit::WorkingMinute => "wm",
            Unit::WorkingDay => "wd",
        };
        write!(f, "{}{unit}", self.amount)
    }
}

/// A row of `deadlines`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = schema::deadlines, check_for_backend(diesel::pg::Pg))]
pub struct Deadline {
    pub id: DeadlineId,
    pub county_id: CountyId,
    pub subject_kind: SubjectKind,
    pub subject_id: Uuid,
    pub clock: Clock,
    pub state: DeadlineState,
    pub started_at: DateTime<Utc>,
    pub limit_amount: i32,
    pub limit_unit: Unit,
    pub due_at: DateTime<Utc>,
    pub provisional: bool,
    pub paused_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
    /// When the engine looks at it next; none when nothing is left to do.
    pub fires_at: Option<DateTime<Utc>>,
    /// Which step that is, counted from zero.
    pub step: i16,
    /// The calendar by which it is due.
    pub calendar_version: i32,
    pub calendar_department: Option<DepartmentId>,
    /// It could not fire; it is not looked at before then.
    pub held_until: Option<DateTime<Utc>>,
    /// The code of the call's item when it started, by whose ladder it climbs to its end.
    pub item_code: Option<String>,
    /// To when somebody lifted the step at which it stands.
    pub lifted_at: Option<DateTime<Utc>>,
    /// And what lifted it.
    pub lifted_by: Option<LiftedBy>,
    /// The moment as it was given, of a clock in [`Unit::Moment`]: what a pause adds is not part of what was promised.
    pub promised_at: Option<DateTime<Utc>>,
}

impl Deadline {
    /// The state to show at `now`: a running clock past its due moment is missed.
    #[must_use]
    pub fn shown_state(&self, now: DateTime<Utc>) -> DeadlineState {
        if self.state == DeadlineState::Running && now > self.due_at {
            DeadlineState::Missed
        } else {
            self.state
        }
    }

    /// Another due moment. What has fired does not fire again: the ladder goes on where it stood, by the new moment.
    pub fn move_to(&mut self, timing: &Timing<'_>, due: Due) {
        self.due_at = due.at;
        self.provisional = due.provisional;
        self.rearm(timing);
    }

    /// Lets the engine look at it at the moment of the step at which it stands, or as early as somebody has lifted that step.
    pub fn rearm(&mut self, timing: &Timing<'_>) {
        let own = timing.moment(self, self.step).filter(|_| self.state == DeadlineState::Running);
        self.fires_at = own.map(|own| self.lifted_at.map_or(own, |lifted| lifted.min(own)));
    }

    /// Which calendar it was computed by.
    #[must_use]
    pub const fn edition(&self) -> Edition {
        Edition { version: self.calendar_version, department: self.calendar_department }
    }

    /// It is computed by this calendar now.
    pub const fn count_by(&mut self, edition: Edition) {
        self.calendar_version = edition.version;
        self.calendar_department = edition.department;
    }

    /// When the step at which it stands should fire.
    #[must_use]
    pub fn planned_at(&self) -> DateTime<Utc> {
        self.fires_at.unwrap_or(self.due_at)
    }

    /// Whether the engine should have fired it before `moment` and may do so at `now`.
    #[must_use]
    pub fn waits_before(&self, moment: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.fires_at.is_some_and(|at| at < moment) && self.held_until.is_none_or(|until| until <= now)
    }

    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.state, DeadlineState::Running | DeadlineState::Paused)
    }
}
