# Finds the programs of Postgres (15 or later) and Redis (6.2 or later), or gets them from the system's own packages.
# On Debian and Ubuntu the packages are only unpacked, into .dev/packages: no root, no service, nothing left on the machine.

PACKAGES="$DEV/packages"

# Sets PG_BIN, the folder with postgres, initdb, psql.
find_postgres() {
    local on_path folder
    on_path=$(command -v postgres || true)
    for folder in ${on_path:+"$(dirname "$(resolve "$on_path")")"} \
        $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -rV) \
        /opt/homebrew/opt/postgresql@{18,17,16,15}/bin /usr/local/opt/postgresql@{18,17,16,15}/bin \
        /Applications/Postgres.app/Contents/Versions/latest/bin "$PACKAGES/bin"; do
        [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] && [ -x "$folder/psql" ] || continue
        if at_least 15.0 "$("$folder/postgres" --version 2>/dev/null)"; then
            PG_BIN=$folder
            return 0
        fi
    done
    return 1
}

# Sets REDIS_SERVER.
find_redis() {
    local program
    for program in "$(command -v redis-server || true)" "$(command -v valkey-server || true)" \
        /opt/homebrew/bin/redis-server /usr/local/bin/redis-server "$PACKAGES/bin/redis-server" "$PACKAGES/bin/valkey-server"; do
        [ -n "$program" ] && [ -x "$program" ] || continue
        if at_least 6.2 "$("$program" --version 2>/dev/null)"; then
            REDIS_SERVER=$program
            return 0
        fi
    done
    return 1
}

# at_least <least> <text of --version>
at_least() {
    printf '%s\n' "$2" | grep -Eo '[0-9]+\.[0-9]+' | head -1 |
        awk -F. -v least="$1" '{ split(least, l, "."); ok = $1 > l[1] || ($1 == l[1] && $2 >= l[2]) } END { exit !ok }'
}

resolve() {
    local path=$1
    while [ -L "$path" ]; do
        case $(readlink "$path") in
            /*) path=$(readlink "$path") ;;
            *) path=$(dirname "$path")/$(readlink "$path") ;;
        esac
    done
    printf '%s' "$path"
}

# get_packages <postgres|redis>; false when this machine has no package manager we know, or it has nothing fitting.
get_packages() {
    if have apt-get && have dpkg-deb; then
        until take_lock "$DEV/packages.lock"; do sleep 1; done # two commands may start at once
        need_space 1024
        say "getting $1 from the distribution's packages, into .dev/packages"
        case $1 in
            postgres) unpack_debs postgresql ;;
            redis) unpack_debs redis-server || unpack_debs valkey-server ;;
        esac || say "that failed; .dev/log/packages.log says why"
        rm -rf "$DEV/apt" "$DEV/packages.lock"
    elif have brew; then
        say "getting $1 with brew"
        case $1 in postgres) brew install --quiet postgresql@17 ;; redis) brew install --quiet redis ;; esac
    elif have dnf; then
        say "getting $1 with dnf"
        case $1 in
            postgres) as_admin dnf install -y -q postgresql-server postgresql-contrib ;;
            redis) as_admin dnf install -y -q redis || as_admin dnf install -y -q valkey ;;
        esac
    else
        return 1
    fi
}

# apt with lists and downloads of its own. It has been seen to wait forever, so it gets a limit, and nobody to ask.
private_apt() { APT_CONFIG="$DEV/apt/apt.conf" timeout 900 apt-get "$@" </dev/null; }

# Downloads a package with whatever it needs and the system does not have, and unpacks it all. apt works on private lists
# here, so it neither needs root nor changes the system; package scripts never run, so no service is created or started.
unpack_debs() {
    local apt="$DEV/apt" wanted log="$DEV/log/packages.log" deb
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$PACKAGES" "$DEV/log"
    # A configuration file, not options: paths may hold spaces.
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Retries "3";
CONF
    private_apt update -qq >>"$log" 2>&1 || return 1
    # Left out: Debian's cluster manager and what serves only it, and LLVM (120 MB for a JIT that is switched off here).
    wanted=$(private_apt install -s -qq "$1" 2>>"$log" | awk '$1 == "Inst" { print $2 }' |
        grep -Ev '^(postgresql(-client)?-common|postgresql|ssl-cert|libllvm.*|libz3.*|(lib)?perl.*|libjson-perl|locales|libc-l10n|adduser|ucf|netbase)$') ||
        wanted=""
    [ -n "$wanted" ] || return 1
    (cd "$apt/debs" && private_apt download -qq $wanted >>"$log" 2>&1) || return 1
    for deb in "$apt"/debs/*.deb; do
        dpkg-deb -x "$deb" "$PACKAGES" && rm -f "$deb"
    done
    rm -rf "$PACKAGES"/usr/share/{doc,man,locale,info}
    wrap_programs
    # Debian's Postgres looks for time zones in the system's own place only.
    if [ "$1" = postgresql ] && [ ! -e /usr/share/zoneinfo/Asia/Shanghai ]; then
        say "no time zones on this machine: installing tzdata"
        install_debs tzdata
    fi
}

# The unpacked programs need the unpacked libraries: a wrapper for each, which finds them relative to itself.
wrap_programs() {
    local program name
    mkdir -p "$PACKAGES/bin"
    for program in "$PACKAGES"/usr/lib/postgresql/*/bin/{postgres,initdb,psql,pgbench} \
        "$PACKAGES"/usr/bin/{redis,valkey}-{server,cli}; do
        [ -e "$program" ] || continue
        name=$(basename "$program")
        cat >"$PACKAGES/bin/$name" <<WRAPPER
#!/bin/sh
top=\$(cd "\$(dirname "\$0")/.." && pwd)
for folder in "\$top"/usr/lib/*-linux-gnu* "\$top"/lib/*-linux-gnu*; do
    [ -d "\$folder" ] && LD_LIBRARY_PATH="\$folder\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
exec "\$top/${program#"$PACKAGES/"}" "\$@"
WRAPPER
        chmod +x "$PACKAGES/bin/$name"
    done
}

# What to say when nothing worked.
no_way() { # what, variable, example
    die "No $1 here, none new enough in the system's packages, and no Docker engine answers.
  Install $1, or start Docker, or point to one that runs: $2=$3"
}
