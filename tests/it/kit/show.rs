//! The demo county with its chat platforms: what is posted is sent to their stand-in, whose buttons call the county back.

use std::net::TcpListener;

use chrono::TimeDelta;
use uuid::Uuid;
use yijiao::notices::model::Lane;
use yijiao::notices::queue::Queue;
use yijiao::notices::relay::Relay;
use yijiao::notices::worker::Worker;
use yijiao::platform::outbound::Outbound;
use yijiao::sandbox::{RoomConfig, Sandbox, SandboxConfig, serve};

use super::{County, wd};
use crate::kit_db::{Holds, TestDb};

const CHANNELS: &str = include_str!("../../../config/counties/demo/channels.csv");

/// The demo county with its chat platforms.
pub struct Show {
    pub county: County,
    pub sandbox: Sandbox,
    pub relay: Relay,
    pub worker: Worker,
}

impl Show {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let county = County::over(TestDb::holding(Holds::DemoCounty), "demo", |config| {
            config.redis.url = std::env::var("REDIS_URL").expect("REDIS_URL").into();
            config.redis.prefix = format!("test:{}", Uuid::now_v7());
            config.outbound.allow_private = vec!["127.0.0.1".to_owned()];
        });
        let moved = format!(
            "update channels set base_url = replace(base_url, 'http://127.0.0.1:8090', 'http://{address}')"
        );
        county.alter(&moved).await;
        let mut config = SandboxConfig::from_channels_csv(CHANNELS).unwrap();
        config.keep = 1000;
        config.rooms = config.rooms.into_iter().map(|room| RoomConfig { limits: false, ..room }).collect();
        let way = Outbound::new(&county.app.config.outbound).unwrap();
        let sandbox = Sandbox::new(config, county.clock.clone()).unwrap().calling(way);
        tokio::spawn(serve(sandbox.clone(), listener).unwrap());
        let (app, queue) = (&county.app, Queue::new(county.app.redis.clone()));
        let lease = TimeDelta::seconds(30);
        let relay = Relay {
            db: app.db.clone(),
            queue: queue.clone(),
            clock: app.clock.clone(),
            wake: app.wake.clone(),
            requeue: TimeDelta::seconds(10),
            lease,
        };
        let sender = app.sender.clone();
        let clock = app.clock.clone();
        let worker = Worker { sender, queue, clock, concurrency: 16, consumer: "test".to_owned() };
        Self { county, sandbox, relay, worker }
    }

    /// What is to be sent is sent.
    pub async fn sends(&self) {
        let _ = self.relay.run_once(self.county.now()).await.unwrap();
        self.worker.run_once(self.county.now()).await.unwrap();
    }

    /// Time runs; what is due fires at its moment, and what is posted then is sent then.
    pub async fn runs_until(&self, when: &str) {
        let end = wd(when);
        loop {
            self.county.fires().await;
            self.sends().await;
            match self.county.next_due().await.filter(|next| *next <= end) {
                Some(next) => self.county.clock.set(next.max(self.county.now())),
                None => break,
            }
        }
        self.county.clock.set(end);
    }

    /// Redis forgets what waits.
    pub async fn forget(&self) {
        for lane in Lane::ALL {
            let key = self.relay.queue.key(lane);
            let deleted: Result<i64, _> = self.county.app.redis.query(redis::cmd("DEL").arg(key)).await;
            deleted.unwrap();
        }
    }
}
