//! How fast notices leave: the platforms' limits, company, quiet hours, and channels that do not work.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{NewNotice, NoticeId, NoticeState, Priority};
use yijiao::sandbox::{Fault, Mode};

use super::stage::{Stage, USER, alarm_params};

/// News of a department about a matter of its own: it asks nobody to act.
fn news(stage: &Stage, channel: yijiao::notices::model::ChannelId, number: usize) -> NewNotice {
    let params = json!({ "number": format!("N{number:05}"), "title": "停电", "department": "供电局" });
    let row = stage.notice(NoticeId::fresh(), channel, Priority::Normal, params);
    NewNotice { subject_id: uuid::Uuid::now_v7(), officer_id: None, event: "call.arrived".to_owned(), ..row }
}

/// A reminder to the officer: it asks for something, so it goes alone, but it is no first alarm.
async fn remind(stage: &Stage, room: &str, department: &str) -> NoticeId {
    let mut params = alarm_params();
    params["department"] = Value::from(department);
    stage.post(room, Priority::Normal, params).await
}

/// The most messages that arrived within any minute.
pub fn most_in_a_minute(arrivals: &[DateTime<Utc>]) -> usize {
    let within = |from: &DateTime<Utc>| {
        arrivals.iter().filter(|at| *at >= from && **at < *from + TimeDelta::minutes(1)).count()
    };
    arrivals.iter().map(within).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_leaves_in_bundles_within_the_limit_and_alarms_pass_it() {
    const FLOOD: usize = 5_000;
    let stage = Stage::set_limited().await;
    let channel = stage.channel("dingtalk").await;
    let rows: Vec<NewNotice> = (0..FLOOD).map(|number| news(&stage, channel, number)).collect();
    for rows in rows.chunks(500) {
        stage.post_all(rows.to_vec()).await;
    }
    let mut alarms = Vec::new();
    for round in 0.. {
        assert!(round < 2_000, "no end");
        if round % 20 == 3 && alarms.len() < 3 {
            let posted = stage.now();
            alarms.push(stage.alarm("dingtalk").await);
            stage.work().await;
            let row = stage.row(alarms[alarms.len() - 1]).await;
            assert_eq!((row.state, row.attempt), (NoticeState::Sent, 1));
            assert!(row.sent_at.unwrap() - posted < TimeDelta::seconds(30), "it passed all that waits");
        }
        stage.work_all().await;
        match stage.next_due().await {
            Some(due) => stage.clock.set(due.max(stage.now())),
            None => break,
        }
    }
    assert_eq!(alarms.len(), 3);
    assert!(stage.states().await.into_iter().all(|state| state == NoticeState::Sent));
    for row in rows.iter().step_by(97) {
        assert_eq!(stage.attempts(row.id).await, [(1, "delivered".to_owned(), Some(200))]);
    }
    assert_eq!(stage.attempts_unlike("delivered").await, 0, "the platform refused none");
    let messages = stage.sandbox.messages("dingtalk");
    let arrivals: Vec<_> = messages.iter().map(|message| message.at).collect();
    assert!(most_in_a_minute(&arrivals) <= 15, "{}", most_in_a_minute(&arrivals));
    assert!(messages.len() < FLOOD / 10, "{} messages", messages.len());
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for message in &messages {
        for number in message.text.split(|c: char| !c.is_ascii_alphanumeric()) {
            if number.len() == 6 && number.starts_with('N') {
                *told.entry(number.to_owned()).or_default() += 1;
            }
        }
    }
    assert_eq!(told.len(), FLOOD, "every one is named");
    assert!(told.values().all(|times| *times == 1), "once");
    let digest = messages.iter().find(|message| message.title.contains("20 条消息")).unwrap();
    assert!(digest.lines.iter().any(|line| line.contains("N00") && line.contains("停电")), "{}", digest.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_that_posts_much_does_not_keep_others_waiting() {
    let stage = Stage::set_limited().await;
    for _ in 0..60 {
        remind(&stage, "wecom", "供电局").await;
    }
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("wecom").len(), 14, "18 a minute, a quarter kept for first alarms");
    let mut late = Vec::new();
    for _ in 0..3 {
        late.push(remind(&stage, "wecom", "水务局").await);
    }
    stage.work_all().await;
    let held = stage.row(late[0]).await;
    assert_eq!((held.state, held.attempt, held.reason.as_str()), (NoticeState::Held, 0, "throttled"));
    let alarm = stage.alarm("wecom").await;
    stage.work_all().await;
    assert_eq!(stage.row(alarm).await.state, NoticeState::Sent, "there is a place for it");
    let began = stage.now();
    while let Some(due) = stage.next_due().await.filter(|due| *due <= began + TimeDelta::seconds(61)) {
        stage.clock.set(due);
        stage.work_all().await;
    }
    for id in &late {
        assert_eq!(stage.row(*id).await.state, NoticeState::Sent, "within the next minute");
    }
    let left = stage.states().await.into_iter().filter(|state| *state == NoticeState::Held).count();
    assert!(left >= 30, "{left}");
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due);
        stage.work_all().await;
    }
    let arrivals: Vec<_> = stage.sandbox.messages("wecom").iter().map(|message| message.at).collect();
    assert_eq!(arrivals.len(), 64);
    assert!(most_in_a_minute(&arrivals) <= 18);
    assert!(stage.now() <= began + TimeDelta::minutes(6), "{}", stage.now() - began);
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_beyond_the_whole_limit_go_another_way_or_wait_for_their_place() {
    let stage = Stage::set_limited().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, yijiao::notices::model::ChannelState::Dead).await;
    }
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(stage.alarm("wecom").await);
    }
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("wecom").len(), 18);
    let row = stage.row(ids[19]).await;
    assert_eq!((row.state, row.attempt, row.reason.as_str()), (NoticeState::Retry, 0, "throttled"));
    stage.set_channel("feishu", yijiao::notices::model::ChannelState::Active).await;
    let further = stage.alarm("wecom").await;
    stage.work_all().await;
    assert_eq!(stage.row(further).await.state, NoticeState::Fallback);
    assert_eq!(stage.sandbox.messages("feishu").len(), 1, "at once");
    // A minute, and a second for the road.
    stage.pass(TimeDelta::seconds(61));
    stage.work_all().await;
    assert_eq!(stage.row(ids[19]).await.state, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_a_limit() {
    let stage = Stage::set_limited().await;
    let replica = stage.replica();
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(remind(&stage, "wecom", "供电局").await);
    }
    let senders = [&stage.jobs.worker.sender, &replica.worker.sender];
    let sends = ids.iter().zip(senders.iter().cycle());
    let sends = sends.map(|(id, sender)| sender.deliver_one(stage.entry(*id), stage.now()));
    let delivered: Vec<Delivered> =
        futures_util::future::join_all(sends).await.into_iter().map(Result::unwrap).collect();
    let count = |wanted: Delivered| delivered.iter().filter(|one| **one == wanted).count();
    assert_eq!(count(Delivered::Tried(NoticeState::Sent)), 14);
    assert_eq!(count(Delivered::Kept(NoticeState::Held)), 26);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_process_lets_alarms_alone_pass_and_no_more_than_the_limit() {
    let stage = Stage::set_limited().await;
    let away = stage.without_redis();
    let reminder = remind(&stage, "wecom", "供电局").await;
    let sender = &away.worker.sender;
    let kept = sender.deliver_one(stage.entry(reminder), stage.now()).await.unwrap();
    assert_eq!(kept, Delivered::Kept(NoticeState::Held));
    assert_eq!(stage.row(reminder).await.reason, "throttled: Redis is away");
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, yijiao::notices::model::ChannelState::Dead).await;
    }
    for nth in 0..20 {
        let id = stage.alarm("wecom").await;
        let delivered = sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
        let expected =
            if nth < 18 { Delivered::Tried(NoticeState::Sent) } else { Delivered::Kept(NoticeState::Retry) };
        assert_eq!(delivered, expected, "{nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_fails_again_and_again_is_left_alone_and_probed() {
    let stage = Stage::set_limited().await;
    stage.sandbox.set_fault("wecom", Fault::always(Mode::Http500));
    for _ in 0..5 {
        remind(&stage, "wecom", "供电局").await;
    }
    stage.work_all().await;
    let (alarm, reminder) = (stage.alarm("wecom").await, remind(&stage, "wecom", "供电局").await);
    stage.work_all().await;
    let row = stage.row(alarm).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Fallback, "channel_blocked"));
    assert_eq!(stage.sandbox.messages("dingtalk").len(), 1, "heard elsewhere at once");
    let row = stage.row(reminder).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Held, "channel_blocked"));
    assert_eq!(row.due_at, Some(stage.now() + TimeDelta::seconds(30)));
    // The probe fails: twice as long.
    stage.pass(TimeDelta::seconds(30));
    stage.work_all().await;
    let next = remind(&stage, "wecom", "供电局").await;
    stage.work_all().await;
    let row = stage.row(next).await;
    assert_eq!(row.due_at, Some(stage.now() + TimeDelta::seconds(60)), "{row:?}");
    stage.sandbox.clear_fault("wecom");
    stage.pass(TimeDelta::seconds(60));
    stage.work_all().await;
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due);
        stage.work_all().await;
    }
    assert_eq!(stage.sandbox.messages("wecom").len(), 7, "nothing is lost");
    let alarm = stage.alarm("wecom").await;
    stage.work_all().await;
    assert_eq!(stage.row(alarm).await.state, NoticeState::Sent, "as ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_that_says_it_is_blocked_is_believed() {
    let stage = Stage::set_limited().await;
    stage.set_channel("feishu", yijiao::notices::model::ChannelState::Dead).await;
    stage.sandbox.set_fault("dingtalk", Fault::times(Mode::RateLimited, 1));
    let channel = stage.channel("dingtalk").await;
    let [first, second] = [1, 2].map(|number| news(&stage, channel, number));
    let (tried, held) = (first.id, second.id);
    stage.post_all(vec![first]).await;
    stage.work_all().await;
    assert_eq!(stage.row(tried).await.state, NoticeState::Retry);
    stage.post_all(vec![second]).await;
    let reminder = remind(&stage, "dingtalk", "供电局").await;
    stage.work_all().await;
    let row = stage.row(held).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Held, "channel_blocked"));
    assert!(row.due_at.unwrap() >= stage.now() + TimeDelta::minutes(10));
    let row = stage.row(reminder).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Fallback, "channel_blocked"));
    assert_eq!(stage.sandbox.messages("wecom").len(), 1, "who is to act does not wait so long");
}

