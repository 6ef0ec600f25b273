//! What the server answered: a call, or a refusal.

use std::ops::Deref;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// A moment of 2026 in China, given as `03-10 09:30`.
pub fn wd(when: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(&format!("2026-{when}"), "%Y-%m-%d %H:%M").unwrap();
    local.and_utc() - TimeDelta::hours(8)
}

/// A call as somebody saw it.
#[derive(Clone, Debug)]
pub struct View {
    body: Value,
    /// Answered from an idempotency key.
    pub replayed: bool,
}

impl Deref for View {
    type Target = Value;
    fn deref(&self) -> &Value {
        &self.body
    }
}

impl View {
    pub async fn read(response: Response, expected: StatusCode) -> Self {
        let (status, url) = (response.status(), response.url().clone());
        let header =
            |name| response.headers().get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
        let (replayed, etag) = (header("idempotency-replayed").is_some(), header("etag"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, expected, "{url}: {body}");
        assert_eq!(etag, Some(format!("\"{}\"", body["version"])));
        Self { body, replayed }
    }

    pub fn id(&self) -> &str {
        self["id"].as_str().unwrap()
    }

    pub fn number(&self) -> &str {
        self["number"].as_str().unwrap()
    }

    pub fn state(&self) -> &str {
        self["state"].as_str().unwrap()
    }

    pub fn version(&self) -> i64 {
        self["version"].as_i64().unwrap()
    }

    pub fn holder(&self) -> &str {
        self["holder"]["name"].as_str().unwrap()
    }

    pub fn department(&self) -> &str {
        self["department"]["code"].as_str().unwrap()
    }

    /// Rule and reason of the route.
    pub fn route(&self) -> (&str, &str) {
        (self["route"]["rule"].as_str().unwrap(), self["route"]["reason"].as_str().unwrap())
    }

    pub fn texts(&self, field: &str) -> Vec<String> {
        let list = self[field].as_array().unwrap();
        list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// The latest clock of a name.
    pub fn clock(&self, name: &str) -> &Value {
        let clocks = self["clocks"].as_array().unwrap();
        let found = clocks.iter().rev().find(|clock| clock["name"] == name);
        found.unwrap_or_else(|| panic!("no clock {name} in {clocks:?}"))
    }

    /// The states of all clocks of a name, the oldest first.
    pub fn clock_states(&self, name: &str) -> Vec<&str> {
        let clocks = self["clocks"].as_array().unwrap();
        let named = clocks.iter().filter(|clock| clock["name"] == name);
        named.map(|clock| clock["state"].as_str().unwrap()).collect()
    }

    pub fn due(&self, name: &str) -> DateTime<Utc> {
        moment(&self.clock(name)["dueAt"])
    }

    pub fn started(&self, name: &str) -> DateTime<Utc> {
        moment(&self.clock(name)["startedAt"])
    }

    /// The names of the clocks that run.
    pub fn running(&self) -> Vec<&str> {
        let clocks = self["clocks"].as_array().unwrap();
        let mut names: Vec<_> = clocks
            .iter()
            .filter(|clock| clock["stoppedAt"].is_null() && clock["state"] != "paused")
            .map(|clock| clock["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// Name, start and due moment of every clock.
    pub fn clocks_of_time(&self) -> Vec<[&Value; 3]> {
        let clocks = self["clocks"].as_array().unwrap();
        clocks.iter().map(|clock| [&clock["name"], &clock["startedAt"], &clock["dueAt"]]).collect()
    }

    /// The latest side matter of a kind.
    pub fn matter(&self, kind: &str) -> &Value {
        let matters = self["matters"].as_array().unwrap();
        let found = matters.iter().rev().find(|matter| matter["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {matters:?}"))
    }
}

fn moment(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().unwrap();
    assert!(text.ends_with("+08:00"), "{text} is not a time of China");
    text.parse().unwrap()
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    pub status: u16,
    pub code: String,
    /// Seconds.
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Refused {
    pub async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let retry_after =
            response.headers().get("retry-after").map(|it| it.to_str().unwrap().parse().unwrap());
        let text = response.text().await.unwrap();
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{status} {text}");
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["status"], status, "{body}");
        Self { status, code: body["code"].as_str().unwrap().to_owned(), retry_after, body }
    }

    /// Asserts status and code.
    pub fn is(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code.as_str()), (status, code), "{}", self.body);
        self
    }

    /// Asserts that one field was refused for this reason.
    pub fn at_field(self, field: &str, code: &str) -> Self {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        assert!(
            errors.iter().any(|error| error["field"] == field && error["code"] == code),
            "no {field} {code} in {}",
            self.body
        );
        self
    }

    pub fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}
