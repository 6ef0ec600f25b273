//! How fast notices leave, and whether a channel can be spoken to at all: one question before each message, answered for all replicas by
//! one script in Redis.
//!
//! Owns the [`table`] of limits, the windows and waiting lines (`throttle:{channel}:…`) and the breakers (`breaker:{channel}`). Always: no
//! window ever holds more than its limit, whoever asks; a quarter of each limit is for first alarms alone; those who wait get their
//! turns by department, so that one that posts thousands does not keep the others waiting; nothing is dropped, for who is refused is
//! told when to ask again. `now` is the caller's; where machines disagree the latest counts. While Redis is away each process lets
//! first alarms alone pass, and when Redis was emptied each still counts what it sent itself, as [`window`] says.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use redis::{Pipeline, Script};

use super::channels::{ChannelKind, Outcome};
use super::model::{ChannelId, Lane, NoticeId, Reason};
use crate::platform::crypto::hmac_sha256;
use crate::platform::redis::{Redis, RedisError};

mod crowd;
pub mod table;
mod window;

use table::{Limit, NEWS, pace};
use window::Windows;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));
static FAILED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("failed.lua")));
static DEPART: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("depart.lua")));
static ARRIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("arrive.lua")));

/// Whoever waits looks at least this often whether it is his turn: others may have left the line.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);
/// Who has not asked again this long after his moment has left the line.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// How long the one message may take that finds out whether a blocked channel works again.
const PROBE: TimeDelta = TimeDelta::seconds(30);
/// Failures in a row after which a channel is blocked.
const FAILURES: u32 = 5;
/// For how long, the first time and at most; each time in a row twice as long.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(10);
/// For how long a message that nobody hears of any more keeps its reader's next one waiting, and how often that one asks.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(30);
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(2);
/// When to ask again while Redis is away.
const AWAY: TimeDelta = TimeDelta::seconds(5);

/// Whether the table's limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    Kept,
    /// Against a receiver of our own: as fast as can be.
    Ignored,
}

impl Limits {
    /// As the setting `notices.throttle` says.
    #[must_use]
    pub const fn when(kept: bool) -> Self {
        if kept { Self::Kept } else { Self::Ignored }
    }
}

/// Who asks to send one message.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    pub channel: ChannelId,
    pub kind: ChannelKind,
    /// The person's name at the provider; empty for a room, and for what takes no place with its reader.
    pub reader: &'a str,
    pub lane: Lane,
    pub notice: NoticeId,
    pub attempt: i32,
    /// Whose matter it is; turns are shared out evenly among these.
    pub source: &'a str,
    /// Whether it waits for its reader's next minute.
    pub spacing: Spacing,
}

/// Whether a message keeps its distance from the one before to the same reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// At once.
    None,
    /// News: once a minute.
    News,
}

/// The answer.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    Go(Standing),
    Wait { until: DateTime<Utc>, why: Full },
}

/// How the channel did lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Sound,
    /// Its last message failed, or it is being probed: a success is worth noting.
    Failing,
}

/// Why somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The channel takes no more at present.
    Channel,
    /// Its reader has had enough at present.
    Reader,
    /// News was told a moment ago; this goes with the next.
    News,
    /// The channel does not work, or asked to be left alone.
    Blocked,
    /// Nobody can say.
    Unknown,
}

/// The one who is asked. Clones share everything.
#[derive(Clone, Debug)]
pub struct Throttle {
    redis: Redis,
    limits: Limits,
    /// What this process sent.
    own: Windows,
}

/// One thing that is limited: where it is counted, by which limits, and what it means that it is full.
struct Scope {
    name: String,
    limits: &'static [Limit],
    full: Full,
}

impl Throttle {
    #[must_use]
    pub fn new(redis: Redis, limits: Limits) -> Self {
        Self { redis, limits, own: Windows::default() }
    }

    /// Asks for leave to send one message now; counts it when it is given. Who has it says when the message has [`Self::arrived`].
    pub async fn take(&self, asking: &Asking<'_>, now: DateTime<Utc>) -> Leave {
        self.take_since(asking, &self.scopes(asking), None, now).await
    }

