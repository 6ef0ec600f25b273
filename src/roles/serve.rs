//! `yijiao serve`: the API and the background loops, together or split over processes.

use std::error::Error;
use std::net::TcpListener;

use crate::app::App;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::stop::Stop;
use crate::platform::telemetry;
use crate::router;
use crate::server::{self, Face};

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Only one half: `api` answers requests, `work` runs the loops (and still answers /healthz, /readyz and /metrics).
    #[arg(long)]
    only: Option<Half>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Half {
    Api,
    Work,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        config.require_secrets()?;
        telemetry::log(&config.log)?;
        let place = (config.http.host.clone(), config.http.port);
        let app = App::new(config, Clock::System)?;
        let stop = Stop::on_signals()?;
        let listener = TcpListener::bind(&place)
            .map_err(|error| format!("cannot listen on {}:{}: {error}", place.0, place.1))?;
        println!("listening on http://{}", listener.local_addr()?);
        // The background loops start here, unless `self.only == Some(Half::Api)`; they end on `stop`.
        let routes = if self.only == Some(Half::Work) { router::operations } else { router::configure };
        server::serve(app, listener, Face { routes, who: None }, stop).await?;
        Ok(())
    }
}
