//! The hand-over: drafted by the clock, read by two people, signed by a named one, and sealed from everybody else.

use diesel_async::SimpleAsyncConnection as _;
use reqwest::Method;
use serde_json::{Value, json};
use yijiao::platform::db::Scope;
use yijiao::supervision::check::broken_invariants;
use yijiao::supervision::hand_over::{HandOverId, draft};

use super::stage::{all_is_well, begin, commit, deadline, told};
use crate::calls::isolation::neighbour;
use crate::kit::{Client, County, View};

const HAND_OVERS: &str = "/api/v1/hand-overs";

/// The discipline body with one investigator, and a system of the county that hears everything.
async fn with_discipline(county: &County) {
    county
        .alter(
            "insert into departments (id, county_id, code, name, short_name, kind, office)
                select gen_random_uuid(), county_id, 'DISCIP', '县纪委监委', '纪委监委', kind, 'discipline' from departments where code = 'INSPECT';
            insert into officers (id, county_id, code, name, department_id, title, post, mobile)
                select gen_random_uuid(), county_id, 'DISCIPLINE', '卫癸卯', id, '室主任', 'lead', '16900000060' from departments where code = 'DISCIP';
            insert into accounts (id, county_id, login, name, mobile, officer_id, created_at)
                select gen_random_uuid(), county_id, code, name, mobile, id, now() from officers where code = 'DISCIPLINE';
            insert into account_roles (account_id, county_id, role)
                select id, county_id, unnest(array['officer', 'discipline']) from accounts where login = 'DISCIPLINE';
            insert into channels (id, county_id, code, kind, name, department_id, base_url, credentials_sealed)
                select gen_random_uuid(), county_id, 'room-discip', 'wecom_bot', '纪委', id, base_url, credentials_sealed
                from departments d, (select base_url, credentials_sealed from channels where code = 'room-office') c where d.code = 'DISCIP';
            insert into channels (id, county_id, code, kind, name, base_url, credentials_sealed)
                select gen_random_uuid(), county_id, 'hook', 'webhook', '县大数据平台', base_url, credentials_sealed from channels
                where code = 'room-office'",
        )
        .await;
}

fn evidence(call: &View) -> Value {
    json!({"call": {"number": call.number(), "text": "全厂停电"}, "holders": [{"name": "程己丑", "workingMinutes": 480}], "rungs": [0, 1, 2]})
}

