# The two stores of a stand: those the environment names, else private ones.

. "$ROOT/dev/packages.sh"
. "$ROOT/dev/docker.sh"
. "$ROOT/dev/postgres.sh"
. "$ROOT/dev/redis.sh"

# open_stores <durable|fast> <default port of Postgres> <default port of Redis>; exports DATABASE_URL and REDIS_URL.
# DEV_PG_PORT and DEV_REDIS_PORT insist on ports.
open_stores() {
    # A shell that read .dev/env still names the private ones, which may not even run now.
    case ${DATABASE_URL:-} in *":$PASSWORD@127.0.0.1:"*) unset DATABASE_URL ;; esac
    case ${REDIS_URL:-} in *":$PASSWORD@127.0.0.1:"*) unset REDIS_URL ;; esac
    if [ -n "${DATABASE_URL:-}" ]; then
        say "Postgres: DATABASE_URL as given"
    else
        start_postgres "$1" "$2" "${DEV_PG_PORT:-}"
        say "Postgres: private, port $PORT"
    fi
    if [ -n "${REDIS_URL:-}" ]; then
        say "Redis: REDIS_URL as given"
    else
        start_redis "$1" "$3" "${DEV_REDIS_PORT:-}"
        say "Redis: private, port $PORT"
    fi
    export DATABASE_URL REDIS_URL
}

# Exports the programs with which a test starts stores of its own, and the folder where their user may write: TEST_PG_BIN, TEST_PG_HOME
# and TEST_REDIS_SERVER. False when this machine has none and gets none.
own_programs() {
    # Not set: the store was given, or is a container.
    if [ -z "${PG_BIN:-}" ]; then
        find_postgres || { ! in_container postgres && get_packages postgres && find_postgres; } || return 1
        choose_pg_user
        lend_home
    fi
    if [ -z "${REDIS_SERVER:-}" ]; then
        find_redis || { ! in_container redis && get_packages redis && find_redis; } || return 1
    fi
    rm -rf "$PG_HOME"/yijiao-pg-* # of killed tests
    export TEST_PG_BIN=$PG_BIN TEST_PG_HOME=$PG_HOME TEST_REDIS_SERVER=$REDIS_SERVER
}