#[tokio::test(flavor = "multi_thread")]
async fn low_notices_within_a_minute_are_one_message_that_names_each() {
    let stage = Stage::set_limited().await;
    let mut ids = Vec::new();
    for number in ["111111111", "222222222", "333333333"] {
        let params = json!({ "number": number, "title": "停电" });
        ids.push(stage.post("wecom", Priority::Low, params).await);
        stage.work_all().await;
        stage.pass(TimeDelta::seconds(15));
    }
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
    let row = stage.row(ids[1]).await;
    assert_eq!((row.state, row.attempt, row.reason.as_str()), (NoticeState::Held, 0, "bundled"));
    stage.pass(TimeDelta::seconds(15));
    stage.work_all().await;
    let [message] = &stage.sandbox.messages("wecom")[..] else { panic!("one message") };
    assert!(message.text.contains("3 条消息"), "{}", message.text);
    for number in ["111111111", "222222222", "333333333"] {
        assert!(message.text.contains(number), "{}", message.text);
    }
    for id in &ids {
        let row = stage.row(*id).await;
        assert_eq!((row.state, row.attempt), (NoticeState::Sent, 1));
        assert_eq!(row.reason, format!("digest: {}", ids[0]));
        assert_eq!(stage.attempts(*id).await, [(1, "delivered".to_owned(), Some(200))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_leaves_at_once_and_what_follows_within_the_minute_leaves_with_it_over() {
    let stage = Stage::set_limited().await;
    let channel = stage.channel("feishu").await;
    for number in 0..3 {
        stage.post_all(vec![news(&stage, channel, number)]).await;
        stage.work_all().await;
        stage.pass(TimeDelta::seconds(10));
    }
    assert_eq!(stage.sandbox.messages("feishu").len(), 1);
    stage.pass(TimeDelta::seconds(30));
    stage.work_all().await;
    let messages = stage.sandbox.messages("feishu");
    assert_eq!(messages.len(), 2);
    assert!(
        messages[1].text.contains("N00001") && messages[1].text.contains("N00002"),
        "{}",
        messages[1].text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn news_sleeps_at_night_and_alarms_do_not() {
    let stage = Stage::set_limited().await;
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    stage.clock.set(at("2026-11-23T22:30:00+08:00"));
    let channel = stage.channel("wecom").await;
    let asleep = news(&stage, channel, 1);
    let critical = json!({ "number": "N00002", "title": "停电", "urgency": "critical" });
    let awake = NewNotice { params: critical, ..news(&stage, channel, 2) };
    let id = asleep.id;
    stage.post_all(vec![asleep, awake]).await;
    stage.alarm("dingtalk").await;
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("dingtalk").len(), 1);
    let told = |messages: Vec<yijiao::sandbox::Received>| -> Vec<bool> {
        messages.iter().map(|message| message.text.contains("N00001")).collect()
    };
    assert_eq!(told(stage.sandbox.messages("wecom")), [false], "what is critical is told");
    let row = stage.row(id).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Held, "quiet_hours"));
    assert_eq!(row.due_at, Some(at("2026-11-24T07:00:00+08:00")));
    stage.clock.set(at("2026-11-24T07:00:00+08:00"));
    stage.work_all().await;
    assert_eq!(told(stage.sandbox.messages("wecom")), [false, true]);

    stage.chooses(json!({"notices": {"quiet_from": "07:00"}})).await;
    stage.clock.set(at("2026-11-24T23:30:00+08:00"));
    stage.post_all(vec![news(&stage, channel, 3)]).await;
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("wecom").len(), 3, "a county without quiet hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_failed_again_and_again_sleeps_at_night_too() {
    let stage = Stage::set_limited().await;
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    stage.clock.set(at("2026-11-23T22:30:00+08:00"));
    let told = news(&stage, stage.channel("wecom").await, 1);
    let told = NewNotice { attempt: 3, state: NoticeState::Retry, ..told };
    let id = told.id;
    stage.post_all(vec![told]).await;
    stage.work_all().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Held, "quiet_hours"));
    stage.clock.set(at("2026-11-24T07:00:00+08:00"));
    stage.work_all().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_lets_nobody_exceed_the_limit() {
    let stage = Stage::set_limited().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, yijiao::notices::model::ChannelState::Dead).await;
    }
    for round in 0..4 {
        for _ in 0..15 {
            stage.alarm("wecom").await;
        }
        stage.work_all().await;
        assert_eq!(stage.sandbox.messages("wecom").len(), if round == 0 { 15 } else { 18 });
        stage.empty_redis().await;
        stage.pass(TimeDelta::seconds(5));
    }
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due.max(stage.now()));
        stage.work_all().await;
    }
    let arrivals: Vec<_> = stage.sandbox.messages("wecom").iter().map(|message| message.at).collect();
    assert_eq!((arrivals.len(), most_in_a_minute(&arrivals)), (60, 18));
    assert_eq!(stage.attempts_unlike("delivered").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_full_and_half_hours_a_feishu_room_hears_news_spread_over_a_minute_and_alarms_at_once() {
    let stage = Stage::set_limited().await;
    let half = DateTime::parse_from_rfc3339("2026-11-23T14:30:00+08:00").unwrap().to_utc();
    stage.clock.set(half);
    for _ in 0..24 {
        remind(&stage, "feishu", "供电局").await;
    }
    let (other, alarm) = (remind(&stage, "wecom", "供电局").await, stage.alarm("feishu").await);
    stage.work_all().await;
    for at_once in [other, alarm] {
        assert_eq!(stage.row(at_once).await.state, NoticeState::Sent);
    }
    let held = stage.states().await.into_iter().filter(|state| *state == NoticeState::Held).count();
    assert!(held >= 22, "{held}");
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due.max(stage.now()));
        stage.work_all().await;
    }
    let arrivals: Vec<_> = stage.sandbox.messages("feishu").iter().map(|message| message.at).collect();
    assert_eq!(arrivals.len(), 25);
    let in_quarters: std::collections::BTreeSet<i64> =
        arrivals.iter().map(|at| (*at - half).num_seconds() / 15).collect();
    assert_eq!(in_quarters.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3], "{arrivals:?}");
    remind(&stage, "feishu", "供电局").await;
    stage.pass(TimeDelta::minutes(1));
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("feishu").len(), 26, "at other times at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_blocked_channel_lets_wait_for_a_day_expires_and_is_named() {
    let stage = Stage::set_limited().await;
    stage.sandbox.set_fault("wecom", Fault::always(Mode::Http500));
    for _ in 0..5 {
        remind(&stage, "wecom", "供电局").await;
    }
    stage.work_all().await;
    stage.answer().await;
    let channel = stage.channel("wecom").await;
    let told = news(&stage, channel, 1);
    let old = told.id;
    stage.post_all(vec![told]).await;
    let asks = remind(&stage, "wecom", "供电局").await;
    stage.work_all().await;
    let row = stage.row(old).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Held, "channel_blocked"));
    stage.pass(TimeDelta::hours(23));
    let late = news(&stage, channel, 2);
    let young = late.id;
    stage.post_all(vec![late]).await;
    stage.pass(TimeDelta::minutes(61));
    // It failed a moment ago, once more.
    stage.block("wecom").await;
    stage.work_all().await;
    let row = stage.row(old).await;
    assert_eq!((row.state, row.due_at), (NoticeState::Expired, None));
    assert_eq!(row.reason, "expired: channel_blocked");
    let said = yijiao::notices::admin::words::reason(&row.reason, yijiao::platform::http::lang::Lang::Zh);
    assert!(said.as_deref().unwrap().contains("过期"), "{said:?}");
    assert_eq!(stage.unsent().await.expired, 1);
    assert_eq!(stage.row(young).await.state, NoticeState::Held, "it is news still");
    assert_eq!(stage.row(asks).await.state, NoticeState::Fallback, "who is to act is told elsewhere");
    assert!(stage.sandbox.messages("dingtalk").len() + stage.sandbox.messages("feishu").len() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_at_a_time_is_on_its_way_to_a_person_in_wechat() {
    use yijiao::notices::channels::{ChannelKind, Outcome};
    use yijiao::notices::model::{ChannelId, Lane};
    use yijiao::notices::throttle::{Asking, Full, Leave, Spacing, Standing};
    let stage = Stage::set_limited().await;
    let (here, there) = (stage.jobs.worker.sender.throttle.clone(), stage.replica().worker.sender.throttle);
    let channel = ChannelId::fresh();
    let to = |reader: &'static str| Asking {
        channel,
        kind: ChannelKind::WechatSubscribe,
        reader,
        lane: Lane::Rest,
        notice: NoticeId::fresh(),
        attempt: 1,
        source: "",
        spacing: Spacing::None,
    };
    let (first, second) = (to("openid-1"), to("openid-1"));
    let go = Leave::Go(Standing::Sound);
    assert_eq!(here.take(&first, stage.now()).await, go);
    stage.pass(TimeDelta::seconds(5));
    let until = stage.now() + TimeDelta::seconds(2);
    assert_eq!(there.take(&second, stage.now()).await, Leave::Wait { until, why: Full::Reader });
    assert_eq!(there.take(&to("openid-2"), stage.now()).await, go, "somebody else");
    // Only who took the place gives it back.
    there.arrived(&second).await;
    stage.pass(TimeDelta::seconds(2));
    assert!(matches!(there.take(&second, stage.now()).await, Leave::Wait { .. }));
    here.heard(&first, &Outcome::BadMessage, Standing::Sound, stage.now()).await;
    here.arrived(&first).await;
    stage.pass(TimeDelta::seconds(2));
    assert_eq!(there.take(&second, stage.now()).await, go);
    // Of whose message nobody hears any more, he is waited for no longer than that.
    stage.pass(TimeDelta::seconds(31));
    assert_eq!(here.take(&to("openid-1"), stage.now()).await, go);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_waited_for_one_token_do_not_arrive_as_a_crowd() {
    // To one person Feishu takes five messages a second, and we have leave for four.
    let stage = Stage::set_limited().await;
    stage.open_app("feishu-app").await;
    let known = stage.alarm_to("feishu-app", USER).await;
    stage.work_all().await;
    assert_eq!(stage.row(known).await.state, NoticeState::Sent);
    stage.fetches_for_ever().await;
    let mut waiting = Vec::new();
    for _ in 0..2 {
        stage.pass(TimeDelta::seconds(1));
        let mut four = Vec::new();
        for _ in 0..4 {
            four.push(stage.alarm_to("feishu-app", USER).await);
        }
        let (sender, now) = (stage.jobs.worker.sender.clone(), stage.now());
        let sends = four.into_iter().map(|id| (sender.clone(), stage.entry(id)));
        let sends = sends.map(|(sender, entry)| async move { sender.deliver_one(entry, now).await.unwrap() });
        let mut sends = Box::pin(futures_util::future::join_all(sends));
        let early = tokio::time::timeout(Duration::from_millis(50), &mut sends).await;
        assert!(early.is_err(), "all four have leave and no token: {early:?}");
        waiting.push(sends);
    }
    comes_back_without(&stage).await;
    let delivered: Vec<Delivered> = futures_util::future::join_all(waiting).await.concat();
    let sent = delivered.iter().filter(|one| **one == Delivered::Tried(NoticeState::Sent)).count();
    assert_eq!(sent, 4, "{delivered:?}");
    let kept = delivered.iter().filter(|one| matches!(one, Delivered::Kept(_))).count();
    assert_eq!(kept, 4, "the others have lost their turn, not their message");
    assert_eq!(stage.attempts_unlike("delivered").await, 0, "the platform refused nothing");
    assert_eq!(stage.sandbox.messages("feishu-app").len(), 5);
}

/// Whoever was to fetch a token has none; those who waited for it fetch one themselves.
async fn comes_back_without(stage: &Stage) {
    let mut keys = redis::cmd("KEYS");
    let locks: Vec<String> = stage.redis.query(keys.arg(stage.redis.key("token:*:lock"))).await.unwrap();
    stage.redis.query::<i64>(redis::cmd("DEL").arg(&locks)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_twice_whether_he_still_may_has_one_place() {
    // To one person we send 25 messages a minute by WeCom.
    let stage = Stage::set_limited().await;
    stage.open_app("wecom-app").await;
    let known = stage.alarm_to("wecom-app", USER).await;
    stage.work_all().await;
    assert_eq!(stage.row(known).await.state, NoticeState::Sent);
    stage.fetches_for_ever().await;
    stage.pass(TimeDelta::seconds(1));
    let slow = stage.alarm_to("wecom-app", USER).await;
    let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(slow), stage.now());
    let mut sending = Box::pin(async move { sender.deliver_one(entry, now).await.unwrap() });
    let early = tokio::time::timeout(Duration::from_millis(50), &mut sending).await;
    assert!(early.is_err(), "it has leave and no token: {early:?}");
    // Its leave is old when it goes, and when it goes once more without its button.
    stage.sandbox.set_fault("wecom-app", Fault::times(Mode::BadMessage, 1));
    stage.pass(TimeDelta::seconds(1));
    comes_back_without(&stage).await;
    assert_eq!(sending.await, Delivered::Tried(NoticeState::Sent));
    for nth in 3..=25 {
        let next = stage.alarm_to("wecom-app", USER).await;
        stage.work_all().await;
        assert_eq!(stage.row(next).await.state, NoticeState::Sent, "the {nth}. of a minute");
    }
    assert_eq!(stage.sandbox.messages("wecom-app").len(), 25);
    let one_too_many = stage.alarm_to("wecom-app", USER).await;
    stage.work_all().await;
    assert_ne!(stage.row(one_too_many).await.state, NoticeState::Sent);
}
