//! Every enterprise of the demo county asks for every item of its catalogue, and taps once without any: somebody is always found.
//! Three tests, so that they share the cores.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use yijiao::calls::model::{Entrance, RouteRule, State};
use yijiao::calls::raise::{Tap, Words};
use yijiao::calls::standing::{Person, Powers};
use yijiao::deadlines::limits::Urgency;
use yijiao::organisation::CountyId;

use crate::kit::County;

#[tokio::test(flavor = "multi_thread")]
async fn every_item_finds_somebody_for_the_first_third_of_the_enterprises() {
    route_all(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_finds_somebody_for_the_second_third_of_the_enterprises() {
    route_all(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_finds_somebody_for_the_last_third_of_the_enterprises() {
    route_all(2).await;
}

async fn route_all(third: usize) {
    let county = County::demo();
    let id = county.texts("select id::text from counties").await.remove(0).parse().unwrap();
    let clerk = county.texts("select id::text from accounts where login = 'O0001'").await.remove(0);
    let enterprises = county.texts("select id::text from enterprises order by code").await;
    let items = county.texts("select code from service_items where active order by code").await;
    assert_eq!((enterprises.len(), items.len()), (520, 59));
    let words: Vec<Words> =
        std::iter::once(Words::Nothing).chain(items.into_iter().map(Words::Item)).collect();
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    let asked = stream::iter(enterprises.iter().skip(third).step_by(3)).map(|enterprise| {
        let taps: Vec<Tap> =
            words.iter().map(|words| tap(CountyId(id), &clerk, enterprise, words.clone(), &county)).collect();
        let county = &county;
        async move { county.would_route(&taps).await }
    });
    let mut answers = asked.buffer_unordered(4);
    while let Some(composed) = answers.next().await {
        for (composed, words) in composed.iter().zip(&words) {
            let call = &composed.call;
            *rules.entry(call.route_rule.as_str()).or_default() += 1;
            let triage = call.route_rule == RouteRule::Triage;
            assert_eq!(call.state, if triage { State::Triage } else { State::Dispatched });
            assert!(
                call.route_reason.contains(&composed.faces.holder.name),
                "{words:?}: {}",
                call.route_reason
            );
            assert_eq!(
                (composed.faces.department.id, composed.faces.holder.id),
                (call.department_id, call.holder_id)
            );
            assert!(!composed.clocks.is_empty() && composed.alarm.officer == Some(call.holder_id));
        }
    }
    let asked = enterprises.iter().skip(third).step_by(3).count();
    assert_eq!(rules.values().sum::<usize>(), asked * 60);
    for rule in ["item_card", "lead_officer"] {
        assert!(rules.get(rule).is_some_and(|count| *count > asked), "{rules:?}");
    }
    // Hardly anything needs a person to decide.
    assert!(rules.get("triage").copied().unwrap_or_default() < asked, "{rules:?}");
}

fn tap(id: CountyId, account: &str, enterprise: &str, words: Words, county: &County) -> Tap {
    let person = Person {
        county: id,
        account: account.parse().unwrap(),
        name: "登记人".into(),
        officer: None,
        department: None,
        powers: Powers::default(),
    };
    Tap {
        person,
        on_behalf: Some(Entrance::Phone),
        enterprise: Some(yijiao::organisation::EnterpriseId(enterprise.parse().unwrap())),
        words,
        text: String::new(),
        urgency: Urgency::Normal,
        visit: true,
        appointment_at: None,
        place: None,
        contact_name: None,
        contact_phone: None,
        key: None,
        bare: false,
        now: county.now() + TimeDelta::minutes(1),
    }
}
