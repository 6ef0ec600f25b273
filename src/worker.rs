//! The index of what happens by itself: every loop of the background, one line each. The router is its counterpart for what comes in.

use chrono::TimeDelta;

use crate::app::App;
use crate::notices::deliver::Sender;
use crate::notices::queue::Queue;
use crate::notices::relay::Relay;
use crate::notices::tokens::Tokens;
use crate::notices::worker::{Worker, machine_name};
use crate::platform::stop::Stop;

/// What runs beside the API in one process, until `stop`; then what is in hand is finished.
#[derive(Clone, Debug)]
pub struct Loops {
    app: App,
    relay: Relay,
    senders: Worker,
}

impl Loops {
    /// Builds the loops.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let settings = &app.config.notices;
        let queue = Queue::new(app.redis.clone());
        let lease = TimeDelta::milliseconds(settings.lease_ms.into());
        let relay = Relay {
            db: app.db.clone(),
            queue: queue.clone(),
            clock: app.clock.clone(),
            wake: app.wake.clone(),
            requeue: TimeDelta::milliseconds(settings.requeue_ms.into()),
            lease,
        };
        let sender = Sender {
            db: app.db.clone(),
            outbound: app.outbound.clone(),
            vault: app.vault.clone(),
            texts: app.texts.clone(),
            tokens: Tokens::new(app.redis.clone(), app.vault.clone(), app.outbound.clone()),
            lease,
            wake: app.wake.clone(),
        };
        let consumer = match settings.consumer.as_str() {
            "" => machine_name(),
            name => name.to_owned(),
        };
        let senders =
            Worker { sender, queue, clock: app.clock.clone(), concurrency: settings.concurrency, consumer };
        Self { app: app.clone(), relay, senders }
    }

    /// Beside the API: what was committed here is handed on at once.
    pub async fn hand_on(&self, stop: Stop) {
        // Committed notices → entries in Redis; also finds again what Redis lost.
        self.relay.run(stop.requested()).await;
    }

    /// Everything that happens by itself.
    pub async fn run(&self, stop: Stop) {
        tokio::join!(
            self.relay.run(stop.requested()),      // committed notices → entries in Redis
            self.senders.run(stop.requested()),    // entries → chat platforms
            self.app.catalogue.warm(&self.app.db), // learns every county's words before the first call needs them
        );
    }
}
