//! One notice: lease, ask for leave ([`super::gate`]), render, send, settle. No transaction is open while the provider is asked; if we
//! die anywhere in between, the lease ends and the same notice, with the same id, is sent again. Notices that wait together are leased
//! and settled together.

mod exchange;
mod probe;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::bundle::{self, Parcel};
use super::channels::{Mention, Message, Outcome, Target};
use super::gate::{Carried, asking};
use super::model::{AttemptOutcome, ChannelLanguage, Entry, NoticeId, NoticeState, Reason};
use super::register;
use super::retry::{self, Next};
use super::store::Lease;
pub use super::store::Leased;
use super::store::held::{self, Gather};
use super::texts::own::Own;
use super::texts::{Reader, Telling, Texts};
use super::throttle::{Full, Spacing, Standing, Throttle};
use super::tokens::Tokens;
use super::wake::Wake;
use crate::organisation::CountyId;
use crate::platform::clock::Clock;
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError, Scope, Tuning, Tx};
use crate::platform::http::lang::Lang;
use crate::platform::outbound::Outbound;
pub(super) use exchange::Turn;
use exchange::{Exchange, Interactive, Unsent};
pub use probe::Probe;
use settle::Unleased;

/// A first alarm does not wait so long for a channel while there is another.
const STUCK: TimeDelta = TimeDelta::seconds(10);
/// So long after a platform refused an interactive card all go plain: then one tries again, for nobody tells us when the application was given
/// its callback address or its permission.
pub const PLAIN_FOR: TimeDelta = TimeDelta::days(1);

/// Sends notices. Clones share everything.
#[derive(Clone, Debug)]
pub struct Sender {
    pub db: Db,
    pub outbound: Outbound,
    pub vault: Vault,
    pub texts: Arc<Texts>,
    pub tokens: Tokens,
    pub throttle: Throttle,
    /// How long a sender may take before it is taken for dead; longer than the outbound client's patience.
    pub lease: TimeDelta,
    /// How long an officer has to act on a first alarm before his next application is tried, unless his county says otherwise.
    pub next_channel_minutes: i32,
    /// Says how old leave is that could not be used at once.
    pub clock: Clock,
    /// Rings when an alarm was addressed anew.
    pub wake: Wake,
}

/// What became of a notice.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Settled before, not yet due, or in somebody else's hand.
    NothingToDo,
    /// Not sent: its matter or its channel does not want it now.
    Kept(NoticeState),
    /// Tried; this is where it stands.
    Tried(NoticeState),
    /// Tried, but the lease had ended before: the answer does not count.
    TooLate,
}

/// A leased notice and how its attempt went.
#[derive(Debug)]
pub struct Attempted {
    pub leased: Leased,
    tried: Tried,
    /// The notice that led, when several left as one message.
    digest: Option<NoticeId>,
    now: DateTime<Utc>,
}

/// How one attempt went.
#[derive(Debug)]
struct Tried {
    next: Next,
    outcome: AttemptOutcome,
    /// What an administrator wants to know, when it is not in the outcome's name.
    detail: Option<String>,
    /// The provider asked to be left alone.
    left_alone: bool,
    interactive: Interactive,
    http_status: Option<u16>,
    excerpt: String,
    took: Duration,
}

/// What became of messages that had leave.
pub(super) enum Went {
    /// Onto the wire, or there is nothing that could be.
    Attempted(Vec<Attempted>),
    /// What the one notice asks for was done since its lease: nothing left.
    Answered,
    /// Its leave grew old before it could be used, and there is no place now: nothing left.
    Late { parcel: Box<Parcel>, until: DateTime<Utc>, why: Full },
}

impl Sender {
    /// Brings one notice forward by one attempt.
    ///
    /// # Errors
    /// Postgres only; the provider's failures are outcomes. After an error the row is as it was, or its lease ends by itself.
    pub async fn deliver_one(&self, entry: Entry, now: DateTime<Utc>) -> Result<Delivered, DbError> {
        let Some(leased) = self.lease(entry.county, &[entry], now).await?.pop() else {
            return Ok(Delivered::NothingToDo);
        };
        if leased.state != NoticeState::Sending {
            return Ok(Delivered::Kept(leased.state));
        }
        match self.carry(Parcel::alone(leased), now).await? {
            Carried::Kept(state) => Ok(Delivered::Kept(state)),
            Carried::Attempted(attempted) => {
                let settled = self.settle(entry.county, &attempted).await?;
                let own = attempted.iter().position(|one| one.leased.notice == entry.notice);
                let state = own.and_then(|own| settled.get(own).copied().flatten());
                Ok(state.map_or(Delivered::TooLate, Delivered::Tried))
            }
        }
    }

