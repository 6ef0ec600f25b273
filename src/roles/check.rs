//! `yijiao check`: whether what must always hold does hold. Prints what was looked at; fails when something is wrong.

use std::error::Error;

use crate::calls::check as calls;
use crate::deadlines::check as deadlines;
use crate::ledger::audit;
use crate::notices::check as notices;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::{Db, Scope};
use crate::supervision::check as supervision;

pub(super) async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::load()?;
    let db = Db::unhurried(&config.database)?;
    db.require_isolation().await?;
    let now = Clock::System.now();
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = async {
        let ledger = audit::verify_all(&mut tx).await?;
        let calls = calls::broken_invariants(&mut tx).await?;
        let notices = notices::unsent(&mut tx, now).await?;
        let supervision = supervision::broken_invariants(&mut tx).await?;
        let deadlines = deadlines::audit(&mut tx, now).await?;
        Ok::<_, crate::platform::db::DbError>((ledger, calls, notices, supervision, deadlines))
    }
    .await;
    let (ledger, calls, notices, supervision, deadlines) = tx.finish(found).await?;
    println!(
        "ledger   {} events of {} subjects, {} broken",
        ledger.events,
        ledger.subjects,
        ledger.broken.len()
    );
    println!("calls    {} open, {} break an invariant", calls.open, calls.broken.len());
    let fired = &deadlines.fired;
    println!(
        "clocks   {} wait, {} late; {} wrong",
        deadlines.waiting,
        deadlines.late,
        deadlines.broken.len()
    );
    println!(
        "firings  {} in 24 h, late by {:.3} s (p50), {:.3} s (p99), {:.3} s at most",
        fired.count, fired.p50, fired.p99, fired.most
    );
    println!(
        "notices  {} on their way, {} late, {} dead, {} expired, {} alarms that nobody could be told",
        notices.waiting, notices.late, notices.dead, notices.expired, notices.unaddressed
    );
    println!(
        "orders   {} open; {} hand-overs; {} break an invariant",
        supervision.open_orders,
        supervision.packs,
        supervision.broken.len()
    );
    let wrong = [ledger.broken, calls.broken, deadlines.broken, supervision.broken].concat();
    for line in &wrong {
        println!("  wrong: {line}");
    }
    if wrong.is_empty() && notices.late == 0 && notices.unaddressed == 0 {
        println!("all is well");
        Ok(())
    } else {
        Err("something is wrong".into())
    }
}
