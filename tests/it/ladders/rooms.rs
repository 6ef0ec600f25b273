//! Nobody accepts: what the chat applications of the demo county show then, whom, when and why. The county has shortened its limit.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use yijiao::platform::time::china;
use yijiao::sandbox::Received;

use crate::kit::{Show, Spans as _};

/// What an officer's own application, or a room, showed of the acceptance that is late, in order: `HH:MM` and the lines.
fn shown(show: &Show, room: &str, reader: Option<&str>) -> Vec<(String, Received)> {
    let about =
        |message: &Received| message.text.contains("接单已超时") || message.text.contains("接单即将超时");
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
        {"rung": 1, "at": "due", "to": ["backup"], "card": "blue"},
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
    // The demo's departments name one leader each: this one gets a deputy.
    county.alter("update officers set post = 'deputy' where code = 'O0033'").await;
    county.client("O0003").puts_ladders(&quick()).await;
    // An enterprise without a card: the item's contact is asked.
    county
        .alter("delete from contact_cards c using enterprises e where e.id = c.enterprise_id and e.code = 'E0001'")
        .await;
    let body = json!({"itemCode": "SC09", "urgency": "urgent", "text": "废气处理设施报警"});
    let call = county.client("E0001").raises(body).await;
    assert_eq!((call.department(), call.holder()), ("D06", "彭丁亥"));
    show.runs_until("03-09 10:06").await;

    let rungs: Vec<String> =
        county.rungs(&call).await.into_iter().filter(|rung| rung.starts_with("accept")).collect();
    let expected = [
        "accept 1 O0030 blue @ 03-09 10:02",
        "accept 2 O0033 yellow @ 03-09 10:03",
        "accept 3 O0028 yellow @ 03-09 10:04",
        "accept 4 O0002 red @ 03-09 10:05",
    ];
    assert_eq!(rungs, expected);

    // Reader, his application, when, which rung, as what, late and held so long, card.
    let told = [
        ("o0030", "app-feishu", "10:02", "第 1 级", "B角", "", "2分钟", "蓝牌"),
        ("o0033", "app-feishu", "10:03", "第 2 级", "分管领导", "1分钟", "3分钟", "黄牌"),
        ("o0028", "app-feishu", "10:04", "第 3 级", "一把手", "2分钟", "4分钟", "黄牌"),
        ("o0002", "app-wecom", "10:05", "第 4 级", "营商办负责人员", "3分钟", "5分钟", "红牌"),
    ];
    for (reader, app, at, rung, rank, late, held, card) in told {
        let heard = shown(&show, app, Some(reader));
        assert_eq!(heard.len(), 1, "{reader}: {heard:#?}");
        let (when, message) = &heard[0];
        assert_eq!(when, at, "{reader}");
        let text = message.text.replace(' ', "");
        for words in
            ["接单", "10:02", rung, rank, "彭丁亥", &format!("已持单{held}"), card, "废气处理设施报警"]
        {
            assert!(
                text.contains(&words.replace(' ', "")),
                "{reader}: {words} is missing in\n{}",
                message.text
            );
        }
        assert_eq!(text.contains(&format!("已超时{late}")), !late.is_empty(), "{}", message.text);
    }
    // The department's room heard of its own three, the office's of the last one.
    let in_room: Vec<String> = shown(&show, "room-d06", None).into_iter().map(|(at, _)| at).collect();
    assert_eq!(in_room, ["10:02", "10:03", "10:04"]);
    assert!(
        shown(&show, "room-d01", None)
            .iter()
            .any(|(at, message)| at == "10:05" && message.text.contains("第 4 级"))
    );
    let orders = show.sandbox.messages("room-d06");
    assert!(
        orders.iter().any(|message| hour(message.at) == "10:05" && message.text.contains("督办")),
        "the order"
    );

    // Somebody accepts: it is quiet.
    county.client("O0030").accepts(&call).await;
    county.pass(1.minutes());
    show.runs_until("03-09 10:30").await;
    assert_eq!(shown(&show, "room-d06", None).len(), 3);
    show.forget().await;
}
