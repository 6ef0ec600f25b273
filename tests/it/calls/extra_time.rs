//! Promises, pauses and extensions: what moves T4 and T5, by how much, and who decides.

use serde_json::{Value, json};

use crate::kit::{County, Spans as _, View, wd};

/// A call of five working days in the hands of the power company's lead officer.
async fn in_hand(county: &County) -> View {
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.lead().accepts(&call).await
}

fn pause(days: i16) -> Value {
    json!({"reasonCode": "enterprise_materials", "workingDays": days, "evidence": "缺少负荷计算书"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_moves_plan_and_resolve_by_exactly_itself_and_nothing_else() {
    let county = County::open();
    let call = in_hand(&county).await;
    assert_eq!((call.due("plan"), call.due("resolve")), (wd("03-10 18:00"), wd("03-16 18:00")));
    county.until("03-10 10:00");
    county.lead().does("pause", &call, pause(3)).await;
    let asked = county.kiln().sees(&call).await;
    assert_eq!(asked.clock("resolve")["state"], "running", "asking stops nothing");

    county.until("03-10 11:00");
    let paused = county.deputy().does("pause", &call, json!({"approve": true})).await;
    assert_eq!(["plan", "resolve"].map(|clock| paused.clock(clock)["state"].clone()), ["paused", "paused"]);
    assert_eq!(paused.matter("pause")["until"], "2026-03-13T18:00:00+08:00");
    let seen = county.kiln().sees(&call).await;
    assert_eq!(
        (seen.matter("pause")["reasonCode"].as_str(), seen.clock("resolve")["state"].as_str()),
        (Some("enterprise_materials"), Some("paused"))
    );
    for (clock, due) in [("contact", "03-09 11:00"), ("arrive", "03-09 16:00")] {
        assert_eq!(
            (paused.clock(clock)["state"].as_str(), paused.due(clock)),
            (Some("missed"), wd(due)),
            "never T1 to T3"
        );
    }
    assert_eq!(paused.clock("stall")["state"], "running");
    county.lead().may_not("resolve", &call, json!({"result": "办好"})).await.is(409, "call_paused");
    county.lead().may_not("pause", &call, pause(1)).await.is(409, "call_paused");

    // From Tuesday 11:00 to Thursday 15:30 are two working days and two and a half hours; noon is not counted.
    county.until("03-12 15:30");
    let resumed = county.lead().does("resume", &call, json!({})).await;
    assert_eq!(resumed.matter("pause")["state"], "done");
    assert_eq!((resumed.due("plan"), resumed.due("resolve")), (wd("03-13 11:30"), wd("03-19 11:30")));
    assert_eq!(
        (resumed.started("plan"), resumed.started("resolve")),
        (call.started("plan"), call.started("resolve"))
    );
    county.lead().may_not("resume", &call, json!({})).await.is(409, "call_nothing_open");
    let bound = "select state || ' ' || (stopped_at is not null) from deadlines where clock = 'pause'";
    assert_eq!(county.texts(bound).await, ["met true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_needs_a_listed_reason_evidence_and_somebody_elses_consent() {
    let county = County::open();
    let call = in_hand(&county).await;
    let (lead, head, office) = (county.lead(), county.head(), county.office());
    let wrong = lead
        .may_not("pause", &call, json!({"reasonCode": "tired", "workingDays": 1, "evidence": "x"}))
        .await
        .is(422, "unknown_reason");
    assert!(wrong.body["reasons"].as_array().unwrap().contains(&json!("force_majeure")));
    lead.may_not("pause", &call, json!({"reasonCode": "litigation", "workingDays": 1}))
        .await
        .is(422, "invalid")
        .at_field("evidence", "required");
    for days in [0, 6, -1] {
        lead.may_not("pause", &call, pause(days)).await.is(422, "over_limit");
    }
    head.may_not("pause", &call, json!({"approve": true})).await.is(409, "call_nothing_open");
    county.backup().may_not("pause", &call, pause(1)).await.is(403, "call_not_yours");
    county.kiln().may_not("pause", &call, pause(1)).await.is(403, "call_not_yours");

    // Over three days: the business office, not the head.
    lead.does("pause", &call, pause(4)).await;
    lead.may_not("pause", &call, pause(4)).await.is(409, "call_already_asked");
    lead.may_not("pause", &call, json!({"approve": true})).await.is(409, "call_already_asked");
    head.may_not("pause", &call, json!({"approve": true})).await.is(403, "call_not_yours");
    let refused = office.does("pause", &call, json!({"approve": false, "reason": "可先行勘察"})).await;
    assert_eq!(
        (refused.matter("pause")["state"].as_str(), refused.clock("resolve")["state"].as_str()),
        (Some("refused"), Some("running"))
    );
    assert_eq!(refused.matter("pause")["decision"], "可先行勘察");

    // Ten days in all: five and three leave two.
    for (days, who) in [(5, &office), (3, &head)] {
        lead.does("pause", &call, pause(days)).await;
        who.does("pause", &call, json!({"approve": true})).await;
        county.pass(1.hours());
        lead.does("resume", &call, json!({})).await;
    }
    let over = lead.may_not("pause", &call, pause(3)).await.is(422, "over_limit");
    assert!(over.detail().contains("已用 8 个"), "{}", over.detail());
    lead.does("pause", &call, pause(2)).await;
    county.stranger().may_not("pause", &call, json!({"approve": true})).await.is(404, "call_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_moves_a_promised_moment_by_exactly_itself_and_its_sum_says_so() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.lead().promises(&call, wd("03-12 12:00")).await;
    let explained = async || {
        let path = format!("/api/v1/calls/{}/clocks/promise/explain", call.id());
        let why = county.kiln().get(&path).await;
        why["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let lines = explained().await;
    assert_eq!(lines[2..], ["到期：2026年3月12日（周四） 12:00:00", "现在还剩 74 小时"], "{lines:?}");

    for (from, until) in [("03-10 11:00", "03-10 15:30"), ("03-11 09:00", "03-11 10:00")] {
        county.until(from);
        county.lead().does("pause", &call, pause(1)).await;
        let paused = county.deputy().does("pause", &call, json!({"approve": true})).await;
        assert_eq!(paused.clock("promise")["state"], "paused");
        county.until(until);
        county.lead().does("resume", &call, json!({})).await;
    }
    assert_eq!(county.lead().sees(&call).await.due("promise"), wd("03-12 17:30"));
    let lines = explained().await;
    assert_eq!(
        lines[2..],
        [
            "原定：2026年3月12日（周四） 12:00:00",
            "暂停：2026年3月10日（周二） 11:00:00 起暂停计时（等企业补齐材料），还剩 49 小时",
            "恢复：2026年3月10日（周二） 15:30:00 起接着计剩余的 49 小时",
            "顺延至：2026年3月12日（周四） 16:30:00",
            "暂停：2026年3月11日（周三） 09:00:00 起暂停计时（等企业补齐材料），还剩 31 小时 30 分",
            "恢复：2026年3月11日（周三） 10:00:00 起接着计剩余的 31 小时 30 分",
            "顺延至：2026年3月12日（周四） 17:30:00",
            "到期：2026年3月12日（周四） 17:30:00",
            "现在还剩 31 小时 30 分",
        ],
        "{lines:?}"
    );
    // A pause that comes when the moment is over holds nothing.
    county.until("03-13 09:30");
    county.lead().does("pause", &call, pause(1)).await;
    county.deputy().does("pause", &call, json!({"approve": true})).await;
    county.until("03-13 10:30");
    county.lead().does("resume", &call, json!({})).await;
    let late = explained().await;
    assert_eq!((late.len(), late[9].as_str()), (10, "到期：2026年3月12日（周四） 17:30:00"), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_already_broken_is_not_paused() {
    let county = County::open();
    let call = in_hand(&county).await;
    county.until("03-11 10:00");
    county.lead().does("pause", &call, pause(1)).await;
    let paused = county.head().does("pause", &call, json!({"approve": true})).await;
    assert_eq!(
        (paused.clock("plan")["state"].as_str(), paused.clock("resolve")["state"].as_str()),
        (Some("missed"), Some("paused"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_asked_in_time_approved_by_the_head_and_given_once() {
    let county = County::open();
    let call = in_hand(&county).await;
    let (lead, head) = (county.lead(), county.head());
    let ask = |days: i16| json!({"workingDays": days, "reason": "变压器到货晚"});
    for days in [0, 6] {
        lead.may_not("extension", &call, ask(days)).await.is(422, "over_limit");
    }
    lead.may_not("extension", &call, json!({"workingDays": 2}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    head.may_not("extension", &call, json!({"approve": true})).await.is(409, "call_nothing_open");
    county.office().may_not("extension", &call, ask(1)).await.is(403, "call_not_yours");
    lead.does("extension", &call, ask(2)).await;
    lead.may_not("extension", &call, ask(2)).await.is(409, "call_already_asked");
    county.dispatcher().may_not("extension", &call, json!({"approve": true})).await.is(403, "call_not_yours");
    let refused = head.does("extension", &call, json!({"approve": false, "reason": "先催货"})).await;
    assert_eq!(refused.due("resolve"), wd("03-16 18:00"));

    // Due on Monday at closing: on Friday a whole working day is left, on Friday evening it is not.
    county.until("03-13 17:00");
    lead.does("extension", &call, ask(3)).await;
    let extended = head.does("extension", &call, json!({"approve": true})).await;
    assert_eq!(extended.due("resolve"), wd("03-19 18:00"), "three closings after Monday's");
    assert_eq!(
        (extended.started("resolve"), extended.clock("resolve")["limit"]["amount"].as_i64()),
        (call.started("resolve"), Some(5))
    );
    assert_eq!(extended.matter("extension")["until"], "2026-03-19T18:00:00+08:00");
    lead.may_not("extension", &call, ask(1)).await.is(409, "call_once_only");
    let why = lead.get(&format!("/api/v1/calls/{}/clocks/resolve/explain", call.id())).await;
    assert!(why["lines"].to_string().contains("原到期"), "{why}");

    let other = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    lead.accepts(&other).await;
    county.until("03-19 18:30");
    lead.may_not("extension", &other, ask(1)).await.is(409, "call_too_late");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_his_own_request_whatever_his_post() {
    let county = County::open();
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.head().accepts(&call).await;
    county.head().does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    county.head().does("pause", &call, pause(1)).await;
    for verb in ["extension", "pause"] {
        county.head().may_not(verb, &call, json!({"approve": true})).await.is(403, "own_request");
        county.deputy().does(verb, &call, json!({"approve": true})).await;
    }
    // Extended while it stands still: what was left at the pause and the day given are left afterwards.
    county.pass(1.hours());
    let resumed = county.head().does("resume", &call, json!({})).await;
    assert_eq!(resumed.due("resolve"), wd("03-18 10:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_kept_within_the_limit_and_a_broken_one_stays_broken() {
    let county = County::open();
    let call = in_hand(&county).await;
    let lead = county.lead();
    let late = lead
        .may_not("promise", &call, json!({"until": "2026-03-16T18:00:01+08:00"}))
        .await
        .is(422, "over_limit");
    assert_eq!(late.body["latest"], "2026-03-16T18:00:00+08:00");
    lead.may_not("promise", &call, json!({"until": "2026-03-09T09:59:00+08:00"}))
        .await
        .is(409, "call_too_late");
    lead.may_not("promise", &call, json!({"until": "tomorrow"})).await.is(422, "invalid");
    lead.may_not("promise", &call, json!({})).await.is(422, "invalid");
    county
        .backup()
        .may_not("promise", &call, json!({"until": "2026-03-12T12:00:00+08:00"}))
        .await
        .is(403, "call_not_yours");

    let promised = lead.promises(&call, wd("03-11 12:00")).await;
    assert_eq!(
        (promised.clock("plan")["state"].as_str(), promised.due("promise")),
        (Some("met"), wd("03-11 12:00"))
    );
    // A promise is not postponed; an earlier one may replace it. Too late, the old one stays broken beside the new one.
    let postponed = lead
        .may_not("promise", &call, json!({"until": "2026-03-11T16:00:00+08:00"}))
        .await
        .is(422, "over_limit");
    assert_eq!(postponed.body["latest"], "2026-03-11T12:00:00+08:00");
    let promised = lead.promises(&call, wd("03-11 11:00")).await;
    assert_eq!(
        (promised.clock_states("promise"), promised.due("promise")),
        (vec!["running"], wd("03-11 11:00"))
    );
    county.until("03-11 17:00");
    let promised = lead.promises(&call, wd("03-12 12:00")).await;
    assert_eq!(promised.clock_states("promise"), ["missed", "running"]);
    let kept = lead.resolves(&call).await;
    assert_eq!(kept.clock_states("promise"), ["missed", "met"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_starts_the_stall_clock_anew_and_silence_is_remembered() {
    let county = County::open();
    let call = in_hand(&county).await;
    assert_eq!(call.due("stall"), wd("03-12 18:00"));
    county.until("03-11 15:00");
    let noted = county.lead().notes(&call, "已勘察现场").await;
    assert_eq!((noted.clock_states("stall"), noted.due("stall")), (vec!["running"], wd("03-16 18:00")));
    county.until("03-17 09:30");
    let noted = county.lead().notes(&call, "设备已到").await;
    assert_eq!(noted.clock_states("stall"), ["missed", "running"]);
    county
        .lead()
        .may_not("note", &call, json!({"text": "  \u{200b} "}))
        .await
        .is(422, "invalid")
        .at_field("text", "required");
}