    /// Takes notices of one county, those of them that are to be sent and those that are to be kept (their state says which).
    /// A lease that a crash of Postgres loses is one that nobody has: its commit need not wait for the disk.
    pub async fn lease(
        &self,
        county: CountyId,
        entries: &[Entry],
        now: DateTime<Utc>,
    ) -> Result<Vec<Leased>, DbError> {
        let notices = entries.iter().map(|entry| entry.notice).collect();
        let lease = Lease::new(notices, Vec::new(), now, self.lease);
        let mut tx = self.begin_lease(county).await?;
        let leased = settle::lease_in(&mut tx, &lease).await;
        let leased = match tx.finish(leased).await {
            Ok(leased) => leased,
            Err(Unleased::Stranded) => {
                let mut tx = self.begin_lease(county).await?;
                let leased = settle::lease_stranded_in(&mut tx, county, &lease).await;
                let (leased, anew) = tx.finish(leased.map_err(DbError::from)).await?;
                self.ring(anew);
                leased
            }
            Err(Unleased::Db(error)) => return Err(error),
        };
        leased.iter().filter(|leased| leased.state != NoticeState::Sending).for_each(note_kept);
        Ok(leased)
    }

    async fn begin_lease(&self, county: CountyId) -> Result<Tx, DbError> {
        self.db.begin_tuned(Scope::County(county.0), &[Tuning::Loose, Tuning::ByKeys]).await
    }

    /// Takes what waits for a reader to go along in one message with `company`, without those that somebody else holds; nothing when one
    /// of them is an alarm that cannot leave, which its own lease will find.
    pub(super) async fn lease_gathered(
        &self,
        county: CountyId,
        gather: Gather<'_>,
        mut company: Vec<NoticeId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Leased>, DbError> {
        let mut tx = self.begin_lease(county).await?;
        let leased = async {
            let notices = held::gather(&mut tx, gather).await.map_err(DbError::from)?;
            if notices.is_empty() {
                return Ok(Vec::new());
            }
            company.extend(&notices);
            settle::lease_in(&mut tx, &Lease::new(notices, company, now, self.lease)).await
        };
        let leased = leased.await;
        let mut leased = match tx.finish(leased).await {
            Ok(leased) => leased,
            Err(Unleased::Stranded) => Vec::new(),
            Err(Unleased::Db(error)) => return Err(error),
        };
        leased.sort_unstable_by_key(|leased| (leased.created_at, leased.notice));
        Ok(leased)
    }

    /// Sends leased notices as one message. No transaction is open meanwhile. What cannot be put into words goes down alone. Without a turn
    /// nobody asks whether they may still go.
    pub(super) async fn attempt(
        &self,
        parcel: Parcel,
        standing: Standing,
        turn: Option<Turn>,
        now: DateTime<Utc>,
    ) -> Went {
        let mut attempted = Vec::with_capacity(parcel.count());
        let mut sound: Vec<(Leased, Target, Message)> = Vec::with_capacity(parcel.count());
        for leased in std::iter::once(parcel.first).chain(parcel.others) {
            match self.prepare(&leased, now) {
                Ok((target, message)) => sound.push((leased, target, message)),
                Err(why) => {
                    attempted.push(Attempted { leased, tried: Tried::unrenderable(why), digest: None, now });
                }
            }
        }
        let Some(((first, target, message), others)) = sound.split_first() else {
            return Went::Attempted(attempted);
        };
        let digest = (!others.is_empty()).then_some(first.notice);
        let exchanged = if digest.is_some() {
            let others: Vec<Message> = others.iter().map(|(_, _, message)| message.clone()).collect();
            let bundle = bundle::digest(message, &others, lang(first));
            self.send(first, target, &bundle, &mut turn.map(Turn::in_company), now).await
        } else {
            self.send(first, target, message, &mut { turn }, now).await
        };
        let exchanged = match exchanged {
            Ok(exchange) => Ok(exchange),
            Err(Unsent::Unrenderable(why)) => Err(why),
            Err(Unsent::Answered) => return Went::Answered,
            Err(Unsent::Late { until, why }) => {
                let first = first.clone();
                let others = sound.into_iter().skip(1).map(|(leased, ..)| leased);
                let others = others.chain(attempted.into_iter().map(|one| one.leased)).collect();
                return Went::Late { parcel: Box::new(Parcel { first, others }), until, why };
            }
        };
        // That a card cannot be changed says nothing of whether messages arrive.
        let fails =
            |outcome: &Outcome| matches!(outcome, Outcome::Retry { .. } | Outcome::RateLimited { .. });
        if let Ok(exchange) = &exchanged
            && !(first.is_redraw() && fails(&exchange.outcome))
        {
            let asked = asking(first, Spacing::None);
            self.throttle.heard(&asked, &exchange.outcome, standing, now).await;
        }
        attempted.extend(sound.into_iter().map(|(leased, ..)| {
            let tried = match &exchanged {
                Ok(exchange) => conclude(&leased, exchange, digest, now),
                Err(why) => Tried::unrenderable(why.clone()),
            };
            Attempted { leased, tried, digest, now }
        }));
        Went::Attempted(attempted)
    }

    /// Records how attempts in one county went; where each of these notices stands now, none for one whose lease had ended.
    pub async fn settle(
        &self,
        county: CountyId,
        attempted: &[Attempted],
    ) -> Result<Vec<Option<NoticeState>>, DbError> {
        let mut tx = self.db.begin_tuned(Scope::County(county.0), &[Tuning::ByKeys]).await?;
        let settled = settle::settle_in(&mut tx, county, attempted, self.next_channel_minutes)
            .await
            .map_err(DbError::from);
        let (settled, anew) = tx.finish(settled).await?;
        self.ring(anew);
        for (attempted, state) in attempted.iter().zip(&settled) {
            note_tried(&attempted.leased, &attempted.tried, *state, attempted.now);
        }
        Ok(settled)
    }

    /// Alarms that were addressed anew must not wait for the relay's next look.
    pub(super) fn ring(&self, anew: usize) {
        if anew > 0 {
            self.wake.notices();
        }
    }

    /// Where it goes; plain for a while after interactive cards were refused, with buttons that act where its platform calls us back.
    fn target(&self, leased: &Leased, now: DateTime<Utc>) -> Result<Target, &'static str> {
        let Leased { kind, base_url, credentials_sealed, settings, .. } = leased;
        let mut target = register::target(&self.vault, *kind, base_url, credentials_sealed, settings)?;
        target.calls_back = leased.calls_back && target.credentials.callback.is_some();
        let refused = leased.interactive_refused_at.is_some_and(|at| now - at < PLAIN_FOR);
        Ok(if refused { target.plain() } else { target })
    }

