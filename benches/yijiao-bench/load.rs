//! Taps: closed loops of so many clients, and an open loop by the clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::client::Connection;
use crate::figures::{Sorted, number};
use crate::receiver::TAG;
use crate::stage::{County, Outcome};

/// Connections of the open loop; far more than taps in hand at the same time.
const CONNECTIONS: u32 = 64;

/// So long before its first tap.
const OPENED_BEFORE: Duration = Duration::from_millis(200);

/// Taps of one county on one server. Clones share the numbering.
#[derive(Clone)]
pub struct Taps {
    address: SocketAddr,
    /// The request up to its idempotency key, per member.
    heads: Arc<Vec<String>>,
    items: Arc<Vec<String>>,
    next: Arc<AtomicU32>,
    /// Tells the keys of this run from those of others.
    run: u64,
}

/// What a closed loop did.
pub struct Burst {
    pub per_second: f64,
    pub times: Sorted,
    /// Answers other than 201, and broken connections.
    pub failed: usize,
}

impl Taps {
    #[must_use]
    pub fn new(county: &County, address: SocketAddr) -> Self {
        let head = |token: &str| {
            format!(
                "POST /api/v1/calls HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nIdempotency-Key: "
            )
        };
        Self {
            address,
            heads: Arc::new(county.members.iter().map(|member| head(&member.token)).collect()),
            items: Arc::new(county.items.clone()),
            next: Arc::default(),
            run: rand::random(),
        }
    }

    /// A fresh tap: its number and its request. Members and items take turns, each at its own pace.
    fn tap(&self, tagged: bool) -> (u32, Vec<u8>) {
        let tap = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = usize::try_from(tap).unwrap_or_default();
        let pick = |list: &[String], step: usize| list.get(turn * step % list.len().max(1)).cloned();
        let head = pick(&self.heads, 1).unwrap_or_default();
        let item = pick(&self.items, 7).unwrap_or_default();
        let place = if tagged { format!(",\"place\":\"{TAG}{tap:06}\"") } else { String::new() };
        let body = format!("{{\"itemCode\":\"{item}\"{place}}}");
        let (run, length) = (self.run, body.len());
        (tap, format!("{head}{run:016x}{tap}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// So many clients tap as fast as they are answered, for `warm` uncounted and then for `length`, or until `most` taps.
    pub async fn burst(&self, clients: usize, warm: Duration, length: Duration, most: u32) -> Outcome<Burst> {
        let counted = Instant::now() + warm;
        let end = counted + length;
        let last = self.next.load(Ordering::Relaxed).saturating_add(most);
        let mut loops = JoinSet::new();
        for _ in 0..clients {
            let taps = self.clone();
            loops.spawn(async move {
                let mut connection = Connection::open(taps.address).await?;
                let (mut times, mut failed) = (Vec::new(), 0_usize);
                while taps.next.load(Ordering::Relaxed) < last && Instant::now() < end {
                    let (_, request) = taps.tap(false);
                    let began = Instant::now();
                    let good = connection.exchange(&request).await.is_ok_and(|status| status == 201);
                    let done = Instant::now();
                    if !good {
                        failed += 1;
                        connection = Connection::open(taps.address).await?;
                    } else if done >= counted && done < end {
                        times.push(done - began);
                    }
                }
                Outcome::Ok((times, failed))
            });
        }
        let (mut times, mut failed) = (Vec::new(), 0);
        while let Some(ended) = loops.join_next().await {
            let (own, lost) = ended??;
            times.extend(own);
            failed += lost;
        }
        let seconds = (Instant::now().min(end) - counted).as_secs_f64();
        Ok(Burst { per_second: number(times.len()) / seconds, times: Sorted::new(times), failed })
    }

    /// One tap every `1 / rate` seconds, whatever becomes of those before. The taps and when they were sent: just before the
    /// request left, or when it should have left if no connection was free.
    pub async fn by_the_clock(&self, rate: u32, count: u32) -> Outcome<Vec<(u32, Instant)>> {
        let start = Instant::now() + OPENED_BEFORE;
        let mut loops = JoinSet::new();
        for first in 0..CONNECTIONS.min(count) {
            let taps = self.clone();
            loops.spawn(async move {
                // The server gives up on one that stays silent; so none is opened long before its first tap.
                sleep_until(start + Duration::from_secs(1) * first / rate - OPENED_BEFORE).await;
                let mut connection = Connection::open(taps.address).await?;
                let mut sent = Vec::new();
                for turn in (first..count).step_by(usize::try_from(CONNECTIONS)?) {
                    let due = start + Duration::from_secs(1) * turn / rate;
                    let (tap, request) = taps.tap(true);
                    let began = if Instant::now() > due {
                        due
                    } else {
                        sleep_until(due).await;
                        Instant::now()
                    };
                    let status = connection.exchange(&request).await?;
                    if status != 201 {
                        return Err(format!("a tap was answered with {status}").into());
                    }
                    sent.push((tap, began));
                }
                Outcome::Ok(sent)
            });
        }
        let mut sent = Vec::new();
        while let Some(ended) = loops.join_next().await {
            sent.extend(ended??);
        }
        Ok(sent)
    }
}
