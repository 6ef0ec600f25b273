//! First alarms while thousands of low notices wait for the same rooms, all within the limits of their platforms.

use std::time::Duration;

use crate::latency::arrivals;
use crate::load::Taps;
use crate::report::{Bound, Row};
use crate::server::{Half, Server};
use crate::stage::{County, Outcome, Stage};

/// Low notices in the queue.
const LOW: u32 = 5_000;
/// Calls whose news the low notices copy.
const PATTERNS: u32 = 256;
/// Taps per second, and how many: few enough that no room's own limit stands in the way of its alarms.
const RATE: u32 = 10;
const TAPS: u32 = 150;

/// The platforms take twenty messages a minute and robot, so nearly all of the low notices wait until the end.
pub async fn measure(stage: &Stage, county: &County) -> Outcome<Vec<Row>> {
    let api = Server::start(stage, Half::Api).await?;
    Taps::new(county, api.address).burst(8, Duration::ZERO, Duration::from_secs(60), PATTERNS).await?;
    api.stop().await?;
    let low = "create table bench_low as select * from notices n where due_at is not null and exists \
        (select from channels c where c.id = n.channel_id and c.kind like '%_bot')";
    let crowd = format!(
        "insert into notices select x.* from (select n, row_number() over (order by turn, n.id) as place \
         from bench_low n cross join generate_series(1, {LOW}) as turn limit {LOW}) as chosen, \
         lateral (select gen_random_uuid() as id where chosen.place > 0) as fresh, \
         lateral jsonb_populate_record(chosen.n, jsonb_build_object('id', fresh.id, 'posting_id', fresh.id, 'subject_id', fresh.id, \
         'priority', 'low', 'officer_id', null, 'due_at', now(), 'created_at', now() - interval '5 minutes')) as x"
    );
    stage.execute(&[low]).await?;
    stage.let_go().await?;
    stage.execute(&[&crowd, "drop table bench_low", "vacuum analyze"]).await?;
    let waiting = stage.open_notices().await?;

    let server = Server::start_within_limits(stage).await?;
    let taps = Taps::new(county, server.address);
    let sent = taps.by_the_clock(RATE, TAPS).await?;
    let (times, missing) = arrivals(stage, &sent).await;
    let left = stage
        .count("select count(*) as count from notices where priority = 'low' and due_at is not null")
        .await?;
    let gone = "select count(*) as count from notices where state in ('dead', 'expired')";
    let lost = stage.count(gone).await?;
    server.stop().await?;
    stage.let_go().await?;
    let note = format!(
        "{} taps at {RATE}/s, {missing} alarms missing; {waiting} waited before, {left} of the low ones after, {lost} lost; p50 {:.1}, most {:.1} ms",
        times.count(),
        times.ms(50),
        times.ms(100)
    );
    if missing + lost > 0 || left * 2 < waiting {
        return Err(format!("no measurement of a crowd: {note}").into());
    }
    let (must, aim) = (Bound::AtMost(500.0), Bound::AtMost(40.0));
    Ok(vec![
        Row::budget(format!("first alarm while {LOW} low notices wait, p99"), must, aim, times.ms(99), "ms")
            .note(note),
    ])
}
