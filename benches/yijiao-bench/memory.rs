//! Start, memory at rest, memory under full load.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::figures::{median, number};
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{County, Outcome, Stage};

/// By then everything that is learnt at the start has been learnt, and the memory that took has been given back.
const REST: Duration = Duration::from_secs(15);
const LOAD: Duration = Duration::from_secs(8);
const CLIENTS: usize = 64;

/// API and workers in one process, as on a small machine.
pub async fn measure(stage: &Stage, county: &County) -> Outcome<Vec<Row>> {
    let mut starts = Vec::new();
    for _ in 0..4 {
        let server = Server::start(stage, Half::Both).await?;
        starts.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    let server = Server::start(stage, Half::Both).await?;
    starts.push(server.ready_after.as_secs_f64());
    sleep(REST).await;
    let rest = server.memory("VmRSS");

    stage.receiver.forget();
    let began = Instant::now();
    let burst = Taps::new(county, server.address).burst(CLIENTS, Duration::ZERO, LOAD, u32::MAX).await?;
    let delivered = number(stage.receiver.count()) / began.elapsed().as_secs_f64();
    let most = server.memory("VmHWM");
    server.stop().await?;
    stage.let_go().await?;

    let mut rows = vec![Row::budget(
        "start until /readyz, median of 5",
        Bound::AtMost(1.0),
        Bound::AtMost(0.2),
        median(starts),
        "s",
    )];
    if let (Some(rest), Some(most)) = (rest, most) {
        let (calm, full) = ("memory at rest", "memory under full load, most");
        rows.push(Row::budget(calm, Bound::AtMost(60.0), Bound::AtMost(30.0), rest, "MB"));
        rows.push(Row::budget(full, Bound::AtMost(150.0), Bound::AtMost(80.0), most, "MB"));
    }
    let beside = format!("{delivered:.0} notices/s delivered meanwhile, {} taps failed", burst.failed);
    rows.push(
        Row::fact("full load: taps/s of 64 clients, all in one process", burst.per_second, "/s").note(beside),
    );
    Ok(rows)
}
