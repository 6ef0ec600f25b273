//! What the rows of notices become at their lease and at their settlement, and what follows for alarms that did not leave.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::exchange::Interactive;
use super::{Attempted, STUCK};
use crate::notices::channels::ChannelKind;
use crate::notices::fallback;
use crate::notices::model::{AttemptOutcome, ChannelId, NoticeId, NoticeState, Priority, Reason};
use crate::notices::retry::Next;
use crate::notices::store::{self, Lease, Leased, Record, Settle, Settled, stranded};
use crate::organisation::CountyId;
use crate::platform::db::DbError;

/// Why nothing was leased.
#[derive(Debug)]
pub(super) enum Unleased {
    /// An alarm among them cannot leave by its channel, and what becomes of it is decided under locks that come before any row: all of
    /// this is to be undone and done by [`lease_stranded_in`].
    Stranded,
    Db(DbError),
}

impl From<DbError> for Unleased {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

pub(super) async fn lease_in(conn: &mut AsyncPgConnection, lease: &Lease) -> Result<Vec<Leased>, Unleased> {
    let leased = store::lease(conn, lease).await.map_err(DbError::from)?;
    let stranded = |leased: &Leased| leased.alarms && (is_given_up(leased.state) || is_held(leased.state));
    if leased.iter().any(stranded) { Err(Unleased::Stranded) } else { Ok(leased) }
}

/// Also addresses anew what cannot leave by its channel; answers how many rows that made.
pub(super) async fn lease_stranded_in(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    lease: &Lease,
) -> QueryResult<(Vec<Leased>, usize)> {
    stranded::lock(conn, &lease.notices, &lease.notices).await?;
    let leased = store::lease(conn, lease).await?;
    let alarms = |wanted: fn(NoticeState) -> bool| -> Vec<NoticeId> {
        let kept = leased.iter().filter(|leased| leased.alarms && wanted(leased.state));
        kept.map(|leased| leased.notice).collect()
    };
    let anew = fallback::carry_on(conn, county, &alarms(is_given_up), lease.now).await?;
    let passed = fallback::pass_over(conn, county, &alarms(is_held), lease.now).await?;
    Ok((leased, anew + passed))
}

/// By its lease already.
const fn is_given_up(state: NoticeState) -> bool {
    matches!(state, NoticeState::Dead | NoticeState::Expired)
}

/// By its lease already: of an alarm it says that its channel is paused, for what waits for its turn behind other news alarms nobody.
const fn is_held(state: NoticeState) -> bool {
    matches!(state, NoticeState::Held)
}

/// Also addresses anew what failed for good; answers how many rows that made.
pub(super) async fn settle_in(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    attempted: &[Attempted],
    next_channel_minutes: i32,
) -> QueryResult<(Vec<Option<NoticeState>>, usize)> {
    let unsent =
        attempted.iter().filter(|one| one.leased.alarms && !matches!(one.tried.next, Next::Sent { .. }));
    let unsent: Vec<NoticeId> = unsent.map(|one| one.leased.notice).collect();
    if !unsent.is_empty() {
        // Whoever settles others of the same postings at this moment waits here, with nothing in hand that comes after them.
        let all: Vec<NoticeId> = attempted.iter().map(|one| one.leased.notice).collect();
        stranded::lock(conn, &all, &unsent).await?;
    }
    let settles: Vec<Settle<'_>> = attempted.iter().map(Attempted::settle).collect();
    let standing = store::settle(conn, &settles, next_channel_minutes).await?;
    let settled: Vec<Option<Settled>> = attempted
        .iter()
        .map(|Attempted { leased, .. }| {
            let own =
                |settled: &&Settled| (settled.notice, settled.attempt) == (leased.notice, leased.attempt);
            standing.iter().find(own).copied()
        })
        .collect();
    let mut hastened = 0;
    for Attempted { leased, tried, now, .. } in attempted {
        if tried.outcome == AttemptOutcome::DeadTarget
            && store::bury_channel(conn, leased.channel, &tried.reason()).await?
        {
            tracing::error!(channel = %leased.channel, kind = %leased.kind, "channel is dead");
            metrics::counter!("channels_died_total", "kind" => leased.kind.as_str()).increment(1);
            hastened += stranded::hasten(conn, leased.channel, *now).await?;
        }
    }
    // In one order everywhere, so that nobody waits for somebody who waits for him.
    let learnt: BTreeMap<ChannelId, Option<DateTime<Utc>>> =
        attempted.iter().filter_map(Attempted::learnt).collect();
    for (channel, refused_at) in learnt {
        store::note_interactive(conn, channel, refused_at).await?;
    }
    for one in attempted {
        let refused = one.tried.outcome == AttemptOutcome::DropRecipient;
        if refused && one.leased.kind == ChannelKind::WechatSubscribe {
            store::grants::forfeit(conn, one.leased.notice, one.now).await?;
        }
    }
    let now = attempted.iter().map(|one| one.now).max().unwrap_or_default();
    let alarms = |wanted: fn(&Attempted, &Settled) -> bool| -> Vec<NoticeId> {
        let settled =
            attempted.iter().zip(&settled).filter_map(|(one, settled)| Some((one, settled.as_ref()?)));
        let wanted = settled.filter(|(one, settled)| one.leased.alarms && wanted(one, settled));
        wanted.map(|(one, _)| one.leased.notice).collect()
    };
    let failed = alarms(|_, settled| matches!(settled.state, NoticeState::Dead | NoticeState::Expired));
    let anew = fallback::carry_on(conn, county, &failed, now).await?;
    let moved = fallback::move_on(conn, county, &alarms(Attempted::is_stuck), now).await?;
    Ok((settled.iter().map(|one| one.map(|one| one.state)).collect(), anew + moved + hastened))
}

impl Attempted {
    /// Whether an alarm waits too long for its channel: longer than its officer would have to act on it, or, as a first alarm, because its
    /// provider asked to be left alone for long.
    fn is_stuck(&self, settled: &Settled) -> bool {
        let Self { leased, tried, now, .. } = self;
        let (NoticeState::Retry, Next::Again(at)) = (settled.state, &tried.next) else { return false };
        let patience = TimeDelta::minutes(settled.next_channel_minutes.into());
        match leased.priority {
            Priority::FirstAlarm if tried.left_alone && *at - now >= STUCK => true,
            Priority::FirstAlarm | Priority::Normal => *at > leased.created_at + patience,
            Priority::Low => false,
        }
    }

