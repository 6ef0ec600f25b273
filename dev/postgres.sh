# A private Postgres for a stand: loopback only, a password of its own, data in .dev/<stand>/pg, that of tests in memory.

# start_postgres <durable|fast> <default port> <wished port>; exports DATABASE_URL.
start_postgres() {
    if find_postgres || { get_packages postgres && find_postgres; }; then
        start_native_postgres "$@"
    elif docker_answers; then
        start_docker_postgres "$@"
    else
        no_way "Postgres (15 or later)" DATABASE_URL postgres://user:password@localhost/yijiao
    fi
    export DATABASE_URL="postgres://yijiao_owner:$PASSWORD@127.0.0.1:$PORT/yijiao"
}

# Tests and benchmarks begin with an empty cluster; `make run` keeps its data.
start_native_postgres() {
    local attempt began
    choose_pg_user
    if [ "$STAND" != run ]; then rm -rf "$HOME_OF_STAND/pg"; fi
    lend_home "$1"
    if [ ! -f "$PG_HOME/pg/PG_VERSION" ]; then create_cluster; fi
    if [ "$(cat "$PG_HOME/pg/PG_VERSION")" != "$("$PG_BIN/postgres" --version | grep -Eo '[0-9]+' | head -1)" ]; then
        die "The data in .dev/$STAND/pg was written by another major version of Postgres; \`make clean-dev\` starts afresh."
    fi
    for attempt in 1 2 3 4 5; do
        choose_port postgres "$2" "${3:-}"
        settings "$1" "$PORT" | as_pg tee "$PG_HOME/pg/yijiao.conf" >/dev/null
        began=$(date +%s)
        start postgres become_pg "$PG_BIN/postgres" -D "$PG_HOME/pg"
        if postgres_is_ready "$began"; then
            YIJIAO_OWNER_PASSWORD=$PASSWORD as_setup_user "$PG_BIN/psql" -qX -f "$ROOT/dev/roles.sql" >/dev/null
            # Tests make databases of their own, from a template.
            as_setup_user "$PG_BIN/psql" -qXc 'alter role yijiao_owner createdb createrole'
            if [ "$STAND" = test ]; then
                YIJIAO_OWNER_PASSWORD=$PASSWORD as_setup_user "$PG_BIN/psql" -qX -f "$ROOT/dev/test-roles.sql" >/dev/null
            fi
            return
        fi
        is_taken "$PORT" || break
    done
    tail -20 "$DEV/log/$STAND-postgres.log" >&2
    die "Postgres did not start; its log is .dev/log/$STAND-postgres.log"
}

as_setup_user() { PGPASSWORD=$PASSWORD PGHOST=127.0.0.1 PGPORT=$PORT PGUSER=postgres PGDATABASE=postgres "$@"; }

# The server says "ready" in its own pid file (line 1: its id, 3: its start, 8: its state), so that no other server on that
# port can be mistaken for it, nor an old file of a killed one.
postgres_is_ready() { # second before the start
    local file="$PG_HOME/pg/postmaster.pid" identity_of_start tries=0
    identity_of_start=$(identity "$STARTED")
    # shellcheck disable=SC2086 # id and start, two words
    while is_alive $identity_of_start; do
        if [ "$(sed -n 8p "$file" 2>/dev/null | tr -d ' ')" = ready ] && [ "$(sed -n 3p "$file")" -ge "$1" ]; then
            # runuser and sudo stay between us and the server.
            [ "$(head -1 "$file")" = "$STARTED" ] || note_running postgres "$(head -1 "$file")"
            return 0
        fi
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || return 1 # two minutes: a crash recovery may take its time
        sleep 0.1
    done
    return 1
}

create_cluster() {
    local ctype=C name password="$PG_HOME/password"
    for name in C.UTF-8 C.utf8 en_US.UTF-8; do
        if locale -a 2>/dev/null | grep -qx "$name"; then ctype=$name; break; fi
    done
    rm -rf "$PG_HOME/pg"
    mkdir -m 700 "$PG_HOME/pg"
    (umask 077; printf '%s\n' "$PASSWORD" >"$password")
    if is_root; then chown "$PG_USER" "$PG_HOME/pg" "$password"; fi
    as_pg env LC_ALL=C "$PG_BIN/initdb" -D "$PG_HOME/pg" -U postgres -A scram-sha-256 \
        --pwfile="$password" -E UTF8 --locale=C --lc-ctype="$ctype" --no-sync >"$DEV/log/$STAND-initdb.log" 2>&1 || {
        tail -20 "$DEV/log/$STAND-initdb.log" >&2
        die "initdb failed"
    }
    rm -f "$password"
    printf "%s\n" "include_if_exists = 'yijiao.conf'" | as_pg tee -a "$PG_HOME/pg/postgresql.conf" >/dev/null
}

