//! Nobody can be told: the ladder climbs now, the ledger says why, and an administrator knows.

use serde_json::{Value, json};

use crate::kit::{Client, County, Spans as _};

/// Follows up everything; what fires by it fires.
async fn follow_up(county: &County) -> usize {
    let followed = yijiao::worker::follow_up(&county.app).run_once(county.now()).await.unwrap();
    county.fires().await;
    followed
}

/// The titles in somebody's inbox that are about the channels.
async fn warnings(client: &Client<'_>) -> Vec<Value> {
    let inbox = client.get("/api/v1/inbox?limit=100").await;
    let about = |item: &&Value| item["event"] == "notice.unreachable";
    inbox["items"].as_array().unwrap().iter().filter(about).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_climbs_at_once_and_the_administrator_is_told() {
    let county = County::open();
    county.alter("update channels set state = 'dead'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "text": "全厂停电"})).await;
    assert_eq!(follow_up(&county).await, 1);
    // The step that fired tells the holder again, in vain; then his backup and the section head, and so on to the head.
    for _ in 0..5 {
        follow_up(&county).await;
    }
    let rungs = county.rungs(&call).await;
    assert!(
        rungs.iter().all(|rung| rung.starts_with("accept") && rung.ends_with("03-09 10:00")),
        "{rungs:?}"
    );
    assert!(rungs.iter().any(|rung| rung.starts_with("accept 3 POWER-HEAD")), "{rungs:?}");
    assert!(!rungs.iter().any(|rung| rung.starts_with("accept 4")), "nobody is ordered for it: {rungs:?}");
    assert_eq!(county.count("select count(*) from supervision_orders").await, 0);
    assert_eq!(county.count("select count(*) from cards").await, 0, "no promise is broken yet");
    let story = county.office().story(&call).await;
    assert_eq!(story[story.iter().position(|kind| kind == "call.unreached").unwrap() + 1], "call.reminded");
    let unreached = county
        .texts("select data->>'name' || ' ' || (data->>'liftedClock') || ' ' || (data->>'liftedRung') || ' ' || actor_kind
            from ledger_events where kind = 'call.unreached' order by seq limit 1")
        .await;
    assert_eq!(unreached, ["程己丑 accept 0 clock"]);

    let told = warnings(&county.client("MARKET-HEAD")).await;
    assert_eq!(told.len(), 1, "once for a matter: {told:?}");
    assert!(told[0]["title"].as_str().unwrap().contains("程己丑"), "{told:?}");
    let facts = told[0]["facts"].to_string();
    assert!(facts.contains("没有可用的消息通道"), "{facts}");
    assert_eq!(told[0]["awaitsAction"], false);
    assert!(warnings(&county.client("MARKET-LEAD")).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_is_an_officer_is_told_in_his_own_application() {
    let county = County::open();
    county.reaches_in_person(&["MARKET-HEAD"]).await;
    county.alter("update channels set state = 'dead' where kind = 'wecom_bot'").await;
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    follow_up(&county).await;
    let told = "select concat_ws(' ', coalesce(c.code, 'inbox'), n.recipient, n.state, n.priority, n.answered, p.id is not null)
        from notices n left join channels c on c.id = n.channel_id
        left join notices p on p.id = n.posting_id and p.id <> n.id and p.officer_id is not null
        where n.event = 'notice.unreachable' order by n.channel_id nulls first";
    assert_eq!(
        county.texts(told).await,
        ["inbox  sent normal t f", "app wx-MARKET-HEAD queued normal f t"],
        "it waits for nobody's answer, and leaves"
    );
    assert_eq!(warnings(&county.client("MARKET-HEAD")).await.len(), 1, "once in the inbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_or_is_over_climbs_no_more() {
    let county = County::open();
    county.alter("update channels set state = 'dead'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    let other = county.mill().raises(json!({"itemCode": "CAPACITY"})).await;
    county.mill().does("withdraw", &other, json!({})).await;
    county.pass(1.minutes());
    assert_eq!(follow_up(&county).await, 0);
    assert_eq!(county.count("select count(*) from ledger_events where kind = 'call.unreached'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_can_be_told_of_lifts_its_own_clock() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.alter("update channels set state = 'dead'").await;
    county.lead().does("return", &call, json!({"reason": "不归我们管", "departmentCode": "ENV"})).await;
    assert!(follow_up(&county).await > 0);
    let lifted = county
        .texts("select data->>'liftedClock' from ledger_events where kind = 'call.unreached' order by seq limit 1")
        .await;
    assert_eq!(lifted, ["return_ruling"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_reaches_nobody_lifts_the_clock_that_it_was_about() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.alter("update channels set state = 'dead'").await;
    // Half of the hour to contact the enterprise is over; what is waited for next would be the visit.
    county.runs_until("03-09 10:30").await;
    assert!(follow_up(&county).await > 0);
    let lifted = county
        .texts("select data->>'liftedClock' from ledger_events where kind = 'call.unreached' order by seq limit 1")
        .await;
    assert_eq!(lifted, ["contact"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_orders_and_cards_the_administrator_is_told_and_of_hand_overs_only_whom_nothing_reaches() {
    let county = County::open();
    county
        .alter(
            "update channels set state = 'dead';
            insert into channels (id, county_id, code, kind, name, base_url, credentials_sealed)
                select gen_random_uuid(), county_id, 'hook', 'webhook', '县大数据平台', base_url, credentials_sealed from channels
                where code = 'room-office'",
        )
        .await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "text": "全厂停电"})).await;
    // The ladder gives cards, orders and drafts a hand-over, all without anybody to tell.
    county.runs_until("03-10 18:00").await;
    let blue = county.texts("select id::text from cards where colour = 'blue'").await.remove(0);
    let appeal = json!({"reason": "当时正在抢修另一处故障"});
    county.lead().puts_in(&format!("/api/v1/cards/{blue}/appeal"), appeal).await;
    follow_up(&county).await;
    let told = |kind: &str| {
        format!(
            "select concat_ws(' ', coalesce(c.code, 'inbox'), coalesce(o.code, a.login), n.params->>'number') from notices n
            left join channels c on c.id = n.channel_id left join officers o on o.id = n.officer_id
            left join accounts a on a.id = n.account_id
            where n.event = 'notice.unreachable' and n.subject_kind = '{kind}' order by n.created_at, n.id"
        )
    };
    let number = call.number();
    for kind in ["supervision_order", "card"] {
        assert_eq!(
            county.texts(&told(kind)).await,
            [format!("inbox MARKET-HEAD {number}"), format!("hook {number}")],
            "{kind}"
        );
    }
    assert_eq!(county.texts(&told("hand_over")).await, ["inbox MARKET-HEAD"]);
    let said =
        "select params::text from notices where event = 'notice.unreachable' and subject_kind = 'hand_over'";
    let said: Value = serde_json::from_str(&county.texts(said).await.remove(0)).unwrap();
    let fields: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["to", "why"], "{said}");
    let inbox = warnings(&county.client("MARKET-HEAD")).await;
    assert!(inbox.iter().any(|item| item["title"].as_str().unwrap().contains("通知送不到")), "{inbox:?}");
    // What is lifted tells people in vain too; that ends.
    for _ in 0..10 {
        follow_up(&county).await;
    }
    assert_eq!(county.count("select count(*) from notices where follow_at is not null").await, 0);
}
