//! DESIGN §3: who may call whom. A room is a folder or file directly below `src/`; an edge is a path that names another room.

use std::collections::BTreeSet;

use crate::tree::{SRC, Source, find, word};

/// The rooms where everything meets; they may use all, and of the others only those that say so below may use them.
const COMPOSITION: [&str; 5] = ["app", "roles", "router", "server", "worker"];

/// Which rooms each room may use, beside itself. Whoever adds an edge adds it to DESIGN §3 and to the room's `mod.rs` too.
const EDGES: &[(&str, &[&str])] = &[
    // What a key of a request stood for is a table of its own.
    ("platform", &["schema"]),
    // The import seals a channel's secrets for the purpose for which notices opens them.
    ("organisation", &["notices", "platform", "schema"]),
    ("ledger", &["platform", "schema"]),
    // The extractors find the keys in the application.
    ("identity", &["app", "ledger", "organisation", "platform", "schema"]),
    // The rules of the county say how long a text may be.
    ("catalogue", &["deadlines", "organisation", "platform", "schema"]),
    // What an administrator does to a channel or a notice is an event.
    ("notices", &["ledger", "organisation", "platform", "schema"]),
    ("deadlines", &["ledger", "notices", "organisation", "platform", "schema"]),
    (
        "calls",
        &[
            "catalogue",
            "deadlines",
            "identity",
            "ledger",
            "notices",
            "organisation",
            "platform",
            "schema",
            "supervision",
        ],
    ),
    ("supervision", &["deadlines", "identity", "ledger", "notices", "organisation", "platform", "schema"]),
    // Reads any model, writes none.
    ("reports", &["app", "deadlines", "identity", "organisation", "platform"]),
    // Who is tried is called by an ordinary notice with a link; to what working time says he has to answer.
    ("drills", &["calls", "deadlines", "ledger", "notices", "organisation", "platform", "schema"]),
    // Whose card was tapped, and what the platforms' requests look like.
    ("bots", &["app", "calls", "drills", "identity", "notices", "organisation", "platform"]),
    // Which ladders are still climbed by is known where clocks are.
    ("purge", &["deadlines", "platform"]),
    ("sandbox", &["notices", "platform"]),
];

/// What a feature's `routes.rs` may use beyond its room: the parts, and who calls.
const ROUTES: [&str; 2] = ["app", "identity"];

/// Rooms that may be entered by one door only: (who, whom, the door).
const DOORS: [(&str, &str, &str); 3] = [
    ("sandbox", "notices", "channels"),
    ("organisation", "notices", "register"),
    ("catalogue", "deadlines", "limits"),
];

/// Macros of `platform` that Rust puts at the root of the crate.
const MACROS: [&str; 3] = ["id_type", "problem_codes", "text_enum"];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let mut broken = BTreeSet::new();
    let mut seen = 0;
    for source in SRC.iter() {
        let from = room(&source.path);
        if COMPOSITION.contains(&from) || ["lib", "main", "schema"].contains(&from) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == from) else {
            broken.insert(format!("src/{from} is a new room: give it its edges, here and in DESIGN §3"));
            continue;
        };
        for (to, door) in targets(source) {
            seen += 1;
            let own = to == from || allowed.contains(&to.as_str()) || MACROS.contains(&to.as_str());
            let route = source.path.ends_with("/routes.rs") && ROUTES.contains(&to.as_str());
            if !own && !route {
                broken.insert(format!("{} uses crate::{to}", source.path));
            }
            if let Some((_, _, only)) = DOORS.iter().find(|(who, whom, _)| *who == from && *whom == to)
                && door != *only
            {
                broken.insert(format!("{} enters crate::{to} not by ::{only}", source.path));
            }
        }
    }
    assert!(seen > 300, "only {seen} paths were seen");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_table_names_only_rooms_that_are_there() {
    let rooms: BTreeSet<&str> = SRC.iter().map(|source| room(&source.path)).collect();
    for (from, to) in EDGES {
        for name in to.iter().chain([from]) {
            assert!(rooms.contains(name), "src/{name} is not there any more");
        }
    }
}

fn room(path: &str) -> &str {
    word(path.strip_prefix("src/").expect("below src/"))
}

/// The rooms a file names, with what follows the room's name in the path.
fn targets(source: &Source) -> BTreeSet<(String, String)> {
    let code = &source.code;
    let mut found = BTreeSet::new();
    for at in find(code, "crate") {
        collect(code[at + "crate".len()..].trim_start(), &mut found);
    }
    // Out of a room by its roof: from src/a/b.rs the crate is super::super, from src/a/mod.rs it is super.
    let depth = source.path.matches('/').count() + usize::from(!source.path.ends_with("/mod.rs")) - 1;
    let roof = vec!["super"; depth].join("::");
    for at in find(code, &roof) {
        let mut out = BTreeSet::new();
        if !code[..at].ends_with("super::") {
            collect(&code[at + roof.len()..], &mut out);
        }
        let is_room = |name: &str| SRC.iter().any(|source| room(&source.path) == name);
        found.extend(out.into_iter().filter(|(name, _)| is_room(name) && name != room(&source.path)));
    }
    found
}

/// Reads `::a::b` or `::{a::b, c}`.
fn collect(path: &str, found: &mut BTreeSet<(String, String)>) {
    let Some(path) = path.strip_prefix("::").map(str::trim_start) else { return };
    let Some(group) = path.strip_prefix('{') else {
        found.extend(step(path));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(step(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

fn step(path: &str) -> Option<(String, String)> {
    let room = word(path);
    let door = path[room.len()..].strip_prefix("::").map(word).unwrap_or_default();
    (!room.is_empty()).then(|| (room.to_owned(), door.to_owned()))
}

#[test]
fn every_way_to_write_a_path_is_seen() {
    let file = |path: &str, code: &str| Source {
        path: path.to_owned(),
        text: String::new(),
        code: code.to_owned(),
        shipped: String::new(),
    };
    let rooms = |path, code| {
        targets(&file(path, code))
            .into_iter()
            .map(|(room, door)| format!("{room}/{door}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(rooms("src/a/b.rs", "use crate::calls::{x, y};"), "calls/");
    assert_eq!(
        rooms("src/a/b.rs", "use crate::{calls::{x, y}, notices, app::App};"),
        "app/App calls/ notices/"
    );
    assert_eq!(rooms("src/a/b.rs", "let x = crate::calls::read();"), "calls/read");
    assert_eq!(rooms("src/a/b.rs", "pub(crate) fn x() {}"), "");
    assert_eq!(rooms("src/notices/b.rs", "use super::super::calls::read;"), "calls/read");
    assert_eq!(rooms("src/notices/mod.rs", "use super::calls::read;"), "calls/read");
    assert_eq!(rooms("src/notices/b.rs", "use super::calls::read;"), "");
    assert_eq!(rooms("src/app.rs", "use super::calls::read;"), "calls/read");
}
