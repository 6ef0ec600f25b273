//! STYLE habit 7: every error code is produced somewhere, means one thing in the whole product, and is said in both languages.

use std::collections::BTreeSet;

use yijiao::bots::callback::BotsCode;
use yijiao::calls::error::CallCode;
use yijiao::deadlines::calendars::error::CalendarCode;
use yijiao::deadlines::ladders::error::LadderCode;
use yijiao::drills::error::DrillCode;
use yijiao::identity::error::IdentityCode;
use yijiao::notices::admin::error::NoticeCode;
use yijiao::platform::http::problem::{Code, CommonCode};
use yijiao::reports::simulate::error::SimulateCode;
use yijiao::supervision::error::SupervisionCode;

use crate::tree::{SRC, find, only_exceptions, word};

/// Every enum of codes; one that is missing here fails `every_enum_of_codes_is_known`.
fn enums() -> Vec<(&'static str, Vec<Code>)> {
    fn all<T: Copy>(codes: &[T], def: fn(T) -> Code) -> Vec<Code> {
        codes.iter().map(|code| def(*code)).collect()
    }
    vec![
        ("CommonCode", all(CommonCode::ALL, CommonCode::def)),
        ("IdentityCode", all(IdentityCode::ALL, IdentityCode::def)),
        ("CallCode", all(CallCode::ALL, CallCode::def)),
        ("SupervisionCode", all(SupervisionCode::ALL, SupervisionCode::def)),
        ("NoticeCode", all(NoticeCode::ALL, NoticeCode::def)),
        ("BotsCode", all(BotsCode::ALL, BotsCode::def)),
        ("DrillCode", all(DrillCode::ALL, DrillCode::def)),
        ("CalendarCode", all(CalendarCode::ALL, CalendarCode::def)),
        ("LadderCode", all(LadderCode::ALL, LadderCode::def)),
        ("SimulateCode", all(SimulateCode::ALL, SimulateCode::def)),
    ]
}

fn codes() -> impl Iterator<Item = Code> {
    enums().into_iter().flat_map(|(_, codes)| codes)
}

/// An enum as its source declares it: name and variants, and where the declaration ends.
struct Declared {
    path: &'static str,
    name: &'static str,
    variants: Vec<&'static str>,
    /// The code of its file without the declaration.
    rest: String,
}

fn declared() -> Vec<Declared> {
    let mut found = Vec::new();
    for source in SRC.iter() {
        for at in find(&source.shipped, "problem_codes! {") {
            let block = &source.shipped[at..];
            let end = block.match_indices('}').nth(1).map_or(block.len(), |(end, _)| end);
            let (head, body) =
                block[..end].split_once('{').and_then(|(_, it)| it.split_once('{')).expect("a body");
            let variants = body
                .split(" = ")
                .zip(body.split(" = ").skip(1))
                .filter(|(_, value)| value.starts_with(|c: char| c.is_ascii_digit()))
                .map(|(before, _)| before.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default())
                .collect();
            let rest = format!("{}{}", &source.shipped[..at], &block[end..]);
            found.push(Declared { path: &source.path, name: word(head.trim_start()), variants, rest });
        }
    }
    found
}

#[test]
fn every_enum_of_codes_is_known() {
    let known: BTreeSet<_> = enums().into_iter().map(|(name, codes)| (name, codes.len())).collect();
    let declared: BTreeSet<_> = declared().iter().map(|it| (it.name, it.variants.len())).collect();
    assert_eq!(known, declared, "tests/laws/codes.rs names every `problem_codes!` enum");
}

#[test]
fn every_code_is_produced_somewhere() {
    let mut unused = Vec::new();
    for it in declared() {
        for variant in &it.variants {
            let used = format!("{}::{variant}", it.name);
            let elsewhere = SRC.iter().any(|source| {
                let code = if source.path == it.path { &it.rest } else { &source.shipped };
                find(code, &used).next().is_some()
            });
            if !elsewhere {
                unused.push(used);
            }
        }
    }
    only_exceptions("an error code is produced somewhere, or struck", unused, &[]);
}

#[test]
fn a_code_means_one_thing_in_the_whole_product() {
    let mut seen = BTreeSet::new();
    for Code { code, .. } in codes() {
        assert!(seen.insert(code), "{code} is declared twice");
        let snake = code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
        assert!(snake && !code.starts_with('_') && !code.ends_with('_'), "{code} is not snake_case");
        assert!(code.len() <= 40, "{code} is a sentence");
    }
}

#[test]
fn a_code_has_a_status_that_says_the_same() {
    for Code { code, status, .. } in codes() {
        let fits = match status {
            // Away for a while: the answer carries Retry-After.
            503 => code.ends_with("unavailable"),
            500 => code == "internal",
            404 => {
                ["not_found", "unknown", "not_bound", "not_registered"].iter().any(|end| code.ends_with(end))
            }
            401 => ["token_", "refresh_", "login_", "callback_"].iter().any(|start| code.starts_with(start)),
            405 => code == "method_not_allowed",
            408 => code.ends_with("timeout"),
            413 => code.ends_with("too_large"),
            415 => code == "unsupported_media_type",
            400 | 403 | 409 | 422 | 429 => !code.ends_with("not_found") && !code.ends_with("unavailable"),
            _ => false,
        };
        assert!(fits, "{code} is answered with {status}");
    }
}

#[test]
fn a_problem_is_said_in_both_languages() {
    for Code { code, zh, en, .. } in codes() {
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(han(zh), "{code}: {zh:?} is not Chinese");
        assert!(!en.is_empty() && !han(en), "{code}: {en:?} is not English");
        for text in [zh, en] {
            assert_eq!(text.trim(), text, "{code}");
            assert!(!text.ends_with(['.', '。']), "{code}: a title, so without a full stop: {text:?}");
        }
    }
}