    fn prepare(&self, leased: &Leased, now: DateTime<Utc>) -> Result<(Target, Message), String> {
        let target = self.target(leased, now)?;
        let telling = Telling {
            id: leased.notice,
            event: &leased.event,
            at: leased.created_at,
            alarms: leased.alarms,
            reader: Reader::of(leased.kind, leased.room_of.as_deref()),
            kind: Some(leased.kind),
            own: leased.own_version.zip(leased.own_words.as_ref()).map(|(version, words)| Own {
                county: leased.county,
                version,
                words,
            }),
            params: &leased.params,
        };
        let mut message =
            self.texts.message(telling, lang(leased), now).map_err(|error| error.to_string())?;
        message.mentions.extend(leased.mention.clone().map(Mention::by_id));
        Ok((target, message))
    }
}

const fn lang(leased: &Leased) -> Lang {
    match leased.language {
        ChannelLanguage::Chinese => Lang::Zh,
        ChannelLanguage::English => Lang::En,
    }
}

/// What an exchange means for one of the notices that it was about.
fn conclude(leased: &Leased, exchange: &Exchange, digest: Option<NoticeId>, now: DateTime<Utc>) -> Tried {
    let alone;
    let outcome = match &exchange.outcome {
        // One of them is to blame; who fails again goes alone in the end.
        Outcome::BadMessage if digest.is_some() => {
            alone = Outcome::Retry { after: None };
            &alone
        }
        outcome => outcome,
    };
    let attempt = retry::Attempt {
        kind: leased.kind,
        priority: leased.priority,
        number: u32::try_from(leased.attempt).unwrap_or(1),
        posted_at: leased.created_at,
        outcome,
        now: now + TimeDelta::from_std(exchange.took).unwrap_or_default(),
    };
    Tried {
        next: retry::next(&attempt, rand::random::<u16>() % 1001),
        outcome: name(&exchange.outcome),
        detail: exchange.detail.clone(),
        left_alone: match exchange.outcome {
            Outcome::RateLimited { .. } => true,
            Outcome::Retry { after: Some(after) } => {
                TimeDelta::from_std(after).is_ok_and(|after| after >= STUCK)
            }
            _ => false,
        },
        interactive: exchange.interactive,
        http_status: exchange.http_status,
        excerpt: exchange.excerpt.clone(),
        took: exchange.took,
    }
}

