//! A county's ladders and limits in its administrator's hands: put, refused, replayed, and seen in the rooms.

mod admin;
mod items;
mod kept;
mod rooms;
mod simulate;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{Client, Refused};

pub const LADDERS: &str = "/api/v1/admin/ladders";

impl Client<'_> {
    pub async fn puts_ladders(&self, own: &Value) -> Value {
        let response = self.request(Method::PUT, LADDERS).await.json(own).send().await.unwrap();
        let (status, tag) = (response.status(), response.headers().get("etag").cloned());
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(tag.unwrap(), format!("\"{}\"", body["version"]).as_str());
        body
    }

    pub async fn may_not_put_ladders(&self, own: &Value) -> Refused {
        self.refused(self.request(Method::PUT, LADDERS).await.json(own)).await
    }
}

/// One step as an administrator writes it.
pub fn step(rung: i16, at: &str, to: &str) -> Value {
    json!({"rung": rung, "at": at, "to": [to]})
}
