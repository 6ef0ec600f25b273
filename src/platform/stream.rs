//! A stream in Redis with one consumer group: work for any number of processes. It may be emptied, shortened or away at any moment;
//! whoever fills it finds the work again in Postgres.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{Cmd, Pipeline, cmd};

use super::redis::{Redis, RedisError};

type RedisResult<T> = Result<T, RedisError>;

/// A handle; clones share its connection.
#[derive(Clone, Debug)]
pub struct Stream {
    redis: Redis,
    key: String,
    group: &'static str,
    /// Entries kept at most, about; more can only be left-overs of a fault.
    most: usize,
}

impl Stream {
    /// The stream `name` (below the deployment's prefix) and the group that reads it.
    #[must_use]
    pub fn new(redis: Redis, name: &str, group: &'static str, most: usize) -> Self {
        Self { key: redis.key(name), redis, group, most }
    }

    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Adds the command that counts the entries unread or in hand.
    pub fn count_in(&self, commands: &mut Pipeline) {
        commands.cmd("XLEN").arg(&self.key);
    }

    /// Adds the command that appends an entry of these fields.
    pub fn push_in(&self, commands: &mut Pipeline, fields: &[(&str, String)]) {
        let add = commands.cmd("XADD").arg(&self.key).arg("MAXLEN").arg("~").arg(self.most).arg("*");
        for (name, value) in fields {
            add.arg(*name).arg(value);
        }
        add.ignore();
    }

    /// A connection of one's own for [`Stream::read`].
    pub async fn reader(&self) -> RedisResult<MultiplexedConnection> {
        self.redis.blocking().await
    }

    /// The next entries that no consumer has, at most `count`; waits up to `wait` for the first (zero: not at all).
    ///
    /// A group that is not there, also one that vanishes while we wait, is made anew.
    pub async fn read(
        &self,
        reader: &mut MultiplexedConnection,
        consumer: &str,
        count: usize,
        wait: Duration,
    ) -> RedisResult<Vec<StreamId>> {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(self.group).arg(consumer).arg("COUNT").arg(count);
        if !wait.is_zero() {
            command.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        }
        command.arg("STREAMS").arg(&self.key).arg(">");
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
                    return Ok(streams.into_iter().flat_map(|stream| stream.ids).collect());
                }
                Err(error) if tries > 0 && is_group_gone(&error) => {
                    self.make_group().await?;
                    tries -= 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes over what a consumer took and did not acknowledge for `idle` (it died, or could not say so).
    pub async fn reclaim(&self, consumer: &str, idle: Duration) -> RedisResult<Vec<StreamId>> {
        let mut command = cmd("XAUTOCLAIM");
        command
            .arg(&self.key)
            .arg(self.group)
            .arg(consumer)
            .arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX))
            .arg("0-0")
            .arg("COUNT")
            .arg(100);
        match self.redis.query::<StreamAutoClaimReply>(&command).await {
            Ok(reply) => Ok(reply.claimed),
            Err(error) if is_group_gone(&error) => self.make_group().await.map(|()| Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Acknowledges entries and takes them out of the stream.
    pub async fn done(&self, ids: &[String]) -> RedisResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut both = Pipeline::with_capacity(2);
        both.cmd("XACK").arg(&self.key).arg(self.group).arg(ids).ignore();
        both.cmd("XDEL").arg(&self.key).arg(ids).ignore();
        self.redis.pipeline(&both).await
    }

    /// Forgets consumers that hold nothing and were not seen for `idle`: machines that are gone for good.
    pub async fn forget_consumers(&self, idle: Duration) -> RedisResult<()> {
        let mut info = cmd("XINFO");
        info.arg("CONSUMERS").arg(&self.key).arg(self.group);
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
                forget.arg("DELCONSUMER").arg(&self.key).arg(self.group).arg(name);
                self.redis.query::<i64>(&forget).await?;
            }
        }
        Ok(())
    }

    /// From the beginning of the stream, so that what was put in before the group existed is read too.
    async fn make_group(&self) -> RedisResult<()> {
        let mut create = Cmd::new();
        create.arg("XGROUP").arg("CREATE").arg(&self.key).arg(self.group).arg("0").arg("MKSTREAM");
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
