//! `yijiao-bench`: the speed budget, measured on the release binary beside this one. `make bench` gives it Postgres and Redis.
//!
//! Absolute figures belong to the machine; what is compared is therefore measured in one run, in turns. Everything happens in a
//! database of its own, which is dropped at the end.

mod baseline;
mod client;
mod crowd;
mod deadlines;
mod due;
mod figures;
mod latency;
mod load;
mod memory;
mod notices;
mod receiver;
mod report;
mod server;
mod stage;
mod taps;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use report::Report;
use stage::{Outcome, Stage};

/// Measures the budget and prints it as a table.
#[derive(Parser)]
struct Command {
    /// What to measure; everything when none is named.
    parts: Vec<Part>,
    /// Seconds of each measurement of taps.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How often taps and pgbench take turns; the medians count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Open deadlines while deadlines are measured.
    #[arg(long, default_value_t = 1_000_000)]
    open: u32,
    /// Deadlines that are due at one instant.
    #[arg(long, default_value_t = 10_000)]
    mass: u32,
    /// Fail when a Must is missed.
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Due moments computed by the working calendar.
    Due,
    /// Start, memory at rest and under full load.
    Memory,
    /// From a tap to the request at the chat provider.
    Latency,
    /// Notices delivered per second.
    Notices,
    /// First alarms while very much news waits for the same rooms.
    Crowd,
    /// Lateness while very many are open, a mass of them at one instant, start and idling then.
    Deadlines,
    /// Taps per second against pgbench. Last: it leaves a mountain of notices.
    Taps,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    match run(&command).await {
        Ok(report) => {
            println!("{report}");
            let failed = command.strict && report.misses_a_must();
            if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("yijiao-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: &Command) -> Outcome<Report> {
    let stage = Stage::set().await?;
    let measured = measure(command, &stage).await;
    stage.strike().await?;
    measured
}

async fn measure(command: &Command, stage: &Stage) -> Outcome<Report> {
    let asked = |part| command.parts.is_empty() || command.parts.contains(&part);
    let mut report = Report::new(stage.machine().await?);
    let county = stage.county("demo").await?;
    if asked(Part::Due) {
        report.extend(due::measure()?);
    }
    if asked(Part::Memory) {
        report.extend(memory::measure(stage, &county).await?);
    }
    if asked(Part::Latency) {
        report.extend(latency::measure(stage, &county).await?);
    }
    if asked(Part::Notices) {
        report.extend(notices::measure(stage, &county).await?);
    }
    if asked(Part::Crowd) {
        report.extend(crowd::measure(stage, &county).await?);
    }
    if asked(Part::Deadlines) {
        report.extend(deadlines::measure(stage, command.open, command.mass).await?);
    }
    if asked(Part::Taps) {
        report.extend(taps::measure(stage, &county, command.seconds, command.rounds).await?);
    }
    Ok(report)
}