    async fn take_since(
        &self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        given: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Leave {
        let standing = match self.ask(asking, scopes, now).await {
            Ok(Leave::Go(standing)) => standing,
            Ok(wait) => return wait,
            Err(error) => {
                tracing::debug!(%error, channel = %asking.channel, "nobody can say how much was sent");
                return self.take_alone(asking, scopes, given, now);
            }
        };
        // A Redis that was emptied lets pass what must wait; the place that it counted stays empty, which is what it should be.
        if let Err((until, full)) = self.own.take(&own(scopes), asking.lane, given, now) {
            let why = scopes.get(full).map_or(Full::Channel, |scope| scope.full);
            return Leave::Wait { until, why };
        }
        match self.depart(asking, now).await {
            Ok(()) => Leave::Go(standing),
            Err(until) => Leave::Wait { until, why: Full::Reader },
        }
    }

    /// The same for one that had leave at `given` and could not use it at once: its place is where it goes now, not where it was to go.
    /// What is limited by nothing may go whenever it can.
    pub async fn take_again(&self, asking: &Asking<'_>, given: DateTime<Utc>, now: DateTime<Utc>) -> Leave {
        let scopes = self.scopes(asking);
        if scopes.is_empty() {
            return Leave::Go(Standing::Sound);
        }
        self.take_since(asking, &scopes, Some(given), now).await
    }

    /// Until when a message that can wait keeps away from the crowd.
    #[must_use]
    pub fn spread(&self, asking: &Asking<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let waits = self.limits == Limits::Kept && asking.lane == Lane::Rest && pace(asking.kind).crowded;
        waits.then(|| crowd::passes(asking.notice, now)).flatten()
    }

    /// Takes the one place on the way to a reader, or says when to ask again.
    async fn depart(&self, asking: &Asking<'_>, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let Some(place) = self.place(asking) else { return Ok(()) };
        let mut call = DEPART.key(place);
        call.arg(now.timestamp_millis()).arg(asking.ticket()).arg((now + ON_ITS_WAY).timestamp_millis());
        match self.redis.script::<i64>(&call).await {
            Ok(0) => Ok(()),
            Ok(_) => Err(now + ASK_AGAIN),
            Err(error) => {
                tracing::debug!(%error, channel = %asking.channel, "nobody can say what is on its way");
                Err(now + AWAY)
            }
        }
    }

    /// The message was answered, or not sent after all: its reader's next one may leave.
    pub async fn arrived(&self, asking: &Asking<'_>) {
        let Some(place) = self.place(asking) else { return };
        let mut call = ARRIVE.key(place);
        call.arg(asking.ticket());
        if let Err(error) = self.redis.script::<i64>(&call).await {
            tracing::debug!(%error, "an arrival could not be noted; it is taken for granted later");
        }
    }

    async fn ask(
        &self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        now: DateTime<Utc>,
    ) -> Result<Leave, RedisError> {
        let mut call = TAKE.key(self.breaker(asking.channel));
        for scope in scopes {
            call.key(format!("{}:window", scope.name));
            for part in ["line", "expected", "turns"] {
                call.key(format!("{}:{}:{part}", scope.name, asking.lane.as_str()));
            }
        }
        call.arg(now.timestamp_millis())
            .arg(asking.ticket())
            .arg(asking.notice.to_string())
            .arg(asking.source);
        for time in [LONGEST_WAIT, GRACE, PROBE] {
            call.arg(time.num_milliseconds());
        }
        for scope in scopes {
            call.arg(if scope.full == Full::News { "flat" } else { "line" }).arg(scope.limits.len());
            for limit in scope.limits {
                call.arg(limit.share(asking.lane)).arg(limit.within_ms);
            }
        }
        let (word, number, by): (String, i64, usize) = self.redis.script(&call).await?;
        if word == "go" {
            return Ok(Leave::Go(if number == 0 { Standing::Sound } else { Standing::Failing }));
        }
        let until = DateTime::from_timestamp_millis(number).unwrap_or(now + AWAY);
        let scope = by.checked_sub(1).and_then(|by| scopes.get(by));
        let full = scope.map_or(Full::Blocked, |scope| scope.full);
        Ok(Leave::Wait { until, why: full })
    }

    fn take_alone(
        &self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        given: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Leave {
        let until = match asking.lane {
            lane if lane == Lane::First || given.is_some() => {
                match self.own.take(&own(scopes), lane, given, now) {
                    Ok(()) => return Leave::Go(Standing::Sound),
                    Err((until, _)) => until,
                }
            }
            Lane::First | Lane::Rest if scopes.is_empty() => return Leave::Go(Standing::Sound),
            Lane::First | Lane::Rest => now + AWAY,
        };
        Leave::Wait { until, why: Full::Unknown }
    }

    /// Those who were taken along by somebody else wait no more.
    pub async fn leave_line(&self, asking: &Asking<'_>, notices: &[NoticeId]) {
        let ids: Vec<String> = notices.iter().map(ToString::to_string).collect();
        let mut leave = Pipeline::new();
        for scope in self.scopes(asking).iter().filter(|scope| scope.full != Full::News) {
            for part in ["line", "expected"] {
                let key = format!("{}:{}:{part}", scope.name, asking.lane.as_str());
                leave.cmd("ZREM").arg(key).arg(&ids).ignore();
            }
        }
        if leave.cmd_iter().next().is_none() || ids.is_empty() {
            return;
        }
        if let Err(error) = self.redis.pipeline::<()>(&leave).await {
            // They are taken out when they do not come back.
            tracing::debug!(%error, "a waiting line could not be shortened");
        }
    }

    /// Notes what a channel's answer says about the channel itself.
    pub async fn heard(
        &self,
        asking: &Asking<'_>,
        outcome: &Outcome,
        standing: Standing,
        now: DateTime<Utc>,
    ) {
        let asked = match outcome {
            Outcome::Retry { .. } => 0,
            // An application names the person of whom it is too much, not itself.
            Outcome::RateLimited { after } if !asking.kind.is_personal() => {
                u64::try_from(after.as_millis()).unwrap_or(0)
            }
            _ if standing == Standing::Failing => return self.sound_again(asking.channel).await,
            _ => return,
        };
        let mut call = FAILED.key(self.breaker(asking.channel));
        call.arg(now.timestamp_millis()).arg(FAILURES);
        call.arg(PAUSE.num_milliseconds()).arg(LONGEST_PAUSE.num_milliseconds()).arg(asked);
        match self.redis.script::<i64>(&call).await {
            Ok(0) => {}
            Ok(_) => {
                tracing::warn!(channel = %asking.channel, kind = %asking.kind, "channel is blocked for a while");
                metrics::counter!("channels_blocked_total", "kind" => asking.kind.as_str()).increment(1);
            }
            Err(error) => tracing::debug!(%error, "a failure could not be noted"),
        }
    }

    async fn sound_again(&self, channel: ChannelId) {
        let mut forget = redis::cmd("DEL");
        forget.arg(self.breaker(channel));
        if let Err(error) = self.redis.query::<i64>(&forget).await {
            tracing::debug!(%error, "a success could not be noted");
        }
    }

    /// The braces keep all keys of a channel on one node of a cluster.
    fn breaker(&self, channel: ChannelId) -> String {
        self.redis.key(&format!("throttle:{{{channel}}}:breaker"))
    }

    /// Where stands what is on its way to a reader, of kinds that want one at a time.
    fn place(&self, asking: &Asking<'_>) -> Option<String> {
        let one = self.limits == Limits::Kept && pace(asking.kind).one_at_a_time;
        let (channel, reader) = (asking.channel, asking.reader_key());
        one.then(|| self.redis.key(&format!("throttle:{{{channel}}}:to:{reader}:way")))
    }

    fn scopes(&self, asking: &Asking<'_>) -> Vec<Scope> {
        if self.limits == Limits::Ignored {
            return Vec::new();
        }
        let pace = pace(asking.kind);
        let place = |part: &str| self.redis.key(&format!("throttle:{{{}}}:{part}", asking.channel));
        let mut scopes = Vec::with_capacity(2);
        if !pace.channel.is_empty() {
            scopes.push(Scope { name: place("all"), limits: pace.channel, full: Full::Channel });
        }
        if !pace.reader.is_empty() && !asking.reader.is_empty() {
            let name = place(&format!("to:{}", asking.reader_key()));
            scopes.push(Scope { name, limits: pace.reader, full: Full::Reader });
        }
        if asking.spacing == Spacing::News {
            scopes.push(Scope {
                name: place(&format!("news:{}", asking.reader_key())),
                limits: &[NEWS],
                full: Full::News,
            });
        }
        scopes
    }
}

impl Asking<'_> {
    /// The same however often it asks for one attempt.
    fn ticket(&self) -> String {
        format!("{}:{}", self.notice, self.attempt)
    }

    /// No name of a person stands in a key.
    fn reader_key(&self) -> String {
        match self.reader {
            "" => "room".to_owned(),
            name => hex::encode(hmac_sha256(b"reader", name.as_bytes()).get(..8).unwrap_or_default()),
        }
    }
}

fn own(scopes: &[Scope]) -> Vec<(&str, &'static [Limit])> {
    scopes.iter().map(|scope| (scope.name.as_str(), scope.limits)).collect()
}

impl Full {
    /// What stands first in a waiting notice's reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Channel | Self::Reader => Reason::Throttled.as_str(),
            Self::News => Reason::Bundled.as_str(),
            Self::Blocked => Reason::ChannelBlocked.as_str(),
            Self::Unknown => "throttled: Redis is away",
        }
    }
}
