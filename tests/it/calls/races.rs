//! Many at once: every tap counts once, the first to accept wins, and whoever saw an old version is told.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Client, County, Spans as _};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_taps_with_twenty_repeated_keys_are_one_hundred_and_eighty_calls() {
    let county = County::open();
    let (mill, kiln) = (county.mill(), county.kiln());
    mill.token().await;
    kiln.token().await;
    // Twenty of the hundred taps of the mill repeat the key and the body of another one.
    let tap = async |client: &Client<'_>, key: usize| {
        let body = json!({"itemCode": "OUTAGE", "text": format!("第{key}台机器")});
        let request = client.request(Method::POST, "/api/v1/calls").await;
        let response =
            request.header("idempotency-key", format!("tap-{key}")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let replayed = response.headers().contains_key("idempotency-replayed");
        let call: Value = response.json().await.unwrap();
        (key, call["id"].as_str().unwrap().to_owned(), call["number"].as_str().unwrap().to_owned(), replayed)
    };
    let (of_mill, of_kiln) = tokio::join!(
        join_all((0..100).map(|tap_no| tap(&mill, tap_no % 80))),
        join_all((0..100).map(|tap_no| tap(&kiln, tap_no))),
    );
    assert_eq!(county.count("select count(*) from calls").await, 180);
    assert_eq!(county.count("select count(distinct number) from calls").await, 180);
    assert_eq!(of_mill.iter().filter(|(.., replayed)| *replayed).count(), 20);
    assert_eq!(of_kiln.iter().filter(|(.., replayed)| *replayed).count(), 0);
    for (key, id, number, _) in &of_mill {
        let twins: Vec<_> = of_mill.iter().filter(|(other, ..)| other == key).collect();
        assert!(twins.iter().all(|(_, other, same, _)| other == id && same == number));
        assert_eq!(twins.iter().filter(|(.., replayed)| !replayed).count(), 1, "one of them made the call");
    }
    // Nothing of a refused repetition is left: every call has its span, its two events and its five clocks, no more.
    let events = "ledger_events where subject_kind = 'call'";
    for (rows, each) in [("holder_spans", 1), (events, 2), ("deadlines", 5), ("idempotency_keys", 1)] {
        assert_eq!(county.count(&format!("select count(*) from {rows}")).await, 180 * each, "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_officers_one_accepts_and_the_others_learn_his_name() {
    let county = County::open();
    county.alter(
        "insert into officers (id, county_id, code, name, department_id, title, post, mobile)
        select gen_random_uuid(), county_id, 'CREW-' || n, '班员' || n, department_id, '班员', 'lead', '1690001' || lpad(n::text, 4, '0')
        from officers, generate_series(1, 50) n where code = 'POWER-LEAD';
        insert into accounts (id, county_id, login, name, mobile, officer_id, created_at)
        select gen_random_uuid(), county_id, code, name, mobile, id, now() from officers where code like 'CREW-%';
        insert into account_roles (account_id, county_id, role) select id, county_id, 'officer' from accounts where login like 'CREW-%'",
    )
    .await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let crew: Vec<Client<'_>> = (1..=50).map(|n| county.client(&format!("CREW-{n}"))).collect();
    for client in &crew {
        client.token().await;
    }
    county.pass(2.minutes());
    let path = format!("/api/v1/calls/{}/accept", call.id());
    let answers = join_all(crew.iter().map(async |client: &Client<'_>| {
        let response = client.request(Method::POST, &path).await.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    let winner = won[0].1["holder"]["name"].as_str().unwrap();
    for (status, body) in lost {
        assert_eq!((status, body["code"].as_str()), (409, Some("call_already_accepted")), "{body}");
        assert_eq!(body["acceptedBy"]["name"], winner);
        assert_eq!(body["acceptedAt"], "2026-03-09T10:02:00+08:00");
        assert_eq!(
            (body["state"].as_str(), body["detail"].as_str()),
            (Some("accepted"), Some(format!("已由{winner}接单").as_str()))
        );
    }
    assert_eq!(county.mill().story(&call).await.iter().filter(|kind| *kind == "call.accepted").count(), 1);
    assert_eq!(county.holders(&call).await.len(), 2);
    assert_eq!(county.mill().sees(&call).await.version(), 2);
    // The one who was first may tap again.
    let first = crew.iter().find(|client| format!("班员{}", &client.login[5..]) == winner).unwrap();
    assert_eq!(first.accepts(&call).await.version(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_verbs_at_once_the_second_meets_the_state_that_the_first_made() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    lead.accepts(&call).await;
    let path = format!("/api/v1/calls/{}", call.id());
    let send = async |client: &Client<'_>, verb: &str, body: Value| {
        let request = client.request(Method::POST, &format!("{path}/{verb}")).await;
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let (one, other) = tokio::join!(
        send(&lead, "resolve", json!({"result": "换了保险"})),
        send(&lead, "resolve", json!({"result": "换了变压器"})),
    );
    let mut both = [one, other];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    assert_eq!(mill.sees(&call).await.version(), 3);

    let (confirmed, rejected) =
        tokio::join!(send(&mill, "confirm", json!({})), send(&mill, "reject", json!({"reason": "没有修好"})));
    let mut both = [confirmed, rejected];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    let end = mill.sees(&call).await;
    assert_eq!(end.state(), if confirmed == 200 { "closed" } else { "accepted" });
    assert_eq!(end.version(), 4);

    // Two calls merged into each other at once: only the younger goes into the elder.
    let elder = mill.raises(json!({"itemCode": "LICENCE"})).await;
    county.pass(1.minutes());
    let younger = mill.raises(json!({"itemCode": "LICENCE"})).await;
    let merge = async |from: &str, into: &str| {
        let request = mill.request(Method::POST, &format!("/api/v1/calls/{from}/merge")).await;
        request.json(&json!({"into": into})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(tokio::join!(merge(younger.id(), elder.id()), merge(elder.id(), younger.id())), (200, 422));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_saw_an_old_version_is_told_the_present_one() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    lead.accepts(&call).await;
    let stale = lead
        .may_not("resolve", &call, json!({"result": "好", "expectedVersion": 1}))
        .await
        .is(409, "stale_version");
    assert_eq!((&stale.body["version"], &stale.body["state"]), (&json!(2), &json!("accepted")));
    let path = format!("/api/v1/calls/{}/resolve", call.id());
    let matched = |tag: &str| {
        let tag = tag.to_owned();
        let (lead, path) = (&lead, &path);
        async move {
            lead.request(Method::POST, path).await.header("if-match", tag).json(&json!({"result": "好"}))
        }
    };
    lead.refused(matched("\"1\"").await).await.is(409, "stale_version");
    lead.refused(matched("one").await).await.is(400, "bad_request");
    lead.may_not("resolve", &call, json!({"result": "好", "expectedVersion": "2"}))
        .await
        .is(422, "invalid")
        .at_field("expectedVersion", "wrong_type");
    assert_eq!(matched("\"2\"").await.send().await.unwrap().status(), 200);
}