# settings <durable|fast> <port>
settings() {
    cat <<CONF
listen_addresses = '127.0.0.1'
port = $2
unix_socket_directories = ''
timezone = 'UTC'
shared_buffers = 256MB
max_connections = 300
jit = off
logging_collector = off
CONF
    case $1 in
        # Tests need no durability, and start from nothing each time.
        fast) printf '%s = %s\n' fsync off synchronous_commit off full_page_writes off autovacuum off \
            wal_level minimal max_wal_senders 0 max_wal_size 512MB checkpoint_timeout 30min ;;
        durable) printf '%s = %s\n' fsync on synchronous_commit on full_page_writes on max_wal_size 4GB ;;
    esac
}

# ── root ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
# Postgres refuses root. Then it runs as `postgres` if there is such a user, else as `nobody`. That user may be unable to
# enter .dev (/root/… is closed to others): in that case the data lies in a folder below /var/tmp while the server runs,
# and comes home when it stops.

choose_pg_user() {
    PG_USER=$(id -un)
    if is_root; then PG_USER=postgres; id postgres >/dev/null 2>&1 || PG_USER=nobody; fi
}

as_pg() { (become_pg "$@"); }

# Replaces the shell; from /, which everybody can read.
become_pg() {
    cd /
    if ! is_root; then
        exec "$@"
    elif have setpriv; then
        exec setpriv --reuid="$(id -u "$PG_USER")" --regid="$(id -g "$PG_USER")" --clear-groups -- "$@"
    elif have runuser; then
        exec runuser -u "$PG_USER" -- "$@"
    else
        exec sudo -u "$PG_USER" -- "$@"
    fi
}

# ── where the cluster lies ───────────────────────────────────────────────────────────────────────────────────────────
# lend_home <durable|fast>: sets PG_HOME, the stand's own folder or one that is borrowed while the server runs.

lend_home() {
    PG_HOME=$HOME_OF_STAND
    if [ "$1" = fast ] && memory_is_ample; then
        PG_HOME=$(borrow /dev/shm)
    elif ! as_pg test -x "$HOME_OF_STAND"; then
        PG_HOME=$(borrow /var/tmp)
        if [ -d "$HOME_OF_STAND/pg" ]; then mv "$HOME_OF_STAND/pg" "$PG_HOME/pg"; fi
    fi
    # Never from /dev/shm, which may forbid to run what lies there.
    if ! as_pg test -x "$PG_BIN/postgres"; then
        local readable
        readable=$(borrow /var/tmp)
        cp -R "$(dirname "$PG_BIN")" "$readable/packages"
        PG_BIN="$readable/packages/bin"
    fi
}

# Tests make and drop some hundred databases of some hundred files each, in a minute or two: a file system that hesitates to use the
# place of a file just removed (ext4) spends more time on that than all tests together. They hold about 200 MiB at any time.
memory_is_ample() {
    local folder=/dev/shm need=3145728
    [ -w "$folder" ] && [ -r /proc/meminfo ] &&
        [ "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')" -ge $need ] &&
        [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -ge $need ]
}

# borrow <folder>: makes a place in it and writes it down, to be cleared by return_home.
borrow() {
    local place
    place=$(mktemp -d "$1/yijiao.XXXXXX")
    printf '%s\n' "$place" >>"$HOME_OF_STAND/borrowed"
    chmod 711 "$place"
    printf '%s' "$place"
}

# The data of `make run` comes home; all else that was borrowed is removed.
return_home() {
    local place
    [ -f "$HOME_OF_STAND/borrowed" ] || return 0
    while read -r place; do
        if [ "$STAND" = run ] && [ -d "$place/pg" ]; then
            rm -rf "$HOME_OF_STAND/pg"
            mv "$place/pg" "$HOME_OF_STAND/pg"
        fi
        rm -rf "$place"
    done <"$HOME_OF_STAND/borrowed"
    rm -f "$HOME_OF_STAND/borrowed"
}
