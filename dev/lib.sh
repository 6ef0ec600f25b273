# What every command here shares: where things lie, what to say, which process is ours, which port is free.
# Sourced by the other scripts; bash 3.2 is enough (macOS). Everything it writes lies under .dev/.

set -euo pipefail
# Postgres may run as another user, who must be able to read what is unpacked here; secrets are made under a mask of their own.
umask 022

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEV="$ROOT/.dev"
cd "$ROOT"

say() { printf '%s\n' "── $*"; }
die() { printf '\n%s\n' "✗ $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# ── the toolchain ────────────────────────────────────────────────────────────────────────────────────────────────────

# Rust must be there; a C compiler too, because aws-lc-sys (the cryptography below rustls) and mimalloc are C.
need_toolchain() {
    if ! have cargo && [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]; then . "${CARGO_HOME:-$HOME/.cargo}/env"; fi
    have cargo || die "Rust is missing: see https://rustup.rs, then try again."
    if have cc || have gcc || have clang; then return; fi
    say "no C compiler here: installing one"
    if have apt-get; then
        install_debs gcc libc6-dev
    elif have dnf; then
        as_admin dnf install -y -q gcc
    else
        die "Install a C compiler (macOS: xcode-select --install), then try again."
    fi
}

as_admin() {
    if is_root; then "$@"; elif have sudo; then sudo "$@"; else die "Without root and without sudo this cannot be installed: $*"; fi
}

install_debs() {
    is_root || have sudo || die "Without root and without sudo this cannot be installed: $*"
    mkdir -p "$DEV/log"
    {
        as_admin timeout 900 apt-get update -qq
        as_admin env DEBIAN_FRONTEND=noninteractive timeout 900 apt-get install -qq -y --no-install-recommends "$@"
    } </dev/null >>"$DEV/log/packages.log" 2>&1
}

# Where cargo puts what it builds.
target_dir() { printf '%s' "${CARGO_TARGET_DIR:-$ROOT/target}"; }

# ── stands ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# A stand is one set of private servers: `run`, `test` or `bench`. It has a folder, and one command at a time.

open_stand() {
    STAND=$1
    HOME_OF_STAND="$DEV/$STAND"
    need_own_dev
    mkdir -p "$HOME_OF_STAND" "$DEV/log"
    need_space 1024
    load_secret
    take_lock "$HOME_OF_STAND/lock" || die "\`make $STAND\` is already at work here; \`make stop\` ends it."
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    trap close_stand EXIT
    stop_everything # whatever a killed predecessor left running
}

# What root left in a clone, an ordinary user can neither read nor remove.
need_own_dev() {
    if is_root || [ ! -e "$DEV" ] || [ -O "$DEV" ]; then return; fi
    die ".dev belongs to another user, who ran a command in this clone before. Let him run \`make clean-dev\`, or use a clone of your own."
}

# need_space <MiB>: packages, stores and builds on a full disk fail late and obscurely, and apt does not even fail: it waits.
need_space() {
    local free
    free=$(df -Pk "$DEV" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "${free:-$1}" -ge "$1" ] || die "Only ${free} MiB are free on the disk of $ROOT; at least $1 MiB are needed."
}

# scratch: a folder of the stand for temporary files, empty at the start; nothing stays behind in /tmp.
scratch() {
    rm -rf "$HOME_OF_STAND/tmp"
    mkdir "$HOME_OF_STAND/tmp"
    export TMPDIR="$HOME_OF_STAND/tmp"
}

# take_lock <file>: false while a living process holds it; a dead one's lock is void.
take_lock() {
    local holder tries=0
    until (set -o noclobber; identity $$ >"$1") 2>/dev/null; do
        holder=$(cat "$1" 2>/dev/null || true)
        # shellcheck disable=SC2086 # id and start, two words
        if is_alive $holder; then return 1; fi
        rm -f "$1"
        tries=$((tries + 1))
        [ $tries -lt 20 ] || die "$1 cannot be written."
    done
}

close_stand() {
    trap '' INT TERM HUP
    stop_everything
    rm -f "$HOME_OF_STAND/lock"
}

# The passwords and the master secret of this clone, made once; nobody else on the machine can read them.
load_secret() {
    if [ ! -s "$DEV/secret" ]; then
        (umask 077; printf 'MASTER_KEY=%s\nPASSWORD=%s\n' "$(random_hex 32)" "$(random_hex 16)" >"$DEV/secret")
    fi
    . "$DEV/secret"
}

random_hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────
# A process id alone is no proof (ids are reused, and a stale file would get a stranger killed): keep its start as well.

identity() { printf '%s %s\n' "$1" "$(started_at "$1")"; }

started_at() {
    if [ -r "/proc/$1/stat" ]; then
        sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '-' || true
    fi
}

is_alive() { # pid start; nothing at all is not alive
    [ -n "${2:-}" ] && kill -0 "$1" 2>/dev/null && [ "$(started_at "$1")" = "$2" ] && ! is_zombie "$1"
}

is_zombie() {
    local state
    if [ -r "/proc/$1/stat" ]; then state=$(sed 's/.*) //' "/proc/$1/stat"); else state=$(ps -o stat= -p "$1" || true); fi
    [ "${state:0:1}" = Z ]
}

# start <name> <command…>: in the background, in a process group of its own (Ctrl-C is for us to pass on, in order), log in
# .dev/log. Its id is written down at once and left in $STARTED.
start() {
    local name=$1 log="$DEV/log/$STAND-$1.log"
    shift
    set -m
    "$@" </dev/null >"$log" 2>&1 &
    STARTED=$!
    set +m
    note_running "$name" "$STARTED"
}

note_running() { printf '%s %s\n' "$1" "$(identity "$2")" >>"$HOME_OF_STAND/running"; }

# Stops what this stand started, youngest first: server and sandbox before the stores they use.
stop_everything() {
    local name pid started
    [ -f "$HOME_OF_STAND/running" ] || { return_home; return 0; }
    sed '1!G;h;$!d' "$HOME_OF_STAND/running" >"$HOME_OF_STAND/stopping"
    while read -r name pid started; do
        case $name in
            docker) docker stop -t 20 "$pid" >/dev/null 2>&1 || true ;;
            postgres) stop_process INT "$pid" "$started" ;; # "fast": roll back, do not wait for sessions
            *) stop_process TERM "$pid" "$started" ;;
        esac
    done <"$HOME_OF_STAND/stopping"
    rm -f "$HOME_OF_STAND/running" "$HOME_OF_STAND/stopping"
    return_home
}

