//! Who finds which orders.

use reqwest::Method;
use serde_json::json;

use super::stage::{ORDERS, all_is_well};
use crate::calls::isolation::neighbour;
use crate::kit::{Client, County};

#[tokio::test(flavor = "multi_thread")]
async fn those_who_supervise_see_all_and_a_department_its_own() {
    let county = County::open();
    let (office, head) = (county.office(), county.head());
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let power = office.orders(&call, "请说明").await;
    let env = office.posts(ORDERS, json!({"departmentCode": "ENV", "text": "请说明"}), 201).await;
    head.takes("sign", &power, json!({})).await;
    let (power, env) = (power.id().to_owned(), env.id().to_owned());
    let both = vec![env.clone(), power.clone()];
    assert_eq!(office.pages(ORDERS, "limit=1").await, both);
    assert_eq!(county.inspector().pages(ORDERS, "").await, both);
    assert_eq!(office.pages(ORDERS, "departmentCode=ENV").await, vec![env.clone()]);
    assert_eq!(office.pages(ORDERS, "departmentCode=NOWHERE").await, Vec::<String>::new());
    assert_eq!(office.pages(ORDERS, "state=signed").await, vec![power.clone()]);
    assert_eq!(office.pages(ORDERS, &format!("callId={}", call.id())).await, vec![power.clone()]);
    // A department's people see their own, whatever they ask for.
    for query in ["", "departmentCode=ENV"] {
        assert_eq!(county.lead().pages(ORDERS, query).await, vec![power.clone()]);
    }
    assert_eq!(county.environment().pages(ORDERS, "").await, vec![env.clone()]);
    assert_eq!(county.stranger().pages(ORDERS, "").await, Vec::<String>::new());
    county.mill().may_not_get(ORDERS).await.is(403, "forbidden");

    county.until("03-10 09:00");
    assert_eq!(office.pages(ORDERS, "overdue=true").await, vec![env.clone()]);
    assert_eq!(office.pages(ORDERS, "overdue=false").await, vec![power]);
    let seen = county.environment_head().looks_at(&format!("{ORDERS}/{env}")).await;
    assert_eq!(seen.clock("order_sign")["state"], "missed");
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_county_find_no_such_order() {
    let county = County::open();
    neighbour(&county).await;
    let order = county.office().posts(ORDERS, json!({"departmentCode": "ENV", "text": "请说明"}), 201).await;
    let path = format!("{ORDERS}/{}", order.id());
    for login in ["OFFICE-DESK", "INSPECTOR", "ENV-HEAD"] {
        let person = Client::of_county(&county, "muddy", login);
        person.may_not_get(&path).await.is(404, "order_not_found");
        person.may_not_get(&format!("{path}/events")).await.is(404, "order_not_found");
        person.may_not_take("sign", &order, json!({})).await.is(404, "order_not_found");
        assert_eq!(person.pages(ORDERS, "").await, Vec::<String>::new());
    }
    let odd = county.office().request(Method::GET, &format!("{ORDERS}/junk")).await;
    county.office().refused(odd).await.is(404, "not_found");
}
