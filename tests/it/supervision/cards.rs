//! Cards are facts: issued once, appealed once, struck but never deleted.

use serde_json::json;
use yijiao::deadlines::Clock;
use yijiao::deadlines::ladder::CardColour;
use yijiao::supervision::cards::{self, NewCard};

use super::stage::{all_is_well, begin, commit, deadline, department, officer, told};
use crate::calls::isolation::neighbour;
use crate::kit::{Client, County, View, wd};

const CARDS: &str = "/api/v1/cards";

/// Three cards: blue and yellow for the lead officer, red for the lead of the environment office.
async fn three(county: &County) -> (View, Vec<NewCard>) {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let (mut tx, clear) = begin(county).await;
    let deadline = deadline(county, &call, "accept").await;
    let blue = NewCard {
        county: clear,
        call: call.id().parse().unwrap(),
        deadline,
        clock: Clock::Accept,
        rung: 1,
        colour: CardColour::Blue,
        officer: officer(county, "POWER-LEAD").await,
        department: department(county, "POWER").await,
        due_at: wd("03-09 10:15"),
        issued_at: wd("03-09 10:15"),
        late_minutes: 0,
    };
    let yellow = NewCard {
        rung: 2,
        colour: CardColour::Yellow,
        issued_at: wd("03-09 10:30"),
        late_minutes: 15,
        ..blue.clone()
    };
    let red = NewCard {
        rung: 4,
        colour: CardColour::Red,
        officer: officer(county, "ENV-LEAD").await,
        department: department(county, "ENV").await,
        issued_at: wd("03-09 11:15"),
        late_minutes: 60,
        ..blue.clone()
    };
    let cards = vec![blue, yellow, red];
    cards::issue(&mut tx, &cards).await.unwrap();
    commit(tx).await;
    county.until("03-09 14:00");
    (call, cards)
}