    /// What is news about the interactive cards of its channel: when they were refused, or that they are taken after all.
    fn learnt(&self) -> Option<(ChannelId, Option<DateTime<Utc>>)> {
        let Self { leased, tried, now, .. } = self;
        match tried.interactive {
            Interactive::Refused => Some((leased.channel, Some(*now))),
            Interactive::Taken if leased.interactive_refused_at.is_some() => Some((leased.channel, None)),
            Interactive::Taken | Interactive::Untried => None,
        }
    }

    fn settle(&self) -> Settle<'_> {
        let Self { leased, tried, now, .. } = self;
        let answered_at = *now + TimeDelta::from_std(tried.took).unwrap_or_default();
        let redraws = leased.redraws.is_some();
        let (state, due_at) = match &tried.next {
            Next::Sent { .. } => (NoticeState::Sent, None),
            Next::Again(at) => (NoticeState::Retry, Some(*at)),
            // A card that stays as it is is nobody's loss.
            Next::Dead(_) if redraws => (NoticeState::Expired, None),
            Next::Dead(_) => (NoticeState::Dead, None),
            Next::Expired => (NoticeState::Expired, None),
        };
        // What left in company is nobody's own card.
        let handle = match &tried.next {
            Next::Sent { handle, .. } if self.digest.is_none() && !redraws => handle.as_deref(),
            _ => None,
        };
        let provider_id = match &tried.next {
            Next::Sent { provider_id, .. } => provider_id.as_deref(),
            _ => None,
        };
        Settle {
            notice: leased.notice,
            attempt: leased.attempt,
            until: leased.until,
            state,
            reason: match (state, self.digest) {
                (NoticeState::Sent, Some(first)) => format!("{}: {first}", Reason::Digest),
                (NoticeState::Expired, _) if redraws => format!("{}: {}", Reason::CardFixed, tried.reason()),
                _ => tried.reason(),
            },
            due_at,
            sent_at: (state == NoticeState::Sent).then_some(answered_at),
            provider_id,
            handle,
            record: Record {
                started_at: *now,
                took_ms: i32::try_from(tried.took.as_millis()).unwrap_or(i32::MAX),
                http_status: tried.http_status.and_then(|status| i16::try_from(status).ok()),
                outcome: tried.outcome,
                excerpt: &tried.excerpt,
            },
        }
    }
}
