#!/usr/bin/env bash
# make run: from nothing to a running county with its sandbox. Ctrl-C stops all of it; the data stays in .dev/run.
#
# DATABASE_URL, REDIS_URL      use these stores instead of private ones
# YIJIAO_HTTP__PORT, YIJIAO_SANDBOX__PORT, DEV_PG_PORT, DEV_REDIS_PORT   insist on ports
# DEV_BIN                      run this program instead of building one (e.g. target/release/yijiao)

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/dev/stores.sh"

COUNTY=config/counties/demo

main() {
    [ -n "${DEV_BIN:-}" ] || need_toolchain
    open_stand run
    open_stores durable 54329 63799
    export YIJIAO_SECRETS__MASTER_KEY=${YIJIAO_SECRETS__MASTER_KEY:-$MASTER_KEY}
    BIN=${DEV_BIN:-$(target_dir)/debug/yijiao}
    if [ -z "${DEV_BIN:-}" ]; then
        say "building (the first time takes some minutes)"
        cargo build --locked --bin yijiao
    fi
    let_login_serve
    "$BIN" migrate
    bring_up
    welcome
    watch_over
}

# The server works as yijiao_app (SET ROLE). The login of a DATABASE_URL of one's own is made a member, if it may do that.
let_login_serve() {
    local psql="${PG_BIN:-}/psql"
    [ -x "$psql" ] || psql=$(command -v psql || true)
    [ -n "$psql" ] || return 0
    "$psql" "$DATABASE_URL" -qX -v ON_ERROR_STOP=1 >/dev/null 2>"$DEV/log/run-grant.log" <<'SQL' ||
do $$ begin
    if not exists (select from pg_roles where rolname = 'yijiao_app') then
        create role yijiao_app nologin;
    end if;
    begin
        set local role yijiao_app;
    exception when insufficient_privilege then
        execute format('grant yijiao_app to %I', current_user);
    end;
end $$;
SQL
        say "the login of DATABASE_URL could not be made a member of yijiao_app: $(head -1 "$DEV/log/run-grant.log")"
}

# Sandbox and server know each other's ports, and the county's channels the sandbox's. Another program may take a port
# between our look and our start: then all of it again, with other ports.
bring_up() {
    local wished_http=${YIJIAO_HTTP__PORT:-} wished_sandbox=${YIJIAO_SANDBOX__PORT:-} attempt
    for attempt in 1 2 3 4 5; do
        choose_port http 8080 "$wished_http"
        export YIJIAO_HTTP__PORT=$PORT
        choose_port sandbox 8090 "$wished_sandbox"
        export YIJIAO_SANDBOX__PORT=$PORT
        know_each_other
        import_county
        SANDBOX=""
        if start_role sandbox "$YIJIAO_SANDBOX__PORT" / && SANDBOX=$ROLE &&
            start_role serve "$YIJIAO_HTTP__PORT" /readyz && SERVER=$ROLE; then return; fi
        # shellcheck disable=SC2086 # id and start, two words
        stop_process TERM $ROLE
        # shellcheck disable=SC2086
        [ -z "$SANDBOX" ] || stop_process TERM $SANDBOX
        grep -qi "address already in use" "$DEV/log/run-$FALLEN.log" || is_taken "$FALLEN_PORT" || break
    done
    obituary "$FALLEN" "did not become ready"
}

# Links in messages lead to the server; the sandbox stands in for WeChat too, and is the one private address that may be called.
know_each_other() {
    local sandbox=127.0.0.1:$YIJIAO_SANDBOX__PORT
    export YIJIAO_HTTP__PUBLIC_URL=http://127.0.0.1:$YIJIAO_HTTP__PORT
    export YIJIAO_OUTBOUND__ALLOW_PRIVATE="[\"$sandbox\"]"
    export YIJIAO_WECHAT__BASE_URL=http://$sandbox YIJIAO_WECHAT__APP_ID=wx-sandbox YIJIAO_WECHAT__APP_SECRET=sandbox-only
}

# start_role <role of the program> <port> <path that answers 200 when it is ready>; sets ROLE, or FALLEN.
start_role() {
    local tries=0
    start "$1" "$BIN" "$1"
    ROLE=$(identity "$STARTED")
    FALLEN=$1 FALLEN_PORT=$2
    # shellcheck disable=SC2086 # id and start, two words
    while is_alive $ROLE; do
        if owns_port "$STARTED" "$2" && http_ok "$2" "$3"; then return 0; fi
        tries=$((tries + 1))
        [ $tries -lt 300 ] || return 1
        sleep 0.1
    done
    return 1
}

# Once for each state of the county's files, the database and the sandbox's port.
import_county() {
    local state
    state=$({ cat "$COUNTY"/* || true; echo "$DATABASE_URL $YIJIAO_SANDBOX__PORT"; } 2>/dev/null | cksum)
    if [ "$state" = "$(cat "$HOME_OF_STAND/imported" 2>/dev/null || true)" ]; then return; fi
    "$BIN" import "$COUNTY"
    printf '%s' "$state" >"$HOME_OF_STAND/imported"
}

welcome() {
    local api="http://127.0.0.1:$YIJIAO_HTTP__PORT" sandbox="http://127.0.0.1:$YIJIAO_SANDBOX__PORT"
    # For a second terminal: `. .dev/env`, then every role of the program works on these stores.
    (
        umask 077
        printf 'export %s=%q\n' DATABASE_URL "$DATABASE_URL" REDIS_URL "$REDIS_URL" \
            YIJIAO_SECRETS__MASTER_KEY "$YIJIAO_SECRETS__MASTER_KEY" API "$api/api/v1" SANDBOX "$sandbox" >"$DEV/env"
    )
    local bin=${BIN#"$ROOT/"}
    echo
    sed -e "s|@HTTP@|$api|g" -e "s|@SANDBOX@|$sandbox|g" -e "s|@BIN@|$(printf %q "$bin" | sed 's/[\\&|]/\\&/g')|g" "$ROOT/dev/walk.txt"
    echo
}

# Until Ctrl-C, or until one of the two falls.
watch_over() {
    # shellcheck disable=SC2086
    while is_alive $SANDBOX && is_alive $SERVER; do
        sleep 1 &
        wait $! || true
    done
    # shellcheck disable=SC2086
    if is_alive $SERVER; then obituary sandbox ended; else obituary serve ended; fi
}

obituary() { # role what
    printf '\n── the end of .dev/log/run-%s.log\n' "$1" >&2
    tail -20 "$DEV/log/run-$1.log" >&2
    die "$1 $2."
}

main
