//! The question and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::deadlines::Clock;
use crate::deadlines::ladders::own::OwnRules;
use crate::platform::crypto::Vault;
use crate::platform::http::cursor::Paging;
use crate::platform::http::problem::{CommonCode, FieldError, Problem};

/// The longest period, in days.
const LONGEST_DAYS: i64 = 366;
/// How many clocks are listed when nothing is said, and at most.
const LISTED: u16 = 100;
const MOST_LISTED: u16 = 1000;

/// What would have been, had these rules held.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Simulate {
    /// Of calls raised from this moment on …
    pub from: DateTime<FixedOffset>,
    /// … until before this one: at most a year later, and over.
    pub until: DateTime<FixedOffset>,
    /// What the county would choose, as a whole, in the form of `PUT /api/v1/admin/ladders`.
    #[serde(default)]
    pub rules: OwnRules,
    /// How many late clocks are listed, at most 1000; 100 when not given.
    pub limit: Option<u16>,
    /// `nextCursor` of the page before, with the same question: the list goes on, and nothing is counted again.
    pub cursor: Option<String>,
}

impl Simulate {
    /// The period.
    ///
    /// # Errors
    /// 422 when it is none, too long, or not over.
    pub fn period(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let (from, until) = (self.from.to_utc(), self.until.to_utc());
        let (code, zh, en) = if until <= from {
            ("wrong_order", "须晚于 from", "it is not later than `from`")
        } else if until - from > TimeDelta::days(LONGEST_DAYS) {
            ("too_long", "最长一年", "at most a year")
        } else if until > now {
            ("in_future", "只能推演已经过去的时段", "the period is not over")
        } else {
            return Ok((from, until));
        };
        Err(Problem::invalid(vec![FieldError::new("until", code, zh, en)]))
    }

    /// How many late clocks are listed.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.limit.unwrap_or(LISTED).clamp(1, MOST_LISTED).into()
    }

    /// After which clock the list goes on; none: from the first, with the counts.
    ///
    /// # Errors
    /// 400 when the cursor is none of this list.
    pub fn after(&self, vault: &Vault) -> Result<Option<Place>, Problem> {
        let sealed: Option<String> = Paging { cursor: self.cursor.clone(), limit: None }.after(LIST)?;
        let Some(sealed) = sealed else { return Ok(None) };
        open(vault, &sealed).map(Some).ok_or_else(|| CommonCode::BadCursor.into())
    }
}

/// A clock in the order of the list: its call, and itself.
pub type Place = (Uuid, Uuid);

const PURPOSE: &str = "simulate-cursor";

/// A place as cursors hold it: sealed. Those of other lists hold what their items show; here a reader may be one who is shown no calls.
#[must_use]
pub fn seal(vault: &Vault, (call, clock): Place) -> String {
    let sealed = vault.seal(PURPOSE, &[call.into_bytes(), clock.into_bytes()].concat());
    // Sealing a few bytes cannot fail; an empty cursor would be refused.
    URL_SAFE_NO_PAD.encode(sealed.unwrap_or_default())
}

fn open(vault: &Vault, sealed: &str) -> Option<Place> {
    let plain = vault.open(PURPOSE, &URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
    let (call, clock) = plain.split_at_checked(16)?;
    Some((Uuid::from_slice(call).ok()?, Uuid::from_slice(clock).ok()?))
}

/// The list of late clocks, to cursors.
pub const LIST: &str = "simulated";

/// What would have been, beside what was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    pub from: DateTime<FixedOffset>,
    pub until: DateTime<FixedOffset>,
    #[serde(flatten)]
    pub sums: Sums,
    /// Clocks that would have been late or were, in the order in which their calls were raised.
    pub items: Vec<LateClock>,
    /// Where the list goes on; missing when it is at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The counts of a replay: of the whole period, whatever is listed. With the first page alone: on the pages after it (asked for with
/// `cursor`) these members are missing.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = SimulationSums)]
pub struct Sums {
    /// Calls of the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<i64>,
    /// Their clocks that were replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<i64>,
    /// Clocks that would have been late, and that were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Both>,
    /// By clock and the department that held the call when it was due, the most late first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Vec<LateCount>>,
    /// On how many clocks each rung would have been told, and was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rungs: Option<Vec<RungCount>>,
    /// How many clocks would have been late or were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

/// Under the other rules, and in truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Both {
    pub would: i64,
    pub was: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LateCount {
    pub clock: Clock,
    /// What is promised, for people.
    pub clock_name: &'static str,
    pub department: Unit,
    /// Of so many clocks.
    pub clocks: i64,
    pub late: Both,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SimulatedUnit)]
pub struct Unit {
    pub code: String,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RungCount {
    pub clock: Clock,
    pub clock_name: &'static str,
    pub rung: i16,
    pub told: Both,
}

/// A clock that would have been late, or was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LateClock {
    pub call: SimulatedCall,
    pub clock: Clock,
    pub clock_name: &'static str,
    pub started_at: DateTime<FixedOffset>,
    /// When what was promised happened, or the promise lapsed; none: it is awaited still.
    pub ended_at: Option<DateTime<FixedOffset>>,
    pub would: Course,
    pub was: Course,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedCall {
    /// Not for a system administrator, who tries rules and sees no calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub number: String,
    /// Likewise: it may hold the enterprise's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub raised_at: DateTime<FixedOffset>,
}

/// How it went.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// As in settings, `15wm`; of a promised moment the grace.
    pub limit: String,
    pub due_at: DateTime<FixedOffset>,
    pub late: bool,
    /// In working minutes (critical calls: minutes).
    pub late_minutes: i64,
    /// Who held the call when it was due.
    pub department: Unit,
    /// The rungs that were told.
    pub rungs: Vec<i16>,
}
