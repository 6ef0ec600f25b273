//! Whoever is to decide is called to it, by name and with a link; one tap decides, and what was decided calls nobody any more.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use yijiao::calls::link::Link;
use yijiao::calls::model::{CallId, MatterId};
use yijiao::organisation::{CountyId, OfficerId};

use crate::kit::{County, Spans as _, View};

/// A call of five working days in the hands of the power company's lead officer.
async fn in_hand(county: &County) -> View {
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY", "text": "要增容"})).await;
    county.lead().accepts(&call).await
}

fn pause(days: i16) -> Value {
    json!({"reasonCode": "enterprise_materials", "workingDays": days, "evidence": "缺少负荷计算书"})
}

/// Who was called to decide, what it was about, in whose room, and how it stands; the oldest first.
async fn called(county: &County) -> Vec<String> {
    county
        .texts(
            "select concat_ws(' ', o.code, n.event, d.code, n.state) from notices n join officers o on o.id = n.officer_id
            join channels c on c.id = n.channel_id join departments d on d.id = c.department_id
            where n.subject_kind = 'side_matter' order by n.created_at, n.id",
        )
        .await
}

/// The link of the latest call to decide.
async fn latest_link(county: &County) -> String {
    let links = "select params ->> 'actPath' from notices where subject_kind = 'side_matter' and officer_id is not null
        order by created_at desc, id desc limit 1";
    county.texts(links).await.remove(0)
}

/// All that waits has been sent.
async fn sends_all(county: &County) {
    county
        .alter(
            "update notices set state = 'sent', sent_at = created_at, due_at = null where state = 'queued'",
        )
        .await;
}

