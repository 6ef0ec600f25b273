#!/usr/bin/env bash
# make test: everything that CI runs, on stores of its own (or on TEST_DATABASE_URL or DATABASE_URL, and REDIS_URL).

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/dev/stores.sh"

need_toolchain
open_stand test
DATABASE_URL=${TEST_DATABASE_URL:-${DATABASE_URL:-}}
open_stores fast 54330 63800
export TEST_DATABASE_URL=$DATABASE_URL
scratch
. "$ROOT/dev/lint.sh"
say "tests"
# The runner's summary is the last word.
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked
else
    cargo test --locked --lib --bins --tests
fi
