#!/usr/bin/env bash
# make bench: the budget, measured on a release build against durable stores of its own, empty at the start.
# Arguments go to the benchmark: dev/bench.sh taps

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/dev/stores.sh"

need_toolchain
open_stand bench
open_stores durable 54331 63801
PGBENCH=${PGBENCH:-${PG_BIN:+$PG_BIN/pgbench}}
[ -x "$PGBENCH" ] || PGBENCH=$(command -v pgbench || true)
[ -n "$PGBENCH" ] || die "pgbench is missing; it comes with Postgres (Debian: postgresql, Fedora: postgresql-contrib)."
export PGBENCH YIJIAO_SECRETS__MASTER_KEY=${YIJIAO_SECRETS__MASTER_KEY:-$MASTER_KEY}
scratch
cargo build --locked --release --bin yijiao --bin yijiao-bench
"$(target_dir)/release/yijiao-bench" "$@"