async fn page(county: &County, path: &str) -> String {
    let response = county.http().get(county.url(path)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

async fn tap(county: &County, path: &str, button: &str, words: &str) -> Response {
    let form = [("words", words)];
    county.http().post(county.url(&format!("{path}/{button}"))).form(&form).send().await.unwrap()
}

/// A link as it would have been sent to this officer.
async fn link_for(county: &County, call: &View, kind: &str, officer: &str) -> String {
    let home = county.texts("select id::text from counties").await.remove(0).parse().unwrap();
    let officer = county.officer_id(officer).await.parse().unwrap();
    let seen = county.office().sees(call).await;
    let matter = seen.matter(kind)["id"].as_str().unwrap().parse().unwrap();
    let call = CallId(call.id().parse().unwrap());
    let link = Link::new(CountyId(home), call, OfficerId(officer), county.now() + 1.days());
    Link { matter: Some(MatterId(matter)), ..link }.path(&county.app.calls.link_key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_calls_the_deputy_whose_tap_decides_it() {
    let county = County::open();
    let call = in_hand(&county).await;
    sends_all(&county).await;
    county.kiln().does("urge", &call, json!({})).await;
    county.lead().does("pause", &call, pause(3)).await;
    assert_eq!(called(&county).await, ["POWER-DEPUTY call.pause_asked POWER queued"]);
    let told = "select concat_ws(' ', priority, params ->> 'holderMobile', params ->> 'holder', params ->> 'note', params ->> 'workingDays')
        from notices where subject_kind = 'side_matter'";
    assert_eq!(
        county.texts(told).await,
        ["first_alarm 16900000011 程己丑 等待企业补充材料；缺少负荷计算书 3"]
    );
    sends_all(&county).await;

    let link = latest_link(&county).await;
    let before = county.everything().await;
    let shown = page(&county, &link).await;
    for words in [
        "请审批暂停计时",
        "要增容",
        "程己丑",
        "等待企业补充材料",
        "缺少负荷计算书",
        "3 个工作日",
        "清河砖瓦有限公司",
        "萧戊子",
        "03月09日 10:00",
        "03月16日 18:00",
        "03月19日 18:00",
        "/approve\"",
        "/refuse\"",
    ] {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    assert!(!shown.contains("/accept\""));
    assert_eq!(county.everything().await, before, "looking changes nothing");

    county.pass(10.minutes());
    let done = tap(&county, &link, "approve", "情况属实").await;
    assert_eq!(
        (done.status(), done.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, &*link)
    );
    let paused = county.kiln().sees(&call).await;
    assert_eq!(
        (paused.matter("pause")["state"].as_str(), paused.clock("resolve")["state"].as_str()),
        (Some("approved"), Some("paused"))
    );
    assert_eq!(called(&county).await, ["POWER-DEPUTY call.pause_asked POWER acted"]);
    let urged = "select state from notices where event = 'call.urged' and officer_id is not null";
    assert_eq!(county.texts(urged).await, ["sent"], "the officer still owes his own answer");
    let decided = "select concat_ws(' ', actor_name, data ->> 'door', data ->> 'note') from ledger_events where kind = 'call.pause_decided'";
    assert_eq!(county.texts(decided).await, ["萧戊子 link 情况属实"]);

    assert_eq!(tap(&county, &link, "approve", "").await.status(), StatusCode::SEE_OTHER, "twice is once");
    assert_eq!(county.kiln().sees(&call).await.version(), paused.version());
    let shown = page(&county, &link).await;
    assert!(
        shown.contains("萧戊子已同意（03月09日 10:10）：情况属实") && !shown.contains("<form"),
        "{shown}"
    );
    let changed_his_mind = tap(&county, &link, "refuse", "").await;
    assert_eq!(changed_his_mind.status(), StatusCode::OK);
    assert!(changed_his_mind.text().await.unwrap().contains("萧戊子已同意"));

    let late = json!({"approve": false, "matterId": paused.matter("pause")["id"]});
    let late = county.head().may_not("pause", &call, late).await.is(409, "call_already_decided");
    assert_eq!((late.detail(), &late.body["decidedBy"]), ("萧戊子已同意", &json!("萧戊子")));
    assert_eq!(late.body["decidedAt"], "2026-03-09T10:10:00+08:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_called_is_there_may_decide_and_has_not_asked() {
    let county = County::open();
    let call = in_hand(&county).await;
    let (lead, office) = (county.lead(), county.office());
    let refuse = json!({"approve": false});
    // Over three days: the business office's contact on duty, in the office's room.
    lead.does("pause", &call, pause(4)).await;
    office.does("pause", &call, refuse.clone()).await;
    county.sends_away("POWER-DEPUTY").await;
    lead.does("pause", &call, pause(3)).await;
    county.head().does("pause", &call, refuse.clone()).await;
    county.sends_away("POWER-HEAD").await;
    lead.does("pause", &call, pause(1)).await;
    office.does("pause", &call, refuse.clone()).await;
    county.sends_away("OFFICE-DESK").await;
    lead.does("pause", &call, pause(5)).await;
    assert_eq!(
        called(&county).await,
        [
            "OFFICE-DESK call.pause_asked OFFICE superseded",
            "POWER-HEAD call.pause_asked POWER superseded",
            "OFFICE-DESK call.pause_asked OFFICE superseded",
            "OFFICE-HEAD call.pause_asked OFFICE queued",
        ]
    );

    // Whoever holds the call does not judge himself.
    let county = County::open();
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.deputy().accepts(&call).await;
    county.deputy().does("pause", &call, pause(1)).await;
    county.deputy().does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    assert_eq!(
        called(&county).await,
        ["POWER-HEAD call.pause_asked POWER queued", "POWER-HEAD call.extension_asked POWER queued"]
    );
    let own = tap(&county, &link_for(&county, &call, "pause", "POWER-DEPUTY").await, "approve", "").await;
    assert_eq!(own.status(), StatusCode::OK);
    assert!(own.text().await.unwrap().contains("不能审批自己提出的申请"));
    let lead = link_for(&county, &call, "extension", "POWER-LEAD").await;
    assert!(!page(&county, &lead).await.contains("<form"));
    assert!(tap(&county, &lead, "approve", "").await.text().await.unwrap().contains("这一步不由您操作"));
    assert_eq!(county.kiln().sees(&call).await.matter("pause")["state"], "asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_decides_on_an_extension_only_where_no_leader_was_there() {
    let county = County::open();
    let call = in_hand(&county).await;
    let ask = json!({"workingDays": 2, "reason": "变压器到货晚"});
    let yes = json!({"approve": true});
    county.lead().does("extension", &call, ask.clone()).await;
    county.office().may_not("extension", &call, yes.clone()).await.is(403, "call_not_yours");
    assert!(!county.office().may(&call).await.contains(&"extension".to_owned()));
    county.head().does("extension", &call, json!({"approve": false})).await;

    for leader in ["POWER-HEAD", "POWER-DEPUTY"] {
        county.sends_away(leader).await;
    }
    county.lead().does("extension", &call, ask).await;
    assert!(county.office().may(&call).await.contains(&"extension".to_owned()));
    let link = latest_link(&county).await;
    let shown = page(&county, &link).await;
    for words in ["请审批延期", "变压器到货晚", "2 个工作日", "曾乙酉", "03月16日 18:00", "03月18日 18:00"]
    {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    assert_eq!(tap(&county, &link, "approve", "").await.status(), StatusCode::SEE_OTHER);
    let extended = county.kiln().sees(&call).await;
    assert_eq!(extended.matter("extension")["until"], "2026-03-18T18:00:00+08:00");
    assert_eq!(
        called(&county).await,
        [
            "POWER-DEPUTY call.extension_asked POWER superseded",
            "OFFICE-DESK call.extension_asked OFFICE superseded"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_calls_the_office_and_an_accept_does_not_answer_it() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().does("return", &call, json!({"reason": "属于环保事项", "departmentCode": "ENV"})).await;
    let waits = ["OFFICE-DESK call.returned OFFICE queued"];
    assert_eq!(called(&county).await, waits);
    county.backup().accepts(&call).await;
    assert_eq!(called(&county).await, waits, "the accept answered the alarm of the call alone");
    let alarms = "select state from notices where event = 'call.dispatched' and officer_id is not null";
    assert_eq!(county.texts(alarms).await, ["superseded"]);

    let link = latest_link(&county).await;
    let shown = page(&county, &link).await;
    for words in [
        "请裁定退回",
        "属于环保事项",
        "建议转至",
        "03月09日 18:00 前",
        "转至建议的部门",
        "不转，仍由原部门办理",
    ] {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    let before = county.everything().await;
    let silent = tap(&county, &link, "approve", "  ").await;
    assert_eq!(silent.status(), StatusCode::OK);
    assert!(silent.text().await.unwrap().contains("填写的内容有误"), "a ruling says why");
    assert_eq!(county.everything().await, before);

    assert_eq!(tap(&county, &link, "approve", "确属环保").await.status(), StatusCode::SEE_OTHER);
    let ruled = county.mill().sees(&call).await;
    assert_eq!((ruled.state(), ruled.department()), ("dispatched", "ENV"));
    assert_eq!(called(&county).await, ["OFFICE-DESK call.returned OFFICE superseded"]);
    // His successor in the office comes late, and reads who was first.
    let late = link_for(&county, &call, "return", "OFFICE-HEAD").await;
    let late = tap(&county, &late, "refuse", "应由供电").await.text().await.unwrap();
    assert!(late.contains("曾乙酉已裁定转办") && !late.contains("<form"), "{late}");
    assert_eq!(county.mill().sees(&call).await.version(), ruled.version());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_to_help_says_so_behind_his_link() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.lead().does("assist", &call, json!({"departmentCode": "ENV", "reason": "请核对能否停机"})).await;
    county.lead().does("assist", &call, json!({"departmentCode": "MARKET", "reason": "请确认执照"})).await;
    // Market supervision has no room of its own; the office's hears for it.
    assert_eq!(
        called(&county).await,
        ["ENV-HEAD call.assistance_asked ENV queued", "MARKET-HEAD call.assistance_asked OFFICE queued"]
    );
    let link = link_for(&county, &call, "assistance", "MARKET-HEAD").await;
    let shown = page(&county, &link).await;
    for words in ["请协助", "请确认执照", "03月11日 18:00 前", "协助已完成", "协助结果（必填）"]
    {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    assert!(!shown.contains("/approve\""));
    assert_eq!(tap(&county, &link, "approve", "").await.status(), StatusCode::NOT_FOUND);
    assert!(tap(&county, &link, "done", "").await.text().await.unwrap().contains("填写的内容有误"));
    assert_eq!(tap(&county, &link, "done", "执照有效").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(tap(&county, &link, "done", "执照有效").await.status(), StatusCode::SEE_OTHER);
    assert!(page(&county, &link).await.contains("秦丙申已完成协助（03月09日 10:00）：执照有效"));
    assert_eq!(
        called(&county).await,
        ["ENV-HEAD call.assistance_asked ENV queued", "MARKET-HEAD call.assistance_asked OFFICE superseded"],
        "the other department still owes its part"
    );
    county.lead().may_not("resolve", &call, json!({"result": "好"})).await.is(409, "call_assistance_open");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lapses_calls_nobody_any_more() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.lead().does("pause", &call, pause(1)).await;
    county.lead().does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    let link = latest_link(&county).await;
    county.lead().resolves(&call).await;
    let superseded = |who: &str, what: &str, room: &str| format!("{who} call.{what} {room} superseded");
    assert_eq!(
        called(&county).await,
        [
            superseded("POWER-DEPUTY", "pause_asked", "POWER"),
            superseded("POWER-DEPUTY", "extension_asked", "POWER")
        ]
    );
    let shown = page(&county, &link).await;
    assert!(
        shown.contains("申请自动失效") && !shown.contains("<form") && !shown.contains("不同意"),
        "{shown}"
    );
    assert!(tap(&county, &link, "approve", "").await.text().await.unwrap().contains("申请自动失效"));

    // The enterprise withdraws; the office gives the call to somebody else.
    let withdrawn = in_hand(&county).await;
    county.lead().does("assist", &withdrawn, json!({"departmentCode": "ENV", "reason": "请核对"})).await;
    county.pass(1.minutes());
    county.kiln().does("withdraw", &withdrawn, json!({})).await;
    let moved = in_hand(&county).await;
    county.pass(1.minutes());
    county.lead().does("return", &moved, json!({"reason": "属于环保事项", "departmentCode": "ENV"})).await;
    county.office().does("assign", &moved, json!({"departmentCode": "MARKET", "reason": "改派"})).await;
    assert_eq!(
        called(&county).await[2..],
        [superseded("ENV-HEAD", "assistance_asked", "ENV"), superseded("OFFICE-DESK", "returned", "OFFICE")]
    );
    let helper = link_for(&county, &withdrawn, "assistance", "ENV-HEAD").await;
    assert!(page(&county, &helper).await.contains("申请自动失效"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_decides_its_own_request_and_no_later_one() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.lead().does("pause", &call, pause(1)).await;
    let first = latest_link(&county).await;
    assert_eq!(tap(&county, &first, "refuse", "先勘察").await.status(), StatusCode::SEE_OTHER);
    county.pass(1.minutes());
    county.lead().does("pause", &call, pause(2)).await;
    let stale = tap(&county, &first, "approve", "").await;
    assert_eq!(stale.status(), StatusCode::OK);
    assert!(stale.text().await.unwrap().contains("萧戊子已不同意"));
    assert_eq!(county.kiln().sees(&call).await.matter("pause")["state"], "asked");

    // What a link is not for, it does not do.
    let second = latest_link(&county).await;
    for button in ["accept", "contacted", "leave", "resolve", "done", "APPROVE"] {
        assert_eq!(tap(&county, &second, button, "x").await.status(), StatusCode::NOT_FOUND, "{button}");
    }
    let to_call = county.texts("select params ->> 'actPath' from notices where event = 'call.dispatched' and officer_id is not null").await.remove(0);
    assert_eq!(tap(&county, &to_call, "approve", "x").await.status(), StatusCode::NOT_FOUND);
    let strangers = link_for(&county, &call, "pause", "MARKET-LEAD").await;
    assert_eq!(tap(&county, &strangers, "approve", "x").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(county.kiln().sees(&call).await.matter("pause")["state"], "asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_at_once_one_does_and_the_other_reads_it() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.lead().does("pause", &call, pause(1)).await;
    let (one, other) = (
        link_for(&county, &call, "pause", "POWER-DEPUTY").await,
        link_for(&county, &call, "pause", "POWER-HEAD").await,
    );
    let (one, other) = tokio::join!(tap(&county, &one, "approve", ""), tap(&county, &other, "refuse", ""));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 303]);
    let late = if one.status() == StatusCode::OK { one } else { other };
    let late = late.text().await.unwrap();
    assert!(late.contains("萧戊子已同意") || late.contains("苏丁亥已不同意"), "{late}");
    let decisions = "select count(*) from ledger_events where kind = 'call.pause_decided'";
    assert_eq!(county.count(decisions).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_officer_writes_stays_text_and_is_for_officials() {
    let county = County::open();
    let call = in_hand(&county).await;
    let evil = "<script>alert(1)</script>{{ 7*7 }}";
    county
        .lead()
        .does(
            "pause",
            &call,
            json!({"reasonCode": "litigation", "workingDays": 1, "evidence": evil, "reason": evil}),
        )
        .await;
    let shown = page(&county, &latest_link(&county).await).await;
    assert!(
        !shown.contains("<script") && shown.contains("&lt;script&gt;") && shown.contains("{{ 7*7 }}"),
        "{shown}"
    );
    assert_eq!(county.head().sees(&call).await.matter("pause")["evidence"], evil);
    assert_eq!(county.kiln().sees(&call).await.matter("pause").get("evidence"), None);
}
