//! DESIGN §3: SQL stands in a feature's store, which is private; a store takes a connection, and only verbs open transactions.
//! Law 12: what leaves for the network leaves by one client.

use crate::tree::{SRC, find, only_exceptions};

/// What only somebody who speaks to Postgres writes.
const SQL: [&str; 7] = [
    "RunQueryDsl",
    "QueryFragment",
    "sql_query",
    "batch_execute",
    "diesel::insert_into",
    "diesel::update",
    "diesel::delete",
];

#[test]
fn sql_stands_in_stores() {
    let speaks = |code: &str| SQL.iter().any(|word| find(code, word).next().is_some());
    let outside = SRC.iter().filter(|source| !is_store(&source.path) && speaks(&source.shipped));
    only_exceptions(
        "only store.rs and store/ speak to Postgres",
        outside.map(|source| source.path.clone()),
        &[
            ("src/platform/db.rs", "the pool, transactions, migrations"),
            ("src/platform/readiness.rs", "asks which migrations have run"),
            (
                "src/calls/raise/context.rs",
                "one statement that reads all a tap needs; too long to stand with others",
            ),
            (
                "src/calls/raise/record.rs",
                "one statement that writes a slice of taps; too long to stand with others",
            ),
            ("src/calls/check.rs", "reads what must always hold across tables; nobody else asks that"),
            ("src/deadlines/check.rs", "reads what must have fired across tables; nobody else asks that"),
            (
                "src/notices/outbox.rs",
                "the store that verbs of other rooms write through, in their transaction",
            ),
            ("src/notices/check.rs", "counts for `yijiao check`; nobody else asks that"),
        ],
    );
}

#[test]
fn stores_are_private() {
    let public = SRC.iter().filter(|source| {
        ["pub mod store", "pub(crate) mod store"]
            .iter()
            .any(|declared| find(&source.shipped, declared).next().is_some())
    });
    only_exceptions(
        "a store is `mod store;`",
        public.map(|source| source.path.clone()),
        &[
            ("src/deadlines/mod.rs", "a call's verbs keep its clocks in their own transaction"),
            ("src/ledger/mod.rs", "every room appends its facts in its own transaction"),
        ],
    );
}

#[test]
fn only_verbs_open_transactions() {
    let opens = SRC
        .iter()
        .filter(|source| is_store(&source.path) && find(&source.shipped, ".begin(").next().is_some());
    only_exceptions(
        "a store takes a connection, never a pool",
        opens.map(|source| source.path.clone()),
        &[(
            "src/organisation/import/store/mod.rs",
            "the store of one verb, the import, which is its transaction",
        )],
    );
}

#[test]
fn the_network_is_reached_by_one_client() {
    let clients = SRC.iter().filter(|source| {
        !source.path.starts_with("src/platform/outbound") && find(&source.shipped, "reqwest").next().is_some()
    });
    only_exceptions("only platform::outbound sends requests", clients.map(|source| source.path.clone()), &[]);
}

fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/")
}
