//! What is built once and handed to every route and every loop.

use std::sync::Arc;

use crate::identity::KeyRing;
use crate::identity::wechat::Wechat;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, DbError};

/// The application's parts. Clones share them; each HTTP worker has its own Postgres pool.
#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub vault: Vault,
    pub db: Db,
    pub keys: Arc<KeyRing>,
    pub wechat: Wechat,
}

impl App {
    /// Builds the parts; opens no connection yet.
    pub fn new(config: Config, clock: Clock) -> Result<Self, DbError> {
        let db = Db::lazy(&config.database.url, config.database.pool_background)?;
        let vault = Vault::new(&config.secrets.master_key);
        let keys = Arc::new(KeyRing::new(vault.clone(), &config.identity));
        let wechat = Wechat::new(&config.wechat, &config.outbound);
        Ok(Self { config: Arc::new(config), clock, vault, db, keys, wechat })
    }

    /// The same parts with a pool of their own, for one HTTP worker.
    pub fn for_worker(&self) -> Result<Self, DbError> {
        let db = Db::lazy(&self.config.database.url, self.config.database.pool_per_worker)?;
        Ok(Self { db, ..self.clone() })
    }
}
