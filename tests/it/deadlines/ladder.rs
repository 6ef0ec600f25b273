//! Nobody answers: the call climbs by itself, each rung once, to whoever is there, at the moments counted from the missed one.

use serde_json::json;
use yijiao::notices::check::unsent;
use yijiao::platform::db::Scope;

use crate::kit::{County, Spans as _};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_accepts_climbs_to_the_inspectorate() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-11 18:30").await;
    let expected = [
        "accept 0 POWER-LEAD @ 03-09 10:07",
        "accept 1 POWER-BACKUP blue @ 03-09 10:15",
        "accept 2 POWER-DEPUTY yellow @ 03-09 10:30",
        "contact 0 POWER-LEAD @ 03-09 10:30",
        "accept 3 POWER-HEAD yellow @ 03-09 10:45",
        "contact 1 POWER-LEAD,POWER-BACKUP blue @ 03-09 11:00",
        "arrive 0 POWER-LEAD @ 03-09 11:00",
        "accept 4 OFFICE-DESK red @ 03-09 11:15",
        "arrive 0 POWER-LEAD @ 03-09 11:36",
        "arrive 1 POWER-BACKUP blue @ 03-09 11:36",
        "arrive 2 POWER-DEPUTY yellow @ 03-09 12:00",
        "accept 5 INSPECTOR red @ 03-09 16:15",
        "contact 2 POWER-DEPUTY yellow @ 03-09 17:00",
        "arrive 3 POWER-HEAD yellow @ 03-09 18:00",
        "resolve 0 POWER-LEAD @ 03-10 09:30",
        "resolve 0 POWER-LEAD @ 03-10 15:24",
        "plan 0 POWER-LEAD @ 03-10 15:24",
        "resolve 1 POWER-BACKUP blue @ 03-10 15:24",
        "resolve 2 POWER-DEPUTY yellow @ 03-10 18:00",
        "plan 1 POWER-LEAD,POWER-BACKUP blue @ 03-10 18:00",
        "contact 2 POWER-DEPUTY @ 03-10 18:00",
        "arrive 4 OFFICE-DESK red @ 03-10 18:00",
        "resolve 3 POWER-HEAD yellow @ 03-11 15:00",
        "resolve 4 OFFICE-DESK red @ 03-11 18:00",
        "plan 2 POWER-DEPUTY yellow @ 03-11 18:00",
        "contact 2 POWER-DEPUTY @ 03-11 18:00",
    ];
    assert_eq!(county.rungs(&call).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_call_climbs_no_more_for_its_acceptance() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(20.minutes());
    county.fires().await;
    county.lead().accepts(&call).await;
    let before = county.rungs(&call).await;
    county.runs_until("03-10 09:30").await;
    let after = county.rungs(&call).await;
    assert_eq!(after.iter().filter(|rung| rung.starts_with("accept")).count(), before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_section_hears_of_his_people_and_not_of_himself() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:16").await;
    let first = async || county.rungs(&call).await.into_iter().rfind(|rung| rung.starts_with("accept 1"));
    // The holder is a 股长: his backup hears alone.
    assert_eq!(first().await.unwrap(), "accept 1 POWER-BACKUP blue @ 03-09 10:15");
    county.lead().accepts(&call).await;
    let to = json!({"officerId": county.officer_id("POWER-DESK").await, "reason": "外出"});
    county.lead().does("transfer", &call, to).await;
    county.runs_until("03-09 10:40").await;
    assert_eq!(first().await.unwrap(), "accept 1 POWER-LEAD blue @ 03-09 10:31");
    // He is away, and his backup has the call in hand: nobody is told of himself.
    county.sends_away("POWER-LEAD").await;
    let to = json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "外出"});
    county.office().does("transfer", &call, to).await;
    county.runs_until("03-09 11:00").await;
    assert_eq!(first().await.unwrap(), "accept 1 - blue @ 03-09 10:55");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_tells_its_officer_by_his_own_application_too() {
    let county = County::open();
    county.reaches_in_person(&["POWER-LEAD", "POWER-DEPUTY"]).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:30").await;
    let told = county
        .texts(&format!(
            "select concat_ws(' ', n.event, n.params->>'clock', c.code, nullif(n.recipient, ''), o.code) from notices n
            join channels c on c.id = n.channel_id join officers o on o.id = n.officer_id
            where n.subject_id = '{}' order by n.created_at, n.id",
            call.id()
        ))
        .await;
    let in_person = told.iter().filter(|line| line.contains(" app ")).collect::<Vec<_>>();
    assert_eq!(
        in_person,
        [
            "call.dispatched app wx-POWER-LEAD POWER-LEAD",
            "call.reminded accept app wx-POWER-LEAD POWER-LEAD",
            "call.escalated accept app wx-POWER-DEPUTY POWER-DEPUTY",
            "call.reminded contact app wx-POWER-LEAD POWER-LEAD",
        ]
    );
    // His room hears it as well, and so does the room of whoever has no application.
    for line in
        ["call.escalated accept room-power POWER-DEPUTY", "call.escalated accept room-power POWER-BACKUP"]
    {
        assert!(told.iter().any(|told| told == line), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_nobody_can_be_told_of_fails_the_check_until_it_is_answered() {
    let county = County::open();
    county.alter("update channels set state = 'dead'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:15").await;
    let told = county
        .texts("select event || ' ' || reason from notices where officer_id is not null order by id")
        .await;
    let expected = ["call.dispatched", "call.reminded", "call.escalated"]
        .map(|event| format!("{event} nobody_to_address"));
    assert_eq!(told, expected);
    let unaddressed = async || {
        let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
        unsent(&mut tx, county.now()).await.unwrap().unaddressed
    };
    assert_eq!(unaddressed().await, 3);
    county.lead().accepts(&call).await;
    assert_eq!(unaddressed().await, 0);
}
