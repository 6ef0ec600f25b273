//! The whole story of one call: every step, seen from both sides, with its clocks and its ledger.

use serde_json::{Value, json};

use crate::kit::{Client, County, Spans as _, View, wd};

/// The enterprise and the officer agree on everything but what each may see alone.
async fn agree(enterprise: &Client<'_>, officer: &Client<'_>, call: &View) -> View {
    let (theirs, his) = (enterprise.sees(call).await, officer.sees(call).await);
    let without = |view: &View| {
        let mut body: Value = (**view).clone();
        let fields = body.as_object_mut().unwrap();
        fields.remove("allowed");
        fields.remove("arrivalCode");
        body
    };
    assert_eq!(without(&theirs), without(&his));
    assert!(his.get("arrivalCode").is_none(), "the code is the enterprise's to show");
    theirs
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_tap_to_solved_both_sides_see_the_same() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());

    let call =
        mill.raises(json!({"itemCode": "OUTAGE", "text": "车间停电一个小时了", "urgency": "urgent"})).await;
    assert_eq!((call.state(), call.holder(), call.department()), ("dispatched", "程己丑", "POWER"));
    assert_eq!(call.route(), ("item_card", "按联系服务卡（事项）由程己丑负责"));
    assert_eq!(call["title"], "车间停电一个小时了");
    assert_eq!(
        (&call["enterprise"]["name"], &call["contactPhone"]),
        (&json!("清河面粉厂"), &json!("16900010001"))
    );
    assert_eq!(call["holder"]["phone"], "16900000012");
    assert_eq!(call.running(), ["accept", "arrive", "contact", "plan", "resolve"]);
    agree(&mill, &lead, &call).await;

    county.pass(3.minutes());
    let call = lead.accepts(&call).await;
    assert_eq!((call.state(), call.version()), ("accepted", 2));
    assert_eq!(call.clock("accept")["state"], "met");
    assert_eq!(call.running(), ["arrive", "contact", "plan", "resolve", "stall"]);
    agree(&mill, &lead, &call).await;

    county.pass(4.minutes());
    lead.does("contacted", &call, json!({"note": "已通电话"})).await;
    county.pass(1.minutes());
    lead.does("leave", &call, json!({})).await;
    let seen = agree(&mill, &lead, &call).await;
    assert_eq!((seen.state(), seen.clock("contact")["state"].as_str()), ("accepted", Some("met")));
    let code = seen["arrivalCode"].as_str().unwrap().to_owned();

    county.pass(10.minutes());
    let call = lead.does("arrive", &call, json!({"code": code})).await;
    assert_eq!((call.state(), call.clock("arrive")["state"].as_str()), ("arrived", Some("met")));
    assert!(agree(&mill, &lead, &call).await.get("arrivalCode").is_none(), "it has served");

    county.pass(20.minutes());
    let noted = lead.notes(&call, "正在更换熔断器").await;
    assert_eq!(noted.started("stall"), county.now());
    let promised = lead.promises(&call, wd("03-09 17:00")).await;
    assert_eq!(
        (promised.clock("plan")["state"].as_str(), promised.due("promise")),
        (Some("met"), wd("03-09 17:00"))
    );
    agree(&mill, &lead, &call).await;

    county.until("03-09 16:30");
    let call = lead.resolves(&call).await;
    assert_eq!((call.state(), call["outcome"].as_str()), ("resolved", Some("线路已修好，恢复供电")));
    assert_eq!(
        (call.clock("promise")["state"].as_str(), call.clock("resolve")["state"].as_str()),
        (Some("met"), Some("met"))
    );
    assert_eq!((call.running(), call.due("confirm")), (vec!["confirm"], wd("03-12 18:00")));
    agree(&mill, &lead, &call).await;

    county.until("03-09 17:00");
    let call = mill.confirms(&call).await;
    assert_eq!(
        (call.state(), call["closing"].as_str(), call.running().len()),
        ("closed", Some("confirmed"), 0)
    );
    assert_eq!(call["endedAt"], "2026-03-09T17:00:00+08:00");
    agree(&mill, &lead, &call).await;

    let story = [
        "call.raised",
        "call.dispatched",
        "call.accepted",
        "call.contacted",
        "call.leaving",
        "call.arrived",
        "call.noted",
        "call.promised",
        "call.resolved",
        "call.confirmed",
    ];
    assert_eq!(mill.story(&call).await, story);
    assert_eq!(county.holders(&call).await, [("POWER-LEAD".to_owned(), 7 * 3600)]);
    let ratings = "select speed || ' ' || attitude || ' ' || ability || ' ' || result || ' ' || words from call_ratings";
    assert_eq!(county.texts(ratings).await, ["5 5 4 5 来得快"]);
    let numbered = mill.get(&format!("/api/v1/calls/{}", call.number())).await;
    assert_eq!(numbered["id"], call.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_may_do_what_is_its_to_do_at_each_step() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "CAPACITY"})).await;
    // A category card of the park's officers does not exist for it: the lead officer of the enterprise answers.
    county
        .office()
        .does(
            "assign",
            &call,
            json!({"officerId": county.officer_id("POWER-LEAD").await, "reason": "专业事项"}),
        )
        .await;
    let crew = [
        county.mill(),
        county.lead(),
        county.backup(),
        county.head(),
        county.dispatcher(),
        county.office(),
        county.inspector(),
    ];
    let expect = async |step: &str, lists: [&[&str]; 7]| {
        for (client, expected) in crew.iter().zip(lists) {
            assert_eq!(client.may(&call).await, expected, "{step}: {}", client.login);
        }
        county.stranger().does_not_see(&call).await;
        county.kiln().does_not_see(&call).await;
    };
    let open_office = ["transfer", "assign", "escalate", "merge"];
    expect(
        "dispatched",
        [
            &["urge", "withdraw", "merge"],
            &["accept", "return", "merge"],
            &["accept"],
            &["accept", "return", "transfer", "escalate"],
            &["accept", "return", "transfer"],
            &open_office,
            &["assign", "escalate"],
        ],
    )
    .await;

    county.lead().accepts(&call).await;
    let in_hand = [
        "contacted",
        "leave",
        "arrive",
        "note",
        "promise",
        "assist",
        "pause",
        "extension",
        "return",
        "transfer",
        "resolve",
    ];
    expect(
        "accepted",
        [
            &["arrive", "urge", "withdraw"],
            &in_hand,
            &[],
            &["return", "transfer", "escalate"],
            &["return", "transfer"],
            &["transfer", "assign", "escalate"],
            &["assign", "escalate"],
        ],
    )
    .await;

    county.mill().does("arrive", &call, json!({})).await;
    let arrived: Vec<&str> =
        in_hand.into_iter().filter(|verb| !["arrive", "return"].contains(verb)).collect();
    expect(
        "arrived",
        [
            &["urge"],
            &arrived,
            &[],
            &["transfer", "escalate"],
            &["transfer"],
            &["transfer", "assign", "escalate"],
            &["assign", "escalate"],
        ],
    )
    .await;

    let ask = json!({"reasonCode": "enterprise_materials", "workingDays": 2, "evidence": "缺少图纸"});
    county.lead().does("pause", &call, ask).await;
    county.lead().does("extension", &call, json!({"workingDays": 2, "reason": "设备到货晚"})).await;
    let waits: Vec<&str> =
        arrived.iter().copied().filter(|verb| !["pause", "extension"].contains(verb)).collect();
    expect(
        "asked",
        [
            &["urge"],
            &waits,
            &[],
            &["pause", "extension", "transfer", "escalate"],
            &["transfer"],
            &["pause", "transfer", "assign", "escalate"],
            &["assign", "escalate"],
        ],
    )
    .await;
    county.head().does("pause", &call, json!({"approve": true})).await;
    county.head().does("extension", &call, json!({"approve": true})).await;
    let paused = ["contacted", "leave", "note", "promise", "assist", "resume", "transfer"];
    expect(
        "paused",
        [
            &["urge"],
            &paused,
            &[],
            &["resume", "transfer", "escalate"],
            &["transfer"],
            &["resume", "transfer", "assign", "escalate"],
            &["assign", "escalate"],
        ],
    )
    .await;
    county.lead().does("resume", &call, json!({})).await;

    county.lead().resolves(&call).await;
    expect("resolved", [&["confirm", "reject"], &[], &[], &[], &[], &[], &[]]).await;
    county.mill().confirms(&call).await;
    expect("closed", [&["reopen"], &[], &[], &[], &[], &[], &[]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arrival_is_proven_by_code_by_nearness_or_by_the_enterprise_and_the_place_is_kept_nowhere() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let accepted = async || lead.accepts(&mill.raises(json!({"itemCode": "OUTAGE"})).await).await;
    let near = json!({"position": {"latitude": 34.752_987, "longitude": 109.180_321, "accuracy": 20.0}});

    // Nothing, a place 900 m away, a phone that does not know where it is: all prove nothing.
    let call = accepted().await;
    let before = county.everything().await;
    for unproven in [
        json!({}),
        json!({"code": ""}),
        json!({"position": {"latitude": 34.7593, "longitude": 109.1800}}),
        json!({"position": {"latitude": 34.7512, "longitude": 109.1800, "accuracy": 5000.0}}),
    ] {
        lead.may_not("arrive", &call, unproven).await.is(422, "arrival_unproven");
    }
    lead.may_not("arrive", &call, json!({"position": {"latitude": "here"}})).await.is(422, "invalid");
    assert_eq!(county.everything().await, before);

    let arrived = lead.does("arrive", &call, near.clone()).await;
    assert_eq!(arrived.state(), "arrived");
    let again = lead.does("arrive", &call, near).await;
    assert_eq!(again.version(), arrived.version(), "a second tap changes nothing");

    // A code lives a quarter of an hour and the next; another call's code is no code here.
    let (one, other) = (accepted().await, accepted().await);
    let code = mill.sees(&one).await["arrivalCode"].clone();
    lead.may_not("arrive", &other, json!({"code": code})).await.is(422, "arrival_unproven");
    county.pass(15.minutes());
    assert_eq!(lead.does("arrive", &one, json!({"code": code})).await.state(), "arrived");
    let late = mill.sees(&other).await["arrivalCode"].clone();
    county.pass(31.minutes());
    lead.may_not("arrive", &other, json!({"code": late})).await.is(422, "arrival_unproven");
    assert_eq!(mill.does("arrive", &other, json!({})).await.state(), "arrived");
    county.backup().may_not("arrive", &other, json!({})).await.is(403, "call_not_yours");

    let proofs = "select data ->> 'proof' from ledger_events where kind = 'call.arrived' order by at, data ->> 'proof'";
    assert_eq!(county.texts(proofs).await, ["near", "code", "enterprise"]);
    // The officer's position was unlike any other number; no row of any table holds it.
    let dump = county
        .texts("select query_to_xml(format('select * from %I', tablename), true, false, '')::text from pg_tables where schemaname = 'public'")
        .await;
    assert!(dump.iter().all(|table| !table.contains("34.752987") && !table.contains("109.180321")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_visit_has_no_arrival_clock_and_is_resolved_from_afar() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call =
        mill.raises(json!({"itemCode": "OUTAGE", "visit": false, "contactPhone": "0913-8123456"})).await;
    assert_eq!(call.running(), ["accept", "contact", "plan", "resolve"]);
    assert_eq!(call["title"], "用电故障抢修");
    lead.accepts(&call).await;
    let resolved = lead.resolves(&call).await;
    let again = lead.resolves(&call).await;
    assert_eq!(again.version(), resolved.version(), "a second tap changes nothing");
    let closed = mill.does("confirm", &call, json!({})).await;
    assert_eq!(closed.state(), "closed");
    assert_eq!(county.count("select count(*) from call_ratings").await, 0, "closed unrated");
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_are_whole_for_those_in_charge_and_masked_for_the_rest() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    for close in [county.mill(), county.lead(), county.head()] {
        let seen = close.sees(&call).await;
        assert_eq!(
            (&seen["contactPhone"], &seen["holder"]["phone"]),
            (&json!("16900010001"), &json!("16900000012"))
        );
    }
    for far in [county.office(), county.inspector()] {
        let seen = far.sees(&call).await;
        assert_eq!(
            (&seen["contactPhone"], &seen["holder"]["phone"]),
            (&json!("169****0001"), &json!("169****0012"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_among_words_is_masked_as_well() {
    let county = County::open();
    let said = json!({"itemCode": "OUTAGE", "text": "停电了，找王工 16912345678", "place": "东门 16912345678", "contactName": "王工16912345678"});
    let call = county.mill().raises(said).await;
    county.lead().accepts(&call).await;
    county.lead().does("note", &call, json!({"text": "已联系 16912345678"})).await;
    let both = async |reader: &Client<'_>| {
        let story = reader.get(&format!("/api/v1/calls/{}/events", call.id())).await;
        format!("{} {story}", *reader.sees(&call).await)
    };
    for close in [county.mill(), county.lead(), county.head()] {
        assert!(both(&close).await.matches("16912345678").count() >= 5);
    }
    for far in [county.office(), county.inspector()] {
        let seen = both(&far).await;
        assert!(!seen.contains("16912345678") && seen.contains("169****5678"), "{seen}");
        assert!(seen.contains(call.id()), "ids stay whole");
    }
}
