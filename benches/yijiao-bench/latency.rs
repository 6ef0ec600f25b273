//! From just before a tap is sent to the arrival of its alarm at the chat provider.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::figures::Sorted;
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{County, Outcome, Stage};

/// Taps per second, and how many of them.
const RATES: [(u32, u32); 3] = [(1, 30), (50, 500), (200, 2000)];
/// An alarm that has not come by then counts as if it came then.
const PATIENCE: Duration = Duration::from_secs(5);

/// One process for API and workers, one tap after the other by the clock.
pub async fn measure(stage: &Stage, county: &County) -> Outcome<Vec<Row>> {
    let server = Server::start(stage, Half::Both).await?;
    let taps = Taps::new(county, server.address);
    // Connections, prepared statements, the processor's own clock.
    arrivals(stage, &taps.by_the_clock(50, 150).await?).await;
    let mut rows = Vec::new();
    for (rate, count) in RATES {
        let sent = taps.by_the_clock(rate, count).await?;
        let (times, missing) = arrivals(stage, &sent).await;
        let note = format!("{} taps, {missing} alarms missing, most {:.1} ms", times.count(), times.ms(100));
        let what = |part: &str| format!("tap → request at the provider, {rate}/s, {part}");
        let (p50, p99) = (times.ms(50), times.ms(99));
        rows.push(Row::budget(what("p50"), Bound::AtMost(10.0), Bound::AtMost(3.0), p50, "ms").note(note));
        rows.push(Row::budget(what("p99"), Bound::AtMost(40.0), Bound::AtMost(8.0), p99, "ms"));
    }
    server.stop().await?;
    stage.let_go().await?;
    Ok(rows)
}

/// How long each alarm took, and how many never came.
pub async fn arrivals(stage: &Stage, sent: &[(u32, Instant)]) -> (Sorted, usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let heard: Vec<_> = sent.iter().map(|(tap, at)| Some(stage.receiver.heard(*tap)? - *at)).collect();
        let missing = heard.iter().filter(|time| time.is_none()).count();
        if missing == 0 || Instant::now() > deadline {
            return (Sorted::new(heard.into_iter().map(|time| time.unwrap_or(PATIENCE)).collect()), missing);
        }
        sleep(Duration::from_millis(10)).await;
    }
}
