//! What the tests of supervision share: steps over HTTP, and what the ladder does in its own transaction.

use diesel_async::AsyncPgConnection;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use yijiao::deadlines::Clock;
use yijiao::deadlines::model::DeadlineId;
use yijiao::ledger::Actor;
use yijiao::organisation::{CountyId, DepartmentId, OfficerId};
use yijiao::platform::db::{DbError, Scope, Tx};
use yijiao::supervision::orders::{self, NewOrder, OrderId};

use crate::kit::{Client, County, Refused, View};

pub const ORDERS: &str = "/api/v1/supervision-orders";

/// What the product's own transactions begin with.
pub async fn begin(county: &County) -> (Tx, CountyId) {
    let id = id_of(county, "select id::text from counties where code = 'clear'").await;
    (county.app.db.begin(Scope::County(id)).await.unwrap(), CountyId(id))
}

pub async fn commit(tx: Tx) {
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
}

pub async fn id_of(county: &County, query: &str) -> Uuid {
    county.texts(query).await.remove(0).parse().unwrap()
}

pub async fn department(county: &County, code: &str) -> DepartmentId {
    DepartmentId(id_of(county, &format!("select id::text from departments where code = '{code}'")).await)
}

pub async fn officer(county: &County, code: &str) -> OfficerId {
    OfficerId(county.officer_id(code).await.parse().unwrap())
}

/// The row of a clock of a call.
pub async fn deadline(county: &County, call: &View, clock: &str) -> DeadlineId {
    let query =
        format!("select id::text from deadlines where subject_id = '{}' and clock = '{clock}'", call.id());
    DeadlineId(id_of(county, &query).await)
}

/// The ladder orders the power company to answer for a missed T1.
pub async fn ladder_orders(
    county: &County,
    conn: &mut AsyncPgConnection,
    clear: CountyId,
    call: &View,
) -> Option<OrderId> {
    let order = NewOrder {
        county: clear,
        call: Some(call.id().parse().unwrap()),
        deadline: Some(deadline(county, call, "accept").await),
        clock: Some(Clock::Accept),
        rung: Some(4),
        department: department(county, "POWER").await,
        issued_by: None,
        text: "超时一小时无人接单，请书面说明原因并立即安排".into(),
    };
    let (rules, calendars) = county.app.supervision.county(conn, clear).await.unwrap();
    orders::issue(conn, &calendars, &rules, order, &Actor::clock(), county.now()).await.unwrap()
}

impl Client<'_> {
    /// Posts something that is answered with a version.
    pub async fn posts(&self, path: &str, body: Value, expected: u16) -> View {
        let request = self.request(Method::POST, path).await.json(&body);
        View::read(request.send().await.unwrap(), StatusCode::from_u16(expected).unwrap()).await
    }

    /// Posts something that is answered without a version.
    pub async fn puts_in(&self, path: &str, body: Value) -> Value {
        let response = self.request(Method::POST, path).await.json(&body).send().await.unwrap();
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{} POST {path}: {body}", self.login);
        body
    }

    pub async fn may_not_post(&self, path: &str, body: Value) -> Refused {
        self.refused(self.request(Method::POST, path).await.json(&body)).await
    }

    /// Orders the department of a call to answer.
    pub async fn orders(&self, call: &View, text: &str) -> View {
        self.posts(ORDERS, json!({"callId": call.id(), "text": text}), 201).await
    }

    /// Takes a step with an order.
    pub async fn takes(&self, step: &str, order: &View, body: Value) -> View {
        self.posts(&format!("{ORDERS}/{}/{step}", order.id()), body, 200).await
    }

    pub async fn may_not_take(&self, step: &str, order: &View, body: Value) -> Refused {
        self.may_not_post(&format!("{ORDERS}/{}/{step}", order.id()), body).await
    }

    /// An order or a hand-over as this person sees it now.
    pub async fn looks_at(&self, path: &str) -> View {
        let request = self.request(Method::GET, path).await;
        View::read(request.send().await.unwrap(), StatusCode::OK).await
    }

    /// The kinds of the events behind a path, in order; the chain must hold.
    pub async fn events(&self, path: &str) -> Vec<String> {
        let story = self.get(&format!("{path}/events")).await;
        assert_eq!(story["verified"], true);
        let items = story["items"].as_array().unwrap();
        items.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids of any list, page by page to its end.
    pub async fn pages(&self, path: &str, query: &str) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?{query}&cursor={cursor}")).await;
            let items = page["items"].as_array().unwrap();
            ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return ids,
            }
        }
    }
}

/// Event, channel and officer of the notices about a subject, in the order they were posted.
pub async fn told(county: &County, subject: &str) -> Vec<String> {
    county
        .texts(&format!(
            "select concat_ws(' ', n.event, c.code, o.code) from notices n join channels c on c.id = n.channel_id
            left join officers o on o.id = n.officer_id where n.subject_id = '{subject}' order by n.created_at, n.id"
        ))
        .await
}

/// Nothing that must always hold is broken, and no chain either.
pub async fn all_is_well(county: &County) {
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = yijiao::supervision::check::broken_invariants(&mut tx).await.unwrap();
    assert_eq!(found.broken, Vec::<String>::new());
    let audit = yijiao::ledger::audit::verify_all(&mut tx).await.unwrap();
    assert_eq!(audit.broken, Vec::<String>::new());
}
