//! The chat platforms call the county back: their stand-in seals and signs what it sends as they do.

mod address;
mod card;
mod subscribed;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yijiao::sandbox::NotCalled;

use crate::kit::Show;

const CHANNELS: &str = "/api/v1/admin/channels";

impl Show {
    /// A channel as the system administrator sees it.
    async fn channel(&self, code: &str) -> Value {
        let all = self.county.client("O0003").get(CHANNELS).await;
        let mut all = all["items"].as_array().unwrap().iter();
        all.find(|channel| channel["code"] == code).unwrap().clone()
    }

    /// Enters in the platform's console what the county says is its address.
    async fn enters(&self, code: &str) -> Result<(), NotCalled> {
        let channel = self.channel(code).await;
        let path = channel["callback"]["url"].as_str().unwrap();
        let (_, path) = path.split_once("/bots/").unwrap();
        let url = self.county.url(&format!("/bots/{path}"));
        self.sandbox.save_callback(code, url.parse().unwrap()).await
    }

    /// The administrator changes by what a platform is known.
    async fn puts_callback(&self, code: &str, body: &Value) -> (StatusCode, Value) {
        let id = self.channel(code).await["id"].as_str().unwrap().to_owned();
        let administrator = self.county.client("O0003");
        let request = administrator.request(Method::PUT, &format!("{CHANNELS}/{id}/callback")).await;
        let answer = request.json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn ends_callback(&self, code: &str) {
        let id = self.channel(code).await["id"].as_str().unwrap().to_owned();
        let administrator = self.county.client("O0003");
        let request = administrator.request(Method::DELETE, &format!("{CHANNELS}/{id}/callback")).await;
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap()["callback"]["set"], json!(false));
    }
}
