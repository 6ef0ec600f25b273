//! `yijiao import <folder>`: brings a county into being or up to date; all of the folder or nothing.

use std::error::Error;
use std::path::PathBuf;

use crate::deadlines::ladders::succession::succeed_in_bounds;
use crate::deadlines::ladders::{faults_of_settings, keep};
use crate::organisation::import::{ImportOptions, import};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::Db;

#[derive(Debug, clap::Args)]
pub struct Import {
    /// The county's folder, e.g. config/counties/demo; its README explains each file.
    folder: PathBuf,
    /// What `{sandbox}` in a channel's address stands for; the configured sandbox when not given.
    #[arg(long)]
    sandbox_url: Option<String>,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        config.require_secrets()?;
        let db = Db::unhurried(&config.database)?;
        db.require_isolation().await?;
        let vault = Vault::new(&config.secrets.master_key);
        let own = format!("http://{}:{}", config.sandbox.host, config.sandbox.port);
        let options = ImportOptions {
            sandbox_url: Some(self.sandbox_url.unwrap_or(own)),
            judge_settings: Some(faults_of_settings),
            succeed_settings: Some(succeed_in_bounds),
        };
        let report = import(&db, &vault, &self.folder, options, Clock::System.now()).await?;
        // A new county starts under the ladders of this release.
        keep::adopt(&db, Clock::System.now()).await?;
        println!("{report}");
        Ok(())
    }
}
