//! An administrator with a calendar in hand, and the job that follows.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yijiao::deadlines::calendars::recompute::{BATCH, Recompute};

use crate::kit::{Client, County, Refused};

pub const CALENDARS: &str = "/api/v1/admin/calendars";

impl County {
    /// The system administrator.
    pub fn admin(&self) -> Client<'_> {
        self.client("MARKET-HEAD")
    }

    pub fn recompute(&self) -> Recompute {
        let app = &self.app;
        let calendars = app.calls.calendars.clone();
        Recompute {
            db: app.db.clone(),
            calendars,
            clock: app.clock.clone(),
            wake: app.wake.clone(),
            batch: BATCH,
        }
    }

    /// Open deadlines follow the change of a calendar; how many moved.
    pub async fn follows(&self) -> i32 {
        self.recompute().run_once(self.now()).await.unwrap()
    }
}

impl Client<'_> {
    /// Puts a calendar; `of` is empty, or `/` and the code of a department.
    pub async fn puts_calendar(&self, of: &str, definition: &Value) -> Value {
        let request = self.request(Method::PUT, &format!("{CALENDARS}{of}")).await.json(definition);
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    pub async fn may_not_put_calendar(&self, of: &str, definition: &Value) -> Refused {
        self.refused(self.request(Method::PUT, &format!("{CALENDARS}{of}")).await.json(definition)).await
    }

    /// The county's calendar with one more exception.
    pub async fn calendar_with(&self, date: &str, kind: &str) -> Value {
        let mut definition = self.get(CALENDARS).await["definition"].take();
        let exceptions = definition["exceptions"].as_array_mut().unwrap();
        exceptions.push(json!({"date": date, "kind": kind, "name": "全县停电检修"}));
        definition
    }
}
