//! DESIGN §4: a machine with only Rust builds it. No OpenSSL, no libpq; nothing from outside the registry.

use crate::tree::read;

/// Crates that need a library of the machine, or a second way to do what there is one way to do.
const UNWANTED: [&str; 7] =
    ["native-tls", "openssl", "openssl-sys", "pq-sys", "mysqlclient-sys", "libsqlite3-sys", "async-std"];

#[test]
fn nothing_needs_a_library_of_the_machine() {
    let lock = read("Cargo.lock");
    let names: Vec<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(names.len() > 100, "only {} crates were read", names.len());
    for unwanted in UNWANTED {
        assert!(
            !names.contains(&unwanted),
            "{unwanted} has come in; `cargo tree -i {unwanted}` says through whom"
        );
    }
}

#[test]
fn everything_comes_from_the_registry() {
    for line in read("Cargo.lock").lines().filter_map(|line| line.strip_prefix("source = ")) {
        assert!(line.starts_with("\"registry+https://github.com/rust-lang/crates.io-index"), "{line}");
    }
}

#[test]
fn the_licence_check_refuses_the_same() {
    let deny = read("deny.toml");
    for unwanted in ["openssl-sys", "native-tls", "pq-sys"] {
        assert!(deny.contains(&format!("crate = \"{unwanted}\"")), "deny.toml no longer refuses {unwanted}");
    }
}
