//! Not solved: a redo one level up, a second one under review, and a closed call opened again.

use serde_json::json;

use crate::kit::{County, Spans as _, View, wd};

async fn resolved(county: &County) -> View {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.pass(1.hours());
    county.lead().resolves(&call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_call_goes_one_level_up_for_five_days_and_the_second_time_to_review() {
    let county = County::open();
    let call = resolved(&county).await;
    county.lead().may_not("reject", &call, json!({"reason": "x"})).await.is(403, "call_not_yours");
    county
        .mill()
        .may_not("reject", &call, json!({"reason": ""}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    county.pass(1.hours());
    let redo = county.mill().rejects(&call).await;
    assert_eq!((redo.state(), redo.holder()), ("accepted", "萧戊子"), "the deputy answers now");
    assert_eq!(
        (redo.clock_states("resolve"), redo.clock("confirm")["state"].as_str()),
        (vec!["met", "running"], Some("met"))
    );
    assert_eq!((redo.started("resolve"), redo.due("resolve")), (county.now(), wd("03-16 18:00")));
    assert_eq!((&redo["outcome"], &redo["resolvedAt"]), (&json!(null), &json!(null)));
    county.lead().may_not("resolve", &call, json!({"result": "好了"})).await.is(403, "call_not_yours");

    county.deputy().resolves(&call).await;
    let again = county.mill().rejects(&call).await;
    assert_eq!((again.state(), again.holder()), ("accepted", "苏丁亥"), "now the head himself");
    let story = county.mill().story(&call).await;
    assert_eq!(story.iter().filter(|kind| *kind == "call.rejected").count(), 2);
    assert_eq!(story.last().unwrap(), "call.review_needed");
    let told = "select concat_ws(' ', c.code, o.code, n.params->>'holderMobile') from notices n join channels c on c.id = n.channel_id
        left join officers o on o.id = n.officer_id where n.event = 'call.review_needed'";
    assert_eq!(
        county.texts(told).await,
        ["room-office OFFICE-DESK 16900000002"],
        "a person is asked to review"
    );
    // The red card of whoever resolved it, on the T5 of the redo; the first rejection brought none.
    let cards = "select concat_ws(' ', c.clock, c.rung, c.colour, o.code, c.late_minutes, d.due_at = c.due_at, d.started_at > t.raised_at)
        from cards c join officers o on o.id = c.officer_id join deadlines d on d.id = c.deadline_id join calls t on t.id = c.call_id";
    assert_eq!(county.texts(cards).await, ["resolve 0 red POWER-DEPUTY 0 t t"]);
    let said = "select data->'card'->>'colour' from ledger_events where kind = 'call.review_needed'";
    assert_eq!(county.texts(said).await, ["red"]);
    county.head().resolves(&call).await;
    county.mill().confirms(&call).await;
    let holders = county.holders(&call).await;
    assert_eq!(
        holders,
        [("POWER-LEAD".to_owned(), 7200), ("POWER-DEPUTY".to_owned(), 0), ("POWER-HEAD".to_owned(), 0)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_call_is_reopened_once_within_ten_working_days() {
    let county = County::open();
    let call = resolved(&county).await;
    county.mill().may_not("reopen", &call, json!({"reason": "又坏了"})).await.is(409, "call_wrong_state");
    county.mill().confirms(&call).await;
    let again = county.mill().confirms(&call).await;
    assert_eq!(again.state(), "closed", "a second tap is answered");
    county.lead().may_not("reopen", &call, json!({"reason": "x"})).await.is(403, "call_not_yours");
    // Ten working days after Monday: Monday in two weeks, to closing.
    county.until("03-23 18:00");
    let open = county.mill().does("reopen", &call, json!({"reason": "又停电了"})).await;
    assert_eq!(
        (open.state(), open.holder(), open["closing"].as_str(), open["endedAt"].as_str()),
        ("accepted", "萧戊子", None, None)
    );
    assert_eq!(open.running(), ["resolve", "stall"]);
    let holders = "select count(*) from holder_spans where ends_at is null";
    assert_eq!(county.count(holders).await, 1);
    county.deputy().resolves(&call).await;
    county.mill().does("confirm", &call, json!({"speed": 3, "attitude": 3, "ability": 3, "result": 3})).await;
    county.mill().may_not("reopen", &call, json!({"reason": "x"})).await.is(409, "call_once_only");
    assert_eq!(county.texts("select speed || words from call_ratings").await, ["3"], "the last rating holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_working_days_a_closed_call_stays_closed() {
    let county = County::open();
    let call = resolved(&county).await;
    county.mill().confirms(&call).await;
    county.until("03-23 18:01");
    county.mill().may_not("reopen", &call, json!({"reason": "又停电了"})).await.is(409, "call_too_late");
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_are_four_and_between_one_and_five() {
    let county = County::open();
    let call = resolved(&county).await;
    for (body, field) in [
        (json!({"speed": 0, "attitude": 5, "ability": 5, "result": 5}), "speed"),
        (json!({"speed": 5, "attitude": 6, "ability": 5, "result": 5}), "attitude"),
        (json!({"speed": 5, "attitude": 5, "ability": 5}), "result"),
    ] {
        county
            .mill()
            .may_not("confirm", &call, body)
            .await
            .is(422, "invalid")
            .at_field(field, "out_of_range");
    }
    county.lead().may_not("confirm", &call, json!({})).await.is(403, "call_not_yours");
    assert_eq!(county.mill().sees(&call).await.state(), "resolved");
}
