//! WeChat tells who allowed messages: each tap of a person is one message, however often it is told, and nothing is counted twice.

use reqwest::Method;
use serde_json::{Value, json};
use yijiao::sandbox::{NotCalled, Received};

use crate::kit::Show;

const TEMPLATE: &str = "demo-template-progress";
const OPENID: &str = "openid-e0001";
const CHANNEL: &str = "wechat-enterprise";

impl Show {
    /// The enterprise is told by WeChat that its call was accepted: the message as its person has it.
    async fn tells_by_wechat(&self) -> Received {
        let call = self.county.client("E0001").raises(json!({"itemCode": "ZW06", "text": "请尽快"})).await;
        self.sandbox.accept_subscription(OPENID, TEMPLATE);
        self.county.client("O0059").accepts(&call).await;
        self.sends().await;
        self.sandbox.messages(CHANNEL).pop().unwrap()
    }

    /// The latest notice by WeChat as the system administrator sees it.
    async fn notice(&self) -> Value {
        let (channel, administrator) = (self.channel(CHANNEL).await, self.county.client("O0003"));
        let path = format!("/api/v1/admin/notices?channelId={}", channel["id"].as_str().unwrap());
        let latest = administrator.get(&path).await["items"][0]["id"].clone();
        administrator.get(&format!("/api/v1/admin/notices/{}", latest.as_str().unwrap())).await
    }

    async fn alters_notices(&self, change: &str) {
        let channel = self.channel(CHANNEL).await["id"].clone();
        let change =
            format!("update notices set {change} where channel_id = '{}'", channel.as_str().unwrap());
        self.county.alter(&change).await;
    }

    /// The owner of the enterprise has the mini-program.
    async fn has_mini_program(&self, login: &str) {
        let entered = format!(
            "insert into platform_logins (id, county_id, account_id, platform, app_id, external_id, bound_at) \
             select gen_random_uuid(), a.county_id, a.id, 'wechat', 'wx-sandbox', '{OPENID}', a.created_at \
             from accounts a where a.login = '{login}'"
        );
        self.county.alter(&entered).await;
    }

    async fn left(&self, login: &str) -> i64 {
        let mine = self.county.client(login).get("/api/v1/me/subscriptions").await;
        let mut mine = mine["items"].as_array().unwrap().iter();
        mine.find(|item| item["templateId"] == TEMPLATE).unwrap()["left"].as_i64().unwrap()
    }

    async fn reports(&self, login: &str) {
        let client = self.county.client(login);
        let body: Value = json!({"results": {TEMPLATE: "accept"}});
        let request = client.request(Method::POST, "/api/v1/me/subscriptions").await;
        assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    }

