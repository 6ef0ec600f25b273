# Form and lints, the part of the checks that `make check` and `make test` share. Sourced.

say "format"
cargo fmt --check
say "lints"
cargo clippy --locked --all-targets -- -D warnings
