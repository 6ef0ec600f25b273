//! Measures the suggest endpoint of the demo county on calls that stand in none of its lessons, and holds the floors told in
//! `docs/ROUTING.md`.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::kit::County;

fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

/// What the endpoint says.
struct Answer(Value);

impl Answer {
    fn clear(&self) -> bool {
        self.0["clear"].as_bool().unwrap()
    }

    /// The first three codes.
    fn three(&self) -> Vec<&str> {
        let items = self.0["items"].as_array().unwrap();
        items.iter().take(3).map(|item| item["itemCode"].as_str().unwrap()).collect()
    }
}

/// The answers to the texts, in their order, each asked by an enterprise.
async fn asked(county: &County, texts: impl Iterator<Item = &str>) -> Vec<Answer> {
    let ask = |text: String| async move {
        let owner = county.client("E0001");
        let request = owner.request(Method::POST, "/api/v1/catalogue/suggest").await;
        let answer = request.json(&json!({"text": text})).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{text}");
        Answer(answer.json().await.unwrap())
    };
    let asked: Vec<_> = texts.map(str::to_owned).map(ask).collect();
    stream::iter(asked).buffered(4).collect().await
}

/// A labelled call; `label` or one of `alt` is right.
#[derive(Deserialize)]
struct HeldOut {
    text: String,
    label: String,
    alt: Vec<String>,
    template: String,
}

impl HeldOut {
    fn is_right(&self, code: &str) -> bool {
        code == self.label || self.alt.iter().any(|also| also == code)
    }
}

#[derive(Deserialize)]
struct Hard {
    kind: String,
    text: String,
    labels: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_item_of_unseen_phrasings_is_found_and_hard_cases_are_left_to_a_person() {
    let county = County::demo();
    found(&county).await;
    left(&county).await;
}

async fn found(county: &County) {
    let calls: Vec<HeldOut> = lines("routing_heldout.jsonl");
    let answers = asked(county, calls.iter().map(|call| call.text.as_str())).await;
    let first =
        |call: &HeldOut, answer: &Answer| answer.three().first().is_some_and(|code| call.is_right(code));
    let both: Vec<_> = calls.iter().zip(&answers).collect();
    let ones = both.iter().filter(|(call, answer)| first(call, answer)).count();
    let threes =
        both.iter().filter(|(call, answer)| answer.three().iter().any(|code| call.is_right(code))).count();
    let clear: Vec<_> = both.iter().filter(|(_, answer)| answer.clear()).collect();
    let clear_right = clear.iter().filter(|(call, answer)| first(call, answer)).count();
    let templates: BTreeSet<&str> = calls.iter().map(|call| call.template.as_str()).collect();
    println!(
        "held out: {} calls of {} templates; top-1 {ones} = {:.3}, top-3 {threes} = {:.3}; clear {} = {:.3}, of these right {clear_right} = {:.3}",
        calls.len(),
        templates.len(),
        share(ones, calls.len()),
        share(threes, calls.len()),
        clear.len(),
        share(clear.len(), calls.len()),
        share(clear_right, clear.len()),
    );
    assert!(share(ones, calls.len()) >= 0.86);
    assert!(share(threes, calls.len()) >= 0.95);
    assert!(share(clear.len(), calls.len()) >= 0.60, "a router that never dares is of no use");
    assert!(share(clear_right, clear.len()) >= 0.95);
}

async fn left(county: &County) {
    let cases: Vec<Hard> = lines("routing_hard.jsonl");
    let answers = asked(county, cases.iter().map(|case| case.text.as_str())).await;
    let (mut person, mut left, mut several, mut all) = (0, 0, 0, 0);
    for (case, answer) in cases.iter().zip(&answers) {
        let three = answer.three();
        if case.kind == "single" {
            assert!(answer.clear() && three[0] == case.labels[0], "{} {}", case.text, answer.0);
            continue;
        }
        person += 1;
        left += usize::from(!answer.clear());
        if case.kind == "multi" {
            several += 1;
            all += usize::from(case.labels.iter().all(|code| three.contains(&code.as_str())));
        }
    }
    println!(
        "hard: {left} of {person} left to a person; all wanted items in the top 3 in {all} of {several}"
    );
    assert!(share(left, person) >= 0.95);
    assert!(share(all, several) >= 0.90);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_is_told_in_the_language_of_the_request() {
    let county = County::open();
    let mill = county.mill();
    let told = async |language: &str| {
        let request = mill.request(Method::POST, "/api/v1/catalogue/suggest").await;
        let request = request.header("accept-language", language).json(&json!({"text": "谢谢！！！"}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["reason"], "follow_up");
        answer["explanation"].as_str().unwrap().to_owned()
    };
    assert!(told("zh-CN").await.contains("请人工回问"));
    assert!(told("en").await.is_ascii());
}
