//! The repository as text: its files, and its Rust code without comments, without the insides of strings, without unit tests.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Built, fetched or private to a machine; no part of the repository.
const NOT_OURS: [&str; 4] = [".git", ".dev", "target", "node_modules"];

/// One file of Rust.
pub struct Source {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of strings blanked; every byte stays where it is.
    pub code: String,
    /// The code with `#[cfg(test)]` items blanked as well: what is shipped.
    pub shipped: String,
}

/// All Rust of `src/`.
pub static SRC: LazyLock<Vec<Source>> = LazyLock::new(|| sources("src"));

/// All Rust of `tests/`.
pub static TESTS: LazyLock<Vec<Source>> = LazyLock::new(|| sources("tests"));

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository, by its path from the root.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below `folder`, sorted.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if NOT_OURS.contains(&&*name) || path.join("CACHEDIR.TAG").exists() {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// The path of a file from the root, with `/`.
pub fn name(file: &Path) -> String {
    file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

fn sources(folder: &str) -> Vec<Source> {
    let rust = files(folder).into_iter().filter(|file| file.extension().is_some_and(|it| it == "rs"));
    let sources: Vec<Source> = rust
        .map(|file| {
            let (path, text) = (name(&file), std::fs::read_to_string(&file).expect("UTF-8"));
            let code = code(&text);
            let tests_only =
                path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/");
            let shipped = if tests_only { String::new() } else { shipped(&code) };
            Source { path, text, code, shipped }
        })
        .collect();
    assert!(sources.len() > 10, "{folder}/ has only {} files of Rust", sources.len());
    sources
}

/// `path:line` of every place where `words` stand as whole words.
pub fn places(path: &str, code: &str, words: &str) -> Vec<String> {
    find(code, words).map(|at| format!("{path}:{}", code[..at].matches('\n').count() + 1)).collect()
}

/// Where `words` stand in `code` as whole words.
pub fn find<'a>(code: &'a str, words: &'a str) -> impl Iterator<Item = usize> + 'a {
    let starts_a_word = words.starts_with(is_word);
    let ends_a_word = words.ends_with(is_word);
    code.match_indices(words)
        .filter(move |(at, _)| !(starts_a_word && code[..*at].ends_with(is_word)))
        .filter(move |(at, _)| !(ends_a_word && code[at + words.len()..].starts_with(is_word)))
        .map(|(at, _)| at)
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The identifier at the beginning of `code`; empty when there is none.
pub fn word(code: &str) -> &str {
    &code[..code.find(|c| !is_word(c)).unwrap_or(code.len())]
}

/// Fails unless what was found is exactly what is excepted: a new offender is named, and so is an exception that is none any more.
pub fn only_exceptions(law: &str, found: impl IntoIterator<Item = String>, excepted: &[(&str, &str)]) {
    let found: std::collections::BTreeSet<String> = found.into_iter().collect();
    let new: Vec<_> = found.iter().filter(|it| excepted.iter().all(|(name, _)| name != it)).collect();
    let old: Vec<_> = excepted.iter().filter(|(name, _)| !found.contains(*name)).collect();
    assert!(new.is_empty(), "{law}; broken by {new:#?}");
    assert!(old.is_empty(), "{law}; no exceptions any more, so strike them from the list: {old:#?}");
}

/// Blanks comments and the insides of string and character literals.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match at(i) {
            '/' if at(i + 1) == '/' => (i..).find(|&j| matches!(at(j), '\n' | '\0')).unwrap_or(i),
            '/' if at(i + 1) == '*' => end_of_comment(&chars, i),
            '"' => end_of_string(&chars, i),
            'r' if matches!(at(i + 1), '"' | '#') && (i == 0 || !is_word(at(i - 1)) || at(i - 1) == 'b') => {
                end_of_raw_string(&chars, i).unwrap_or(i)
            }
            '\'' if at(i + 1) == '\\' => (i + 3..).find(|&j| at(j) == '\'').map_or(i, |j| j + 1),
            '\'' if at(i + 2) == '\'' => i + 3,
            _ => i,
        };
        if end <= i {
            out.push(at(i));
            i += 1;
        } else {
            let literal = at(i) != '/';
            for j in i..end.min(chars.len()) {
                let kept = at(j) == '\n' || (literal && (j == i || j + 1 == end));
                if kept { out.push(at(j)) } else { out.extend(std::iter::repeat_n(' ', at(j).len_utf8())) }
            }
            i = end;
        }
    }
    out
}

fn end_of_comment(chars: &[char], from: usize) -> usize {
    let (mut depth, mut i) = (0, from);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut i = from + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn end_of_raw_string(chars: &[char], from: usize) -> Option<usize> {
    let fence = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    let open = from + 1 + fence;
    (chars.get(open) == Some(&'"')).then(|| {
        let closes = |i: &usize| {
            chars[*i] == '"' && chars[i + 1..].iter().take(fence).filter(|c| **c == '#').count() == fence
        };
        (open + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + fence)
    })
}

/// Blanks every item under `#[cfg(test)]`.
fn shipped(code: &str) -> String {
    const TEST: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(TEST) {
        out.push_str(&rest[..start]);
        let mut depth = 0_i32;
        let end = rest[start + TEST.len()..].find(|c| {
            depth += match c {
                '{' | '(' | '[' => 1,
                '}' | ')' | ']' => -1,
                _ => 0,
            };
            depth == 0 && matches!(c, '}' | ';')
        });
        let end = end.map_or(rest.len(), |end| start + TEST.len() + end + 1);
        out.extend(rest[start..end].bytes().map(|c| if c == b'\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out + rest
}

#[test]
fn comments_strings_and_tests_are_no_code() {
    let text = "a; // b\nlet s = \"c\\\"d\"; let r = r#\"e\"f\"#; let l: &'g str; 'h'; '\\''; '在'; /* i /* j */ k */ m\n\
                #[cfg(test)]\nmod tests { fn n() { o } }\np";
    let code = code(text);
    let words: Vec<&str> = code.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let seen = "a let s let r r let l g str m cfg test mod tests fn n o p";
    assert_eq!(words.join(" "), seen);
    assert_eq!((code.len(), code.lines().count()), (text.len(), text.lines().count()));
    let shipped = shipped(&code);
    assert!(!shipped.contains('o') && shipped.ends_with('p'), "{shipped}");
}

#[test]
fn words_are_found_whole() {
    assert_eq!(find("now renow now_ x.now()", "now").collect::<Vec<_>>(), [0, 17]);
    assert_eq!(find("a.sleep( b", ".sleep(").count(), 1);
}
