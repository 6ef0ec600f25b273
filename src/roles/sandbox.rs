//! `yijiao sandbox`: stands in for the chat platforms, with the rooms of a county's `channels.csv`.

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use crate::notices::callbacks::{self, Address};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::Db;
use crate::platform::outbound::{Outbound, Url};
use crate::platform::telemetry;
use crate::sandbox::{NotCalled, Sandbox, SandboxConfig, serve};

/// How long it is tried to learn where the service is to be called, and to tell the platforms: it starts at the same time.
const TRIES: u32 = 240;
const BETWEEN: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub struct SandboxRole {
    /// The rooms: a county's channels.csv; the configured one when not given.
    #[arg(long)]
    rooms: Option<String>,
    /// Where the service is that the platforms call back; `http.public_url` when not given. Its channels are looked up in `database.url`.
    #[arg(long)]
    service: Option<String>,
}

impl SandboxRole {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        telemetry::log(&config.log)?;
        let path = self.rooms.unwrap_or_else(|| config.sandbox.rooms.clone());
        let table = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let rooms = SandboxConfig::from_channels_csv(&table).map_err(|error| format!("{path}: {error}"))?;
        let service: Url = self.service.unwrap_or_else(|| config.http.public_url.clone()).parse()?;
        let mut way = config.outbound.clone();
        way.allow_private.extend(authority(&service));
        let sandbox = Sandbox::new(
            rooms.with_mini_program(&config.wechat.app_id, &config.wechat.app_secret),
            Clock::System,
        )?
        .calling(Outbound::new(&way)?);
        let place = (config.sandbox.host.as_str(), config.sandbox.port);
        let listener = TcpListener::bind(place)
            .map_err(|error| format!("cannot listen on {}:{}: {error}", place.0, place.1))?;
        println!("the rooms: http://{}", listener.local_addr()?);
        let server = serve(sandbox.clone(), listener)?;
        tokio::select! {
            served = server => served?,
            () = async { tell_addresses(&config, &sandbox, &service).await; std::future::pending().await } => {}
        }
        Ok(())
    }
}

/// `host:port`, as the allow-list wants it.
fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Enters in the platforms' consoles where the service is. Without that cards have links and no buttons, and nothing else is lost.
async fn tell_addresses(config: &Config, sandbox: &Sandbox, service: &Url) {
    let Ok(db) = Db::unhurried(&config.database) else { return };
    let addresses = addresses(&db).await;
    for (first, second) in of_one_code(&addresses) {
        let (room, first, second) = (&first.code, &first.county, &second.county);
        tracing::warn!(
            room,
            first,
            second,
            "two counties have a channel of this code: its platform calls that of the second alone"
        );
    }
    for Address { code: room, path, .. } in addresses {
        let Ok(url) = service.join(&path) else { continue };
        for _ in 0..TRIES {
            match sandbox.save_callback(&room, url.clone()).await {
                Err(NotCalled::Unreachable(_)) => tokio::time::sleep(BETWEEN).await,
                Err(NotCalled::NoApplication) => break,
                Err(error) => {
                    tracing::warn!(room, %error, "the platform does not take the service's address");
                    break;
                }
                Ok(()) => {
                    tracing::info!(room, "the platform knows where the service is");
                    break;
                }
            }
        }
    }
}

/// Postgres, its tables and the county may come after us, as the service may.
async fn addresses(db: &Db) -> Vec<Address> {
    for left in (0..TRIES).rev() {
        match callbacks::addresses(db).await {
            Ok(found) if !found.is_empty() => return found,
            Err(error) if left == 0 => tracing::warn!(%error, "no platform knows where the service is"),
            _ => tokio::time::sleep(BETWEEN).await,
        }
    }
    Vec::new()
}

/// Those that are entered one over the other, for a room is known by its code alone.
fn of_one_code(addresses: &[Address]) -> impl Iterator<Item = (&Address, &Address)> {
    addresses.iter().enumerate().filter_map(|(nth, second)| {
        let before = addresses.iter().take(nth).rfind(|first| first.code == second.code)?;
        Some((before, second))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_counties_with_a_channel_of_one_code_are_named() {
        let of = |county: &str, code: &str| Address {
            county: county.to_owned(),
            code: code.to_owned(),
            path: String::new(),
        };
        let all = [of("demo", "app-wecom"), of("demo", "app-feishu"), of("clear", "app-wecom")];
        let found: Vec<_> =
            of_one_code(&all).map(|(first, second)| (&*first.county, &*second.county)).collect();
        assert_eq!(found, [("demo", "clear")]);
    }
}
