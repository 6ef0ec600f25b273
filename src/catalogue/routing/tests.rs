//! What the router makes of single texts, taught by the files of the demo county.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Aside, AsideKind, Example, ItemWords, Lessons, Reason, Router};

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
