//! The people of the county: clients with verbs, each with the token of his account.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use yijiao::identity::operator;

use super::County;
use super::view::{Refused, View};

/// Somebody who is signed in.
pub struct Client<'a> {
    county: &'a County,
    pub login: String,
    /// The access token, and when it was issued.
    token: Mutex<Option<(String, DateTime<Utc>)>>,
}

macro_rules! people {
    ($($(#[$doc:meta])* $name:ident = $login:literal),+ $(,)?) => {
        /// The people of `tests/data/clear_county`.
        impl County { $( $(#[$doc])* pub fn $name(&self) -> Client<'_> { self.client($login) } )+ }
    };
}

people! {
    /// The owner of the flour mill in the park; it has contact cards.
    mill = "MILL",
    /// The owner of the brickworks in the town; it has none.
    kiln = "KILN",
    lead = "POWER-LEAD",
    backup = "POWER-BACKUP",
    deputy = "POWER-DEPUTY",
    head = "POWER-HEAD",
    dispatcher = "POWER-DESK",
    office = "OFFICE-DESK",
    office_head = "OFFICE-HEAD",
    inspector = "INSPECTOR",
    park = "PARK-LEAD",
    environment = "ENV-LEAD",
    environment_head = "ENV-HEAD",
    /// An officer of a department that has nothing to do with it.
    stranger = "MARKET-LEAD",
}

impl<'a> Client<'a> {
    pub fn new(county: &'a County, login: &str) -> Self {
        Self { county, login: login.to_owned(), token: Mutex::default() }
    }

    /// Signs in, or again when the token is old.
    pub async fn token(&self) -> String {
        let now = self.county.now();
        if let Some((token, at)) = self.token.lock().unwrap().as_ref()
            && now - *at < TimeDelta::minutes(10)
        {
            return token.clone();
        }
        let (db, keys) = (&self.county.app.db, &self.county.app.keys);
        let tokens = operator::issue_for(db, keys, self.county.code, &self.login, now).await.unwrap();
        *self.token.lock().unwrap() = Some((tokens.access_token.clone(), now));
        tokens.access_token
    }

    pub async fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let token = self.token().await;
        self.county.http().request(method, self.county.url(path)).bearer_auth(token)
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).await.send().await.unwrap();
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{} GET {path}: {body}", self.login);
        body
    }

    /// A request that is refused.
    pub async fn refused(&self, request: RequestBuilder) -> Refused {
        Refused::read(request.send().await.unwrap()).await
    }

    pub async fn may_not_get(&self, path: &str) -> Refused {
        self.refused(self.request(Method::GET, path).await).await
    }

    // The verbs, as an officer or an enterprise would name them.

    /// One tap.
    pub async fn raises(&self, body: Value) -> View {
        let request = self.request(Method::POST, "/api/v1/calls").await.json(&body);
        View::read(request.send().await.unwrap(), StatusCode::CREATED).await
    }

    pub async fn may_not_raise(&self, body: Value) -> Refused {
        self.refused(self.request(Method::POST, "/api/v1/calls").await.json(&body)).await
    }

    /// The call as this person sees it now.
    pub async fn sees(&self, call: &View) -> View {
        let path = format!("/api/v1/calls/{}", call.id());
        View::read(self.request(Method::GET, &path).await.send().await.unwrap(), StatusCode::OK).await
    }

    pub async fn does_not_see(&self, call: &View) {
        let refused = self.may_not_get(&format!("/api/v1/calls/{}", call.id())).await;
        refused.is(404, "call_not_found");
    }

    /// What the caller may do with the call now, in the order of the verbs.
    pub async fn may(&self, call: &View) -> Vec<String> {
        self.sees(call).await.texts("allowed")
    }

    /// Does a verb with a body.
    pub async fn does(&self, verb: &str, call: &View, body: Value) -> View {
        let path = format!("/api/v1/calls/{}/{verb}", call.id());
        let request = self.request(Method::POST, &path).await.json(&body);
        View::read(request.send().await.unwrap(), StatusCode::OK).await
    }

    /// Tries a verb in vain.
    pub async fn may_not(&self, verb: &str, call: &View, body: Value) -> Refused {
        let path = format!("/api/v1/calls/{}/{verb}", call.id());
        self.refused(self.request(Method::POST, &path).await.json(&body)).await
    }

    pub async fn accepts(&self, call: &View) -> View {
        self.does("accept", call, json!({})).await
    }

    pub async fn notes(&self, call: &View, text: &str) -> View {
        self.does("note", call, json!({ "text": text })).await
    }

    pub async fn promises(&self, call: &View, until: DateTime<Utc>) -> View {
        self.does("promise", call, json!({ "until": until })).await
    }

    pub async fn resolves(&self, call: &View) -> View {
        self.does("resolve", call, json!({ "result": "线路已修好，恢复供电" })).await
    }

    pub async fn confirms(&self, call: &View) -> View {
        let scores = json!({ "speed": 5, "attitude": 5, "ability": 4, "result": 5, "words": "来得快" });
        self.does("confirm", call, scores).await
    }

    pub async fn rejects(&self, call: &View) -> View {
        self.does("reject", call, json!({ "reason": "又停了" })).await
    }

    /// The kinds of the call's events, in order; the chain must hold.
    pub async fn story(&self, call: &View) -> Vec<String> {
        let story = self.get(&format!("/api/v1/calls/{}/events", call.id())).await;
        assert_eq!(story["verified"], true);
        let events = story["items"].as_array().unwrap();
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids of a list, page by page to its end.
    pub async fn lists(&self, query: &str) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/calls?{query}&cursor={cursor}")).await;
            let items = page["items"].as_array().unwrap();
            ids.extend(items.iter().map(|call| call["id"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return ids,
            }
        }
    }
}