    async fn accepts(&self) {
        self.sandbox.push_subscription(OPENID, TEMPLATE, "accept").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_counts_once_whoever_tells_of_it() {
    let show = Show::open().await;
    show.has_mini_program("E0001").await;
    show.reports("E0001").await;
    assert_eq!(
        show.left("E0001").await,
        1,
        "as long as WeChat tells nothing, the mini-program's word counts"
    );

    show.enters("wechat-enterprise").await.unwrap();
    // The first push proves that WeChat tells; of that tap the mini-program has told already. Told again, because our answer was lost on
    // the way, it still is that tap.
    for _ in 0..2 {
        show.accepts().await;
        assert_eq!(show.left("E0001").await, 1);
    }
    show.county.pass(chrono::TimeDelta::seconds(1));
    show.reports("E0001").await;
    assert_eq!(show.left("E0001").await, 1, "from now on WeChat's word counts");
    show.accepts().await;
    show.accepts().await;
    assert_eq!(show.left("E0001").await, 2, "told twice, it is one");
    show.county.pass(chrono::TimeDelta::seconds(1));
    show.accepts().await;
    show.sandbox.push_subscription(OPENID, TEMPLATE, "reject").await.unwrap();
    assert_eq!(show.left("E0001").await, 3, "who refuses this time keeps what he gave before");
    // Nobody that the county knows, and no template of its own.
    show.sandbox.push_subscription("somebody", TEMPLATE, "accept").await.unwrap();
    show.sandbox.push_subscription(OPENID, "other", "accept").await.unwrap();
    assert_eq!(show.left("E0001").await, 3);

    // And it buys messages.
    let call = show.county.client("E0001").raises(json!({"itemCode": "ZW06", "text": "请尽快"})).await;
    show.sandbox.accept_subscription(OPENID, TEMPLATE);
    show.county.client("O0059").accepts(&call).await;
    show.sends().await;
    assert_eq!(show.left("E0001").await, 2);
    assert!(show.sandbox.messages("wechat-enterprise").len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_wechat_took_and_did_not_deliver_is_given_up_where_everybody_sees_it() {
    let show = Show::open().await;
    show.has_mini_program("E0001").await;
    for _ in 0..3 {
        show.reports("E0001").await;
    }
    show.enters(CHANNEL).await.unwrap();
    let message = show.tells_by_wechat().await;
    let taken = show.notice().await;
    assert_eq!((&taken["state"], &taken["attempt"]), (&json!("sent"), &json!(1)));
    assert_eq!(show.left("E0001").await, 2);

    show.county.pass(chrono::TimeDelta::seconds(3));
    show.sandbox.push_undelivered(message.id, 43101).await.unwrap();
    let given_up = show.notice().await;
    assert_eq!((&given_up["state"], &given_up["sentAt"]), (&json!("dead"), &Value::Null));
    assert_eq!(given_up["reason"], "undelivered: 43101 user refuse");
    assert!(given_up["words"].as_str().unwrap().contains("没有送到"), "{given_up}");
    let outcomes: Vec<_> =
        given_up["attempts"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["delivered", "undelivered"]);
    assert_eq!(given_up["attempts"][1]["excerpt"], "43101 user refuse");
    assert_eq!(given_up["attempts"][1]["startedAt"], "2026-03-09T10:00:03+08:00");
    let health = show.channel(CHANNEL).await["health"].clone();
    assert_eq!((&health["sent"], &health["failed"]), (&json!(0), &json!(1)), "{health}");
    assert_eq!(show.left("E0001").await, 0, "who refuses has nothing left");
    let inbox = show.county.client("E0001").get("/api/v1/inbox").await;
    let mut news = inbox["items"].as_array().unwrap().iter();
    assert!(news.any(|item| item["id"] == given_up["id"]), "his inbox has it: {inbox}");

    // Told again it changes nothing: what he allowed since then counts.
    show.accepts().await;
    show.sandbox.push_undelivered(message.id, 43101).await.unwrap();
    assert_eq!((show.notice().await, show.left("E0001").await), (given_up.clone(), 1));

    // The administrator sends it again, and that message is another one.
    show.sandbox.accept_subscription(OPENID, TEMPLATE);
    let path = format!("/api/v1/admin/notices/{}/retry", given_up["id"].as_str().unwrap());
    let administrator = show.county.client("O0003");
    let again = administrator.request(Method::POST, &path).await.json(&json!({})).send().await.unwrap();
    assert_eq!(again.status(), 200);
    show.sends().await;
    show.sandbox.push_undelivered(message.id, 43101).await.unwrap();
    let sent = show.notice().await;
    assert_eq!((&sent["state"], &sent["attempt"]), (&json!("sent"), &json!(3)), "{sent}");
    assert_eq!(sent["attempts"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wechat_tells_of_a_message_that_is_not_settled_yet_is_told_again() {
    let show = Show::open().await;
    show.has_mini_program("E0001").await;
    show.reports("E0001").await;
    show.enters(CHANNEL).await.unwrap();
    let message = show.tells_by_wechat().await;
    let named = "select provider_id from notices where provider_id is not null and account_id is not null";
    let name = show.county.texts(named).await.pop().unwrap();

    // Its sender has the answer and has not written it down.
    let until = "due_at = created_at + interval '1 minute', provider_id = null, sent_at = null";
    show.alters_notices(&format!("state = 'sending', {until}")).await;
    let early = show.sandbox.push_undelivered(message.id, 43101).await.unwrap_err();
    assert!(matches!(&early, NotCalled::Refused { status: 503, .. }), "{early}");
    assert_eq!(show.channel(CHANNEL).await["callback"]["calledAt"], Value::Null, "nothing has changed");
    let written = format!("state = 'sent', due_at = null, provider_id = '{name}', sent_at = created_at");
    show.alters_notices(&written).await;
    show.sandbox.push_undelivered(message.id, 43101).await.unwrap();
    assert_eq!(show.notice().await["state"], "dead");

    // Of a message that nobody knows there is nothing to say, and it is not told again for ever.
    show.alters_notices("state = 'sent', provider_id = 'another', sent_at = created_at").await;
    show.sandbox.push_undelivered(message.id, 43101).await.unwrap();
    assert_eq!(show.notice().await["state"], "sent");
}
