//! Open clocks computed anew by the calendar that holds now. What is due moves, unless it is over or would be put into the past; what
//! has fired stays fired, and the ladder goes on where it stood, by the new hours.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::subjects::Subjects;
use super::{Calendars, CountyCalendars, deserialization, store};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::history::{Move, renewed};
use crate::deadlines::ladder::Timing;
use crate::deadlines::limits::Rules;
use crate::deadlines::model::{Clock, Deadline, DeadlineState, SubjectKind};
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, ActorKind, Fact};
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::db::DbError;
use crate::platform::time::china;

/// Brings the open clocks of one call and of what was asked beside it up to date, for a verb that is about to reckon with them.
///
/// # Errors
/// When Postgres is away, or a version of the calendar cannot be read.
pub async fn renew_call(
    conn: &mut AsyncPgConnection,
    calendars: &Calendars,
    county: CountyId,
    call: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut subjects: Vec<Uuid> =
        store::matters(conn, &[call]).await?.into_iter().map(|matter| matter.id).collect();
    subjects.push(call);
    renew(conn, calendars, county, &subjects, now).await.map(drop)
}

/// The same for the clocks of a supervision order.
///
/// # Errors
/// As [`renew_call`].
pub async fn renew_order(
    conn: &mut AsyncPgConnection,
    calendars: &Calendars,
    county: CountyId,
    order: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    renew(conn, calendars, county, &[order], now).await.map(drop)
}

