//! `yijiao token` and `yijiao password`: an operator lets an existing account in.

use std::error::Error;
use std::io::{BufRead as _, IsTerminal as _};

use secrecy::SecretString;

use crate::identity::{KeyRing, operator, set_password};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::crypto::Vault;
use crate::platform::db::Db;

#[derive(Debug, clap::Args)]
pub struct Account {
    /// The account's login, e.g. an officer's or an enterprise's code.
    #[arg(long)]
    account: String,
    /// The county's code.
    #[arg(long, default_value = "demo")]
    county: String,
}

impl Account {
    /// Prints an access token.
    pub(super) async fn token(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        config.require_secrets()?;
        let db = Db::unhurried(&config.database)?;
        let keys = KeyRing::new(Vault::new(&config.secrets.master_key), &config.identity);
        let tokens =
            operator::issue_for(&db, &keys, &self.county, &self.account, Clock::System.now()).await?;
        println!("{}", tokens.access_token);
        Ok(())
    }

    /// Reads a password from standard input and sets it.
    pub(super) async fn password(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        config.require_secrets()?;
        if std::io::stdin().is_terminal() {
            eprintln!("new password for {} (it is shown while typed):", self.account);
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let password = SecretString::from(line.trim_end_matches(['\r', '\n']));
        let db = Db::unhurried(&config.database)?;
        set_password::set_password(&db, &self.county, &self.account, &password, Clock::System.now()).await?;
        println!("password set for {}", self.account);
        Ok(())
    }
}
