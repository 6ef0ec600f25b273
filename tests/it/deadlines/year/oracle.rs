//! What must have fired, computed anew from each clock as it stands at the end: start, due moment, stop.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;
use yijiao::deadlines::calendar::Calendar;
use yijiao::deadlines::ladder::{Timing, What};
use yijiao::deadlines::limits::{Rules, Urgency};
use yijiao::deadlines::model::DeadlineId;
use yijiao::deadlines::{Clock, Deadline, SubjectKind};
use yijiao::schema::{calls, deadlines, firings, side_matters};

use crate::kit::County;

#[derive(Clone, Debug, PartialEq, Queryable)]
struct Firing {
    deadline: DeadlineId,
    step: i16,
    planned_at: DateTime<Utc>,
    fired_at: DateTime<Utc>,
    outcome: String,
}

/// Every moment of every clock while it ran has one firing, at that moment, or at once when it was planned in the past; none fired
/// besides. Of a clock whose due moment was moved, or that was lifted, what fired before cannot be told from how it stands at the
/// end: of it only the steps are counted.
pub async fn every_moment_fired(county: &County) {
    let mut auditor = county.auditor().await;
    let rows: Vec<Deadline> =
        deadlines::table.select(Deadline::as_select()).load(&mut auditor).await.unwrap();
    let fired: Vec<Firing> = firings::table
        .order((firings::deadline_id, firings::step))
        .select((
            firings::deadline_id,
            firings::step,
            firings::planned_at,
            firings::fired_at,
            firings::outcome,
        ))
        .load(&mut auditor)
        .await
        .unwrap();
    let mut of_row: HashMap<DeadlineId, Vec<Firing>> = HashMap::new();
    for one in fired {
        of_row.entry(one.deadline).or_default().push(one);
    }
    let urgency: HashMap<Uuid, Urgency> = calls::table
        .select((calls::id, calls::urgency))
        .load(&mut auditor)
        .await
        .unwrap()
        .into_iter()
        .collect();
    let matters: HashMap<Uuid, Uuid> = side_matters::table
        .select((side_matters::id, side_matters::call_id))
        .load(&mut auditor)
        .await
        .unwrap()
        .into_iter()
        .collect();
    let moved = moved(county).await;
    let (calendar, rules) = (Calendar::statutory().unwrap(), Rules::defaults());
    let (mut exact, mut counted) = (0, 0);
    for row in &rows {
        let call = match row.subject_kind {
            SubjectKind::Call => Some(row.subject_id),
            SubjectKind::SideMatter => Some(matters[&row.subject_id]),
            SubjectKind::SupervisionOrder => None,
        };
        let critical = call.is_some_and(|call| urgency[&call] == Urgency::Critical);
        let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical };
        let own = of_row.remove(&row.id).unwrap_or_default();
        let steps: Vec<i16> = own.iter().map(|firing| firing.step).collect();
        let wanted: Vec<i16> = (0..).take(own.len()).collect();
        assert_eq!(steps, wanted, "a step is missing: {row:?}");
        if call.is_some_and(|call| moved.contains(&(call, row.clock))) {
            counted += own.len();
            continue;
        }
        let expected = expected(&timing, row, &own);
        let happened: Vec<_> = own.iter().map(|firing| (firing.planned_at, firing.fired_at)).collect();
        assert_eq!(happened, expected, "{row:?}");
        exact += own.len();
    }
    assert!(of_row.is_empty());
    assert!(exact > 250 && counted < exact, "{exact} firings are known exactly, {counted} are counted");
}

/// Planned and real moments of a clock that ran undisturbed from its start to its stop.
fn expected(timing: &Timing<'_>, row: &Deadline, own: &[Firing]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let end = row.stopped_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut expected: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for nth in 0..i16::MAX {
        let Some(mut at) = timing.moment(row, nth) else { break };
        let before = expected.last().map_or(row.started_at, |(_, fired)| *fired);
        // After a rung with nobody on it the next one is told at once, but for the repetitions of the last.
        let passed = usize::from(nth.unsigned_abs()).checked_sub(1).and_then(|last| own.get(last));
        let repeats = matches!(timing.what(row, nth), Some(What::Climb(_, 1..)));
        if passed.is_some_and(|last| last.outcome == "passed") && !repeats {
            at = expected.last().map_or(at, |(planned, _)| at.min(*planned));
        }
        let fires = at.max(before);
        if fires > end {
            break;
        }
        expected.push((at, fires));
    }
    expected
}

/// Calls and clocks whose due moment was moved or that were lifted.
async fn moved(county: &County) -> HashSet<(Uuid, Clock)> {
    let lines = county
        .texts(
            "select subject_id || ' ' || clock from ledger_events, unnest(case
                when kind in ('call.resumed', 'call.pause_decided') then array['plan', 'resolve', 'promise']
                when kind = 'call.extension_decided' then array['resolve']
                when kind = 'call.urged' then array[coalesce(data->>'liftedClock', '-')]
                when kind = 'call.lifted' then array[data->>'clock'] end) as clock
            where kind in ('call.resumed', 'call.pause_decided', 'call.extension_decided', 'call.urged', 'call.lifted')",
        )
        .await;
    let split = lines.iter().filter_map(|line| line.split_once(' '));
    split.filter_map(|(call, clock)| Some((call.parse().unwrap(), Clock::parse(clock)?))).collect()
}