stop_process() { # signal pid start
    is_alive "$2" "$3" || return 0
    kill "-$1" "$2" 2>/dev/null || true
    local tries=0
    while is_alive "$2" "$3"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { kill -KILL "$2" 2>/dev/null || true; break; }
        sleep 0.1
    done
    wait "$2" 2>/dev/null || true
}

# ── ports ────────────────────────────────────────────────────────────────────────────────────────────────────────────

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_port <name> <default> <wish>: the wish if there is one (taken: an error), else the port used last time, else the
# first free one from the default upwards. Left in $PORT and remembered.
choose_port() {
    local memory="$HOME_OF_STAND/$1.port" candidate
    if [ -n "${3:-}" ]; then
        is_taken "$3" && die "Port $3 ($1) is taken by another program."
        PORT=$3
        return
    fi
    for candidate in $(cat "$memory" 2>/dev/null || true) $(seq "$2" $(($2 + 200))); do
        if ! is_taken "$candidate"; then
            PORT=$candidate
            printf '%s\n' "$PORT" >"$memory"
            return
        fi
    done
    die "No free port from $2 upwards for $1."
}

# True when the process itself listens on the port: two clones that start together may both have found it free.
owns_port() { # pid port
    if [ -r "/proc/$1/net/tcp" ]; then
        local inode
        for inode in $(awk -v port="$(printf ':%04X' "$2")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' \
            "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null); do
            ls -l "/proc/$1/fd" 2>/dev/null | grep -q "socket:\[$inode\]" && return 0
        done
        return 1
    fi
    lsof -a -n -P -p "$1" -iTCP:"$2" -sTCP:LISTEN >/dev/null 2>&1
}

# http_ok <port> <path>: answers 200. Without curl, which a bare machine may lack.
http_ok() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1"
        printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
        read -r -t 5 _ status _ <&3
        [ "$status" = 200 ]
    ) 2>/dev/null
}
