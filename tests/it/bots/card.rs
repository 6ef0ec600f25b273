//! A card's own button: one tap in the chat and the call is accepted.

use serde_json::json;
use yijiao::sandbox::{NotCalled, Received};

use crate::kit::{Client, Show, View};

/// An enterprise calls; the officer's application shows it.
async fn called(show: &Show, item: &str, app: &str) -> (View, Received) {
    let call = show.county.client("E0001").raises(json!({"itemCode": item, "text": "请尽快"})).await;
    show.sends().await;
    (call, newest(show, app))
}

fn newest(show: &Show, app: &str) -> Received {
    show.sandbox.messages(app).pop().unwrap()
}

fn buttons(card: &Received) -> Vec<&str> {
    card.buttons.iter().map(|button| button.text.as_str()).collect()
}

fn links(card: &Received) -> Vec<&str> {
    card.links.iter().map(|link| link.text.as_str()).collect()
}

async fn holder(client: &Client<'_>, call: &View) -> (String, String) {
    let seen = client.sees(call).await;
    (seen.state().to_owned(), seen.holder().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tap_on_a_card_of_wecom_accepts_and_the_card_says_so() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    assert_eq!((buttons(&card), links(&card)), (vec!["接单"], vec!["查看详情"]));
    assert_eq!(card.mentions, ["o0059"]);

    assert_eq!(show.sandbox.tap(card.id, 0, None).await.unwrap().says, "您已接单");
    let enterprise = show.county.client("E0001");
    let name = call.holder();
    assert_eq!(holder(&enterprise, &call).await, ("accepted".to_owned(), name.to_owned()));
    let events = enterprise.get(&format!("/api/v1/calls/{}/events", call.id())).await;
    let accepted = events["items"].as_array().unwrap().iter().find(|event| event["kind"] == "call.accepted");
    assert_eq!(accepted.unwrap()["data"]["door"], "card", "{events}");
    let card = newest(&show, "app-wecom");
    assert_eq!((card.said.as_deref(), buttons(&card).len()), (Some("您已接单"), 0));

    // The card is drawn anew by the code that came with the tap.
    show.sends().await;
    let card = newest(&show, "app-wecom");
    assert!(card.title.starts_with("您已接单：") && card.redrawn_at.is_some(), "{}", card.title);
    assert!(card.text.contains("您处理了此事"), "{}", card.text);
    assert_eq!((card.said, links(&newest(&show, "app-wecom"))), (None, vec!["查看"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_in_feishu_is_told_at_once_and_a_second_one_changes_nothing() {
    let show = Show::open().await;
    show.enters("app-feishu").await.unwrap();
    let (call, card) = called(&show, "FZ01", "app-feishu").await;
    assert_eq!((buttons(&card), links(&card)), (vec!["接单"], vec!["查看详情"]));
    for _ in 0..2 {
        assert_eq!(show.sandbox.tap(card.id, 0, None).await.unwrap().says, "您已接单");
    }
    let enterprise = show.county.client("E0001");
    let told = enterprise.story(&call).await;
    assert_eq!(told.iter().filter(|event| *event == "call.accepted").count(), 1, "{told:?}");
    show.sends().await;
    let card = newest(&show, "app-feishu");
    assert!(card.title.starts_with("您已接单："), "{}", card.title);
    assert!(buttons(&card).is_empty(), "nothing is asked any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_second_or_has_nothing_to_do_with_it_is_told_how_it_stands() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    let by = |person: &'static str| show.sandbox.tap(card.id, 0, Some(person));
    // Passed on to somebody who is no officer, and to one of another department.
    assert_eq!(by("nobody").await.unwrap().says, "您不在人员名单中");
    assert_eq!(holder(&show.county.client("E0001"), &call).await.0, "dispatched");

    let card = newest(&show, "app-wecom");
    assert!(card.buttons.is_empty(), "the platform shows the answer to who tapped");
    let (_, card) = called(&show, "ZW06", "app-wecom").await;
    let other = show.sandbox.tap(card.id, 0, Some("o0015")).await.unwrap().says;
    assert_eq!(other, "已不由您办理");

    // The backup was quicker: by his own account, while the card of the first still asks.
    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    let backup = show.county.client("O0060");
    backup.accepts(&call).await;
    let name = backup.sees(&call).await.holder().to_owned();
    assert_eq!(show.sandbox.tap(card.id, 0, None).await.unwrap().says, format!("已由{name}接单"));

    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    show.county.client("E0001").does("withdraw", &call, json!({"reason": "已经解决"})).await;
    assert_eq!(show.sandbox.tap(card.id, 0, None).await.unwrap().says, "企业已撤回");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whom_the_ladder_calls_takes_it_by_his_card() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    let (call, _) = called(&show, "ZW06", "app-wecom").await;
    show.runs_until("03-09 10:31").await;
    let card =
        show.sandbox.messages("app-wecom").into_iter().find(|card| card.mentions == ["o0060"]).unwrap();
    assert_eq!(buttons(&card), ["接单"]);
    assert_eq!(show.sandbox.tap(card.id, 0, None).await.unwrap().says, "您已接单");
    show.sends().await;
    let backup = show.county.client("O0060");
    let (state, name) = holder(&backup, &call).await;
    assert_eq!(state, "accepted");
    let first =
        show.sandbox.messages("app-wecom").into_iter().find(|card| card.mentions == ["o0059"]).unwrap();
    assert!(first.title.starts_with(&format!("已由{name}接单：")), "{}", first.title);
    assert!(buttons(&first).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_has_no_such_button_until_its_platform_has_called_and_when_it_may_no_more() {
    let show = Show::open().await;
    let (_, card) = called(&show, "ZW06", "app-wecom").await;
    assert_eq!((buttons(&card).len(), links(&card)), (0, vec!["接单"]));
    show.enters("app-wecom").await.unwrap();
    let (_, asking) = called(&show, "ZW06", "app-wecom").await;
    assert_eq!(buttons(&asking), ["接单"]);

    show.ends_callback("app-wecom").await;
    let refused = show.sandbox.tap(asking.id, 0, None).await.unwrap_err();
    assert!(
        matches!(&refused, NotCalled::Refused { status: 404, body } if body.contains("callback_unknown")),
        "{refused}"
    );
    let (_, card) = called(&show, "ZW06", "app-wecom").await;
    assert_eq!((buttons(&card).len(), links(&card)), (0, vec!["接单"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_taps_at_one_instant_are_one_acceptance_and_the_card_is_redrawn() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    let tap = || show.sandbox.tap(card.id, 0, None);
    let (one, two) = tokio::join!(tap(), tap());
    assert_eq!([one.unwrap().says, two.unwrap().says], ["您已接单"; 2]);
    show.sends().await;
    assert!(newest(&show, "app-wecom").title.starts_with("您已接单："));
    let told = show.county.client("E0001").story(&call).await;
    assert_eq!(told.iter().filter(|event| *event == "call.accepted").count(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wecom_may_write_a_userid_in_capitals_and_no_other_platform_may() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    show.enters("app-feishu").await.unwrap();
    let (call, card) = called(&show, "ZW06", "app-wecom").await;
    assert_eq!(card.mentions, ["o0059"]);
    assert_eq!(show.sandbox.tap(card.id, 0, Some("O0059")).await.unwrap().says, "您已接单");
    assert_eq!(holder(&show.county.client("E0001"), &call).await.0, "accepted");

    let (call, card) = called(&show, "FZ01", "app-feishu").await;
    let shouted = card.mentions[0].to_uppercase();
    assert_ne!(shouted, card.mentions[0]);
    assert_eq!(show.sandbox.tap(card.id, 0, Some(&shouted)).await.unwrap().says, "您不在人员名单中");
    assert_eq!(holder(&show.county.client("E0001"), &call).await.0, "dispatched");
}
