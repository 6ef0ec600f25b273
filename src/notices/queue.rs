//! The queue in Redis: one stream per lane, one consumer group. It carries ids of rows and nothing else; it may be emptied,
//! shortened or away at any moment, for the relay finds the rows again.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{Cmd, Pipeline, cmd};

use super::model::{Entry, Lane, NoticeId};
use crate::organisation::CountyId;
use crate::platform::redis::{Redis, RedisError};

type RedisResult<T> = Result<T, RedisError>;

/// The consumer group that every process belongs to.
const GROUP: &str = "senders";

/// Entries kept at most, about; more can only be left-overs of a fault.
const STREAM_MAX: usize = 20_000;

/// An entry as it was read: to be acknowledged whatever came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Redis' own id.
    pub id: String,
    /// None: not written by us.
    pub entry: Option<Entry>,
}

/// A handle; clones share its connection.
#[derive(Clone, Debug)]
pub struct Queue {
    redis: Redis,
}

impl Queue {
    #[must_use]
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// The key of a lane's stream.
    #[must_use]
    pub fn key(&self, lane: Lane) -> String {
        self.redis.key(&format!("notices:{}", lane.as_str()))
    }

    /// How many entries are unread or in hand, per lane in the order of [`Lane::ALL`].
    pub async fn lengths(&self) -> RedisResult<[usize; 2]> {
        let mut lengths = Pipeline::new();
        for lane in Lane::ALL {
            lengths.cmd("XLEN").arg(self.key(lane));
        }
        self.redis.pipeline(&lengths).await
    }

    /// Appends entries, in order and in one round trip.
    pub async fn push(&self, entries: &[(Lane, Entry)]) -> RedisResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let keys = Lane::ALL.map(|lane| (lane, self.key(lane)));
        let mut adds = Pipeline::with_capacity(entries.len());
        for (lane, entry) in entries {
            let key = keys.iter().find(|(one, _)| one == lane).map(|(_, key)| key.as_str());
            adds.cmd("XADD")
                .arg(key)
                .arg("MAXLEN")
                .arg("~")
                .arg(STREAM_MAX)
                .arg("*")
                .arg("county")
                .arg(entry.county.to_string())
                .arg("notice")
                .arg(entry.notice.to_string())
                .ignore();
        }
        self.redis.pipeline(&adds).await
    }

    /// A connection of one's own for [`Queue::read`].
    pub async fn reader(&self) -> RedisResult<MultiplexedConnection> {
        self.redis.blocking().await
    }

    /// The next entries that no consumer has, at most `count`; waits up to `wait` for the first (zero: not at all).
    ///
    /// A group that is not there, also one that vanishes while we wait, is made anew.
    pub async fn read(
        &self,
        reader: &mut MultiplexedConnection,
        lane: Lane,
        consumer: &str,
        count: usize,
        wait: Duration,
    ) -> RedisResult<Vec<Taken>> {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(GROUP).arg(consumer).arg("COUNT").arg(count);
        if !wait.is_zero() {
            command.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
        command.arg("STREAMS").arg(self.key(lane)).arg(">");
        let mut tries = 3;
        loop {
            // A network that swallows packets never ends a connection; the answer's own time does.
            let answer =
                tokio::time::timeout(wait + Duration::from_secs(2), command.query_async(reader)).await;
            let answer: RedisResult<Option<StreamReadReply>> =
                answer.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
            match answer {
                Ok(reply) => {
                    let streams = reply.map(|reply| reply.keys).unwrap_or_default();
                    return Ok(streams.into_iter().flat_map(|stream| stream.ids).map(taken).collect());
                }
                Err(error) if tries > 0 && is_group_gone(&error) => {
                    self.make_group(lane).await?;
                    tries -= 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes over what a consumer took and did not acknowledge for `idle` (it died, or could not say so).
    pub async fn reclaim(&self, lane: Lane, consumer: &str, idle: Duration) -> RedisResult<Vec<Taken>> {
        let mut command = cmd("XAUTOCLAIM");
        command
            .arg(self.key(lane))
            .arg(GROUP)
            .arg(consumer)
            .arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX))
            .arg("0-0")
            .arg("COUNT")
            .arg(100);
        match self.redis.query::<StreamAutoClaimReply>(&command).await {
            Ok(reply) => Ok(reply.claimed.into_iter().map(taken).collect()),
            Err(error) if is_group_gone(&error) => self.make_group(lane).await.map(|()| Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Acknowledges entries and takes them out of the stream.
    pub async fn done(&self, lane: Lane, ids: &[String]) -> RedisResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let key = self.key(lane);
        let mut both = Pipeline::with_capacity(2);
        both.cmd("XACK").arg(&key).arg(GROUP).arg(ids).ignore();
        both.cmd("XDEL").arg(&key).arg(ids).ignore();
        self.redis.pipeline(&both).await
    }

    /// Forgets consumers that hold nothing and were not seen for `idle`: machines that are gone for good.
    pub async fn forget_consumers(&self, lane: Lane, idle: Duration) -> RedisResult<()> {
        let key = self.key(lane);
        let mut info = cmd("XINFO");
        info.arg("CONSUMERS").arg(&key).arg(GROUP);
        let consumers: Vec<std::collections::HashMap<String, redis::Value>> =
            match self.redis.query(&info).await {
                Ok(consumers) => consumers,
                Err(error) if is_group_gone(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
        for consumer in consumers {
            let number = |field: &str| match consumer.get(field) {
                Some(redis::Value::Int(number)) => u128::try_from(*number).ok(),
                _ => None,
            };
            let unused =
                number("pending") == Some(0) && number("idle").is_some_and(|ms| ms > idle.as_millis());
            if let (true, Some(name)) = (unused, consumer.get("name")) {
                let name: String = redis::from_redis_value_ref(name)?;
                let mut forget = cmd("XGROUP");
                forget.arg("DELCONSUMER").arg(&key).arg(GROUP).arg(name);
                self.redis.query::<i64>(&forget).await?;
            }
        }
        Ok(())
    }

    /// From the beginning of the stream, so that what was put in before the group existed is read too.
    async fn make_group(&self, lane: Lane) -> RedisResult<()> {
        let mut create = Cmd::new();
        create.arg("XGROUP").arg("CREATE").arg(self.key(lane)).arg(GROUP).arg("0").arg("MKSTREAM");
        match self.redis.query::<()>(&create).await {
            // Another process was quicker.
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            answer => answer,
        }
    }
}

/// The stream or its group does not exist, or ceased to while we waited.
fn is_group_gone(error: &RedisError) -> bool {
    let missing = error.code() == Some("ERR") && error.to_string().to_lowercase().contains("no such key");
    missing || matches!(error.code(), Some("NOGROUP" | "UNBLOCKED"))
}

fn taken(entry: StreamId) -> Taken {
    let id = |field: &str| entry.get::<String>(field)?.parse().ok();
    let both = id("county").zip(id("notice"));
    let found = both.map(|(county, notice)| Entry { county: CountyId(county), notice: NoticeId(notice) });
    Taken { entry: found, id: entry.id }
}
