//! How many requests one caller may make, counted together for all replicas: a token bucket per caller in Redis.
//!
//! Cost: the first request of a caller in a second costs one round trip to Redis (0.1 ms on the same machine). A caller who comes
//! more often gets tokens leased to this process, twice as many each time his lease is used up within a second, so a busy caller
//! costs a round trip every [`Limiter::lease_cap`] requests and the others less than a microsecond. Leased tokens were taken from the
//! bucket, so the sum over all replicas never exceeds the limit; those not used within the second are lost to the caller,
//! and they are never more than he used in the second before. While Redis is away nobody is limited.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use redis::Script;

use crate::platform::clock::Clock;
use crate::platform::redis::Redis;

/// How long leased tokens are good for, in milliseconds.
const LEASE_MS: i64 = 1000;
/// Callers remembered before those whose lease is over are forgotten.
const REMEMBERED: usize = 4096;

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    Pass,
    /// Refused; the next token comes after so many milliseconds.
    Wait(u64),
}

/// Counts requests; clones count together.
#[derive(Clone, Debug)]
pub struct Limiter {
    redis: Redis,
    clock: Clock,
    script: Arc<Script>,
    leases: Arc<Mutex<HashMap<String, Lease>>>,
    per_second: u32,
    burst: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    tokens: u32,
    /// How many were asked for last time.
    size: u32,
    until_ms: i64,
    /// The bucket is known to be empty until then; asking again could not help.
    empty_until_ms: i64,
}

impl Limiter {
    /// `None` when nothing is limited (`per_second` is 0).
    #[must_use]
    pub fn new(redis: Redis, clock: Clock, per_second: u32, burst: u32) -> Option<Self> {
        (per_second > 0).then(|| Self {
            redis,
            clock,
            script: Arc::new(Script::new(include_str!("rate_limit.lua"))),
            leases: Arc::default(),
            per_second,
            burst: burst.max(1),
        })
    }

    /// The same count over another connection, for one HTTP worker.
    #[must_use]
    pub fn with_redis(&self, redis: Redis) -> Self {
        Self { redis, ..self.clone() }
    }

    /// The largest lease.
    #[must_use]
    pub fn lease_cap(&self) -> u32 {
        (self.burst / 8).clamp(1, 32)
    }

    /// Takes one token of the caller's.
    pub async fn take(&self, caller: &str) -> Verdict {
        let now_ms = self.clock.now().timestamp_millis();
        let wanted = match self.by_lease(caller, now_ms) {
            Ok(verdict) => return verdict,
            Err(wanted) => wanted,
        };
        let key = self.redis.key(&format!("rate:{caller}"));
        let answer: Result<(u32, u64), _> = self
            .redis
            .script(self.script.key(key).arg(now_ms).arg(self.per_second).arg(self.burst).arg(wanted))
            .await;
        match answer {
            Ok((0, wait_ms)) => {
                let wait = i64::try_from(wait_ms).unwrap_or(LEASE_MS);
                self.note(caller, now_ms, |lease| lease.empty_until_ms = now_ms.saturating_add(wait));
                Verdict::Wait(wait_ms)
            }
            Ok((granted, _)) => {
                self.note(caller, now_ms, |lease| {
                    lease.tokens = lease.tokens.saturating_add(granted.saturating_sub(1));
                    lease.size = wanted;
                    lease.until_ms = now_ms.saturating_add(LEASE_MS);
                });
                Verdict::Pass
            }
            // The handle says once that Redis is away.
            Err(_) => Verdict::Pass,
        }
    }

    /// Decides here if it can; else says how many tokens to ask for.
    fn by_lease(&self, caller: &str, now_ms: i64) -> Result<Verdict, u32> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lease) = leases.get_mut(caller) else { return Err(1) };
        if now_ms < lease.until_ms {
            if lease.tokens > 0 {
                lease.tokens -= 1;
                return Ok(Verdict::Pass);
            }
        } else {
            *lease = Lease { empty_until_ms: lease.empty_until_ms, ..Lease::default() };
        }
        match u64::try_from(lease.empty_until_ms.saturating_sub(now_ms)) {
            Ok(wait) if wait > 0 => Ok(Verdict::Wait(wait)),
            _ => Err(lease.size.saturating_mul(2).clamp(1, self.lease_cap())),
        }
    }

    fn note(&self, caller: &str, now_ms: i64, change: impl FnOnce(&mut Lease)) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.len() >= REMEMBERED {
            leases.retain(|_, lease| lease.until_ms.max(lease.empty_until_ms) > now_ms);
        }
        match leases.get_mut(caller) {
            Some(lease) => change(lease),
            None => change(leases.entry(caller.to_owned()).or_default()),
        }
    }
}
