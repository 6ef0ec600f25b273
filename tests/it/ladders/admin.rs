//! Putting ladders and limits: what holds from when, and what is refused.

use std::path::Path;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use yijiao::deadlines::ladders::succession::succeed_in_bounds;
use yijiao::organisation::import::{ImportError, ImportOptions, ImportReport, Succession, import};
use yijiao::platform::crypto::Vault;

use super::{LADDERS, step};
use crate::kit::{County, View, wd};
use crate::kit_db::MASTER_KEY;

async fn accept_rungs(county: &County, call: &View) -> Vec<String> {
    county.rungs(call).await.into_iter().filter(|rung| rung.starts_with("accept")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_system_administrator_changes_them_and_the_office_looks() {
    let county = County::open();
    let shown = county.office().get(LADDERS).await;
    assert_eq!((&shown["version"], &shown["own"]), (&json!(0), &json!({})));
    assert_eq!(shown["rules"]["limits"]["accept"]["critical"], "5m");
    assert_eq!(shown["rules"]["calls"]["urgePerDay"], 3);
    assert_eq!(shown["rules"]["ladder"]["clocks"]["accept"][6]["handOver"], true);
    county.office().may_not_put_ladders(&json!({})).await.is(403, "forbidden");
    county.head().may_not_get(LADDERS).await.is(403, "forbidden");
    county.mill().may_not_get(LADDERS).await.is(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_shown_merged_and_stands_in_the_ledger() {
    let county = County::open();
    let admin = county.admin();
    let own = json!({
        "limits": {"accept": {"urgent": "10wm"}},
        "calls": {"urgePerDay": 2},
        "notices": {"quietFrom": "21:30"},
        "ladder": {
            "urgeLiftsTo": 2,
            "items": {"OUTAGE": {"accept": [step(1, "due", "backup"), step(3, "+10wm", "head")]}},
        },
    });
    let shown = admin.puts_ladders(&own).await;
    assert_eq!((&shown["version"], &shown["own"]), (&json!(1), &own));
    assert_eq!(
        shown["rules"]["limits"]["accept"],
        json!({"critical": "5m", "urgent": "10wm", "normal": "15wm"})
    );
    assert_eq!(shown["rules"]["ladder"]["urgeLiftsTo"], 2);
    assert_eq!(shown["rules"]["ladder"]["clocks"]["accept"].as_array().unwrap().len(), 7);
    assert_eq!(admin.puts_ladders(&own).await["version"], 1, "the same once more is no change");
    // All that is shown may be put back.
    assert_eq!(admin.puts_ladders(&shown["rules"]).await["rules"], shown["rules"]);
    assert_eq!(admin.puts_ladders(&json!({})).await["own"], json!({}));
    let events = "select kind || ' ' || (data->>'version') || ' ' || actor_name || ' ' || coalesce(data#>>'{before,calls,urgePerDay}', '-')
        from ledger_events where subject_kind = 'county' order by seq";
    let changed = |rest: &str| format!("county.ladders_changed {rest}");
    let expected = [changed("1 秦丙申 -"), changed("2 秦丙申 2"), changed("3 秦丙申 2")];
    assert_eq!(county.texts(events).await, expected);
    let stale = admin.request(Method::PUT, LADDERS).await.header("if-match", "\"1\"").json(&own);
    admin.refused(stale).await.is(409, "stale_version");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_whole_with_every_path() {
    let county = County::open();
    let admin = county.admin();
    admin.get(LADDERS).await;
    let before = county.everything().await;
    let refuse = async |own: Value, field: &str, code: &str| {
        admin.may_not_put_ladders(&own).await.is(422, "invalid").at_field(field, code)
    };
    let accept = |steps: Value| json!({"limits": {"accept": {"normal": "5wm"}}, "ladder": {"clocks": {"accept": steps}}});
    let falling =
        accept(json!([step(1, "due", "backup"), step(2, "+30wm", "deputy"), step(3, "+15wm", "head")]));
    let refused = refuse(falling, "ladder.clocks.accept[2].at", "falls").await;
    assert_eq!(refused.body["errors"][0]["message"], "时点不得早于前一级");
    refuse(accept(json!([step(1, "due", "mayor")])), "ladder.clocks.accept[0].to[0]", "unknown_post").await;
    refuse(
        accept(json!([step(2, "due", "head"), step(1, "+1wm", "head")])),
        "ladder.clocks.accept[1].rung",
        "falls",
    )
    .await;
    refuse(
        accept(json!([{"rung": "2", "at": "due", "to": []}])),
        "ladder.clocks.accept[0].rung",
        "wrong_type",
    )
    .await;
    refuse(
        accept(json!([{"rung": 2, "at": "due", "to": [], "hand_over": true}])),
        "ladder.clocks.accept[0].hand_over",
        "unknown_field",
    )
    .await;
    refuse(json!({"limits": {"accept": {"normal": "0wm"}}}), "limits.accept.normal", "wrong_limit").await;
    refuse(json!({"limits": {"resolve": {"normal": "750wd"}}}), "limits.resolve.normal", "wrong_limit").await;
    refuse(json!({"limits": {"lunch": {"normal": "1wd"}}}), "limits.lunch", "unknown_clock").await;
    refuse(json!({"rules": {}}), "rules", "unknown_field").await;
    let items = json!({"ladder": {"items": {
        "OUTAGE": {"accept": [step(1, "due", "head")]}, "NOWHERE": {"accept": [step(9, "due", "head")]},
    }}});
    let refused = refuse(items, "ladder.items.NOWHERE", "unknown_item").await;
    refused.at_field("ladder.items.NOWHERE.accept[0].rung", "out_of_range");
    assert_eq!(county.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_climbs_by_the_ladder_it_started_under_and_nothing_fires_twice() {
    let county = County::open();
    let old = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:16").await;
    // Shorter, and with a step less in front: numbers would mean other steps.
    let quick =
        json!([step(1, "due", "backup"), step(3, "+2wm", "head"), step(4, "+4wm", "business_office")]);
    let own = json!({"limits": {"accept": {"urgent": "5wm"}}, "ladder": {"clocks": {"accept": quick}}});
    county.admin().puts_ladders(&own).await;
    let new = county.mill().raises(json!({"itemCode": "OUTAGE", "urgency": "urgent"})).await;
    assert_eq!((old.due("accept"), new.due("accept")), (wd("03-09 10:15"), wd("03-09 10:21")));
    county.runs_until("03-09 10:30").await;
    county.admin().puts_ladders(&json!({})).await;
    let last = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 11:14").await;
    let shipped = ["0 POWER-LEAD @ 03-09 10:07", "1 POWER-BACKUP blue @ 03-09 10:15"];
    let then = ["2 POWER-DEPUTY yellow @ 03-09 10:30", "3 POWER-HEAD yellow @ 03-09 10:45"];
    let of_accept = |lines: &[&str]| lines.iter().map(|line| format!("accept {line}")).collect::<Vec<_>>();
    assert_eq!(accept_rungs(&county, &old).await, of_accept(&[&shipped[..], &then[..]].concat()));
    let quick = ["1 POWER-BACKUP @ 03-09 10:21", "3 POWER-HEAD @ 03-09 10:23", "4 OFFICE-DESK @ 03-09 10:25"];
    assert_eq!(accept_rungs(&county, &new).await, of_accept(&quick));
    let again = [
        "0 POWER-LEAD @ 03-09 10:37",
        "1 POWER-BACKUP blue @ 03-09 10:45",
        "2 POWER-DEPUTY yellow @ 03-09 11:00",
    ];
    assert_eq!(accept_rungs(&county, &last).await, of_accept(&again));
    // Both ladders are kept as long as somebody climbs by them.
    assert_eq!(kept(&county).await, 2);
    for call in [&old, &new, &last] {
        county.mill().does("withdraw", call, json!({})).await;
    }
    county.admin().puts_ladders(&own).await;
    assert_eq!(kept(&county).await, 0);
    let twice =
        "select count(*) from (select 1 from firings group by deadline_id, step having count(*) > 1) x";
    assert_eq!(county.count(twice).await, 0);
}

/// How many ladders stand beside the county's choice.
async fn kept(county: &County) -> i64 {
    county
        .count("select coalesce(jsonb_array_length(settings->'past_ladders'), 0)::bigint from counties")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_leaves_alone_what_an_administrator_has_changed() {
    let county = County::open();
    let own = json!({"limits": {"accept": {"urgent": "5wm"}}});
    county.admin().puts_ladders(&own).await;
    imports(&county, succeed_in_bounds).await.unwrap();
    assert_eq!(county.admin().get(LADDERS).await["own"], own);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_ladders_may_not_follow_those_that_stand_changes_nothing() {
    let county = County::open();
    let before = county.everything().await;
    let Err(ImportError::Refused(refused)) =
        imports(&county, |_, _, _| Err("twenty are in use".to_owned())).await
    else {
        panic!("expected a refusal")
    };
    let [problem] = refused.problems.as_slice() else { panic!("{refused}") };
    assert_eq!((problem.file.as_str(), problem.reason.code()), ("county.toml", "settings_not_now"));
    assert!(refused.to_string().contains("twenty are in use"), "{refused}");
    assert_eq!(county.everything().await, before);
}

/// The county's own folder once more.
async fn imports(county: &County, succeed: Succession) -> Result<ImportReport, ImportError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clear_county");
    let options = ImportOptions {
        sandbox_url: Some("http://127.0.0.1:8090".to_owned()),
        succeed_settings: Some(succeed),
        ..ImportOptions::default()
    };
    let vault = Vault::new(&SecretString::from(MASTER_KEY));
    import(&county.store.db(), &vault, &folder, options, county.now()).await
}
