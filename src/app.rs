//! What is built once and handed to every route and every loop.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::calls::desk::Desk;
use crate::calls::raise::Writer;
use crate::catalogue::Catalogue;
use crate::deadlines::Calendars;
use crate::deadlines::calendar::CalendarError;
use crate::deadlines::limits::Rules;
use crate::drills::start::Drills;
use crate::identity::KeyRing;
use crate::identity::wechat::Wechat;
use crate::notices::deliver::Sender;
use crate::notices::texts::{Texts, TextsError};
use crate::notices::throttle::{Limits, Throttle};
use crate::notices::tokens::Tokens;
use crate::notices::wake::Wake;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError};
use crate::platform::outbound::{Outbound, OutboundSettingsError};
use crate::platform::redis::{Redis, RedisError};
use crate::supervision::desk::SupervisionDesk;

/// The application's parts. Clones share them; each HTTP worker has its own connections.
#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub vault: Vault,
    pub db: Db,
    pub redis: Redis,
    pub keys: Arc<KeyRing>,
    /// The one way out.
    pub outbound: Outbound,
    pub wechat: Wechat,
    pub catalogue: Catalogue,
    /// What the verbs of calls need.
    pub calls: Desk,
    /// What the verbs of supervision need.
    pub supervision: SupervisionDesk,
    /// The door for new calls.
    pub taps: Writer,
    /// What notices say.
    pub texts: Arc<Texts>,
    /// What sends notices, and an administrator's test.
    pub sender: Sender,
    /// Rings when notices were committed.
    pub wake: Wake,
}

/// Why the parts cannot be built; each is a matter of settings, none of a service being away.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("database.url: {0}")]
    Database(#[from] DbError),
    #[error("redis.url: {0}")]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Outbound(#[from] OutboundSettingsError),
    #[error("the statutory calendar: {0}")]
    Calendar(#[from] CalendarError),
    #[error(transparent)]
    Texts(#[from] TextsError),
}

impl App {
    /// Builds the parts; opens no connection yet. Needs a runtime: the writers of new calls are started here.
    pub fn new(config: Config, clock: Clock) -> Result<Self, AppError> {
        let db = Db::of(&config.database, config.database.pool_background)?;
        let redis = Redis::lazy(&config.redis)?;
        let vault = Vault::new(&config.secrets.master_key);
        let keys = Arc::new(KeyRing::new(vault.clone(), &config.identity));
        let outbound = Outbound::new(&config.outbound)?;
        let wechat = Wechat::new(&config.wechat, outbound.clone());
        let wake = Wake::default();
        let calls = Desk::new(db.clone(), Calendars::new()?, wake.clone(), &vault);
        let supervision =
            SupervisionDesk { db: db.clone(), calendars: calls.calendars.clone(), wake: wake.clone() };
        let taps = Writer::start(&calls);
        let catalogue = Catalogue::default();
        let texts = Arc::new(Texts::new(&config.http.public_url)?);
        let sender = Sender {
            db: db.clone(),
            outbound: outbound.clone(),
            vault: vault.clone(),
            texts: texts.clone(),
            tokens: Tokens::new(redis.clone(), vault.clone(), outbound.clone()),
            throttle: Throttle::new(redis.clone(), Limits::when(config.notices.throttle)),
            lease: TimeDelta::milliseconds(config.notices.lease_ms.into()),
            next_channel_minutes: Rules::defaults().notices.next_channel_minutes,
            clock: clock.clone(),
            wake: wake.clone(),
        };
        Ok(Self {
            config: Arc::new(config),
            clock,
            vault,
            db,
            redis,
            keys,
            outbound,
            wechat,
            catalogue,
            calls,
            supervision,
            taps,
            texts,
            sender,
            wake,
        })
    }

    /// What begins reachability drills.
    #[must_use]
    pub fn drills(&self) -> Drills {
        Drills {
            db: self.db.clone(),
            calendars: self.calls.calendars.clone(),
            link_key: self.vault.derive("drill-link"),
        }
    }

    /// The same parts with connections of their own, for one HTTP worker. The writers stay shared: taps of all workers gather there.
    pub fn for_worker(&self) -> Result<Self, AppError> {
        let db = Db::of(&self.config.database, self.config.database.pool_per_worker)?;
        let calls = self.calls.with_db(db.clone());
        let supervision = self.supervision.with_db(db.clone());
        Ok(Self { db, redis: self.redis.for_worker(), calls, supervision, ..self.clone() })
    }
}
