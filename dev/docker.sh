# Postgres and Redis in containers, for a machine that has a Docker engine and nothing else. The data of `make run` lies in
# volumes, which `make clean-dev` removes; that of tests goes with the container.

docker_answers() { have docker && docker info >/dev/null 2>&1; }

# One name per clone, stand and store.
container_name() { printf 'yijiao-%s-%s-%s' "$(printf %s "$ROOT" | cksum | cut -d' ' -f1)" "$STAND" "$1"; }

# Whether this stand runs a store so.
in_container() { grep -q "^docker $(container_name "$1") " "$HOME_OF_STAND/running" 2>/dev/null; }

# run_container <postgres|redis> <inner port> <default port> <wished port> <docker options and command…>
run_container() {
    local what=$1 inner=$2 default=$3 wish=$4 name attempt
    shift 4
    name=$(container_name "$what")
    docker rm -f "$name" >/dev/null 2>&1 || true
    for attempt in 1 2 3 4 5; do
        choose_port "$what" "$default" "$wish"
        printf 'docker %s -\n' "$name" >>"$HOME_OF_STAND/running"
        if docker run -d --rm --name "$name" -p "127.0.0.1:$PORT:$inner" "$@" >/dev/null 2>"$DEV/log/$STAND-$what.log"; then
            return
        fi
        docker rm -f "$name" >/dev/null 2>&1 || true
        is_taken "$PORT" || break
    done
    tail -5 "$DEV/log/$STAND-$what.log" >&2
    die "The container $name did not start."
}

# wait_in_container <postgres|redis> <command that succeeds when it is ready…>
wait_in_container() {
    local name what=$1 tries=0
    shift
    name=$(container_name "$what")
    until docker exec "$name" "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || { docker logs --tail 20 "$name" >&2; die "The container $name does not answer."; }
        sleep 0.5
    done
}

start_docker_postgres() {
    local name flags="" key value
    name=$(container_name postgres)
    # The same settings as a private server has, but for where it listens.
    while IFS='= ' read -r key value; do
        case $key in listen_addresses | port | unix_socket_directories) ;; *) flags="$flags -c $key=${value//\'/}" ;; esac
    done <<SETTINGS
$(settings "$1" 5432)
SETTINGS
    # shellcheck disable=SC2086 # the flags are meant to be split
    POSTGRES_PASSWORD=$PASSWORD YIJIAO_OWNER_PASSWORD=$PASSWORD run_container postgres 5432 "$2" "${3:-}" \
        -e POSTGRES_PASSWORD -e YIJIAO_OWNER_PASSWORD -e POSTGRES_INITDB_ARGS="--locale=C --lc-ctype=C.UTF-8 --encoding=UTF8" \
        -v "$(volume "$name" /var/lib/postgresql/data)" --shm-size 512m postgres:17 $flags
    # Over TCP: while the image prepares the cluster, its server listens on the socket only.
    wait_in_container postgres pg_isready -q -h 127.0.0.1 -U postgres
    docker exec -i -u postgres "$name" psql -qX -f - <"$ROOT/dev/roles.sql" >/dev/null
    docker exec -u postgres "$name" psql -qXc 'alter role yijiao_owner createdb createrole'
    if [ "$STAND" = test ]; then docker exec -i -u postgres "$name" psql -qX -f - <"$ROOT/dev/test-roles.sql" >/dev/null; fi
}

start_docker_redis() {
    local name append=no
    name=$(container_name redis)
    if [ "$1" = durable ]; then append=yes; fi
    # shellcheck disable=SC2016 # the variable is the container's
    REDIS_PASSWORD=$PASSWORD run_container redis 6379 "$2" "${3:-}" -e REDIS_PASSWORD -v "$(volume "$name" /data)" redis:7 \
        sh -c 'exec redis-server --requirepass "$REDIS_PASSWORD" --databases 64 --save "" --appendonly "$0"' "$append"
    # shellcheck disable=SC2016
    wait_in_container redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli ping | grep -q PONG'
}

# A named volume for `make run`; an anonymous one (gone with the container) for the others.
volume() { if [ "$STAND" = run ]; then printf '%s:%s' "$1" "$2"; else printf '%s' "$2"; fi; }
