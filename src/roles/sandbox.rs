//! `yijiao sandbox`: stands in for the chat platforms, with the rooms of a county's `channels.csv`.

use std::error::Error;
use std::net::TcpListener;

use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::telemetry;
use crate::sandbox::{Sandbox, SandboxConfig, serve};

#[derive(Debug, clap::Args)]
pub struct SandboxRole {
    /// The rooms: a county's channels.csv; the configured one when not given.
    #[arg(long)]
    rooms: Option<String>,
}

impl SandboxRole {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        telemetry::log(&config.log)?;
        let path = self.rooms.unwrap_or_else(|| config.sandbox.rooms.clone());
        let table = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let rooms = SandboxConfig::from_channels_csv(&table).map_err(|error| format!("{path}: {error}"))?;
        let sandbox = Sandbox::new(
            rooms.with_mini_program(&config.wechat.app_id, &config.wechat.app_secret),
            Clock::System,
        )?;
        let place = (config.sandbox.host.as_str(), config.sandbox.port);
        let listener = TcpListener::bind(place)
            .map_err(|error| format!("cannot listen on {}:{}: {error}", place.0, place.1))?;
        println!("the rooms: http://{}", listener.local_addr()?);
        serve(sandbox, listener)?.await?;
        Ok(())
    }
}
