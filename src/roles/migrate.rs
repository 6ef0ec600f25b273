//! `yijiao migrate`: runs the migrations that are not yet in, with the login that owns the tables.

use std::error::Error;

use crate::platform::config::Config;
use crate::platform::db;

pub(super) async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::load()?;
    let done = db::migrate(config.database.owner()).await?;
    for name in &done {
        println!("migrated {name}");
    }
    if done.is_empty() {
        println!("nothing to migrate");
    }
    Ok(())
}
