//! What if: a period replayed. Under the same rules it is what it was; under others it is told who would have been late, and who called.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde_json::{Value, json};

use super::{LADDERS, step};
use crate::kit::{Client, County, Refused, View};

const PERIOD: (&str, &str) = ("2026-03-09T00:00:00+08:00", "2026-03-16T00:00:00+08:00");

fn question(rules: &Value) -> Value {
    json!({"from": PERIOD.0, "until": PERIOD.1, "rules": rules, "limit": 1000})
}

impl Client<'_> {
    async fn simulates(&self, body: &Value) -> Value {
        let request = self.request(reqwest::Method::POST, &format!("{LADDERS}/simulate")).await.json(body);
        let response = request.send().await.unwrap();
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn may_not_simulate(&self, body: &Value) -> Refused {
        let request = self.request(reqwest::Method::POST, &format!("{LADDERS}/simulate")).await.json(body);
        self.refused(request).await
    }
}

/// Two weeks of a county in which all happens that moves a clock.
async fn busy_weeks(county: &County) -> Vec<View> {
    // Somebody stands on every rung: the replay takes all of them as manned.
    let manned = "update officers set post = 'deputy' where code = 'ENV-BACKUP';
        update officers set backup_id = (select id from officers where code = 'POWER-BACKUP') where code = 'POWER-DESK';
        update officers set backup_id = (select id from officers where code = 'ENV-LEAD') where code = 'ENV-HEAD'";
    county.alter(manned).await;
    let late = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let urgent =
        county.mill().raises(json!({"itemCode": "OUTAGE", "urgency": "urgent", "visit": true})).await;
    let critical =
        county.mill().raises(json!({"itemCode": "OUTAGE", "urgency": "critical", "visit": true})).await;
    let paused = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let extended = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let moved = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let unclear = county.kiln().raises(json!({})).await;
    county.runs_until("03-09 10:10").await;
    county.lead().accepts(&urgent).await;
    county.lead().accepts(&paused).await;
    county.lead().accepts(&extended).await;
    county.lead().does("return", &moved, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
    county.runs_until("03-09 16:00").await;
    county.lead().accepts(&late).await;
    county.office().does("ruling", &moved, json!({"approve": true, "reason": "应由环保"})).await;
    county.lead().does("assist", &paused, json!({"departmentCode": "ENV", "reason": "请协助"})).await;
    county.runs_until("03-10 09:30").await;
    county.lead().resolves(&urgent).await;
    county.office().does("assign", &unclear, json!({"departmentCode": "POWER", "reason": "请办"})).await;
    let pause = json!({"reasonCode": "enterprise_materials", "workingDays": 3, "evidence": "缺少负荷计算书"});
    county.lead().does("pause", &paused, pause).await;
    county.deputy().does("pause", &paused, json!({"approve": true})).await;
    county.lead().does("extension", &extended, json!({"workingDays": 2, "reason": "变压器到货晚"})).await;
    county.head().does("extension", &extended, json!({"approve": true})).await;
    county.runs_until("03-12 11:00").await;
    county.mill().rejects(&urgent).await;
    county.lead().resolves(&late).await;
    county.backup().accepts(&critical).await;
    county.runs_until("03-20 10:00").await;
    vec![late, urgent, critical, paused, extended, moved, unclear]
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_same_rules_it_is_what_it_was() {
    let county = County::open();
    busy_weeks(&county).await;
    let office = county.office();
    // Whoever signs in leaves a session; afterwards nothing else may.
    office.get(LADDERS).await;
    let before = county.everything().await;
    let answer = office.simulates(&question(&json!({}))).await;
    assert_eq!(county.everything().await, before, "it only reads");
    assert_eq!(answer["calls"], 7);
    let items = answer["items"].as_array().unwrap();
    assert!(items.len() > 15, "{}", items.len());
    assert_eq!(answer["total"], items.len());
    for item in items {
        assert_eq!(item["would"], item["was"], "{item}");
    }
    assert_eq!(answer["late"]["would"], answer["late"]["was"]);
    for rung in answer["rungs"].as_array().unwrap() {
        assert_eq!(rung["told"]["would"], rung["told"]["was"], "{rung}");
    }
    let missed = "select count(*) from deadlines where subject_kind <> 'supervision_order' and clock not in ('confirm', 'pause')
        and (state = 'missed' or state = 'running' and due_at < '2026-03-20T10:00:00+08:00')";
    assert_eq!(answer["late"]["was"], county.count(missed).await);
    let clocks = "select count(*) from deadlines where subject_kind <> 'supervision_order' and clock not in ('confirm', 'pause')";
    assert_eq!(answer["clocks"], county.count(clocks).await);
    let of = |clock: &str, code: &str| {
        let counts = answer["counts"].as_array().unwrap();
        counts.iter().find(|it| it["clock"] == clock && it["department"]["code"] == code).cloned().unwrap()
    };
    assert_eq!(of("triage", "OFFICE")["late"], json!({"would": 1, "was": 1}));
    assert_eq!(of("assistance", "ENV")["clocks"], 1);
    assert_eq!(of("accept", "ENV")["late"]["was"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_other_rules_it_is_told_who_would_have_been_late_and_whom_it_would_have_called() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "urgency": "urgent"})).await;
    let other = county.kiln().raises(json!({"itemCode": "CAPACITY", "urgency": "urgent"})).await;
    county.runs_until("03-09 10:09").await;
    county.lead().accepts(&call).await;
    county.runs_until("03-09 10:25").await;
    county.lead().accepts(&other).await;
    county.runs_until("03-16 10:00").await;
    let accept = |limit: &str| {
        json!({
            "limits": {"accept": {"urgent": limit}},
            "ladder": {"clocks": {"accept": [step(1, "due", "backup"), step(3, "+5wm", "head")]}},
        })
    };
    let of_accept = |answer: &Value, of: &str| -> Vec<Value> {
        let list = answer[of].as_array().unwrap();
        list.iter().filter(|it| it["clock"] == "accept").cloned().collect()
    };
    let shorter = county.admin().simulates(&question(&accept("5wm"))).await;
    let counts = of_accept(&shorter, "counts");
    assert_eq!(counts.len(), 1);
    assert_eq!(counts[0]["department"]["name"], "县供电公司");
    assert_eq!((&counts[0]["clocks"], &counts[0]["late"]), (&json!(2), &json!({"would": 2, "was": 1})));
    let rungs: Vec<_> =
        of_accept(&shorter, "rungs").iter().map(|it| (it["rung"].clone(), it["told"].clone())).collect();
    let told = |rung: i64, would: i64, was: i64| (json!(rung), json!({"would": would, "was": was}));
    // The head is called ten minutes after ten: of the one that nobody has accepted by then.
    assert_eq!(rungs, [told(0, 0, 2), told(1, 2, 1), told(3, 1, 0)]);
    let items = of_accept(&shorter, "items");
    assert_eq!(items[0]["call"]["number"], call.number());
    assert_eq!(items[0]["endedAt"], "2026-03-09T10:09:00+08:00");
    let course = |limit: &str, due: &str, late: i64, rungs: Value| {
        json!({
            "limit": limit, "dueAt": format!("2026-03-09T{due}:00+08:00"), "late": late > 0, "lateMinutes": late,
            "department": {"code": "POWER", "name": "县供电公司"}, "rungs": rungs,
        })
    };
    assert_eq!(items[0]["would"], course("5wm", "10:05", 4, json!([1])));
    assert_eq!(items[0]["was"], course("15wm", "10:15", 0, json!([0])));
    assert_eq!(items[1]["would"], course("5wm", "10:05", 20, json!([1, 3])));

    let longer = county.admin().simulates(&question(&accept("45wm"))).await;
    assert_eq!(of_accept(&longer, "counts")[0]["late"], json!({"would": 0, "was": 1}));
    assert_eq!(of_accept(&longer, "items").len(), 1);
    let mut few = question(&accept("5wm"));
    few["limit"] = json!(1);
    let few = county.admin().simulates(&few).await;
    assert_eq!((few["items"].as_array().unwrap().len(), &few["total"]), (1, &shorter["total"]));
    let mut outside = question(&accept("5wm"));
    outside["from"] = json!("2026-03-09T10:00:01+08:00");
    assert_eq!(county.admin().simulates(&outside).await["calls"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_a_page_are_all_replayed_once() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "urgency": "urgent"})).await;
    county.runs_until("03-09 10:10").await;
    county.lead().accepts(&call).await;
    // The same thing happened to many more.
    many(&county, call.id(), 1_200).await;
    county.until("03-16 10:00");
    let rules = json!({"limits": {"accept": {"urgent": "5wm"}}});
    let answer = county.office().simulates(&question(&rules)).await;
    assert_eq!(answer["calls"], 1_201);
    let accept = answer["counts"].as_array().unwrap().iter().find(|it| it["clock"] == "accept").unwrap();
    assert_eq!((&accept["clocks"], &accept["late"]["would"]), (&json!(1_201), &json!(1_201)));
    assert_eq!(answer["items"].as_array().unwrap().len(), 1_000);
    // The rest stands on the pages after it, which count nothing again.
    let (mut listed, mut page) = (1_000, answer.clone());
    while !page["nextCursor"].is_null() {
        let mut rest = question(&rules);
        rest["cursor"] = page["nextCursor"].take();
        page = county.office().simulates(&rest).await;
        listed += page["items"].as_array().unwrap().len();
    }
    assert!(listed > 1_200);
    assert_eq!(answer["total"], listed);
    for of_the_whole in ["calls", "clocks", "late", "counts", "rungs", "total", "nextCursor"] {
        assert_eq!(page.get(of_the_whole), None, "{of_the_whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_by_page_everything_is_listed_once() {
    let county = County::open();
    busy_weeks(&county).await;
    let office = county.office();
    let rules = json!({"limits": {"accept": {"normal": "1wm"}}});
    let whole = office.simulates(&question(&rules)).await["items"].as_array().unwrap().clone();
    assert!(whole.len() > 15);
    let mut few = question(&rules);
    few["limit"] = json!(4);
    let mut listed = Vec::new();
    loop {
        let page = office.simulates(&few).await;
        listed.extend(page["items"].as_array().unwrap().iter().cloned());
        few["cursor"] = page["nextCursor"].clone();
        if few["cursor"].is_null() {
            break;
        }
    }
    assert_eq!(listed, whole);
    for other in ["eyJ2IjoxfQ", "eyJ2IjoxLCJsIjoic2ltdWxhdGVkIiwiayI6IkFBQUEifQ"] {
        few["cursor"] = json!(other);
        office.may_not_simulate(&few).await.is(400, "bad_cursor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replay_of_a_county_at_a_time() {
    let county = County::open();
    county.until("03-16 10:00");
    let asked = question(&json!({}));
    let mut another = county.auditor().await;
    let turn =
        "select count(*) from counties c, pg_advisory_lock(hashtextextended('simulate ' || c.id::text, 0))";
    number(&mut another, turn).await;
    let refused = county.office().may_not_simulate(&asked).await.is(429, "simulation_running");
    assert_eq!(refused.retry_after, Some(5));
    drop(another);
    // It is the next one's turn as soon as the one before is gone.
    until_free(&county, turn).await;
    county.office().simulates(&asked).await;
    county.office().simulates(&asked).await;
}

/// Takes the turn itself once, and gives it back.
async fn until_free(county: &County, turn: &str) {
    let mut auditor = county.auditor().await;
    number(&mut auditor, &turn.replace("pg_advisory_lock", "pg_advisory_xact_lock")).await;
}

async fn number(auditor: &mut AsyncPgConnection, query: &str) -> i64 {
    let query = diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("({query})"));
    diesel::select(query).get_result(auditor).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_administrator_is_shown_no_calls() {
    let county = County::open();
    let call = county.mill().raises(json!({"text": "锅炉停了，请来人看看"})).await;
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.until("03-16 10:00");
    let asked = question(&json!({}));
    let of = async |client: Client<'_>| client.simulates(&asked).await["items"][0]["call"].clone();
    let shown = of(county.office()).await;
    assert_eq!((&shown["id"], &shown["title"]), (&json!(call.id()), &call["title"]));
    let shown = of(county.admin()).await;
    assert_eq!(shown["number"], call.number());
    assert_eq!((shown.get("id"), shown.get("title")), (None, None));
    // Nor by the place at which the list goes on.
    let mut few = asked.clone();
    few["limit"] = json!(1);
    let cursor = county.admin().simulates(&few).await["nextCursor"].as_str().unwrap().to_owned();
    let held: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    assert!(!held.to_string().contains(call.id()), "{held}");
    let sealed = URL_SAFE_NO_PAD.decode(held["k"].as_str().unwrap()).unwrap();
    let id: uuid::Uuid = call.id().parse().unwrap();
    assert!(!sealed.windows(16).any(|bytes| bytes == id.as_bytes()), "in the clear");
}

/// Copies a call with its clocks and holders.
async fn many(county: &County, call: &str, count: i32) {
    county
        .alter(&format!(
            "create temporary table twins as select gen_random_uuid() as id, n from generate_series(1, {count}) n;
            insert into calls select (jsonb_populate_record(c, jsonb_build_object('id', t.id, 'number', (900000000 + t.n)::text))).*
                from calls c, twins t where c.id = '{call}';
            insert into deadlines select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), 'subject_id', t.id,
                'fires_at', null))).* from deadlines d, twins t where d.subject_id = '{call}';
            insert into holder_spans select (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'call_id', t.id))).*
                from holder_spans s, twins t where s.call_id = '{call}'"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_or_rules_that_make_no_sense_are_refused() {
    let county = County::open();
    county.until("03-16 10:00");
    let admin = county.admin();
    let refuse = async |change: Value, field: &str, code: &str| {
        let mut body = question(&json!({}));
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        admin.may_not_simulate(&body).await.is(422, "invalid").at_field(field, code);
    };
    refuse(json!({"until": "2026-03-01T00:00:00+08:00"}), "until", "wrong_order").await;
    refuse(json!({"until": "2026-03-17T00:00:00+08:00"}), "until", "in_future").await;
    refuse(json!({"from": "2025-03-01T00:00:00+08:00"}), "until", "too_long").await;
    refuse(json!({"from": "monday"}), "from", "wrong_value").await;
    refuse(json!({"rule": {}}), "rule", "unknown_field").await;
    let falls = json!({"ladder": {"clocks": {"accept": [step(2, "due", "head"), step(1, "due", "head")]}}});
    refuse(json!({"rules": falls}), "rules.ladder.clocks.accept[1].rung", "falls").await;
    let items = json!({"ladder": {"items": {"NOWHERE": {}}}});
    refuse(json!({"rules": items}), "rules.ladder.items.NOWHERE", "unknown_item").await;
    county.head().may_not_simulate(&question(&json!({}))).await.is(403, "forbidden");
}
