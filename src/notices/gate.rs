//! Between the lease and the wire: whether a message may leave now, in which company, and where it waits when it may not.
//!
//! First alarms are never held: one that cannot leave by its channel at once is addressed anew, and only when there is nowhere else is
//! it tried again as soon as there is a place. Everything else is held, with the reason and the moment.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::bundle::{self, Parcel, is_news, joins};
use super::deliver::{Attempted, Leased, Sender, Turn, Went};
use super::fallback;
use super::model::{Lane, NoticeId, NoticeState, Priority, Reason};
use super::quiet::NoticeRules;
use super::retry;
use super::store::held::{self, Gather, Hold};
use super::store::stranded;
use super::throttle::{Asking, Full, Leave, Spacing};
use crate::organisation::CountyId;
use crate::platform::db::{DbError, Scope};

/// So long what is low waits for company.
const COMPANY: TimeDelta = TimeDelta::seconds(60);

/// What became of a parcel.
#[must_use]
#[derive(Debug)]
pub enum Carried {
    /// Sent, or tried to; to be settled.
    Attempted(Vec<Attempted>),
    /// Not now.
    Kept(NoticeState),
}

impl Sender {
    /// Sends what may be sent and puts back what may not.
    ///
    /// # Errors
    /// Postgres only; then the leases end by themselves.
    pub async fn carry(&self, parcel: Parcel, now: DateTime<Utc>) -> Result<Carried, DbError> {
        let leased = Instant::now();
        let company = joins(&parcel.first);
        if is_news(&parcel.first)
            && let Some((until, why)) = self.patience(&parcel, now).await?
        {
            return self.keep(&parcel, until, why, now).await;
        }
        if let Some(until) = self.throttle.spread(&asking(&parcel.first, Spacing::None), now) {
            return self.keep(&parcel, until, Reason::RushHour.as_str(), now).await;
        }
        let full = parcel.count() >= bundle::MOST;
        let spacing = if company && !full { Spacing::News } else { Spacing::None };
        let standing = match self.throttle.take(&asking(&parcel.first, spacing), now).await {
            Leave::Go(standing) => standing,
            Leave::Wait { until, why } => return self.keep(&parcel, until, why.code(), now).await,
        };
        let turn = Turn { leased: Some(leased), spacing, given: now };
        let parcel = if company && !full { self.gather(parcel, now).await } else { parcel };
        let first = parcel.first.clone();
        let went = self.attempt(parcel, standing, Some(turn), now).await;
        self.throttle.arrived(&asking(&first, Spacing::None)).await;
        match went {
            Went::Attempted(attempted) => Ok(Carried::Attempted(attempted)),
            Went::Answered => self.leave_behind(&first).await,
            Went::Late { parcel, until, why } => self.keep(&parcel, until, why.code(), now).await,
        }
    }

    /// Puts aside what was answered before it left.
    async fn leave_behind(&self, leased: &Leased) -> Result<Carried, DbError> {
        let state = NoticeState::Superseded;
        let mut tx = self.db.begin(Scope::County(leased.county.0)).await?;
        let held = held::hold(&mut tx, &Hold::of(&[leased], state, None, Reason::Superseded.as_str())).await;
        tx.finish(held.map_err(DbError::from)).await?;
        note_kept(leased, state, 1);
        Ok(Carried::Kept(state))
    }

    /// Until when news waits by its own nature, and why.
    async fn patience(
        &self,
        parcel: &Parcel,
        now: DateTime<Utc>,
    ) -> Result<Option<(DateTime<Utc>, &'static str)>, DbError> {
        let first = &parcel.first;
        if let Some(end) = self.rules(first.county).await?.quiet_end(now) {
            return Ok(Some((end, Reason::QuietHours.as_str())));
        }
        let oldest = parcel.all().map(|leased| leased.created_at).min().unwrap_or(now);
        let all_low = parcel.all().all(|leased| leased.priority == Priority::Low);
        let waits = all_low && joins(first) && parcel.count() < bundle::MOST && now < oldest + COMPANY;
        Ok(waits.then_some((oldest + COMPANY, Reason::Bundled.as_str())))
    }

    async fn rules(&self, county: CountyId) -> Result<NoticeRules, DbError> {
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let settings = held::settings(&mut tx, county).await.map_err(DbError::from);
        let settings = tx.finish(settings).await?;
        NoticeRules::of_county(&settings).map_err(|error| {
            tracing::error!(%error, "the county's settings cannot be read");
            DbError::Query(diesel::result::Error::DeserializationError("county settings".into()))
        })
    }

