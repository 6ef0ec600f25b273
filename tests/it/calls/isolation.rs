//! One county cannot see another, and a row changed by hand is found.

use std::path::Path;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use yijiao::calls::check::broken_invariants;
use yijiao::ledger::audit;
use yijiao::organisation::import::{ImportOptions, import};
use yijiao::platform::db::Scope;
use yijiao::schema::calls;

use crate::kit::{Client, County};

/// A second county of the same shape in the same database.
pub async fn neighbour(county: &County) {
    let folder = std::env::temp_dir().join(format!("yijiao-it-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clear_county");
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let head = folder.join("county.toml");
    let text = std::fs::read_to_string(&head).unwrap().replace("\"clear\"", "\"muddy\"");
    std::fs::write(&head, text).unwrap();
    let options =
        ImportOptions { sandbox_url: Some("http://127.0.0.1:8090".into()), ..ImportOptions::default() };
    import(&county.app.db, &county.app.vault, &folder, options, county.now()).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_county_find_no_such_call() {
    let county = County::open();
    neighbour(&county).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let there = |login| Client::of_county(&county, "muddy", login);
    for login in ["MILL", "POWER-LEAD", "OFFICE-DESK", "INSPECTOR"] {
        there(login).does_not_see(&call).await;
        there(login).may_not_get(&format!("/api/v1/calls/{}", call.number())).await.is(404, "call_not_found");
        there(login)
            .may_not_get(&format!("/api/v1/calls/{}/events", call.id()))
            .await
            .is(404, "call_not_found");
        there(login).may_not("accept", &call, json!({})).await.is(404, "call_not_found");
    }
    assert_eq!(there("OFFICE-DESK").lists("scope=county").await.len(), 0);
    let own = there("MILL").raises(json!({"itemCode": "OUTAGE"})).await;
    assert_eq!(county.office().lists("scope=county").await, [call.id()]);
    let to_there = county
        .texts("select o.id::text from officers o join counties k on k.id = o.county_id where k.code = 'muddy' and o.code = 'POWER-LEAD'")
        .await
        .remove(0);
    county
        .office()
        .may_not("assign", &call, json!({"officerId": to_there, "reason": "x"}))
        .await
        .is(422, "unknown_officer");
    county.mill().may_not("merge", &call, json!({"into": own.id()})).await.is(422, "not_mergeable");
    let enterprise = own["enterprise"]["id"].clone();
    county
        .office()
        .may_not_raise(json!({"entrance": "phone", "enterpriseId": enterprise}))
        .await
        .is(422, "unknown_enterprise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_forgets_the_county_still_sees_only_its_own() {
    let county = County::open();
    neighbour(&county).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let there =
        county.texts("select id::text from counties where code = 'muddy'").await.remove(0).parse().unwrap();
    let here =
        county.texts("select id::text from counties where code = 'clear'").await.remove(0).parse().unwrap();
    for (scope, seen) in [(here, 1), (there, 0)] {
        let mut tx = county.app.db.begin(Scope::County(scope)).await.unwrap();
        let count: i64 = calls::table.count().get_result(&mut *tx).await.unwrap();
        assert_eq!(count, seen);
        for table in ["ledger_events", "deadlines", "holder_spans", "notices"] {
            let query = diesel::dsl::sql::<diesel::sql_types::Bool>(&format!("exists(select from {table})"));
            let any: bool = diesel::select(query).get_result(&mut *tx).await.unwrap();
            assert_eq!(any, seen == 1, "{table}");
        }
        let changed =
            diesel::update(calls::table).set(calls::title.eq("改了")).execute(&mut *tx).await.unwrap();
        assert_eq!(changed, usize::try_from(seen).unwrap());
    }
    assert_eq!(county.mill().sees(&call).await["title"], "用电故障抢修", "nothing was committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_cannot_change_the_ledger_and_what_its_owner_changes_is_found() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.lead().resolves(&call).await;
    let other = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let look = async || {
        let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
        let found = (audit::verify_all(&mut tx).await.unwrap(), broken_invariants(&mut tx).await.unwrap());
        tx.finish(Ok::<_, yijiao::platform::db::DbError>(found)).await.unwrap()
    };
    let (ledger, invariants) = look().await;
    // Two calls; and two accounts, for which an operator issued two tokens each.
    assert_eq!((ledger.subjects, ledger.events, ledger.broken.len()), (4, 10, 0));
    assert_eq!((invariants.open, invariants.broken.len()), (2, 0));

    for forbidden in ["update ledger_events set actor_name = '别人'", "delete from ledger_events"] {
        let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
        assert!(diesel::sql_query(forbidden).execute(&mut *tx).await.is_err(), "{forbidden}");
    }
    let by_hand = format!(
        "alter table ledger_events disable trigger ledger_events_append_only;
        update ledger_events set at = at - interval '10 minutes' where subject_id = '{}' and seq = 3;
        alter table ledger_events enable trigger ledger_events_append_only",
        call.id()
    );
    county.alter(&by_hand).await;
    let (ledger, _) = look().await;
    assert_eq!(ledger.broken.len(), 1, "{:?}", ledger.broken);
    assert!(ledger.broken[0].contains(call.id()) && ledger.broken[0].contains('3'), "{:?}", ledger.broken);
    let story = county.mill().get(&format!("/api/v1/calls/{}/events", call.id())).await;
    assert_eq!(story["verified"], false);
    county.mill().story(&other).await;

    // An event taken out of the middle, and a holder taken from an open call.
    county
        .alter(&format!(
            "alter table ledger_events disable trigger ledger_events_append_only;
            delete from ledger_events where subject_id = '{0}' and seq = 1;
            alter table ledger_events enable trigger ledger_events_append_only;
            update holder_spans set ends_at = starts_at where call_id = '{0}'",
            other.id()
        ))
        .await;
    let (ledger, invariants) = look().await;
    assert_eq!((ledger.broken.len(), invariants.broken.len()), (2, 1));
    assert!(invariants.broken[0].contains(other.number()));
}
