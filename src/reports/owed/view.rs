//! A running promise as the API shows it.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::Owed;
use crate::deadlines::Clock;
use crate::deadlines::CountyCalendars;
use crate::deadlines::limits::Urgency;
use crate::platform::mask::mask_phones;
use crate::platform::time::china;

/// A promise that runs, and who owes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwedView {
    pub clock: Clock,
    /// What is promised, for people.
    pub clock_name: &'static str,
    /// The call it belongs to; none for a supervision order in general.
    pub call: Option<OwedCall>,
    /// The supervision order whose step it is.
    pub order_number: Option<String>,
    pub department: OwedUnit,
    /// Who holds it, or leads the department that was ordered; none when the department as a whole owes it.
    pub officer: Option<OwedOfficer>,
    pub started_at: DateTime<FixedOffset>,
    pub due_at: DateTime<FixedOffset>,
    /// In working minutes (critical calls: minutes); zero when it is not due yet.
    pub late_minutes: i64,
    /// How long its holder has had it, likewise.
    pub held_minutes: Option<i64>,
    /// The highest rung of the ladder that has been told; none when nobody was yet.
    pub rung: Option<i16>,
    /// When the ladder climbs next.
    pub next_at: Option<DateTime<FixedOffset>>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwedCall {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub enterprise: String,
    pub urgency: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwedUnit {
    pub code: String,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwedOfficer {
    pub id: Uuid,
    pub name: String,
}

/// Shows a row as it stands at `now`.
#[must_use]
pub fn view(row: Owed, calendars: &CountyCalendars, now: DateTime<Utc>) -> OwedView {
    let critical = row.urgency.as_deref() == Some(Urgency::Critical.as_str());
    let calendar = calendars.of(row.department_id);
    let minutes = |from: DateTime<Utc>| {
        let span = if critical { now - from } else { calendar.working_between(from, now) };
        span.max(TimeDelta::zero()).num_minutes()
    };
    OwedView {
        clock: row.clock,
        clock_name: row.clock.zh(),
        late_minutes: if now > row.due_at { minutes(row.due_at) } else { 0 },
        held_minutes: row.held_since.map(minutes),
        call: row.call_id.map(|id| OwedCall {
            id,
            number: row.call_number.unwrap_or_default(),
            title: mask_phones(&row.title.unwrap_or_default()),
            enterprise: row.enterprise.unwrap_or_default(),
            urgency: row.urgency.unwrap_or_default(),
        }),
        order_number: row.order_number,
        department: OwedUnit {
            code: row.department_code.unwrap_or_default(),
            name: row.department.unwrap_or_default(),
        },
        officer: row.officer_id.zip(row.officer).map(|(id, name)| OwedOfficer { id, name }),
        started_at: china(row.started_at),
        due_at: china(row.due_at),
        rung: row.rung,
        next_at: row.fires_at.map(china),
    }
}