/// Computes the open clocks of some subjects anew; how many due moments moved.
pub(super) async fn renew(
    conn: &mut AsyncPgConnection,
    calendars: &Calendars,
    county: CountyId,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<i32, DbError> {
    // Locked first: whoever fires or works on them has finished, and what is read now stays so.
    let subjects = Subjects::lock(conn, ids).await?;
    let (settings, revision) = store::county(conn, county).await?;
    let rules = Rules::of_county(&settings).map_err(|error| deserialization(error.to_string()))?;
    let current = calendars.at(conn, county, revision).await?;
    let mut unmoved: HashMap<i32, Vec<_>> = HashMap::new();
    let mut facts: HashMap<Uuid, (ledger::SubjectKind, Vec<Fact>)> = HashMap::new();
    let mut moved = 0;
    for clock in store::open_clocks(conn, ids).await? {
        let Some(owner) = subjects.of(&clock) else { continue };
        let edition = clock.edition();
        let new = current.for_clock(edition, Some(owner.department));
        if new.edition().version <= edition.version {
            continue;
        }
        let old = calendars.edition(conn, county, edition).await?;
        let timing =
            |calendar| Timing { calendar, ladders: &rules.ladder, item: None, critical: owner.critical };
        let next = anew(&timing(&old), &timing(&new), &clock, owner.moves, now);
        if next.edition() != edition && same_moments(&clock, &next) {
            unmoved.entry(next.calendar_version).or_default().push(clock.id);
            continue;
        }
        if next == clock {
            continue;
        }
        crate::deadlines::store::update(conn, &next).await?;
        if next.due_at == clock.due_at {
            continue;
        }
        moved += 1;
        if clock.clock == Clock::Pause {
            store::move_pause(conn, clock.subject_id, next.due_at).await?;
        }
        let event = match owner.chain {
            ledger::SubjectKind::SupervisionOrder => "order.deadline_moved",
            _ => "call.deadline_moved",
        };
        let (_, facts) = facts.entry(owner.id).or_insert((owner.chain, Vec::new()));
        facts.push(Fact::new(event, told(&next, clock.due_at)));
    }
    for (version, clocks) in unmoved {
        store::confirm(conn, &clocks, version).await?;
    }
    record(conn, county, facts, now).await?;
    Ok(moved)
}

/// A clock as it is by another calendar than the one it was computed by.
fn anew(
    old: &Timing<'_>,
    new: &Timing<'_>,
    clock: &Deadline,
    moves: &[Move],
    now: DateTime<Utc>,
) -> Deadline {
    let mut next = clock.clone();
    let runs = clock.state == DeadlineState::Running;
    if !clock.limit_unit.is_working() {
        // Due when it was; but its ladder climbs in working time.
        next.count_by(new.calendar.edition());
    } else if !(runs && clock.due_at <= now)
        && let Some(due) = renewed(old.calendar, new.calendar, clock, moves, now)
    {
        next.move_to(new, due);
        next.count_by(new.calendar.edition());
    }
    // What is over, or would be put into the past, stays under the version it was made by.
    match clock.fires_at.filter(|_| runs) {
        // Let off before its moment, and it should have fired already: it fires now, whatever the hours.
        Some(at) if at <= now && old.moment(clock, clock.step).is_some_and(|planned| at < planned) => {
            next.fires_at = Some(at);
        }
        Some(_) => {
            // What was lifted to the next opening fires when the office opens by the new hours.
            next.lifted_at = clock.lifted_at.map(|at| new.open(at));
            next.rearm(new);
        }
        None => next.fires_at = None,
    }
    next
}

/// Whether nothing differs but the version.
fn same_moments(clock: &Deadline, next: &Deadline) -> bool {
    let version = clock.calendar_version;
    *clock == Deadline { calendar_version: version, ..next.clone() }
}

fn told(clock: &Deadline, before: DateTime<Utc>) -> Value {
    let matter = (clock.subject_kind == SubjectKind::SideMatter).then_some(clock.subject_id);
    json!({
        "clock": clock.clock,
        "matterId": matter,
        "from": china(before).to_rfc3339(),
        "to": china(clock.due_at).to_rfc3339(),
        "provisional": clock.provisional,
        "calendarVersion": clock.calendar_version,
    })
}

async fn record(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    facts: HashMap<Uuid, (ledger::SubjectKind, Vec<Fact>)>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let actor = Actor { kind: ActorKind::Clock, id: None, name: "工作日历".to_owned() };
    for (id, (kind, facts)) in facts {
        let subject = Subject { county_id: county.0, kind, id };
        let at = ledger::store::last_at(conn, id).await?.map_or(now, |last| last.max(now));
        ledger::store::append(conn, subject, &actor, at, facts).await?;
    }
    Ok(())
}

impl CountyCalendars {
    /// Whether a clock that is still to come was computed by an older version than the one that holds.
    #[must_use]
    pub fn moves(&self, clock: &Deadline, responsible: DepartmentId, now: DateTime<Utc>) -> bool {
        let open = match clock.state {
            DeadlineState::Running => clock.due_at > now,
            DeadlineState::Paused => true,
            DeadlineState::Met | DeadlineState::Missed | DeadlineState::Cancelled => false,
        };
        let holds = |calendar: &Calendar| calendar.edition().version > clock.calendar_version;
        open && clock.limit_unit.is_working() && holds(&self.for_clock(clock.edition(), Some(responsible)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::ClockBook;
    use crate::deadlines::calendar::{Edition, statutory};
    use crate::deadlines::model::{LiftedBy, Limit};

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-23T{text}:00+08:00")).unwrap().to_utc()
    }

    /// A clock of two working hours from 10:00 on, changed by `change`, then by office hours that begin at 10:30.
    fn renewed_by(
        limit: Limit,
        now: &str,
        change: impl FnOnce(&mut ClockBook, &Timing<'_>),
    ) -> (Deadline, Deadline) {
        let usual = Calendar::statutory().unwrap();
        let mut definition = statutory::definition().unwrap();
        definition.hours = Some(vec!["10:30-12:00".to_owned(), "14:00-18:00".to_owned()]);
        let later = Calendar::new(definition.county().unwrap(), Edition { version: 1, ..Edition::default() });
        let rules = Rules::defaults();
        let timing = |calendar| Timing { calendar, ladders: &rules.ladder, item: None, critical: false };
        let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, Uuid::nil());
        book.start(&timing(&usual), Clock::Arrive, at("10:00"), limit);
        change(&mut book, &timing(&usual));
        let clock = book.live(Clock::Arrive).unwrap().clone();
        let next = anew(&timing(&usual), &timing(&later), &clock, &[], at(now));
        (clock, next)
    }

    #[test]
    fn what_is_to_come_moves_with_its_ladder() {
        let (_, next) = renewed_by(Limit::working_minutes(120), "10:01", |_, _| {});
        assert_eq!((next.due_at, next.fires_at), (at("14:30"), Some(at("11:30"))));
        assert_eq!((next.step, next.calendar_version), (0, 1));
    }

    #[test]
    fn what_was_lifted_fires_all_the_same() {
        let lift = |book: &mut ClockBook, timing: &Timing<'_>| {
            assert_eq!(book.lift(timing, Clock::Arrive, at("10:05"), 3, LiftedBy::Urge), Some(0));
        };
        let (_, next) = renewed_by(Limit::working_minutes(120), "10:06", lift);
        assert_eq!((next.due_at, next.fires_at), (at("14:30"), Some(at("10:05"))));
    }

    #[test]
    fn what_stands_still_or_has_nothing_left_stays_silent() {
        let pause = |book: &mut ClockBook, _: &Timing<'_>| book.pause(Clock::Arrive, at("10:05"));
        let (_, next) = renewed_by(Limit::working_minutes(120), "10:06", pause);
        assert_eq!((next.due_at, next.fires_at), (at("14:30"), None));
        assert_eq!(next.state, DeadlineState::Paused);
    }

    #[test]
    fn minutes_round_the_clock_stay_and_only_their_ladder_waits_for_the_opening() {
        let (clock, next) = renewed_by(Limit::minutes(20), "10:01", |_, _| {});
        assert_eq!((clock.due_at, clock.fires_at), (at("10:20"), Some(at("10:10"))));
        assert_eq!((next.due_at, next.fires_at), (at("10:20"), Some(at("10:20"))));
        assert_eq!(next.calendar_version, 1);
    }

    #[test]
    fn what_is_over_keeps_its_moment_and_its_version() {
        let (clock, next) = renewed_by(Limit::working_minutes(15), "10:20", |_, _| {});
        assert_eq!((next.due_at, next.calendar_version), (clock.due_at, 0));
    }
}