impl Tried {
    fn unrenderable(why: String) -> Self {
        Self {
            next: Next::Dead(AttemptOutcome::Unrenderable.as_str()),
            outcome: AttemptOutcome::Unrenderable,
            detail: Some(why),
            left_alone: false,
            interactive: Interactive::Untried,
            http_status: None,
            excerpt: String::new(),
            took: Duration::ZERO,
        }
    }

    /// Why the notice stands where it stands; empty when there is nothing to explain.
    fn reason(&self) -> String {
        let code = match &self.next {
            Next::Sent { complete: true, .. } => return String::new(),
            Next::Sent { complete: false, .. } => Reason::SomeUnreached.as_str(),
            Next::Again(_) => self.outcome.as_str(),
            Next::Dead(code) => code,
            Next::Expired => Reason::Expired.as_str(),
        };
        match &self.detail {
            Some(detail) => format!("{code}: {detail}"),
            None => code.to_owned(),
        }
    }
}

const fn name(outcome: &Outcome) -> AttemptOutcome {
    match outcome {
        Outcome::Delivered { .. } => AttemptOutcome::Delivered,
        Outcome::Retry { .. } => AttemptOutcome::Retry,
        Outcome::RateLimited { .. } => AttemptOutcome::RateLimited,
        Outcome::RefreshToken => AttemptOutcome::RefreshToken,
        Outcome::DeadTarget => AttemptOutcome::DeadTarget,
        Outcome::NeedsAdmin => AttemptOutcome::NeedsAdmin,
        Outcome::BadMessage => AttemptOutcome::BadMessage,
        Outcome::DropRecipient => AttemptOutcome::DropRecipient,
    }
}

fn note_kept(leased: &Leased) {
    if leased.is_redraw() {
        return;
    }
    let (kind, state) = (leased.kind.as_str(), leased.state.as_str());
    metrics::counter!("notices_kept_total", "kind" => kind, "channel" => leased.channel.to_string(), "state" => state)
        .increment(1);
    if leased.state == NoticeState::Dead {
        let (notice, channel, event, reason) = (leased.notice, leased.channel, &leased.event, &leased.reason);
        tracing::error!(%notice, %channel, event, reason, "notice given up unsent");
    }
}

/// Tells the metrics, and the log of what failed. Never an address, a key or an answer.
fn note_tried(leased: &Leased, tried: &Tried, settled: Option<NoticeState>, now: DateTime<Utc>) {
    let kind = leased.kind.as_str();
    if leased.is_redraw() {
        return note_redrawn(leased, tried);
    }
    let (outcome, label) = (tried.outcome.as_str(), leased.channel.to_string());
    metrics::counter!("notices_sent_total", "kind" => kind, "channel" => label.clone(), "outcome" => outcome)
        .increment(1);
    let (notice, channel, event, attempt) = (leased.notice, leased.channel, &leased.event, leased.attempt);
    let reason = tried.reason();
    match (&tried.next, settled) {
        (_, None) => tracing::warn!(%notice, %channel, attempt, "answer came after the lease had ended"),
        (Next::Sent { .. }, Some(_)) => {
            let delay = now - leased.created_at + TimeDelta::from_std(tried.took).unwrap_or_default();
            metrics::histogram!("notices_delay_seconds", "channel" => label).record(delay.as_seconds_f64());
        }
        (Next::Again(at), Some(_)) => {
            tracing::warn!(%notice, %channel, kind, event, attempt, reason, next = %at, "notice failed, will be sent again");
        }
        (Next::Dead(_) | Next::Expired, Some(state)) => {
            tracing::error!(%notice, %channel, kind, event, attempt, reason, %state, "notice given up");
        }
    }
}

/// A card that is redrawn is no delivery, and one that stays as it is no failure: the page behind it says how things stand.
fn note_redrawn(leased: &Leased, tried: &Tried) {
    let (kind, outcome) = (leased.kind.as_str(), tried.outcome.as_str());
    metrics::counter!("cards_redrawn_total", "kind" => kind, "outcome" => outcome).increment(1);
    if !matches!(tried.next, Next::Sent { .. }) {
        let (notice, channel, attempt, reason) =
            (leased.notice, leased.channel, leased.attempt, tried.reason());
        tracing::info!(%notice, %channel, kind, attempt, reason, "a card is not redrawn");
    }
}
