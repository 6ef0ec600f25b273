//! STYLE: files short and about one thing, names of the field, nothing unfinished.

use crate::tree::{SRC, Source, TESTS, find, only_exceptions, places, word};

const LONGEST: usize = 800;
const MEDIAN: usize = 150;
const HANDLER: usize = 25;

fn everywhere() -> impl Iterator<Item = &'static Source> {
    SRC.iter().chain(TESTS.iter())
}

#[test]
fn files_are_short() {
    let long = everywhere().filter(|source| source.text.lines().count() > LONGEST);
    only_exceptions("a file has at most 800 lines", long.map(|source| source.path.clone()), &[]);
    let mut lengths: Vec<usize> = SRC.iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < MEDIAN, "half of the files have {median} lines or more");
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<&str> =
        everywhere().filter(|source| !source.text.starts_with("//! ")).map(|source| &*source.path).collect();
    assert!(silent.is_empty(), "the first line is `//! …`: {silent:#?}");
}

/// DESIGN §3: extract, call one verb, answer.
#[test]
fn handlers_are_thin() {
    let mut long = Vec::new();
    for source in SRC.iter().filter(|source| source.path.ends_with("/routes.rs")) {
        let lines: Vec<&str> = source.shipped.lines().collect();
        for (at, line) in
            lines.iter().enumerate().filter(|(_, line)| line.contains("async fn ") && !line.ends_with('}'))
        {
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[at..].iter().position(|line| **line == closing).map_or(1, |end| end + 1);
            let name = line.split("async fn ").nth(1).map(word).unwrap_or_default();
            if length > HANDLER {
                long.push(format!("{} {name}", source.path));
            }
        }
    }
    only_exceptions("a handler has at most 25 lines", long, &[]);
}

#[test]
fn nothing_is_unfinished_or_switched_off() {
    let mut found = Vec::new();
    for source in everywhere() {
        for words in ["todo!", "unimplemented!", "dbg!", "#[ignore", "#[serial", "panic!(\"not implemented"] {
            found.extend(
                places(&source.path, &source.code, words).into_iter().map(|at| format!("{at} {words}")),
            );
        }
        for words in ["TODO", "FIXME", "XXX", "HACK"] {
            let spoken = |at: &usize| !source.code[*at..].starts_with(words);
            let comment = |at: &usize| {
                let line = source.text[..*at].rsplit('\n').next().unwrap_or_default();
                line.contains("//")
            };
            let marks = find(&source.text, words).filter(|at| spoken(at) && comment(at));
            found.extend(marks.map(|_| format!("{} {words}", source.path)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn names_are_words_of_the_field() {
    let mut empty = Vec::new();
    for source in SRC.iter() {
        for kind in ["struct ", "enum ", "trait ", "type "] {
            for at in find(&source.code, kind) {
                let name = word(&source.code[at + kind.len()..]);
                if ["Manager", "Helper", "Util", "Utils", "Data", "Info"]
                    .iter()
                    .any(|end| name.ends_with(end))
                {
                    empty.push(name.to_owned());
                }
            }
        }
        for at in find(&source.code, "fn ") {
            let name = word(&source.code[at + "fn ".len()..]);
            if name.starts_with("handle_") || name.starts_with("process_") {
                empty.push(name.to_owned());
            }
        }
    }
    only_exceptions(
        "a name says what the thing is",
        empty,
        &[
            ("ItemHelper", "a department that helps with an item (协办部门)"),
            ("PhoneInfo", "WeChat's own word, `phone_info`"),
        ],
    );
}

/// The lints deny it too; this holds also where somebody expects a lint away.
#[test]
fn shipped_code_does_not_panic_on_a_none() {
    let mut found = Vec::new();
    for source in SRC.iter() {
        for words in [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err(", "unreachable!(", "panic!("] {
            found.extend(
                places(&source.path, &source.shipped, words).into_iter().map(|at| format!("{at} {words}")),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_lints_are_as_strict_as_ever() {
    let manifest = crate::tree::read("Cargo.toml");
    for lint in [
        "unwrap_used",
        "expect_used",
        "indexing_slicing",
        "as_conversions",
        "dbg_macro",
        "todo",
        "unimplemented",
        "panic",
        "await_holding_lock",
        "large_futures",
        "disallowed_methods",
        "allow_attributes_without_reason",
    ] {
        assert!(manifest.contains(&format!("\n{lint} = \"deny\"")), "Cargo.toml no longer denies {lint}");
    }
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}
