//! What `yijiao check` says about time: nothing of a county whose engine runs, each thing that is wrong by its name, and how late
//! firings were.

use chrono::TimeDelta;
use serde_json::json;
use yijiao::deadlines::check::{Fired, Found, audit};
use yijiao::platform::db::{DbError, Scope};

use crate::kit::{County, Spans as _};

async fn found(county: &County) -> Found {
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = audit(&mut tx, county.now()).await.unwrap();
    tx.finish(Ok::<_, DbError>(found)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_for_more_than_a_minute_is_named_until_it_fires() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.until("03-09 10:08");
    assert_eq!(
        (found(&county).await.late, found(&county).await.broken),
        (0, Vec::new()),
        "thirty seconds are nothing"
    );
    county.pass(31.seconds());
    let late = found(&county).await;
    assert_eq!((late.waiting, late.late), (5, 1));
    let wrong = late.broken.concat();
    assert!(
        wrong.contains(call.number()) && wrong.contains("step 0 of accept was due at 2026-03-09 02:07:30"),
        "{wrong}"
    );
    let held = "update deadlines set held_until = '2026-03-09 10:09:00+08' where clock = 'accept'";
    county.alter(held).await;
    assert!(found(&county).await.broken.concat().contains("is tried again at 2026-03-09 02:09:00"));
    county.pass(30.seconds());
    assert_eq!(county.fires().await, 1);
    assert_eq!(found(&county).await.broken, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_firings_of_a_day_say_how_late_they_were() {
    let county = County::open();
    assert_eq!(found(&county).await.fired, Fired::default());
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    // The third time T1 and T2 are due together.
    for (late, steps) in [(0, 1), (2, 1), (4, 2)] {
        let due = county.next_due().await.unwrap();
        county.clock.set(due + TimeDelta::seconds(late));
        assert_eq!(county.fires().await, steps);
    }
    let fired = found(&county).await.fired;
    assert_eq!((fired.count, fired.p50, fired.most), (4, 3.0, 4.0));
    assert!(fired.p99 > 3.9 && fired.p99 <= 4.0, "{fired:?}");
    county.pass(25.hours());
    assert_eq!(found(&county).await.fired.count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_done_by_hand_is_named() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = call.id();
    county.runs_until("03-09 10:20").await;
    assert_eq!(found(&county).await.broken, Vec::<String>::new());
    for (what, by_hand, undo) in [
        (
            "accept stands at step 3, but 2 of them fired",
            "update deadlines set step = 3 where clock = 'accept'",
            "update deadlines set step = 2 where clock = 'accept'",
        ),
        (
            "step 1 of accept fired at",
            "update firings set planned_at = planned_at + interval '1 min' where step = 1",
            "update firings set planned_at = planned_at - interval '1 min' where step = 1",
        ),
        (
            "nothing is due in the future and no supervision order is open",
            "create table aside as select * from deadlines; update deadlines set state = 'missed', stopped_at = due_at, fires_at = null",
            "update deadlines d set state = a.state, stopped_at = null, fires_at = a.fires_at from aside a where a.id = d.id; drop table aside",
        ),
    ] {
        county.alter(by_hand).await;
        let named = found(&county).await.broken;
        assert!(
            named.len() == 1 && named[0].contains(what) && named[0].contains(call.number()),
            "{what}: {named:?}"
        );
        county.alter(undo).await;
        assert_eq!(found(&county).await.broken, Vec::<String>::new(), "{what}");
    }
    // An open supervision order is something that is yet to come.
    county.runs_until("03-09 11:15").await;
    county.alter(&format!("update deadlines set state = 'missed', stopped_at = due_at, fires_at = null where subject_id = '{id}'")).await;
    assert_eq!(found(&county).await.broken, Vec::<String>::new());
}