async fn drafted(county: &County, call: &View) -> Option<HandOverId> {
    let (mut tx, clear) = begin(county).await;
    let cause = deadline(county, call, "accept").await;
    let id = call.id().parse().unwrap();
    let made = draft(&mut tx, clear, id, Some(cause), evidence(call), county.now()).await.unwrap();
    commit(tx).await;
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_the_office_stand_between_the_clock_and_discipline() {
    let county = County::open();
    with_discipline(&county).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = drafted(&county, &call).await.unwrap().to_string();
    assert_eq!(drafted(&county, &call).await, None, "one open hand-over of a call is enough");
    let path = format!("{HAND_OVERS}/{id}");
    let step = |step: &str| format!("{path}/{step}");
    let (office, head, discipline) = (county.office(), county.office_head(), county.client("DISCIPLINE"));

    // Nobody else knows of it, discipline least of all.
    discipline.may_not_get(&path).await.is(404, "hand_over_not_found");
    assert_eq!(discipline.pages(HAND_OVERS, "").await, Vec::<String>::new());
    for person in [county.inspector(), county.head(), county.lead(), county.mill()] {
        person.may_not_get(&path).await.is(403, "forbidden");
        person.may_not_get(HAND_OVERS).await.is(403, "forbidden");
    }
    let listed = office.get(HAND_OVERS).await["items"][0].clone();
    assert_eq!((listed["id"].as_str(), listed.get("pack")), (Some(id.as_str()), None));
    assert_eq!((listed["state"].as_str(), listed["allowed"].clone()), (Some("draft"), json!(["review"])));

    let read = office.looks_at(&path).await;
    assert_eq!((read["pack"].clone(), read["verified"].as_bool()), (evidence(&call), Some(true)));
    head.may_not_post(&step("review"), json!({})).await.is(403, "hand_over_second_person");
    head.may_not_post(&step("sign"), json!({})).await.is(409, "hand_over_wrong_state");
    let reviewed = office.posts(&step("review"), json!({"note": "事实清楚"}), 200).await;
    assert_eq!((reviewed.state(), reviewed["reviewedBy"].as_str()), ("reviewed", Some("曾乙酉")));
    office.may_not_post(&step("sign"), json!({})).await.is(403, "hand_over_not_yours");
    office.may_not_post(&step("drop"), json!({"reason": "算了"})).await.is(403, "hand_over_not_yours");
    office.may_not_post(&step("hand"), json!({})).await.is(409, "hand_over_wrong_state");
    let stale = json!({"expectedVersion": 1});
    head.may_not_post(&step("sign"), stale).await.is(409, "stale_version");
    assert_eq!(head.posts(&step("sign"), json!({}), 200).await["signedBy"], "于甲申");
    discipline.may_not_get(&path).await.is(404, "hand_over_not_found");
    let handed = office.posts(&step("hand"), json!({}), 200).await;
    assert_eq!((handed.state(), handed.texts("allowed")), ("handed", vec![]));

    assert_eq!(discipline.pages(HAND_OVERS, "").await, vec![id.clone()]);
    assert_eq!(discipline.pages(HAND_OVERS, "state=draft").await, Vec::<String>::new());
    let read = discipline.looks_at(&path).await;
    assert_eq!((read["pack"].clone(), read["verified"].as_bool()), (evidence(&call), Some(true)));
    discipline.may_not_post(&step("drop"), json!({"reason": "x"})).await.is(403, "forbidden");
    head.may_not_post(&step("drop"), json!({"reason": "x"})).await.is(409, "hand_over_wrong_state");

    // Every look is in the ledger, with its reader.
    let story = office.get(&format!("{path}/events")).await;
    let lines: Vec<_> = story["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["kind"], it["actor"]))
        .collect();
    assert_eq!(
        lines.join(",").replace('"', ""),
        "hand_over.drafted 时限,hand_over.read 曾乙酉,hand_over.reviewed 曾乙酉,hand_over.signed 于甲申,\
         hand_over.handed 曾乙酉,hand_over.read 卫癸卯"
    );
    // Only the rooms concerned hear of it, and discipline's hears no fact; the county's systems hear nothing.
    assert_eq!(
        told(&county, &id).await,
        [
            "hand_over.drafted room-office OFFICE-DESK",
            "hand_over.reviewed room-office OFFICE-HEAD",
            "hand_over.handed room-discip",
        ]
    );
    let facts =
        format!("select params::text from notices where subject_id = '{id}' and event = 'hand_over.handed'");
    assert_eq!(county.texts(&facts).await, ["{}"]);
    all_is_well(&county).await;
    assert!(drafted(&county, &call).await.is_some(), "handed is not open any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_hears_it_in_person_and_the_countys_systems_do_not() {
    let county = County::open();
    with_discipline(&county).await;
    county.reaches_in_person(&["OFFICE-DESK", "OFFICE-HEAD", "POWER-HEAD"]).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = drafted(&county, &call).await.unwrap().to_string();
    county.office().posts(&format!("{HAND_OVERS}/{id}/review"), json!({}), 200).await;
    assert_eq!(
        told(&county, &id).await,
        [
            "hand_over.drafted app OFFICE-DESK",
            "hand_over.drafted room-office OFFICE-DESK",
            "hand_over.reviewed app OFFICE-HEAD",
            "hand_over.reviewed room-office OFFICE-HEAD",
        ]
    );
    // An order is no secret: the head it is for hears it in person, his room and the county's systems hear it too.
    let order = json!({"callId": call.id(), "text": "请说明原因"});
    let order = county.office().posts("/api/v1/supervision-orders", order, 201).await;
    assert_eq!(
        told(&county, order.id()).await,
        ["order.issued app POWER-HEAD", "order.issued room-power POWER-HEAD", "order.issued hook"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_the_office_decides_against_it_and_says_why() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = drafted(&county, &call).await.unwrap();
    let path = format!("{HAND_OVERS}/{id}");
    let head = county.office_head();
    head.may_not_post(&format!("{path}/drop"), json!({"reason": ""})).await.at_field("reason", "required");
    let dropped = head.posts(&format!("{path}/drop"), json!({"reason": "系统故障所致，已核实"}), 200).await;
    assert_eq!(
        (dropped.state(), dropped["droppedReason"].as_str()),
        ("dropped", Some("系统故障所致，已核实"))
    );
    county.office().may_not_post(&format!("{path}/review"), json!({})).await.is(409, "hand_over_wrong_state");
    assert_eq!(county.office().pages(HAND_OVERS, "state=dropped").await, vec![id.to_string()]);
    assert!(drafted(&county, &call).await.is_some(), "a later rung drafts anew");
    assert_eq!(county.office().pages(HAND_OVERS, "limit=1").await.len(), 2);
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_evidence_cannot_be_changed_and_a_change_by_force_is_found() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = drafted(&county, &call).await.unwrap();
    let mut owner = county.auditor().await;
    for change in
        ["pack = pack - 'rungs'", "pack_hash = sha256('x')", "pack = '{}', pack_hash = sha256('{}')"]
    {
        let refused = owner.batch_execute(&format!("update hand_overs set {change}")).await.unwrap_err();
        assert!(refused.to_string().contains("the evidence of a hand-over is frozen"), "{change}: {refused}");
    }
    let forced = "alter table hand_overs disable trigger user; update hand_overs set pack = pack - 'rungs'; alter table hand_overs enable trigger user";
    county.alter(forced).await;
    let read = county.office().looks_at(&format!("{HAND_OVERS}/{id}")).await;
    assert_eq!(read["verified"], false);
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = broken_invariants(&mut tx).await.unwrap();
    assert_eq!((found.packs, found.broken), (1, vec![format!("hand-over {id}: its evidence was changed")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_words_of_every_kind_keep_their_hash() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let odd = json!({
        "z": [0, -1, 1.5, 1e3, 1e21, 0.1, i64::MAX, u64::MAX], "a": {"é": "𠮷\u{200d}\"\\\n", "": null}, "n": [[], {}, true],
    });
    let (mut tx, clear) = begin(&county).await;
    draft(&mut tx, clear, call.id().parse().unwrap(), None, odd, county.now()).await.unwrap();
    commit(tx).await;
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_county_find_no_such_hand_over() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let id = drafted(&county, &call).await.unwrap();
    neighbour(&county).await;
    let office = Client::of_county(&county, "muddy", "OFFICE-HEAD");
    let path = format!("{HAND_OVERS}/{id}");
    office.may_not_get(&path).await.is(404, "hand_over_not_found");
    office.may_not_get(&format!("{path}/events")).await.is(404, "hand_over_not_found");
    office.may_not_post(&format!("{path}/drop"), json!({"reason": "x"})).await.is(404, "hand_over_not_found");
    assert_eq!(office.pages(HAND_OVERS, "").await, Vec::<String>::new());
    let junk = county.office().request(Method::GET, &format!("{HAND_OVERS}/junk")).await;
    county.office().refused(junk).await.is(404, "not_found");
}
