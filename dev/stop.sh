#!/usr/bin/env bash
# make stop: ends what `make run`, `make test` and `make bench` of this clone started, also after one of them was killed.
# With `clean` (make clean-dev): and removes .dev with all data.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/dev/stores.sh"

[ -d "$DEV" ] || exit 0
for STAND in run test bench; do
    HOME_OF_STAND="$DEV/$STAND"
    [ -d "$HOME_OF_STAND" ] || continue
    # The command itself stops its servers when it is told to end.
    holder=$(cat "$HOME_OF_STAND/lock" 2>/dev/null || true)
    # shellcheck disable=SC2086 # id and start, two words
    [ -z "$holder" ] || stop_process TERM $holder
    stop_everything
    rm -f "$HOME_OF_STAND/lock"
    if [ "${1:-}" = clean ] && have docker; then
        docker volume rm "$(container_name postgres)" "$(container_name redis)" >/dev/null 2>&1 || true
    fi
done
if [ "${1:-}" = clean ]; then rm -rf "$DEV"; fi
