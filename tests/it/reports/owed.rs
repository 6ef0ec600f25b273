//! What is late and who owes it, as the office, a head, an officer and an outsider see it.

use serde_json::{Value, json};

use crate::kit::{County, Spans as _};

/// `clock officer late-minutes rung` of each line.
fn lines(list: &Value) -> Vec<String> {
    let line = |item: &Value| {
        format!(
            "{} {} {} {}",
            item["clock"].as_str().unwrap(),
            item["officer"]["name"].as_str().unwrap_or("-"),
            item["lateMinutes"],
            item["rung"]
        )
    };
    list["items"].as_array().unwrap().iter().map(line).collect()
}

fn count(report: &Value, of: &str, key: &str, value: &Value) -> i64 {
    let counts = report[of].as_array().unwrap();
    counts.iter().find(|one| one[key] == *value).map_or(0, |one| one["count"].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_is_counted_and_listed_for_those_who_supervise() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 11:10").await;
    for person in [county.office(), county.inspector(), county.head(), county.deputy()] {
        let report = person.get("/api/v1/overdue").await;
        assert_eq!(report["total"], 2, "{}: {report}", person.login);
        assert_eq!(lines(&report), ["accept 程己丑 55 3", "contact 程己丑 10 1"]);
        let first = &report["items"][0];
        assert_eq!(first["call"]["number"], call.number());
        assert_eq!(
            (first["department"]["code"].as_str(), first["heldMinutes"].as_i64()),
            (Some("POWER"), Some(70))
        );
        assert_eq!(first["nextAt"], "2026-03-09T11:15:00+08:00");
        assert_eq!(
            report["byDepartment"],
            json!([{"department": {"code": "POWER", "name": "县供电公司"}, "count": 2}])
        );
        assert_eq!(count(&report, "byClock", "clock", &json!("accept")), 1);
        assert_eq!(
            (count(&report, "byRung", "rung", &json!(3)), count(&report, "byRung", "rung", &json!(1))),
            (1, 1)
        );
        assert_eq!(count(&report, "byAge", "underHours", &json!(1)), 2);
    }
    for person in [county.lead(), county.stranger()] {
        person.may_not_get("/api/v1/overdue").await.is(403, "forbidden");
    }
    county.mill().may_not_get("/api/v1/overdue").await.is(403, "forbidden");
    let other = county.environment_head().get("/api/v1/overdue").await;
    assert_eq!((other["total"].as_i64(), lines(&other).len()), (Some(0), 0), "another department's head");
    let one = county.office().get("/api/v1/overdue?rung=1&clock=contact&departmentCode=POWER").await;
    assert_eq!((one["total"].as_i64(), lines(&one)), (Some(2), vec!["contact 程己丑 10 1".to_owned()]));
    county.lead().accepts(&call).await;
    county.lead().does("contacted", &call, json!({})).await;
    assert_eq!(county.office().get("/api/v1/overdue").await["total"], 0, "an answer ends the being late");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_by_page_the_most_overdue_first() {
    let county = County::open();
    for _ in 0..3 {
        county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
        county.pass(2.minutes());
    }
    county.until("03-09 10:50");
    let (mut dues, mut next) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = county.office().get(&format!("/api/v1/overdue?limit=1{next}")).await;
        // Counted once: the pages after the first only list.
        let counts = ["total", "byDepartment", "byRung", "byClock", "byAge"].map(|of| page.get(of).is_some());
        assert_eq!(counts, [next.is_empty(); 5]);
        assert!(!next.is_empty() || page["total"] == 3);
        dues.push(page["items"][0]["dueAt"].as_str().unwrap()[11..16].to_owned());
        next = page["nextCursor"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    }
    assert_eq!(
        (dues.as_slice(), next.as_str()),
        (&["10:15".to_owned(), "10:17".to_owned(), "10:19".to_owned()][..], "")
    );
    county.office().may_not_get("/api/v1/owed?cursor=eyJ2IjoxfQ").await.is(400, "bad_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_and_his_head_read_what_they_owe_today() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.lead().does("assist", &call, json!({"departmentCode": "ENV", "reason": "请协助确认排污口"})).await;
    let today = county.lead().get("/api/v1/owed").await;
    assert_eq!(lines(&today), ["contact 程己丑 0 null", "arrive 程己丑 0 null"]);
    let week = county.lead().get("/api/v1/owed?days=7").await;
    assert_eq!(lines(&week).len(), 5, "T4, T5 and the stall clock as well: {week}");
    let asked = county.environment_head().get("/api/v1/owed?scope=department&days=7").await;
    assert_eq!(asked["items"][0]["clock"], "assistance", "{asked}");
    assert_eq!(asked["items"][0]["call"]["number"], call.number());
    let department = county.head().get("/api/v1/owed?scope=department").await;
    assert_eq!(lines(&department), lines(&today));
    county.stranger().may_not_get("/api/v1/owed?scope=department").await.is(403, "forbidden");
    assert_eq!(lines(&county.stranger().get("/api/v1/owed?days=31").await).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_an_order_are_the_departments_debt() {
    let county = County::open();
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 11:16").await;
    let owed = county.head().get("/api/v1/owed?scope=department").await;
    let order = owed["items"].as_array().unwrap().iter().find(|item| item["clock"] == "order_sign").unwrap();
    assert_eq!(
        (order["orderNumber"].as_str(), order["officer"]["name"].as_str()),
        (Some("2026-000001"), Some("苏丁亥")),
        "{order}"
    );
    assert_eq!(
        (order["dueAt"].as_str(), order["lateMinutes"].as_i64()),
        (Some("2026-03-09T17:15:00+08:00"), Some(0))
    );
    let clocks = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["clock"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(clocks(&county.head().get("/api/v1/owed").await), ["order_sign"], "his own debt");
    assert_eq!(clocks(&county.deputy().get("/api/v1/owed").await), Vec::<String>::new());
    county.alter("update officers set post = 'lead' where code = 'POWER-HEAD'").await;
    assert_eq!(clocks(&county.deputy().get("/api/v1/owed").await), ["order_sign"], "where there is no head");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_closed_by_whoever_supervises() {
    let county = County::open();
    for (person, text) in [(county.inspector(), "一"), (county.office(), "二")] {
        let order = json!({"departmentCode": "POWER", "text": text});
        let order = person.posts("/api/v1/supervision-orders", order, 201).await;
        for (step, body) in [("sign", json!({})), ("reply", json!({"text": "已办"}))] {
            county.head().takes(step, &order, body).await;
        }
        county.pass(1.minutes());
    }
    // One that the clock issued is the business office's to close.
    county.alter("update supervision_orders set issued_by = null where text = '二'").await;
    let owed = county.inspector().get("/api/v1/owed?scope=department&days=31").await;
    let closes =
        |item: &Value| (item["clock"].as_str().map(str::to_owned), item["department"]["code"].clone());
    let all: Vec<_> = owed["items"].as_array().unwrap().iter().map(closes).collect();
    let close = Some("order_close".to_owned());
    assert_eq!(all, [(close.clone(), json!("INSPECT")), (close, json!("OFFICE"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_further_ahead_than_a_month() {
    let county = County::open();
    for days in ["32", "200", "4000"] {
        let refused = county.lead().may_not_get(&format!("/api/v1/owed?days={days}")).await;
        refused.is(422, "invalid").at_field("days", "out_of_range");
    }
    county.lead().get("/api/v1/owed?days=31").await;
}

/// A county in which everybody owes something: a lead, who was asked to help, the offices, a head, whoever ordered.
async fn debts(county: &County) {
    for (by, item) in [(county.mill(), "OUTAGE"), (county.kiln(), "CAPACITY"), (county.mill(), "IMPACT")] {
        let call = by.raises(json!({"itemCode": item})).await;
        if item == "OUTAGE" {
            county.lead().accepts(&call).await;
            county.lead().does("assist", &call, json!({"departmentCode": "ENV", "reason": "请协助"})).await;
        } else if item == "CAPACITY" {
            county.lead().does("return", &call, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
        }
    }
    county.kiln().raises(json!({})).await;
    let orders = [
        (county.inspector(), "POWER", 0),
        (county.office(), "ENV", 1),
        (county.inspector(), "POWER", 2),
        (county.office(), "ENV", 2),
    ];
    for (by, department, steps) in orders {
        let order = by
            .posts("/api/v1/supervision-orders", json!({"departmentCode": department, "text": "请办"}), 201)
            .await;
        let head = county.client(&format!("{department}-HEAD"));
        for (step, body) in [("sign", json!({})), ("reply", json!({"text": "已办"}))].into_iter().take(steps)
        {
            head.takes(step, &order, body).await;
        }
    }
    county.runs_until("03-09 11:16").await;
    // One of those to be closed was the clock's.
    county.alter("update supervision_orders set issued_by = null where id = (select max(id::text)::uuid from supervision_orders where state = 'replied')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_one_is_what_all_of_them_show_of_him() {
    let county = County::open();
    debts(&county).await;
    county.until("03-31 18:00");
    let items = |list: Value| list["items"].as_array().unwrap().clone();
    let all = items(county.office().get("/api/v1/owed?scope=department&limit=100").await);
    assert!(all.len() > 20 && all.len() < 100, "{}", all.len());
    let of = |field: &str, key: &str, value: &str| -> Vec<Value> {
        all.iter().filter(|item| item[field][key] == value).cloned().collect()
    };
    let mut found = 0;
    for code in county.texts("select code from departments").await {
        let asked =
            items(county.office().get(&format!("/api/v1/overdue?limit=100&departmentCode={code}")).await);
        assert_eq!(asked, of("department", "code", &code), "{code}");
        found += asked.len();
    }
    assert_eq!(found, all.len(), "each is somebody's");
    let mut found = 0;
    for officer in county.texts("select id::text || ' ' || code from officers where status = 'active'").await
    {
        let (id, code) = officer.split_once(' ').unwrap();
        let asked = items(county.client(code).get("/api/v1/owed?limit=100").await);
        let shown = of("officer", "id", id);
        let plain = |items: &[Value]| -> Vec<String> {
            items
                .iter()
                .map(|item| {
                    format!(
                        "{} {} {} {}",
                        item["clock"], item["dueAt"], item["call"]["id"], item["orderNumber"]
                    )
                })
                .collect()
        };
        assert_eq!(plain(&asked), plain(&shown), "{code}");
        found += asked.len();
    }
    let named = all.iter().filter(|item| !item["officer"].is_null()).count();
    assert_eq!(found, named, "each named one's own");
    for code in ["POWER-HEAD", "ENV-HEAD"] {
        let asked = items(county.client(code).get("/api/v1/owed?scope=department&limit=100").await);
        assert_eq!(asked.len(), of("department", "code", code.split_once('-').unwrap().0).len(), "{code}");
    }
    let unknown = county.office().get("/api/v1/overdue?departmentCode=NOWHERE").await;
    assert_eq!(
        (&unknown["items"], unknown["total"].as_i64()),
        (&json!([]), Some(i64::try_from(all.len()).unwrap()))
    );
    assert_eq!(county.head().get("/api/v1/overdue?departmentCode=ENV").await["items"], json!([]));
}
