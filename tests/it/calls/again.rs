//! A second tap, or a request that is sent again because its answer was lost, does nothing twice.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Client, County, Spans as _, View, wd};

/// What a verb leaves behind: events, notices, holders, side matters and running clocks.
async fn traces(county: &County, mill: &Client<'_>, call: &View) -> (Vec<String>, Vec<String>, Value) {
    let notices = county.texts("select event || recipient || state from notices order by id").await;
    let seen = mill.sees(call).await;
    (mill.story(call).await, notices, json!([seen["clocks"], seen["matters"], seen["version"]]))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_officer_says_twice_is_said_once() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    lead.accepts(&call).await;
    for (verb, body) in [
        ("contacted", json!({})),
        ("contacted", json!({"note": "已约下午三点"})),
        ("leave", json!({})),
        ("promise", json!({"until": wd("03-10 17:00"), "text": "明天修好"})),
        ("note", json!({"text": "正在检修"})),
    ] {
        county.pass(1.minutes());
        lead.does(verb, &call, body.clone()).await;
        let once = traces(&county, &mill, &call).await;
        county.pass(1.minutes());
        lead.does(verb, &call, body).await;
        assert_eq!(traces(&county, &mill, &call).await, once, "{verb}");
    }
    // The same words after something else are news.
    let before = mill.story(&call).await.len();
    lead.does("leave", &call, json!({})).await;
    lead.does("note", &call, json!({"text": "正在检修"})).await;
    assert_eq!(mill.story(&call).await.len(), before + 2);
    // And so are those of another day.
    county.until("03-10 10:00");
    let said = lead.does("note", &call, json!({"text": "正在检修"})).await;
    assert_eq!(said.started("stall"), county.now());
    assert_eq!(mill.story(&call).await.len(), before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hands_a_call_on_twice_hands_it_on_once() {
    let county = County::open();
    let (mill, office) = (county.mill(), county.office());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    let officer = county.texts("select o.id::text from officers o join accounts a on a.officer_id = o.id where a.login = 'POWER-BACKUP'").await;
    let to = json!({"officerId": officer[0], "reason": "王工今日外出"});
    for verb in ["transfer", "assign"] {
        let by = if verb == "transfer" { county.head() } else { county.office() };
        let body = if verb == "transfer" {
            to.clone()
        } else {
            json!({"departmentCode": "ENV", "reason": "属环保事项"})
        };
        by.does(verb, &call, body.clone()).await;
        let once = traces(&county, &mill, &call).await;
        county.pass(1.minutes());
        by.does(verb, &call, body).await;
        assert_eq!(traces(&county, &mill, &call).await, once, "{verb}");
    }
    // To somebody else it is another decision.
    let before = mill.story(&call).await.len();
    office.does("assign", &call, json!({"departmentCode": "POWER", "reason": "属环保事项"})).await;
    assert_eq!(mill.story(&call).await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacted_once_more_without_a_word_is_no_progress() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    lead.accepts(&call).await;
    county.pass(5.minutes());
    let first = lead.does("contacted", &call, json!({})).await;
    assert_eq!(first.started("stall"), county.now());
    county.until("03-10 10:00");
    lead.does("leave", &call, json!({})).await;
    let again = lead.does("contacted", &call, json!({})).await;
    assert_eq!(again.started("stall"), first.started("stall"), "nothing was said");
    let said = lead.does("contacted", &call, json!({"note": "配件明天到"})).await;
    assert_eq!(said.started("stall"), county.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_tap_is_answered_when_its_hour_is_over() {
    let county = County::open();
    let mill = county.mill();
    let hour = json!({"itemCode": "OUTAGE", "appointmentAt": wd("03-09 10:02")});
    let tap = async || {
        let request = mill.request(Method::POST, "/api/v1/calls").await.header("idempotency-key", "once");
        let answer = request.json(&hour).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (made, call) = tap().await;
    assert_eq!(made, 201, "{call}");
    county.pass(10.minutes());
    let (repeated, known) = tap().await;
    assert_eq!((repeated, &known["id"]), (201, &call["id"]), "{known}");
    mill.may_not_raise(hour.clone()).await.is(422, "invalid").at_field("appointmentAt", "out_of_range");
}

/// Presses the button without a word; the status and the call.
async fn presses(client: &Client<'_>) -> (u16, Value) {
    let answer = client.request(Method::POST, "/api/v1/calls").await.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_presses_the_button_twice_has_called_once() {
    let county = County::open();
    let (mill, park) = (county.mill(), county.park());
    let (status, first) = presses(&mill).await;
    assert_eq!(status, 201);
    let alarms = async || county.count("select count(*) from notices where officer_id is not null").await;
    let before = alarms().await;
    county.pass(299.seconds());
    let (status, again) = presses(&mill).await;
    assert_eq!((status, &again["id"], &again["clocks"]), (200, &first["id"], &first["clocks"]));
    assert_eq!((alarms().await, county.count("select count(*) from calls").await), (before, 1));

    // Whoever says something says something else, and so does a key of its own.
    mill.raises(json!({"urgency": "critical"})).await;
    let keyed = mill.request(Method::POST, "/api/v1/calls").await.header("idempotency-key", "another");
    assert_eq!(keyed.send().await.unwrap().status().as_u16(), 201);
    // And another enterprise's button is its own.
    assert_eq!(presses(&county.kiln()).await.0, 201);
    // Five minutes after it was pressed it is pressed anew.
    county.pass(1.seconds());
    let (status, second) = presses(&mill).await;
    assert_eq!(status, 201);
    assert_ne!(second["id"], first["id"]);
    // Who was heard calls about something else, and so does who took it back.
    park.accepts(&View::of(second)).await;
    let (status, third) = presses(&mill).await;
    assert_eq!(status, 201);
    mill.does("withdraw", &View::of(third), json!({"reason": "已解决"})).await;
    assert_eq!(presses(&mill).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_presses_at_one_moment_are_one_call() {
    let county = County::open();
    let mill = county.mill();
    mill.token().await;
    for _ in 0..3 {
        county.pass(6.minutes());
        let pressed = futures_util::future::join_all((0..16).map(|_| presses(&mill))).await;
        let new = pressed.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!((new, pressed.iter().filter(|(status, _)| *status == 200).count()), (1, 15));
        assert!(pressed.iter().all(|(_, call)| call["id"] == pressed[0].1["id"]));
    }
    assert_eq!(county.count("select count(*) from calls").await, 3);
    let alarms = "select count(*) from notices where event in ('call.dispatched', 'call.raised') and officer_id is not null and id = posting_id";
    assert_eq!(county.count(alarms).await, 3);
}
