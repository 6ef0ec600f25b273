//! What a county may choose, and that its choice holds wherever it matters.

use serde_json::json;

use crate::kit::{County, Spans as _, wd};

async fn chooses(county: &County, settings: serde_json::Value) {
    county.chooses(json!({"calls": settings})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_near_is_there_and_how_sharp_a_phone_must_see() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let accepted = async || lead.accepts(&mill.raises(json!({"itemCode": "OUTAGE"})).await).await;
    // Some 900 m away, by a phone that is sure within 150 m.
    let away = json!({"position": {"latitude": 34.7593, "longitude": 109.1800, "accuracy": 150.0}});
    let call = accepted().await;
    let refused = lead.may_not("arrive", &call, away.clone()).await.is(422, "arrival_unproven");
    assert!(refused.detail().contains("300 米"), "{}", refused.detail());
    chooses(&county, json!({"arrival_near_metres": 1_000, "arrival_accuracy_metres": 100})).await;
    let refused = lead.may_not("arrive", &call, away.clone()).await.is(422, "arrival_unproven");
    assert!(refused.detail().contains("1000 米"), "{}", refused.detail());
    chooses(&county, json!({"arrival_near_metres": 1_000})).await;
    assert_eq!(lead.does("arrive", &call, away).await.state(), "arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_ahead_an_appointment_lies() {
    let county = County::open();
    let mill = county.mill();
    let at = |when: &str| json!({"itemCode": "OUTAGE", "appointmentAt": wd(when)});
    mill.may_not_raise(at("05-09 10:00")).await.is(422, "invalid").at_field("appointmentAt", "out_of_range");
    mill.raises(at("05-08 10:00")).await;
    chooses(&county, json!({"appointment_within_days": 7})).await;
    let before = county.everything().await;
    let refused = mill
        .may_not_raise(at("03-17 10:00"))
        .await
        .is(422, "invalid")
        .at_field("appointmentAt", "out_of_range");
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("7 天"), "{}", refused.body);
    assert_eq!(county.everything().await, before, "no row behind");
    mill.raises(at("03-16 10:00")).await;
    chooses(&county, json!({"appointment_within_days": 90})).await;
    mill.raises(at("05-20 10:00")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_text_may_be_is_the_same_at_every_door() {
    let county = County::open();
    let mill = county.mill();
    let suggest = async |length: usize| {
        let request = mill.request(reqwest::Method::POST, "/api/v1/catalogue/suggest").await;
        let answer = request.json(&json!({"text": "电".repeat(length)})).send().await.unwrap();
        answer.status().as_u16()
    };
    for (settings, most) in
        [(json!({}), 2_000), (json!({"text_length": 300}), 300), (json!({"text_length": 5_000}), 5_000)]
    {
        chooses(&county, settings).await;
        let (fits, long) = ("电".repeat(most), "电".repeat(most + 1));
        for item in [Some("OUTAGE"), None] {
            mill.raises(json!({"itemCode": item, "text": fits})).await;
            let refused = mill.may_not_raise(json!({"itemCode": item, "text": long})).await;
            refused.is(422, "invalid").at_field("text", "too_long");
        }
        assert_eq!((suggest(most).await, suggest(most + 1).await), (200, 422));
    }
    let request = mill.request(reqwest::Method::POST, "/api/v1/catalogue/suggest").await;
    mill.refused(request.json(&json!({"text": " "}))).await.is(422, "invalid").at_field("text", "required");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_link_lives_and_how_early_an_extension_is_asked() {
    let county = County::open();
    chooses(&county, json!({"link_days": 2, "extension_before_working_days": 3})).await;
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let path =
        county.texts("select params ->> 'actPath' from notices where officer_id is not null").await.remove(0);
    county.lead().accepts(&call).await;
    // Due on Monday at closing: three whole working days are left on Wednesday, and no more on Thursday.
    county.until("03-11 09:30");
    let status = async || county.http().get(county.url(&path)).send().await.unwrap().status().as_u16();
    assert_eq!(status().await, 200);
    county.pass(30.minutes());
    assert_eq!(status().await, 404, "two days are over");
    county.until("03-12 10:00");
    let ask = json!({"workingDays": 1, "reason": "等料"});
    let refused = county.lead().may_not("extension", &call, ask).await.is(409, "call_too_late");
    assert!(refused.detail().contains("3 个工作日"), "{}", refused.detail());
}
