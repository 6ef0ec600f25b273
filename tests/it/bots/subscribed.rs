//! WeChat tells who allowed messages: each tap of a person is one message, however often it is told, and nothing is counted twice.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::Show;

const TEMPLATE: &str = "demo-template-progress";
const OPENID: &str = "openid-e0001";

impl Show {
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
    // The first push proves that WeChat tells; of that tap the mini-program has told already.
    show.accepts().await;
    assert_eq!(show.left("E0001").await, 1);
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
