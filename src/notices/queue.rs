//! The queue in Redis: one stream per lane. It carries ids of rows and nothing else; the relay finds again what Redis loses.

use std::time::Duration;

use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamId;

use super::model::{Entry, Lane, NoticeId};
use crate::organisation::CountyId;
use crate::platform::redis::{Redis, RedisError};
use crate::platform::stream::Stream;

type RedisResult<T> = Result<T, RedisError>;

/// The consumer group that every process belongs to.
const GROUP: &str = "senders";

/// Entries kept at most in a lane, about.
const STREAM_MAX: usize = 20_000;

/// An entry as it was read: to be acknowledged whatever came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Redis' own id; empty when it came past the queue.
    pub id: String,
    /// None: not written by us.
    pub entry: Option<Entry>,
}

/// A handle; clones share its connection.
#[derive(Clone, Debug)]
pub struct Queue {
    redis: Redis,
    first: Stream,
    rest: Stream,
}

impl Queue {
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let lane =
            |lane: Lane| Stream::new(redis.clone(), &format!("notices:{}", lane.as_str()), GROUP, STREAM_MAX);
        Self { first: lane(Lane::First), rest: lane(Lane::Rest), redis }
    }

    /// The stream of a lane.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> &Stream {
        match lane {
            Lane::First => &self.first,
            Lane::Rest => &self.rest,
        }
    }

    /// The key of a lane's stream.
    #[must_use]
    pub fn key(&self, lane: Lane) -> String {
        self.lane(lane).key().to_owned()
    }

    /// How many entries are unread or in hand, per lane in the order of [`Lane::ALL`].
    pub async fn lengths(&self) -> RedisResult<[usize; 2]> {
        let mut lengths = Pipeline::new();
        for lane in Lane::ALL {
            self.lane(lane).count_in(&mut lengths);
        }
        self.redis.pipeline(&lengths).await
    }

    /// Appends entries in order, a lane in one round trip, alarms first. Those of a lane appear at once: a reader that waits would wake at
    /// the first and lease it alone, and news that waited for company would leave one by one.
    pub async fn push(&self, entries: &[(Lane, Entry)]) -> RedisResult<()> {
        for lane in Lane::ALL {
            let mut adds = Pipeline::new();
            for (_, entry) in entries.iter().filter(|(of, _)| *of == lane) {
                let fields = [("county", entry.county.to_string()), ("notice", entry.notice.to_string())];
                self.lane(lane).push_in(&mut adds, &fields);
            }
            if !adds.is_empty() {
                self.redis.pipeline::<()>(adds.atomic()).await?;
            }
        }
        Ok(())
    }

    /// The next entries of a lane; see [`Stream::read`].
    pub async fn read(
        &self,
        reader: &mut MultiplexedConnection,
        lane: Lane,
        consumer: &str,
        count: usize,
        wait: Duration,
    ) -> RedisResult<Vec<Taken>> {
        let read = self.lane(lane).read(reader, consumer, count, wait).await?;
        Ok(read.into_iter().map(taken).collect())
    }

    /// Takes over what a consumer took and did not acknowledge for `idle`.
    pub async fn reclaim(&self, lane: Lane, consumer: &str, idle: Duration) -> RedisResult<Vec<Taken>> {
        Ok(self.lane(lane).reclaim(consumer, idle).await?.into_iter().map(taken).collect())
    }
}

fn taken(entry: StreamId) -> Taken {
    let id = |field: &str| entry.get::<String>(field)?.parse().ok();
    let both = id("county").zip(id("notice"));
    let found = both.map(|(county, notice)| Entry { county: CountyId(county), notice: NoticeId(notice) });
    Taken { entry: found, id: entry.id }
}
