//! What is built once and handed to every route and every loop.

use std::sync::Arc;

use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError};
use crate::platform::redis::{Redis, RedisError};

/// The application's parts. Clones share them; each HTTP worker has its own connections to Postgres and Redis.
#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub vault: Vault,
    pub db: Db,
    pub redis: Redis,
}

/// Why the parts cannot be built; each is a matter of settings, none of a service being away.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("database.url: {0}")]
    Database(#[from] DbError),
    #[error("redis.url: {0}")]
    Redis(#[from] RedisError),
}

impl App {
    /// Builds the parts; opens no connection yet.
    pub fn new(config: Config, clock: Clock) -> Result<Self, AppError> {
        let db = Db::lazy(&config.database.url, config.database.pool_background)?;
        let redis = Redis::lazy(&config.redis)?;
        let vault = Vault::new(&config.secrets.master_key);
        Ok(Self { config: Arc::new(config), clock, vault, db, redis })
    }

    /// The same parts with connections of their own, for one HTTP worker.
    pub fn for_worker(&self) -> Result<Self, AppError> {
        let db = Db::lazy(&self.config.database.url, self.config.database.pool_per_worker)?;
        Ok(Self { db, redis: self.redis.for_worker(), ..self.clone() })
    }
}
