#!/usr/bin/env bash
# make check: what can be said about the code without running it. Needs no Postgres and no Redis.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_toolchain
. "$ROOT/dev/lint.sh"
say "documentation"
# Ours is a binary: its documentation is read with the private items.
RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --document-private-items
say "openapi.json is what the code says"
cargo run --locked --quiet --bin yijiao -- openapi | diff openapi.json - ||
    die "openapi.json is stale: cargo run -- openapi >openapi.json"
if cargo deny --version >/dev/null 2>&1; then
    say "licences, advisories, bans"
    cargo deny --locked check
else
    say "cargo-deny is not installed: licences and advisories not checked"
fi
