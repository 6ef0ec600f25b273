//! Measures the demo county's router on calls nobody tuned it on, and holds the floors told in `docs/ROUTING.md`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Aside, AsideKind, Example, ItemWords, Lessons, Ranked, Reason, Router, Suggestion};

/// Towns and parks of the demo county, as calls name them.
const PLACES: &[&str] = &[
    "城关",
    "庄里",
    "张桥",
    "美原",
    "流曲",
    "淡村",
    "留古",
    "老庙",
    "薛镇",
    "到贤",
    "曹村",
    "宫里",
    "梅家坪",
    "刘集",
    "齐村",
    "东华",
    "高新区",
    "富阎",
];

static ROUTER: LazyLock<Router> = LazyLock::new(|| Router::learn(&demo_lessons()));

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = file("config/counties/demo").join(name);
    csv::Reader::from_path(&path).unwrap().into_deserialize().map(|row| row.unwrap()).collect()
}

fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(file("tests/data").join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn words(cell: &str) -> Vec<String> {
    cell.split('|').map(str::to_owned).collect()
}

#[derive(Deserialize)]
struct ItemRow {
    code: String,
    name: String,
    keywords: String,
    synonyms: String,
}

#[derive(Deserialize)]
struct TextRow {
    item_code: String,
    text: String,
}

fn demo_lessons() -> Lessons {
    let mut expressions: HashMap<String, Vec<String>> = rows::<(String, String)>("catalogue_words.csv")
        .into_iter()
        .map(|(code, cell)| (code, words(&cell)))
        .collect();
    let items = rows::<ItemRow>("catalogue.csv").into_iter().map(|row| ItemWords {
        expressions: expressions.remove(&row.code).unwrap_or_default(),
        code: row.code,
        name: row.name,
        department_words: Vec::new(),
        keywords: words(&row.keywords),
        synonyms: words(&row.synonyms),
    });
    let items = items.collect();
    assert!(expressions.is_empty(), "words for unknown items: {:?}", expressions.keys());
    let examples = ["catalogue_sayings.csv", "catalogue_examples.csv"].into_iter().flat_map(rows::<TextRow>);
    let asides = rows::<(String, String)>("catalogue_asides.csv").into_iter().map(|(kind, text)| Aside {
        kind: AsideKind::parse(&kind).unwrap_or_else(|| panic!("unknown kind {kind}")),
        text,
    });
    Lessons {
        items,
        examples: examples.map(|row| Example { item: row.item_code, text: row.text }).collect(),
        asides: asides.collect(),
        places: PLACES.iter().map(ToString::to_string).collect(),
    }
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
    fn right(&self, ranked: &Ranked) -> bool {
        ranked.code == self.label || self.alt.contains(&ranked.code)
    }
}

#[derive(Deserialize)]
struct Hard {
    kind: String,
    text: String,
    labels: Vec<String>,
}

fn share(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

#[test]
fn finds_the_item_of_unseen_phrasings() {
    let calls: Vec<HeldOut> = lines("routing_heldout.jsonl");
    let answers: Vec<(&HeldOut, Suggestion)> =
        calls.iter().map(|call| (call, ROUTER.suggest(&call.text, 3))).collect();
    let first = answers.iter().filter(|(call, answer)| call.right(&answer.ranked[0])).count();
    let three = answers.iter().filter(|(call, answer)| answer.ranked.iter().any(|r| call.right(r))).count();
    let clear: Vec<_> = answers.iter().filter(|(_, answer)| answer.clear).collect();
    let clear_right = clear.iter().filter(|(call, answer)| call.right(&answer.ranked[0])).count();
    let templates: std::collections::BTreeSet<&str> =
        calls.iter().map(|call| call.template.as_str()).collect();
    println!(
        "held out: {} calls of {} templates; top-1 {first} = {:.3}, top-3 {three} = {:.3}; clear {} = {:.3}, of these right {clear_right} = {:.3}",
        calls.len(),
        templates.len(),
        share(first, calls.len()),
        share(three, calls.len()),
        clear.len(),
        share(clear.len(), calls.len()),
        share(clear_right, clear.len()),
    );
    assert!(share(first, calls.len()) >= 0.86);
    assert!(share(three, calls.len()) >= 0.95);
    assert!(share(clear.len(), calls.len()) >= 0.60, "a router that never dares is of no use");
    assert!(share(clear_right, clear.len()) >= 0.95);
}

#[test]
fn leaves_hard_cases_to_a_person() {
    let cases: Vec<Hard> = lines("routing_hard.jsonl");
    let (mut person, mut left, mut several, mut both) = (0, 0, 0, 0);
    for case in &cases {
        let answer = ROUTER.suggest(&case.text, 3);
        if case.kind == "single" {
            assert!(answer.clear && answer.ranked[0].code == case.labels[0], "{} {answer:?}", case.text);
            continue;
        }
        person += 1;
        left += usize::from(!answer.clear);
        if case.kind == "multi" {
            several += 1;
            both += usize::from(case.labels.iter().all(|code| answer.ranked.iter().any(|r| r.code == *code)));
        }
    }
    println!(
        "hard: {left} of {person} left to a person; all wanted items in the top 3 in {both} of {several}"
    );
    assert!(share(left, person) >= 0.95);
    assert!(share(both, several) >= 0.90);
}

#[test]
fn gives_the_reason() {
    for (text, reason) in [
        ("厂里停电了，机器全停了", Reason::Clear),
        ("公章丢了要补刻", Reason::Clear),
        ("停电了，另外公章丢了要补刻", Reason::SeveralMatters),
        ("我家里漏水，找物业没人管", Reason::OutOfScope),
        ("上次那个事办得咋样了，催一下", Reason::FollowUp),
        ("", Reason::FollowUp),
        ("谢谢！！！", Reason::FollowUp),
        ("😀😀", Reason::FollowUp),
        ("13888", Reason::NothingMatched),
    ] {
        let answer = ROUTER.suggest(text, 3);
        assert_eq!(answer.reason, reason, "{text} {answer:?}");
        assert_eq!(answer.clear, reason == Reason::Clear);
    }
}

#[test]
fn tells_which_words_explain_it() {
    let answer = ROUTER.suggest("电子印章咋申请", 1);
    assert_eq!(answer.ranked.len(), 1);
    assert_eq!(
        (answer.ranked[0].code.as_str(), answer.ranked[0].matched.clone()),
        ("ZW05", vec!["电子印章".into()])
    );
    assert!((0.0..=1.0).contains(&answer.ranked[0].score));
}

#[test]
fn reads_any_input() {
    for text in
        ["\u{0}\u{7}\u{202e}", "a", "<", "<b", "的", "\u{301}", &"停电".repeat(5_000), &"，".repeat(10_000)]
    {
        assert!(ROUTER.suggest(text, 5).ranked.len() <= 5);
    }
    let none = Router::learn(&Lessons::default()).suggest("停电", 3);
    assert_eq!((none.ranked.len(), none.reason), (0, Reason::NothingMatched));
    assert!(ROUTER.suggest("停电", 0).ranked.is_empty());
}
