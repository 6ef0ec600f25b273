//! Nobody accepts: what the chat applications of the demo county show then, whom, when and why. The county has shortened its limit.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use yijiao::platform::time::china;
use yijiao::sandbox::Received;

use crate::kit::{Show, Spans as _};

/// What an officer's own application, or a room, showed of the acceptance that is late, in order: `HH:MM` and the lines.
fn shown(show: &Show, room: &str, reader: Option<&str>) -> Vec<(String, Received)> {
    let about =
        |message: &Received| message.text.contains("接单已超时") || message.text.contains("接单时限已到");
    let to = |message: &Received| {
        reader.is_none_or(|reader| message.mentions.iter().any(|mention| mention == reader))
    };
    let messages = show.sandbox.messages(room).into_iter().filter(|message| about(message) && to(message));
    messages.map(|message| (hour(message.at), message)).collect()
}

fn hour(at: DateTime<Utc>) -> String {
    china(at).format("%H:%M").to_string()
}

/// The steps of the acceptance: a minute apart.
fn quick() -> Value {
    let steps = json!([
        {"rung": 1, "at": "due", "to": ["backup", "section_head"], "card": "blue"},
        {"rung": 2, "at": "+1wm", "to": ["deputy"], "card": "yellow"},
        {"rung": 3, "at": "+2wm", "to": ["head"], "card": "yellow"},
        {"rung": 4, "at": "+3wm", "to": ["business_office"], "card": "red", "order": true},
    ]);
    json!({"limits": {"accept": {"urgent": "2wm", "normal": "2wm"}}, "ladder": {"clocks": {"accept": steps}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_shortened_limit_everybody_of_the_ladder_is_called_at_his_moment_and_told_why() {
    let show = Show::open().await;
    let county = &show.county;
    county.client("O0003").puts_ladders(&quick()).await;
    // The call of the README's walk, in the county as it is shipped.
    let body = json!({"text": "厂里突然停电了，生产线全停了", "urgency": "urgent"});
    let call = county.client("E0001").raises(body).await;
    assert_eq!((call.department(), call.holder()), ("D35", "吕丁酉"));
    show.runs_until("03-09 10:06").await;

    let rungs: Vec<String> =
        county.rungs(&call).await.into_iter().filter(|rung| rung.starts_with("accept")).collect();
    let expected = [
        "accept 1 O0183,O0308 blue @ 03-09 10:02",
        "accept 2 O0181 yellow @ 03-09 10:03",
        "accept 3 O0307 yellow @ 03-09 10:04",
        "accept 4 O0002 red @ 03-09 10:05",
    ];
    assert_eq!(rungs, expected);

    // Reader, his application, when, which rung, as what, late and held so long, card.
    let told = [
        ("o0183", "app-dingtalk", "10:02", "第 1 级", "该诉求的B角", "时限已到", "2分钟", "蓝牌"),
        ("o0308", "app-dingtalk", "10:02", "第 1 级", "责任股室负责人", "时限已到", "2分钟", "蓝牌"),
        ("o0181", "app-dingtalk", "10:03", "第 2 级", "责任单位分管负责人", "已超时1分钟", "3分钟", "黄牌"),
        ("o0307", "app-dingtalk", "10:04", "第 3 级", "责任单位主要负责人", "已超时2分钟", "4分钟", "黄牌"),
        ("o0002", "app-wecom", "10:05", "第 4 级", "营商办督办人员", "已超时3分钟", "5分钟", "红牌"),
    ];
    for (reader, app, at, rung, rank, late, held, card) in told {
        let heard = shown(&show, app, Some(reader));
        assert_eq!(heard.len(), 1, "{reader}: {heard:#?}");
        let (when, message) = &heard[0];
        assert_eq!(when, at, "{reader}");
        let text = message.text.replace(' ', "");
        let (why, held) = (format!("您是{rank}"), format!("已持单{held}"));
        for words in ["接单", "10:02", late, rung, &why, "吕丁酉", &held, card, "停电"] {
            assert!(
                text.contains(&words.replace(' ', "")),
                "{reader}: {words} is missing in\n{}",
                message.text
            );
        }
    }
    // The department's room heard of its own four, the office's of the last one.
    let in_room: Vec<String> = shown(&show, "room-d35", None).into_iter().map(|(at, _)| at).collect();
    assert_eq!(in_room, ["10:02", "10:02", "10:03", "10:04"]);
    assert!(
        shown(&show, "room-d01", None)
            .iter()
            .any(|(at, message)| at == "10:05" && message.text.contains("第 4 级"))
    );
    let orders = show.sandbox.messages("room-d35");
    assert!(
        orders.iter().any(|message| hour(message.at) == "10:05" && message.text.contains("督办")),
        "the order"
    );

    // Somebody accepts: it is quiet.
    county.client("O0183").accepts(&call).await;
    county.pass(1.minutes());
    show.runs_until("03-09 10:30").await;
    assert_eq!(shown(&show, "room-d35", None).len(), 4);
    show.forget().await;
}