    /// Puts a parcel back. A first alarm goes another way, if there is one, and so does another one that a blocked channel would keep for
    /// longer than its officer has to act. What could not leave for a day is no news any more; whoever
    /// was asked to act by it is told elsewhere.
    async fn keep(
        &self,
        parcel: &Parcel,
        until: DateTime<Utc>,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Carried, DbError> {
        let first = &parcel.first;
        let alarm = first.priority == Priority::FirstAlarm;
        let state = if alarm { NoticeState::Retry } else { NoticeState::Held };
        let is_stale = |leased: &&Leased| now - leased.created_at >= retry::STALE;
        let (stale, fresh): (Vec<&Leased>, Vec<&Leased>) = parcel.all().partition(is_stale);
        let expired = format!("{}: {reason}", Reason::Expired);
        let holds = [
            Hold::of(&fresh, state, Some(until), reason),
            Hold::of(&stale, NoticeState::Expired, None, &expired),
        ];
        let patience = if !alarm && reason == Full::Blocked.code() && fresh.iter().any(|leased| leased.alarms)
        {
            Some(self.rules(first.county).await?.patience())
        } else {
            None
        };
        let too_long = |leased: &Leased| {
            leased.priority == Priority::Normal
                && patience.is_some_and(|patience| until > leased.created_at + patience)
        };
        let stuck = fresh.iter().filter(|leased| leased.alarms && (alarm || too_long(leased)));
        let stuck: Vec<NoticeId> = stuck.map(|leased| leased.notice).collect();
        let failed: Vec<NoticeId> =
            stale.iter().filter(|leased| leased.alarms).map(|leased| leased.notice).collect();
        let mut tx = self.db.begin(Scope::County(first.county.0)).await?;
        let kept = async {
            let alarms: Vec<NoticeId> = stuck.iter().chain(&failed).copied().collect();
            if !alarms.is_empty() {
                let all: Vec<NoticeId> = parcel.all().map(|leased| leased.notice).collect();
                stranded::lock(&mut tx, &all, &alarms).await?;
            }
            for hold in holds.iter().filter(|hold| !hold.notices.is_empty()) {
                held::hold(&mut tx, hold).await?;
            }
            let anew = fallback::carry_on(&mut tx, first.county, &failed, now).await?;
            Ok(anew + fallback::move_on(&mut tx, first.county, &stuck, now).await?)
        };
        let kept: diesel::QueryResult<usize> = kept.await;
        let anew = tx.finish(kept.map_err(DbError::from)).await?;
        self.ring(anew);
        let kind = first.kind.as_str();
        for hold in &holds {
            note_kept(first, hold.state, hold.notices.len());
        }
        for leased in stale.iter().filter(|leased| !leased.is_redraw()) {
            let (notice, channel, event) = (leased.notice, leased.channel, &leased.event);
            tracing::error!(%notice, %channel, kind, event, reason, "notice given up unsent, too old");
        }
        tracing::debug!(channel = %first.channel, kind, count = parcel.count(), reason, %until, "notices wait");
        let state = if fresh.is_empty() { NoticeState::Expired } else { state };
        Ok(Carried::Kept(if anew > 0 { NoticeState::Fallback } else { state }))
    }

    /// Takes along what waits for the same reader; goes without it when Postgres does not answer.
    async fn gather(&self, mut parcel: Parcel, now: DateTime<Utc>) -> Parcel {
        match self.waiting(&parcel, now).await {
            Ok(others) => {
                let ids: Vec<NoticeId> = others.iter().map(|leased| leased.notice).collect();
                self.throttle.leave_line(&asking(&parcel.first, Spacing::None), &ids).await;
                parcel.others.extend(others);
            }
            Err(error) => tracing::debug!(%error, "a notice goes without company"),
        }
        parcel
    }

    async fn waiting(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<Vec<Leased>, DbError> {
        let first = &parcel.first;
        let room = bundle::MOST.saturating_sub(parcel.count());
        let gather = Gather {
            channel: first.channel,
            recipient: &first.recipient,
            again_at: now + self.lease,
            limit: i64::try_from(room).unwrap_or(0),
        };
        let company = parcel.all().map(|leased| leased.notice).collect();
        let leased = self.lease_gathered(first.county, gather, company, now).await?;
        let taken = |leased: &Leased| leased.state == NoticeState::Sending && joins(leased);
        Ok(leased.into_iter().filter(taken).collect())
    }
}

/// Counts what was kept from leaving.
fn note_kept(leased: &Leased, state: NoticeState, count: usize) {
    if leased.is_redraw() {
        return;
    }
    let (kind, channel) = (leased.kind.as_str(), leased.channel.to_string());
    metrics::counter!("notices_kept_total", "kind" => kind, "channel" => channel, "state" => state.as_str())
        .increment(u64::try_from(count).unwrap_or(1));
}

/// The question that a notice asks before it leaves.
pub(super) fn asking(leased: &Leased, spacing: Spacing) -> Asking<'_> {
    Asking {
        channel: leased.channel,
        kind: leased.kind,
        // To redraw is not to send: it takes no message's place with the reader.
        reader: if leased.is_redraw() { "" } else { &leased.recipient },
        lane: Lane::of(leased.priority),
        notice: leased.notice,
        attempt: leased.attempt,
        source: leased.params.get("department").and_then(serde_json::Value::as_str).unwrap_or_default(),
        spacing,
    }
}
