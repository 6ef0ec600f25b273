//! What `yijiao check` looks for in calls: it finds nothing in a county that lived by its rules, and each thing done by hand.

use serde_json::json;
use yijiao::calls::check::broken_invariants;
use yijiao::platform::db::{DbError, Scope};

use crate::kit::{County, Spans as _, View};

async fn broken(county: &County) -> Vec<String> {
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = broken_invariants(&mut tx).await.unwrap();
    tx.finish(Ok::<_, DbError>(found.broken)).await.unwrap()
}

/// A call that went through many hands, was closed, reopened and redone, and one that is in hand.
async fn lived(county: &County) -> (View, View) {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(5.minutes());
    county.lead().accepts(&call).await;
    let to = json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "外出"});
    county.pass(5.minutes());
    county.lead().does("transfer", &call, to).await;
    county.backup().accepts(&call).await;
    county.pass(5.minutes());
    county.office().does("assign", &call, json!({"departmentCode": "ENV", "reason": "改派"})).await;
    county.pass(5.minutes());
    county.environment_head().accepts(&call).await;
    county.environment_head().resolves(&call).await;
    county.pass(1.hours());
    county.mill().rejects(&call).await;
    county.environment_head().resolves(&call).await;
    county.mill().confirms(&call).await;
    county.pass(1.days());
    county.mill().does("reopen", &call, json!({"reason": "又坏了"})).await;
    county.pass(1.hours());
    let triaged = county.kiln().raises(json!({})).await;
    county.pass(1.hours());
    county
        .office()
        .does(
            "assign",
            &triaged,
            json!({"departmentCode": "POWER", "itemCode": "CAPACITY", "reason": "分派"}),
        )
        .await;
    county.pass(1.hours());
    (call, triaged)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_where_nothing_is_wrong_and_every_change_by_hand_is_named() {
    let county = County::open();
    let (call, other) = lived(&county).await;
    assert_eq!(broken(&county).await, Vec::<String>::new());

    let call_id = call.id();
    let other_id = other.id();
    for (what, by_hand, undo) in [
        (
            "T5 starts at",
            format!(
                "update deadlines set started_at = started_at + interval '1 hour' where subject_id = '{other_id}' and clock = 'resolve'"
            ),
            format!(
                "update deadlines set started_at = started_at - interval '1 hour' where subject_id = '{other_id}' and clock = 'resolve'"
            ),
        ),
        (
            "without a redo",
            format!(
                "update deadlines set started_at = started_at + interval '1 second' where subject_id = '{call_id}' and clock = 'resolve' and state = 'running'"
            ),
            format!(
                "update deadlines set started_at = started_at - interval '1 second' where subject_id = '{call_id}' and clock = 'resolve' and state = 'running'"
            ),
        ),
        (
            "its first holder has it since",
            format!(
                "update holder_spans set starts_at = starts_at + interval '1 minute' where id = (select min(id::text)::uuid from holder_spans where call_id = '{call_id}')"
            ),
            format!(
                "update holder_spans set starts_at = starts_at - interval '1 minute' where id = (select min(id::text)::uuid from holder_spans where call_id = '{call_id}')"
            ),
        ),
        (
            "nobody or two hold it between",
            format!(
                "update holder_spans set ends_at = ends_at - interval '1 minute' where id = (select min(id::text)::uuid from holder_spans where call_id = '{call_id}')"
            ),
            format!(
                "update holder_spans set ends_at = ends_at + interval '1 minute' where id = (select min(id::text)::uuid from holder_spans where call_id = '{call_id}')"
            ),
        ),
        (
            "held by 0 at once",
            format!(
                "update holder_spans set ends_at = starts_at + interval '1 day' where call_id = '{other_id}' and ends_at is null"
            ),
            format!(
                "update holder_spans set ends_at = null where call_id = '{other_id}' and ends_at = starts_at + interval '1 day'"
            ),
        ),
        (
            "another's than its holder's",
            format!(
                "update calls set holder_id = (select id from officers where code = 'MARKET-LEAD') where id = '{other_id}'"
            ),
            format!(
                "update calls set holder_id = (select officer_id from holder_spans where call_id = '{other_id}' and ends_at is null) where id = '{other_id}'"
            ),
        ),
        (
            "has left",
            format!(
                "update officers set status = 'left' where id = (select holder_id from calls where id = '{other_id}')"
            ),
            format!(
                "update officers set status = 'active' where id = (select holder_id from calls where id = '{other_id}')"
            ),
        ),
        (
            "no clock runs",
            format!(
                "update deadlines set provisional = true, state = 'cancelled', stopped_at = started_at, fires_at = null where subject_id = '{other_id}' and state = 'running'"
            ),
            format!(
                "update deadlines set provisional = false, state = 'running', stopped_at = null where subject_id = '{other_id}' and provisional"
            ),
        ),
    ] {
        county.alter(&by_hand).await;
        let found = broken(&county).await;
        assert!(found.iter().any(|line| line.contains(what)), "{what} is not in {found:?}");
        let number = if by_hand.contains(call_id) { call.number() } else { other.number() };
        assert!(found.iter().all(|line| line.starts_with(&format!("call {number}: "))), "{found:?}");
        county.alter(&undo).await;
        assert_eq!(broken(&county).await, Vec::<String>::new(), "after {undo}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_history_that_was_cut_off_by_hand_is_missed() {
    let county = County::open();
    let cut = async |call: &View, what: &str| {
        assert_eq!(broken(&county).await, Vec::<String>::new(), "before {what}");
        let last = format!(
            "subject_id = '{id}' and seq = (select max(seq) from ledger_events where subject_id = '{id}')",
            id = call.id()
        );
        let with_last = |statement: &str| {
            format!(
                "alter table ledger_events disable trigger user; {statement};
                alter table ledger_events enable trigger user"
            )
        };
        county.alter(&format!("create table cut as select * from ledger_events where {last}")).await;
        county.alter(&with_last(&format!("delete from ledger_events where {last}"))).await;
        let found = broken(&county).await;
        assert!(!found.is_empty(), "{what}");
        for line in &found {
            assert!(
                line.starts_with(&format!("call {}: its history says nothing of", call.number())),
                "{line}"
            );
        }
        county.alter("insert into ledger_events select * from cut; drop table cut").await;
    };
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(5.minutes());
    county.lead().accepts(&call).await;
    cut(&call, "accepted").await;
    county.pass(5.minutes());
    let to = json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "外出"});
    county.lead().does("transfer", &call, to).await;
    cut(&call, "transferred").await;
    county.backup().accepts(&call).await;
    county.pass(5.minutes());
    county.backup().does("contacted", &call, json!({})).await;
    cut(&call, "contacted").await;
    county.pass(5.minutes());
    county.backup().resolves(&call).await;
    cut(&call, "resolved").await;
    county.pass(5.minutes());
    county.mill().confirms(&call).await;
    cut(&call, "confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_call_is_held_by_nobody_and_runs_no_clock() {
    let county = County::open();
    let (call, _) = lived(&county).await;
    county.office().sees(&call).await;
    let done = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(10.minutes());
    county.mill().does("withdraw", &done, json!({})).await;
    assert_eq!(broken(&county).await, Vec::<String>::new());
    let id = done.id();
    for (what, by_hand) in [
        (
            "its last holder has it until",
            format!("update holder_spans set ends_at = ends_at - interval '1 minute' where call_id = '{id}'"),
        ),
        ("somebody still holds it", format!("update holder_spans set ends_at = null where call_id = '{id}'")),
        (
            "its clock",
            format!("update deadlines set state = 'running', stopped_at = null where subject_id = '{id}'"),
        ),
    ] {
        county.alter(&by_hand).await;
        let found = broken(&county).await;
        assert!(
            found.iter().any(|line| line.contains(what) && line.contains(done.number())),
            "{what}: {found:?}"
        );
    }
}
