#!/usr/bin/env bash
# make test: everything that CI runs, on stores of its own (or on TEST_DATABASE_URL or DATABASE_URL, and REDIS_URL).
# dev/test.sh <part of a name>: only the tests that are called so, with what they print.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/dev/stores.sh"

need_toolchain
open_stand test
DATABASE_URL=${TEST_DATABASE_URL:-${DATABASE_URL:-}}
open_stores fast 54330 63800
export TEST_DATABASE_URL=$DATABASE_URL
scratch
# Half of a test is waiting for the stores.
threads=$((2 * $(getconf _NPROCESSORS_ONLN)))
export RUST_TEST_THREADS=$threads
runner=(cargo test --locked --lib --bins --tests)
shown=(-- --nocapture)
if cargo nextest --version >/dev/null 2>&1; then
    runner=(cargo nextest run --locked --test-threads "$threads")
    shown=(--no-capture)
fi
skip=()
if ! own_programs; then
    killer=private_stores_killed_outright
    say "left out: the test $killer, which starts and kills stores of its own: no programs of Postgres and Redis here, nor to be had"
    if [ "${runner[1]}" = nextest ]; then runner+=(-E "not test($killer)"); else skip=(--skip "$killer"); fi
fi
# The runner's summary is the last word.
if [ $# -gt 0 ]; then
    "${runner[@]}" "$@" "${shown[@]}" ${skip[@]+"${skip[@]}"}
else
    . "$ROOT/dev/lint.sh"
    say "tests"
    "${runner[@]}" ${skip[@]+-- "${skip[@]}"}
fi