async fn card(county: &County, colour: &str) -> String {
    county.texts(&format!("select id::text from cards where colour = '{colour}'")).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_issued_once_and_seen_by_those_it_concerns() {
    let county = County::open();
    let (call, cards) = three(&county).await;
    let (mut tx, _) = begin(&county).await;
    cards::issue(&mut tx, &cards).await.unwrap();
    cards::issue(&mut tx, &[]).await.unwrap();
    commit(tx).await;
    assert_eq!(county.count("select count(*) from cards").await, 3);
    let [blue, yellow, red] =
        [card(&county, "blue").await, card(&county, "yellow").await, card(&county, "red").await];
    let of_power = vec![yellow.clone(), blue.clone()];
    let all = vec![red.clone(), yellow.clone(), blue.clone()];

    let lead = county.lead();
    assert_eq!(lead.pages(CARDS, "").await, of_power);
    assert_eq!(lead.pages(CARDS, "scope=mine&limit=1").await, of_power);
    assert_eq!(county.backup().pages(CARDS, "").await, Vec::<String>::new());
    for scope in ["department", "county"] {
        lead.may_not_get(&format!("{CARDS}?scope={scope}")).await.is(403, "card_not_yours");
    }
    for leader in [county.head(), county.deputy()] {
        assert_eq!(leader.pages(CARDS, "scope=department").await, of_power);
        leader.may_not_get(&format!("{CARDS}?scope=county")).await.is(403, "card_not_yours");
    }
    for supervisor in [county.office(), county.inspector()] {
        assert_eq!(supervisor.pages(CARDS, "scope=county&limit=2").await, all);
    }
    assert_eq!(county.office().pages(CARDS, "scope=county&colour=red").await, vec![red]);
    assert_eq!(county.office().pages(CARDS, &format!("scope=county&callId={}", call.id())).await, all);
    county.mill().may_not_get(CARDS).await.is(403, "forbidden");

    let shown = lead.get(&format!("{CARDS}?colour=yellow")).await["items"][0].clone();
    assert_eq!(
        (shown["clock"].as_str(), shown["lateMinutes"].as_i64(), shown["officer"]["name"].as_str()),
        (Some("accept"), Some(15), Some("程己丑"))
    );
    assert_eq!(
        (shown["call"]["number"].as_str(), shown["struck"].as_bool()),
        (Some(call.number()), Some(false))
    );
    // Five working days, to the closing of the last.
    assert_eq!(shown["appealUntil"], "2026-03-16T18:00:00+08:00");
    assert_eq!(shown["allowed"], json!(["appeal"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_is_made_once_decided_by_a_second_person_and_strikes_the_card() {
    let county = County::open();
    three(&county).await;
    let yellow = card(&county, "yellow").await;
    let (appeal, decide) = (format!("{CARDS}/{yellow}/appeal"), format!("{CARDS}/{yellow}/decide"));
    let words = json!({"reason": "当时正在抢修另一处故障", "evidence": "抢修记录 0309-2"});
    let (lead, office) = (county.lead(), county.office());

    lead.may_not_post(&appeal, json!({"reason": " "}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    county.backup().may_not_post(&appeal, words.clone()).await.is(404, "card_not_found");
    county.environment_head().may_not_post(&appeal, words.clone()).await.is(404, "card_not_found");
    office.may_not_post(&appeal, words.clone()).await.is(403, "card_not_yours");
    let verdict = json!({"upheld": true, "decision": "情况属实"});
    office.may_not_post(&decide, verdict.clone()).await.is(409, "card_no_open_appeal");

    let appealed = lead.puts_in(&appeal, words.clone()).await;
    assert_eq!(
        (appealed["appeal"]["appealedBy"].as_str(), appealed["allowed"].clone()),
        (Some("程己丑"), json!([]))
    );
    assert_eq!(
        told(&county, &yellow).await,
        ["card.appealed room-office OFFICE-DESK"],
        "who decides is named"
    );
    county.head().may_not_post(&appeal, words).await.is(409, "card_appealed_already");
    assert_eq!(office.pages(CARDS, "scope=county&appealed=true").await, vec![yellow.clone()]);

    for person in [county.inspector(), county.head(), county.lead()] {
        person.may_not_post(&decide, verdict.clone()).await.is(403, "card_not_yours");
    }
    office
        .may_not_post(&decide, json!({"upheld": true, "decision": ""}))
        .await
        .at_field("decision", "required");
    let decided = office.puts_in(&decide, verdict.clone()).await;
    assert_eq!(
        (decided["struck"].as_bool(), decided["appeal"]["upheld"].as_bool()),
        (Some(true), Some(true))
    );
    assert_eq!(decided["appeal"]["decidedBy"], "曾乙酉");
    office.may_not_post(&decide, verdict).await.is(409, "card_no_open_appeal");
    // It is shown as before, and counted no more.
    assert_eq!(lead.pages(CARDS, "").await.len(), 2);
    assert_eq!(lead.pages(CARDS, "struck=true").await, vec![yellow.clone()]);
    assert_eq!(lead.pages(CARDS, "struck=false").await, vec![card(&county, "blue").await]);
    assert_eq!(
        told(&county, &yellow).await,
        ["card.appealed room-office OFFICE-DESK", "card.appeal_decided room-power"]
    );
    let alarm =
        format!("select state from notices where subject_id = '{yellow}' and event = 'card.appealed'");
    assert_eq!(county.texts(&alarm).await, ["superseded"], "what was asked is done");
    let kinds = format!("select kind from ledger_events where subject_id = '{yellow}' order by seq");
    assert_eq!(county.texts(&kinds).await, ["card.appealed", "card.appeal_decided"]);

    // One that is not upheld stays, by the head as well as by the officer.
    let blue = card(&county, "blue").await;
    county.head().puts_in(&format!("{CARDS}/{blue}/appeal"), json!({"reason": "只晚一分钟"})).await;
    let kept = json!({"upheld": false, "decision": "时限已到"});
    let kept = county.office_head().puts_in(&format!("{CARDS}/{blue}/decide"), kept).await;
    assert_eq!((kept["struck"].as_bool(), kept["appeal"]["upheld"].as_bool()), (Some(false), Some(false)));
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_comes_in_time_and_nobody_decides_on_his_own_unit() {
    let county = County::open();
    three(&county).await;
    let (blue, red) = (card(&county, "blue").await, card(&county, "red").await);
    let appeal = |card: &str| format!("{CARDS}/{card}/appeal");
    county.until("03-16 18:00");
    county.lead().puts_in(&appeal(&blue), json!({"reason": "电话打不通"})).await;
    county.until("03-16 18:01");
    county
        .environment()
        .may_not_post(&appeal(&red), json!({"reason": "出差"}))
        .await
        .is(409, "card_appeal_late");
    // A card of the business office itself: its own people do not decide.
    county.chooses(json!({"supervision": {"appeal_working_days": 20}})).await;
    county
        .alter(
            "insert into cards select gen_random_uuid(), c.county_id, c.call_id, c.deadline_id, c.clock, 5, 'red', o.id, o.department_id,
                c.due_at, c.issued_at, 60, false from cards c, officers o where c.colour = 'blue' and o.code = 'OFFICE-DESK'",
        )
        .await;
    let own = county.texts("select id::text from cards where rung = 5").await.remove(0);
    county.office().puts_in(&appeal(&own), json!({"reason": "分派系统故障"})).await;
    for person in [county.office(), county.office_head()] {
        let verdict = json!({"upheld": true, "decision": "属实"});
        person.may_not_post(&format!("{CARDS}/{own}/decide"), verdict).await.is(403, "card_own_appeal");
    }
    // The inspectorate does, and is called by name; it has no room of its own here.
    assert_eq!(told(&county, &own).await, ["card.appealed room-office INSPECTOR"]);
    let inspector = county.inspector();
    let seen = inspector.get(&format!("{CARDS}?scope=county&appealed=true")).await;
    let offered = |id: &str| {
        let found = seen["items"].as_array().unwrap().iter().find(|card| card["id"] == id);
        found.unwrap()["allowed"].clone()
    };
    assert_eq!((offered(&own), offered(&blue)), (json!(["decide"]), json!([])));
    let verdict = json!({"upheld": false, "decision": "分派超时属实"});
    let decided = inspector.puts_in(&format!("{CARDS}/{own}/decide"), verdict).await;
    assert_eq!(
        (decided["appeal"]["decidedBy"].as_str(), decided["struck"].as_bool()),
        (Some("程丙戌"), Some(false))
    );
    county.environment().puts_in(&appeal(&red), json!({"reason": "出差"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_a_fact_that_not_even_the_owner_changes() {
    let county = County::open();
    three(&county).await;
    let mut owner = county.auditor().await;
    for change in [
        "late_minutes = 0",
        "officer_id = (select id from officers where code = 'POWER-HEAD')",
        "colour = 'blue', rung = 6",
    ] {
        let sql = format!("update cards set {change} where colour = 'red'");
        let refused = diesel_async::SimpleAsyncConnection::batch_execute(&mut owner, &sql).await.unwrap_err();
        assert!(refused.to_string().contains("a card is a fact"), "{change}: {refused}");
    }
    county.alter("update cards set struck = true where colour = 'red'").await;
    let unstrike = "update cards set struck = false where colour = 'red'";
    let refused = diesel_async::SimpleAsyncConnection::batch_execute(&mut owner, unstrike).await.unwrap_err();
    assert!(refused.to_string().contains("a card is a fact"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_county_find_no_such_card() {
    let county = County::open();
    neighbour(&county).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county
        .alter(&format!(
            "insert into cards select gen_random_uuid(), d.county_id, d.subject_id, d.id, d.clock, 1, 'blue', c.holder_id, c.department_id,
            d.due_at, d.due_at, 0, false from deadlines d join calls c on c.id = d.subject_id
            where d.subject_id = '{}' and d.clock = 'accept'",
            call.id()
        ))
        .await;
    let blue = card(&county, "blue").await;
    assert_eq!(county.office().pages(CARDS, "scope=county").await, vec![blue.clone()]);
    for login in ["OFFICE-DESK", "POWER-LEAD"] {
        let person = Client::of_county(&county, "muddy", login);
        let appeal = person.may_not_post(&format!("{CARDS}/{blue}/appeal"), json!({"reason": "不服"})).await;
        appeal.is(404, "card_not_found");
    }
    assert_eq!(
        Client::of_county(&county, "muddy", "OFFICE-DESK").pages(CARDS, "scope=county").await,
        Vec::<String>::new()
    );
}
