//! Law 9: one clock. `now` is a parameter; only `platform::clock` asks the machine, and no SQL asks Postgres.

use crate::tree::{self, SRC, Source, TESTS, find, only_exceptions, places};

/// Who asks the machine what time it is.
const WALL: [&str; 3] = ["Utc::now", "Local::now", "SystemTime::now"];

#[test]
fn only_the_clock_asks_what_time_it_is() {
    let asks = |source: &&Source| WALL.iter().any(|words| find(&source.code, words).next().is_some());
    only_exceptions(
        "`now` is a parameter",
        SRC.iter().chain(TESTS.iter()).filter(asks).map(|source| source.path.clone()),
        &[("src/platform/clock.rs", "it is the clock")],
    );
}

#[test]
fn stopwatches_measure_what_is_no_matter_of_the_domain() {
    let asks = |source: &&Source| find(&source.shipped, "Instant::now").next().is_some();
    only_exceptions(
        "an Instant measures or paces, it never decides a matter of the domain",
        SRC.iter().filter(asks).map(|source| source.path.clone()),
        &[
            ("src/platform/http/observe.rs", "how long a request took"),
            ("src/platform/db/watch.rs", "how long Postgres has been silent"),
            ("src/platform/outbound.rs", "how long a provider took"),
            ("src/platform/redis.rs", "when Redis may be tried again"),
            ("src/deadlines/engine.rs", "when Redis is asked again for what dead workers had taken"),
            ("src/notices/deliver/exchange.rs", "how long a token may be waited for before the lease ends"),
            ("src/notices/gate.rs", "how long a notice waited for its turn since its lease"),
            ("src/notices/worker.rs", "when Redis is asked again for what dead senders had taken"),
        ],
    );
}

/// The database's clock is a second one: a test cannot move it.
#[test]
fn no_statement_asks_postgres_for_the_time() {
    let mut asked = Vec::new();
    for source in SRC.iter().filter(|source| !source.shipped.is_empty()) {
        for words in
            ["now()", "current_timestamp", "clock_timestamp()", "statement_timestamp()", "localtimestamp"]
        {
            let blanked = |at: usize| !source.code[at..].starts_with(words);
            let line = |at: usize| source.text[..at].rsplit('\n').next().unwrap_or_default().trim_start();
            asked.extend(
                find(&source.text, words)
                    .filter(|at| blanked(*at) && !line(*at).starts_with("//"))
                    .map(|at| format!("{}: {}{words}", source.path, line(at))),
            );
        }
    }
    assert!(asked.is_empty(), "give the moment as a parameter: {asked:#?}");
}

#[test]
fn no_test_sleeps() {
    let mut asleep = Vec::new();
    for source in TESTS.iter() {
        asleep.extend(places(&source.path, &source.code, "sleep("));
    }
    for source in SRC.iter() {
        let shipped = places(&source.path, &source.shipped, "sleep(");
        asleep.extend(
            places(&source.path, &source.code, "sleep(").into_iter().filter(|at| !shipped.contains(at)),
        );
    }
    assert!(asleep.is_empty(), "wait for what is to happen, or move the clock: {asleep:#?}");
}

#[test]
fn the_compiler_holds_the_ban_as_well() {
    let bans = tree::read("clippy.toml");
    for path in ["chrono::Utc::now", "chrono::Local::now", "std::time::SystemTime::now"] {
        assert!(bans.contains(&format!("path = \"{path}\"")), "clippy.toml no longer bans {path}");
    }
    assert!(
        tree::read("Cargo.toml").contains("disallowed_methods = \"deny\""),
        "Cargo.toml no longer enforces it"
    );
}
