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
