//! Taps through HTTP against pgbench with the same statements, in turns, in one database.

use std::time::Duration;

use crate::baseline::Baseline;
use crate::figures::median;
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{County, Outcome, Stage};

const CLIENTS: [usize; 4] = [1, 8, 32, 64];
const WARM: Duration = Duration::from_secs(1);

/// The API alone: what becomes of the notices is measured elsewhere. It still hands them on to Redis until that is full.
pub async fn measure(stage: &Stage, county: &County, seconds: u64, rounds: usize) -> Outcome<Vec<Row>> {
    let server = Server::start(stage, Half::Api).await?;
    let baseline = Baseline::prepare(stage, &server).await?;
    let taps = Taps::new(county, server.address);
    let length = Duration::from_secs(seconds);
    let mut rows = Vec::new();
    for clients in CLIENTS {
        let (mut ours, mut theirs, mut p50, mut p99, mut failed, mut cpu) =
            (vec![], vec![], vec![], vec![], 0, vec![]);
        for _ in 0..rounds {
            let before = server.cpu().unwrap_or_default();
            let burst = taps.burst(clients, WARM, length, u32::MAX).await?;
            cpu.push((server.cpu().unwrap_or_default() - before) / (WARM + length).as_secs_f64() * 100.0);
            ours.push(burst.per_second);
            p50.push(burst.times.ms(50));
            p99.push(burst.times.ms(99));
            failed += burst.failed;
            theirs.push(baseline.run(clients, seconds).await?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let note = format!(
            "{ours:.0} against {theirs:.0} a second; p50 {:.1}, p99 {:.1} ms, {failed} failed; the server took {:.0} % of a core",
            median(p50),
            median(p99),
            median(cpu)
        );
        eprintln!("{clients} clients: {note}");
        let what = format!("taps/s ÷ pgbench, {clients} clients");
        let must = Bound::AtLeast(0.8);
        rows.push(
            match clients {
                1 => Row::fact(what, ours / theirs, "×"),
                32 => Row::budget(what, must, Bound::AtLeast(2.0), ours / theirs, "×"),
                _ => Row { must: Some(must), ..Row::fact(what, ours / theirs, "×") },
            }
            .note(note),
        );
    }
    server.stop().await?;
    stage.let_go().await?;
    Ok(rows)
}
