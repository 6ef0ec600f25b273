//! Lists: whose calls, which of them, page by page to the end.

use serde_json::json;

use crate::kit::{County, Spans as _, View};

fn ids<'a>(calls: impl IntoIterator<Item = &'a View>) -> Vec<String> {
    calls.into_iter().map(|call| call.id().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_lists_what_is_his_and_no_more() {
    let county = County::open();
    let outage = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let impact = county.mill().raises(json!({"itemCode": "IMPACT"})).await;
    let theirs = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let triaged = county.kiln().raises(json!({})).await;

    assert_eq!(county.mill().lists("").await, ids([&impact, &outage]), "newest first");
    assert_eq!(county.kiln().lists("scope=mine").await, ids([&triaged, &theirs]));
    assert_eq!(county.lead().lists("scope=mine").await, ids([&theirs, &outage]));
    assert_eq!(county.backup().lists("scope=mine").await, Vec::<String>::new());
    assert_eq!(county.backup().lists("scope=department").await, ids([&theirs, &outage]));
    assert_eq!(county.environment_head().lists("scope=department").await, ids([&impact]));
    let all = ids([&triaged, &theirs, &impact, &outage]);
    assert_eq!(county.office().lists("scope=county").await, all);
    assert_eq!(county.inspector().lists("scope=county").await, all);
    for client in [county.mill(), county.lead(), county.head(), county.dispatcher()] {
        client.may_not_get("/api/v1/calls?scope=county").await.is(403, "call_not_yours");
    }
    county.mill().may_not_get("/api/v1/calls?scope=department").await.is(403, "call_not_yours");

    // What a list shows is what the call itself shows.
    let listed = county.lead().get("/api/v1/calls?limit=1").await;
    assert_eq!(listed["items"][0], *county.lead().sees(&theirs).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_state_and_by_broken_promise() {
    let county = County::open();
    let late = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(10.minutes());
    let fresh = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let done = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&done).await;
    county.lead().resolves(&done).await;
    county.pass(6.minutes());
    let mill = county.mill();
    assert_eq!(mill.lists("overdue=true").await, ids([&late]));
    assert_eq!(mill.lists("overdue=false").await, ids([&done, &fresh]));
    assert_eq!(mill.lists("state=dispatched").await, ids([&fresh, &late]));
    assert_eq!(mill.lists("state=dispatched&overdue=false").await, ids([&fresh]));
    assert_eq!(mill.lists("state=closed").await.len(), 0);
    // An answer, however late, ends the being late; the clock keeps that it was.
    county.lead().accepts(&late).await;
    assert_eq!(mill.lists("overdue=true").await.len(), 0);
    assert_eq!(mill.sees(&late).await.clock("accept")["state"], "missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_by_page_to_the_end_without_gap_or_repetition() {
    let county = County::open();
    let mill = county.mill();
    let mut raised = Vec::new();
    for _ in 0..11 {
        raised.push(mill.raises(json!({"itemCode": "OUTAGE"})).await.id().to_owned());
    }
    raised.reverse();
    for limit in [1, 2, 5, 10, 11, 12] {
        assert_eq!(mill.lists(&format!("limit={limit}")).await, raised, "{limit} a page");
    }
    // What is raised meanwhile shifts nothing.
    let first = mill.get("/api/v1/calls?limit=4").await;
    mill.raises(json!({"itemCode": "OUTAGE"})).await;
    let rest =
        mill.get(&format!("/api/v1/calls?limit=100&cursor={}", first["nextCursor"].as_str().unwrap())).await;
    let rest: Vec<&str> =
        rest["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert_eq!(rest, raised[4..]);
    mill.may_not_get("/api/v1/calls?cursor=nonsense").await.is(400, "bad_cursor");
    for query in ["state=lost", "limit=many", "overdue=maybe", "scope=world", "page=2"] {
        assert_eq!(mill.may_not_get(&format!("/api/v1/calls?{query}")).await.status / 100, 4, "{query}");
    }
}
