//! Notices delivered per second: a mountain of them, and then the workers alone.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::figures::number;
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{County, Outcome, Stage};

/// Each makes two notices: one to a room, one to the county's other system.
const TAPS: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// The receiver answers at once, and no provider's own limit applies to it.
pub async fn measure(stage: &Stage, county: &County) -> Outcome<Vec<Row>> {
    let api = Server::start(stage, Half::Api).await?;
    Taps::new(county, api.address).burst(64, Duration::ZERO, PATIENCE, TAPS).await?;
    api.stop().await?;
    let waiting = stage.open_notices().await?;

    stage.receiver.forget();
    let work = Server::start(stage, Half::Work).await?;
    let began = Instant::now();
    while stage.receiver.count() < waiting && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await;
    }
    let cpu = work.cpu().unwrap_or_default() / began.elapsed().as_secs_f64() * 100.0;
    let settled = Instant::now();
    while stage.open_notices().await? > 0 && settled.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(20)).await;
    }
    let (arrivals, unsettled) = (stage.receiver.arrivals(), stage.open_notices().await?);
    work.stop().await?;
    stage.let_go().await?;

    // Without the start and the end, which belong to no sustained rate.
    let (tenth, last_tenth) = (arrivals.len() / 10, arrivals.len() * 9 / 10);
    let span = arrivals.get(tenth).zip(arrivals.get(last_tenth)).map(|(from, to)| *to - *from);
    let rate = span.map_or(f64::NAN, |span| number(last_tenth - tenth) / span.as_secs_f64());
    let note = format!(
        "{waiting} waited, {} sent, {unsettled} unsettled; the process took {cpu:.0} % of a core",
        arrivals.len()
    );
    let (must, aim) = (Bound::AtLeast(1000.0), Bound::AtLeast(2000.0));
    Ok(vec![Row::budget("notices delivered/s, sustained", must, aim, rate, "/s").note(note)])
}
