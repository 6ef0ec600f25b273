//! The ladders that are kept beside the present ones: as long as a clock climbs by them, not without bound, and over a new release.

use serde_json::{Value, json};
use yijiao::deadlines::ladders::keep::adopt;
use yijiao::deadlines::limits::Rules;
use yijiao::purge::Purge;

use super::step;
use crate::kit::{County, Spans as _};

/// How many ladders stand beside the county's choice.
async fn kept(county: &County) -> i64 {
    county
        .count("select coalesce(jsonb_array_length(settings->'past_ladders'), 0)::bigint from counties")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_twenty_of_them_in_use_a_further_change_is_refused_until_clocks_end() {
    let county = County::open();
    let admin = county.admin();
    let other = |nth: i32| json!({"ladder": {"repeat": format!("{nth}wd")}});
    for nth in 2..22 {
        county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
        county.pass(1.minutes());
        admin.puts_ladders(&other(nth)).await;
    }
    assert_eq!(kept(&county).await, 20);
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(1.minutes());
    admin.may_not_put_ladders(&other(22)).await.is(409, "too_many_ladders");
    // What is no change of a ladder goes on.
    let mut limits = other(21);
    limits["limits"] = json!({"accept": {"normal": "20wm"}});
    assert_eq!(admin.puts_ladders(&limits).await["version"], 21);

    let purge = Purge::new(county.store.db(), county.clock.clone(), &county.app.config.purge);
    let tidied = async || purge.run_once(county.now()).await.unwrap().ladders;
    assert_eq!((tidied().await, kept(&county).await), (0, 20), "they are climbed by");
    let end = "update deadlines set state = 'cancelled', stopped_at = started_at, fires_at = null";
    county.alter(&format!("{end} where started_at < '2026-03-09T10:15:00+08:00'")).await;
    assert_eq!((tidied().await, kept(&county).await), (1, 5));
    assert_eq!(admin.get(super::LADDERS).await["version"], 21, "nobody chose anything");
    admin.puts_ladders(&other(22)).await;
    county.alter(end).await;
    assert_eq!((tidied().await, tidied().await, kept(&county).await), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_ships_other_ladders_leaves_what_runs_on_those_before() {
    let county = County::open();
    let steps = json!([
        step(0, "50%", "holder"),
        step(1, "due", "backup"),
        step(3, "+20wm", "head"),
        step(5, "+25wm", "inspectorate")
    ]);
    county.chooses(json!({"ladder": {"clocks": {"accept": steps.clone()}}})).await;
    let old = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:16").await;
    // As if these steps had not been the county's choice, but shipped.
    let mut before = Rules::written(&Value::Null).unwrap()["ladder"].clone();
    before["clocks"]["accept"] = steps;
    county
        .alter(&format!(
            "select set_config('yijiao.county', id::text, false) from counties;
            update counties set settings = '{{}}', shipped_ladder = '{before}'"
        ))
        .await;
    adopt(&county.app.db, county.now()).await.unwrap();
    assert_eq!(kept(&county).await, 1);
    county.pass(1.minutes());
    adopt(&county.app.db, county.now()).await.unwrap();
    assert_eq!(kept(&county).await, 1, "once");
    let new = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:48").await;
    let accept = async |call| -> Vec<String> {
        let rungs = county.rungs(call).await;
        rungs.iter().filter_map(|rung| rung.strip_prefix("accept ").map(str::to_owned)).collect()
    };
    let expected = [
        "0 POWER-LEAD @ 03-09 10:07",
        "1 POWER-BACKUP @ 03-09 10:15",
        "3 POWER-HEAD @ 03-09 10:35",
        "5 INSPECTOR @ 03-09 10:40",
    ];
    assert_eq!(accept(&old).await, expected);
    let shipped = [
        "0 POWER-LEAD @ 03-09 10:24",
        "1 POWER-BACKUP blue @ 03-09 10:32",
        "2 POWER-DEPUTY yellow @ 03-09 10:47",
    ];
    assert_eq!(accept(&new).await, shipped);
    assert_eq!(county.count("select count(*) from counties where shipped_ladder is null").await, 0);
}
