//! What notices do by themselves: the relay and the senders, built from the settings.

use std::sync::Arc;

use chrono::TimeDelta;

use super::deliver::Sender;
use super::queue::Queue;
use super::relay::Relay;
use super::texts::{Texts, TextsError};
use super::wake::Wake;
use super::worker::{Worker, machine_name};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::Db;
use crate::platform::outbound::{Outbound, OutboundSettings, OutboundSettingsError};
use crate::platform::redis::Redis;
use crate::platform::stop::Stop;

/// What the jobs are built from. The wake is the one that verbs of this process ring.
#[derive(Debug)]
pub struct Parts {
    pub clock: Clock,
    pub db: Db,
    pub redis: Redis,
    pub vault: Vault,
    pub wake: Wake,
}

/// The jobs of one process; any number of processes may run them.
#[derive(Clone, Debug)]
pub struct Jobs {
    pub relay: Relay,
    pub worker: Worker,
}

/// Why the jobs cannot be built; each is a matter of settings.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    #[error("outbound: {0}")]
    Outbound(#[from] OutboundSettingsError),
    #[error(transparent)]
    Texts(#[from] TextsError),
    #[error(
        "notices.lease_ms must be longer than outbound.connect_timeout_ms and outbound.timeout_ms together"
    )]
    ShortLease,
}

impl Jobs {
    /// Builds them; opens no connection yet.
    pub fn build(config: &Config, parts: Parts) -> Result<Self, JobsError> {
        let (notices, outbound) = (&config.notices, &config.outbound);
        if u64::from(notices.lease_ms) <= outbound.connect_timeout_ms + outbound.timeout_ms {
            return Err(JobsError::ShortLease);
        }
        let lease = TimeDelta::milliseconds(i64::from(notices.lease_ms));
        let queue = Queue::new(parts.redis);
        let consumer = match notices.consumer.as_str() {
            "" => machine_name(),
            name => name.to_owned(),
        };
        let sender = Sender {
            db: parts.db.clone(),
            outbound: Outbound::new(&OutboundSettings {
                connect_timeout_ms: outbound.connect_timeout_ms,
                timeout_ms: outbound.timeout_ms,
                answer_limit: outbound.answer_limit,
                allow_private: outbound.allow_private.clone(),
            })?,
            vault: parts.vault,
            texts: Arc::new(Texts::new(&config.http.public_url)?),
            lease,
        };
        let worker = Worker {
            sender,
            queue: queue.clone(),
            clock: parts.clock.clone(),
            concurrency: notices.concurrency,
            consumer,
        };
        let requeue = TimeDelta::milliseconds(i64::from(notices.requeue_ms));
        let relay = Relay { db: parts.db, queue, clock: parts.clock, wake: parts.wake, requeue, lease };
        Ok(Self { relay, worker })
    }

    /// Works until asked to stop, then finishes what is in hand.
    pub async fn run(&self, stop: Stop) {
        tokio::join!(self.relay.run(stop.requested()), self.worker.run(stop.requested()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::Config;

    #[tokio::test]
    async fn the_defaults_fit_together_and_a_lease_outlives_its_request() {
        let mut config = Config::defaults().unwrap();
        let parts = |config: &Config| Parts {
            clock: Clock::System,
            db: Db::lazy(&config.database.url, 1).unwrap(),
            redis: Redis::lazy(&config.redis).unwrap(),
            vault: Vault::new(&config.secrets.master_key),
            wake: Wake::default(),
        };
        let jobs = Jobs::build(&config, parts(&config)).unwrap();
        assert!(!jobs.worker.consumer.is_empty());
        config.notices.lease_ms = 11_000;
        assert!(matches!(Jobs::build(&config, parts(&config)), Err(JobsError::ShortLease)));
    }
}
