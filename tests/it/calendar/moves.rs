//! What a change of the calendar does to what is open: it moves, once, with a record; what is over stays.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};
use yijiao::deadlines::check::audit;
use yijiao::platform::db::{DbError, Scope};

use super::kit::CALENDARS;
use crate::kit::{County, Spans as _, View, wd};

pub async fn in_hand(county: &County) -> View {
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.lead().accepts(&call).await
}

pub async fn moved(county: &County, call: &View) -> Vec<(String, String, String)> {
    let story = county.lead().get(&format!("/api/v1/calls/{}/events", call.id())).await;
    assert_eq!(story["verified"], true);
    let events =
        story["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "call.deadline_moved");
    let text = |value: &Value| value.as_str().unwrap()[5..16].replace('T', " ");
    let mut moved: Vec<_> = events
        .map(|event| {
            let data = &event["data"];
            (data["clock"].as_str().unwrap().to_owned(), text(&data["from"]), text(&data["to"]))
        })
        .collect();
    moved.sort();
    moved
}

pub fn told(moves: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    moves
        .iter()
        .map(|(clock, from, to)| ((*clock).to_owned(), (*from).to_owned(), (*to).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_deadlines_move_with_a_record_and_past_ones_never() {
    let county = County::open();
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.until("03-09 10:35");
    assert_eq!((call.due("accept"), call.due("resolve")), (wd("03-09 10:30"), wd("03-16 18:00")));
    let mut definition = county.admin().calendar_with("2026-03-12", "holiday").await;
    definition["hours"] = json!(["10:10-12:00", "14:00-17:00"]);
    county.admin().puts_calendar("", &definition).await;
    assert_eq!(
        county.lead().sees(&call).await.due("resolve"),
        wd("03-16 18:00"),
        "until the job comes round"
    );
    // T1 is over; T2 (an hour from 10:00), T3, T4 and T5 are not.
    assert_eq!(county.follows().await, 4);
    let seen = county.lead().sees(&call).await;
    assert_eq!(seen.due("accept"), wd("03-09 10:30"));
    assert_eq!(seen.due("resolve"), wd("03-17 17:00"));
    assert_eq!(
        moved(&county, &call).await,
        told(&[
            ("arrive", "03-09 16:00", "03-09 16:10"),
            ("contact", "03-09 11:00", "03-09 11:10"),
            ("plan", "03-10 18:00", "03-10 17:00"),
            ("resolve", "03-16 18:00", "03-17 17:00"),
        ])
    );
    // The ladders moved with them: half of an hour from 10:10 on is over at 10:40.
    let fires = "select clock || ' ' || to_char(fires_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI') from deadlines
        where clock in ('accept', 'contact') order by clock";
    assert_eq!(county.texts(fires).await, ["accept 03-09 10:20", "contact 03-09 10:40"]);
    // Nothing moves twice; the second look finds whoever was writing meanwhile, then it is over.
    assert_eq!(county.follows().await, 0);
    county.pass(2.minutes());
    assert_eq!(county.follows().await, 0);
    let recompute = county.admin().get(CALENDARS).await["recompute"].take();
    assert_eq!((&recompute["moved"], recompute["doneAt"].is_string()), (&json!(4), true), "{recompute}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_never_puts_a_promise_into_the_past() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.until("03-16 17:30");
    let mut definition = county.admin().get(CALENDARS).await["definition"].take();
    definition["hours"] = json!(["09:00-12:00", "14:00-17:00"]);
    county.admin().puts_calendar("", &definition).await;
    assert_eq!(county.follows().await, 0);
    assert_eq!(county.lead().sees(&call).await.due("resolve"), wd("03-16 18:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_reckons_by_the_calendar_that_holds_before_the_job_came_round() {
    let county = County::open();
    let call = in_hand(&county).await;
    let definition = county.admin().calendar_with("2026-03-12", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    let noted = county.lead().notes(&call, "已联系").await;
    assert_eq!(noted.due("resolve"), wd("03-17 18:00"));
    assert_eq!(county.follows().await, 0, "nothing is left to the job");
    assert_eq!(moved(&county, &call).await.len(), 2, "T5 and the stall clock, which the note then set anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_and_extensions_are_reckoned_anew_as_they_were() {
    let county = County::open();
    let call = in_hand(&county).await;
    let (lead, head) = (county.lead(), county.head());
    county.until("03-10 11:00");
    lead.does("pause", &call, json!({"reasonCode": "litigation", "workingDays": 3, "evidence": "传票"}))
        .await;
    head.does("pause", &call, json!({"approve": true})).await;
    let definition = county.admin().calendar_with("2026-03-11", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    // T5, the stall clock, and the bound of the pause; T4 was due the day before.
    assert_eq!(county.follows().await, 3);
    let paused = lead.sees(&call).await;
    assert_eq!(
        (paused.clock("resolve")["state"].as_str(), paused.due("resolve")),
        (Some("paused"), wd("03-17 18:00"))
    );
    assert_eq!(paused.matter("pause")["until"], "2026-03-16T18:00:00+08:00");
    county.until("03-12 15:30");
    let resumed = lead.does("resume", &call, json!({})).await;
    // Eight hours stood still: the 10th from 11:00, not the 11th, the 12th until 15:30.
    assert_eq!(resumed.due("resolve"), wd("03-19 11:30"));
    lead.does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    let extended = head.does("extension", &call, json!({"approve": true})).await;
    assert_eq!(extended.due("resolve"), wd("03-20 18:00"));
    explained(&county, &call, "resolve").await;

    // A day of rest after the pause, before what is due.
    let definition = county.admin().calendar_with("2026-03-18", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    assert_eq!(county.follows().await, 1);
    assert_eq!(lead.sees(&call).await.due("resolve"), wd("03-23 18:00"));
    let lines = explained(&county, &call, "resolve").await;
    for words in ["暂停", "涉及诉讼", "恢复", "3月18日（周三）：全县停电检修放假", "批准延长 1 个工作日"]
    {
        assert!(lines.contains(words), "{words}: {lines}");
    }
}

/// The lines; their sum is what is stored.
pub async fn explained(county: &County, call: &View, clock: &str) -> String {
    let why = county.kiln().get(&format!("/api/v1/calls/{}/clocks/{clock}/explain", call.id())).await;
    let lines = serde_json::to_string_pretty(&why["lines"]).unwrap();
    let due = county.kiln().sees(call).await.due(clock) + 8.hours();
    assert!(lines.contains(&due.format("到期：%Y年%-m月%-d日").to_string()), "{lines}");
    assert!(lines.contains(&due.format("%H:%M:%S").to_string()), "{lines}");
    assert!(!lines.contains("办公时间有变"), "{lines}");
    assert_eq!(why["lines"].as_array().unwrap().len(), why["linesEn"].as_array().unwrap().len());
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_with_hours_of_its_own_is_held_to_them() {
    let county = County::open();
    let (power, admin) = (in_hand(&county).await, county.admin());
    let other = county.kiln().raises(json!({"itemCode": "IMPACT"})).await;
    let before = other.clocks_of_time().iter().map(|it| it.map(Clone::clone)).collect::<Vec<_>>();
    admin.puts_calendar("/POWER", &json!({"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"]})).await;
    assert_eq!(county.follows().await, 1);
    assert_eq!(county.lead().sees(&power).await.due("resolve"), wd("03-14 18:00"), "a Saturday");
    let seen = county.kiln().sees(&other).await;
    assert_eq!(seen.clocks_of_time().iter().map(|it| it.map(Clone::clone)).collect::<Vec<_>>(), before);
    let fresh = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    assert_eq!((fresh.department(), fresh.due("resolve")), ("POWER", wd("03-14 18:00")));
    explained(&county, &power, "resolve").await;

    // It has its county's again.
    admin.puts_calendar("/POWER", &json!({})).await;
    assert_eq!(county.follows().await, 2);
    assert_eq!(county.lead().sees(&power).await.due("resolve"), wd("03-16 18:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_that_is_published_makes_provisional_ones_firm() {
    let county = County::open();
    county.until("12-30 10:00");
    let call = in_hand(&county).await;
    let provisional =
        "select clock || ' ' || provisional from deadlines where clock in ('plan', 'resolve') order by clock";
    assert_eq!(county.texts(provisional).await, ["plan false", "resolve true"]);
    assert_eq!(county.lead().sees(&call).await.due("resolve"), wd("12-30 18:00") + 7.days());
    let mut definition = county.admin().get(CALENDARS).await["definition"].take();
    definition["publishedThrough"] = json!(2027);
    let exceptions = definition["exceptions"].as_array_mut().unwrap();
    for day in ["2027-01-01", "2027-01-02", "2027-01-03"] {
        exceptions.push(json!({"date": day, "kind": "holiday", "name": "元旦"}));
    }
    county.admin().puts_calendar("", &definition).await;
    county.follows().await;
    assert_eq!(county.texts(provisional).await, ["plan false", "resolve false"]);
    assert_eq!(county.lead().sees(&call).await.due("resolve"), wd("12-30 18:00") + 8.days());
    let lines = explained(&county, &call, "resolve").await;
    assert!(lines.contains("1月1日（周五）至1月3日（周日）：元旦放假，不计"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_in_the_middle_is_followed_by_somebody_who_goes_on() {
    let county = County::open();
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(in_hand(&county).await);
    }
    let definition = county.admin().calendar_with("2026-03-12", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    let mut first = county.recompute();
    first.batch = 2;
    assert_eq!(first.step(county.now()).await.unwrap(), Some(4), "T5 and the stall clock of two calls");
    drop(first);
    // Two others at once.
    let (one, two) = (county.recompute(), county.recompute());
    let (a, b) = tokio::join!(one.run_once(county.now()), two.run_once(county.now()));
    assert_eq!(a.unwrap() + b.unwrap(), 6);
    for call in &calls {
        let once =
            told(&[("resolve", "03-16 18:00", "03-17 18:00"), ("stall", "03-12 18:00", "03-13 18:00")]);
        assert_eq!(moved(&county, call).await, once);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_tells_every_day_and_why_it_did_not_count() {
    let county = County::open();
    county.until("09-30 16:00");
    let call = in_hand(&county).await;
    let lines = explained(&county, &call, "resolve").await;
    for words in [
        "开始：2026年9月30日（周三） 16:00:00",
        "9月30日（周三）：收到日，不计",
        "10月1日（周四）至10月7日（周三）：国庆节放假，不计",
        "10月8日（周四）：第 1 个工作日",
        "10月10日（周六），调休上班：第 3 个工作日",
        "10月11日（周日）：周末，不计",
        "10月13日（周二）：第 5 个工作日",
        "现在还剩工作时间 37 小时",
    ] {
        assert!(lines.contains(words), "{words}: {lines}");
    }
    let lines = explained(&county, &call, "arrive").await;
    for words in [
        "时限：240 个工作分钟，只计办公时间（09:00—12:00、14:00—18:00）",
        "9月30日（周三） 16:00—18:00：计 2 小时，还剩 2 小时",
        "10月8日（周四） 09:00—11:00：计 2 小时，还剩 0 分",
    ] {
        assert!(lines.contains(words), "{words}: {lines}");
    }
    let critical = county.kiln().raises(json!({"urgency": "critical"})).await;
    let lines = explained(&county, &critical, "triage").await;
    assert!(lines.contains("10 分钟，连续计时"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_that_cannot_be_computed_keeps_no_other_from_its_own() {
    let county = County::open();
    let call = in_hand(&county).await;
    let definition = county.admin().calendar_with("2026-03-12", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    // Rules that this binary cannot read; and a county whose turn comes later.
    county.chooses(json!({"limits": 5})).await;
    county
        .alter(
            "select set_config('yijiao.county', gen_random_uuid()::text, false);
            insert into counties (id, code, name) values (current_county(), 'later', '后来县');
            insert into calendar_recomputes (county_id, version, requested_at, due_at)
                values (current_county(), 1, '2026-03-09 10:00:01+08', '2026-03-09 10:00:01+08')",
        )
        .await;
    county.pass(2.seconds());
    assert_eq!(county.follows().await, 0);
    let state = "select c.code || ' ' || r.pass || ' ' || to_char(r.due_at at time zone 'Asia/Shanghai', 'HH24:MI:SS')
        || ' ' || (r.failure is not null) from calendar_recomputes r join counties c on c.id = r.county_id order by c.code";
    assert_eq!(county.texts(state).await, ["clear 1 10:01:02 true", "later 2 10:01:31 false"]);
    let broken = async || {
        let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
        let found = audit(&mut tx, county.now()).await.unwrap();
        tx.finish(Ok::<_, DbError>(found)).await.unwrap().broken
    };
    let named = broken().await;
    let [one] = named.as_slice() else { panic!("{named:?}") };
    assert!(one.starts_with("county clear: its deadlines could not be computed by version 1"), "{one}");
    assert!(one.contains("limits") && one.contains("tried again at 2026-03-09 02:01:02"), "{one}");

    county
        .alter(
            "select set_config('yijiao.county', id::text, false) from counties where code = 'clear';
            update counties set settings = '{}' where code = 'clear'",
        )
        .await;
    county.pass(1.minutes());
    assert_eq!(county.follows().await, 2, "T5 and the stall clock");
    assert_eq!(county.lead().sees(&call).await.due("resolve"), wd("03-17 18:00"));
    assert_eq!(broken().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn taps_go_on_while_a_calendar_is_being_put() {
    let county = County::open();
    let definition = county.admin().calendar_with("2026-03-12", "holiday").await;
    let mill = county.mill();
    // It comes to a halt in the middle of its transaction, with the county in its hands.
    let mut auditor = county.auditor().await;
    auditor.batch_execute("begin; lock table calendars in share mode").await.unwrap();
    let admin = county.admin();
    let put = admin.puts_calendar("", &definition);
    let tap = async {
        let stuck = "select count(*) from pg_locks where relation = 'calendars'::regclass and not granted";
        let mut looks = 0;
        while county.count(stuck).await == 0 {
            looks += 1;
            assert!(looks < 10_000, "nobody ever waited");
        }
        let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
        auditor.batch_execute("rollback").await.unwrap();
        call
    };
    let (view, call) = futures_util::join!(put, tap);
    assert_eq!((view["version"].as_i64(), call.due("accept")), (Some(1), wd("03-09 10:15")));
}
