//! The queue of due deadlines in Redis: a stream of ids, and marks that keep an id from standing in it twice. All of it may be lost at
//! any moment; what is due is found again in Postgres.

use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamId;

use super::model::DeadlineId;
use crate::organisation::CountyId;
use crate::platform::redis::{Redis, RedisError};
use crate::platform::stream::Stream;

type RedisResult<T> = Result<T, RedisError>;

/// The consumer group that every process belongs to.
const GROUP: &str = "climbers";

/// Entries kept at most, about.
const STREAM_MAX: usize = 20_000;

/// How long an id counts as queued: after a crash of its taker it is put in again.
const MARK: Duration = Duration::from_secs(3);

/// Deadlines of one county that fire together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub county: CountyId,
    /// The most overdue first.
    pub deadlines: Vec<DeadlineId>,
}

/// An entry as it was read: to be acknowledged whatever came of it.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Redis' own id.
    pub id: String,
    /// None: not written by us.
    pub chunk: Option<Chunk>,
}

/// A handle; clones share its connection.
#[derive(Clone, Debug)]
pub struct DueQueue {
    redis: Redis,
    stream: Stream,
    marks: String,
    script: Arc<Script>,
}

impl DueQueue {
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self {
            // One hash tag: in a cluster the script finds both keys in one place.
            stream: Stream::new(redis.clone(), "{deadlines}:due", GROUP, STREAM_MAX),
            marks: redis.key("{deadlines}:queued"),
            script: Arc::new(Script::new(include_str!("queue.lua"))),
            redis,
        }
    }

    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Queues what is not queued yet; how many that were.
    pub async fn push(&self, chunks: &[Chunk]) -> RedisResult<usize> {
        let mut call = self.script.key(&self.marks);
        call.key(self.stream.key()).arg(u64::try_from(MARK.as_millis()).unwrap_or(u64::MAX)).arg(STREAM_MAX);
        for chunk in chunks {
            call.arg(chunk.county.to_string()).arg(joined(&chunk.deadlines));
        }
        self.redis.script(&call).await
    }

    /// The next chunks; waits up to `wait` for the first.
    pub async fn read(
        &self,
        reader: &mut MultiplexedConnection,
        consumer: &str,
        count: usize,
        wait: Duration,
    ) -> RedisResult<Vec<Taken>> {
        Ok(self.stream.read(reader, consumer, count, wait).await?.into_iter().map(taken).collect())
    }

    /// Says that an entry is done with: its deadlines may be queued again if they are due again.
    pub async fn done(&self, taken: &Taken) -> RedisResult<()> {
        if let Some(chunk) = &taken.chunk {
            let mut unmark = redis::cmd("ZREM");
            unmark.arg(&self.marks);
            for id in &chunk.deadlines {
                unmark.arg(id.0.simple().to_string());
            }
            self.redis.query::<i64>(&unmark).await?;
        }
        self.stream.done(std::slice::from_ref(&taken.id)).await
    }
}

fn joined(ids: &[DeadlineId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    ids.join(",")
}

fn taken(entry: StreamId) -> Taken {
    let county = entry.get::<String>("county").and_then(|id| id.parse().ok()).map(CountyId);
    let ids = entry.get::<String>("ids").unwrap_or_default();
    let deadlines: Vec<DeadlineId> =
        ids.split(',').filter_map(|id| uuid::Uuid::try_parse(id).ok()).map(DeadlineId).collect();
    Taken { id: entry.id, chunk: county.map(|county| Chunk { county, deadlines }) }
}
