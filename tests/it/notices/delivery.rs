//! The way that everything should go.

use chrono::TimeDelta;
use yijiao::notices::model::{ChannelState, NewNotice, NoticeId, NoticeState, Priority};

use super::stage::{ROOMS, Stage, alarm_params};

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_arrives_on_every_platform_with_phone_time_and_link() {
    let stage = Stage::set().await;
    let mut ids = Vec::new();
    for (room, _) in ROOMS {
        ids.push(stage.alarm(room).await);
    }
    assert_eq!(stage.relay().await.moved, 4);
    assert_eq!(stage.jobs.worker.run_once(stage.now()).await.unwrap(), 4);
    for room in ["wecom", "dingtalk", "feishu"] {
        let heard = stage.hears(room).await;
        assert!(heard.text.contains("【急】企业叫您：3号楼停电"), "{room}: {}", heard.text);
        assert!(heard.text.contains("接单时限：今天 14:05 前"), "{room}: {}", heard.text);
        assert!(
            heard.text.contains("138＊＊＊＊5678") || heard.text.contains("138****5678"),
            "{room}: {}",
            heard.text
        );
        assert_eq!(heard.link(), Some("https://yj.example.cn/a/tok"), "{room}");
    }
    for room in ["wecom", "dingtalk"] {
        assert_eq!(stage.hears(room).await.mentions, ["13700001111"], "{room}");
    }
    let hook = stage.hears("county").await;
    assert_eq!(hook.delivery_id, Some(ids[3].to_string()));
    assert_eq!(hook.raw["data"]["number"], "482913607");
    assert_eq!(hook.raw["data"].get("actPath"), None);
    for id in ids {
        let row = stage.row(id).await;
        assert_eq!(
            (row.state, row.attempt, row.due_at, row.reason.as_str()),
            (NoticeState::Sent, 1, None, "")
        );
        assert!(row.sent_at.is_some());
        let [(1, outcome, Some(200 | 204))] = &stage.attempts(id).await[..] else { panic!("{id}") };
        assert_eq!(outcome, "delivered");
    }
    assert_eq!(stage.jobs.relay.queue.lengths().await.unwrap(), [0, 0], "entries are taken out once done");
    stage.pass(TimeDelta::hours(1));
    assert_eq!(stage.work().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_feishu_calls_the_officer_by_the_id_that_its_application_knows() {
    let stage = Stage::set().await;
    stage.open_app("feishu-app").await;
    stage.alarm("feishu").await;
    stage.work().await;
    assert!(stage.hears("feishu").await.mentions.is_empty(), "nobody knows what he is called there");
    stage.reach("feishu-app", "ou_84aad35d084aa403a838cf73ee18467", None).await;
    stage.alarm("feishu").await;
    stage.work().await;
    let heard = stage.sandbox.messages("feishu");
    assert_eq!(heard.last().unwrap().mentions, ["ou_84aad35d084aa403a838cf73ee18467"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_urgent_goes_first_however_late_it_came() {
    let stage = Stage::set().await;
    let channel = stage.channel("county").await;
    let mut posted = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::FirstAlarm] {
        let rows = (0..3).map(|_| stage.notice(NoticeId::fresh(), channel, priority, alarm_params()));
        let rows: Vec<_> = rows.collect();
        posted.splice(0..0, rows.iter().map(|row| row.id.to_string()));
        stage.post_all(rows).await;
        stage.pass(TimeDelta::seconds(1));
    }
    assert_eq!(stage.work().await, 9);
    let arrived: Vec<String> =
        stage.sandbox.messages("county").into_iter().filter_map(|message| message.delivery_id).collect();
    assert_eq!(arrived, posted);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_batch_leaves_in_several_passes_and_a_full_lane_holds_only_itself() {
    let stage = Stage::set().await;
    let channel = stage.channel("county").await;
    let rows = (0..1300).map(|_| stage.notice(NoticeId::fresh(), channel, Priority::Low, alarm_params()));
    let rows: Vec<_> = rows.collect();
    for rows in rows.chunks(400) {
        stage.post_all(rows.to_vec()).await;
    }
    let mut passes = Vec::new();
    while let pass = stage.relay().await
        && pass.moved > 0
    {
        passes.push((pass.moved, pass.more));
    }
    assert_eq!(passes, [(256, true); 4], "a lane of Redis takes no more than about a thousand");
    let alarm = stage.alarm("wecom").await;
    let pass = stage.relay().await;
    assert_eq!((pass.moved, pass.more), (1, true));
    stage.jobs.worker.run_once(stage.now()).await.unwrap();
    assert_eq!(stage.row(alarm).await.state, NoticeState::Sent);
    while stage.work().await > 0 {}
    assert!(stage.states().await.into_iter().all(|state| state == NoticeState::Sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_channel_holds_news_and_passes_alarms_on_and_a_dead_one_ends_what_was_meant_for_it() {
    let stage = Stage::set().await;
    let wecom = stage.channel("wecom").await;
    let news = stage.notice(NoticeId::fresh(), wecom, Priority::Normal, alarm_params());
    let held = news.id;
    stage.post_all(vec![NewNotice { officer_id: None, ..news }]).await;
    let (first, second) =
        (stage.alarm("wecom").await, stage.post("wecom", Priority::Normal, alarm_params()).await);
    let dead = stage.alarm("feishu").await;
    stage.set_channel("wecom", ChannelState::Paused).await;
    stage.set_channel("feishu", ChannelState::Dead).await;
    stage.work().await;
    let row = stage.row(held).await;
    assert_eq!((row.state, row.attempt, row.reason.as_str()), (NoticeState::Held, 0, "channel_paused"));
    for (id, reason) in [(first, "channel_paused"), (second, "channel_paused"), (dead, "channel_dead")] {
        let row = stage.row(id).await;
        assert_eq!((row.state, row.attempt, row.reason.as_str()), (NoticeState::Fallback, 0, reason));
    }

    stage.set_channel("wecom", ChannelState::Active).await;
    assert_eq!(stage.work().await, 3, "what these should have told, another room tells");
    assert_eq!(stage.sandbox.messages("dingtalk").len(), 3);
    assert_eq!(stage.work().await, 0, "not before its moment");
    stage.pass(TimeDelta::minutes(1));
    stage.work().await;
    assert_eq!(stage.row(held).await.state, NoticeState::Sent);
    assert_eq!((stage.sandbox.messages("wecom").len(), stage.sandbox.messages("feishu").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_channel_held_for_a_day_is_no_news_when_it_is_resumed() {
    let stage = Stage::set().await;
    let wecom = stage.channel("wecom").await;
    let news = stage.notice(NoticeId::fresh(), wecom, Priority::Normal, alarm_params());
    let old = news.id;
    stage.post_all(vec![NewNotice { officer_id: None, ..news }]).await;
    stage.set_channel("wecom", ChannelState::Paused).await;
    stage.work().await;
    stage.pass(TimeDelta::hours(23));
    stage.work().await;
    assert_eq!(stage.row(old).await.state, NoticeState::Held);
    stage.pass(TimeDelta::hours(1));
    stage.work().await;
    let row = stage.row(old).await;
    let expected = (NoticeState::Expired, None, "expired: channel_paused");
    assert_eq!((row.state, row.due_at, row.reason.as_str()), expected);
    stage.set_channel("wecom", ChannelState::Active).await;
    stage.pass(TimeDelta::minutes(1));
    stage.work().await;
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
}
