# A private Redis for a stand: loopback only, a password of its own, data in .dev/<stand>/redis.

# start_redis <durable|fast> <default port> <wished port>; exports REDIS_URL.
start_redis() {
    if find_redis || { get_packages redis && find_redis; }; then
        start_native_redis "$@"
    elif docker_answers; then
        start_docker_redis "$@"
    else
        no_way "Redis (6.2 or later)" REDIS_URL redis://localhost:6379
    fi
    export REDIS_URL="redis://default:$PASSWORD@127.0.0.1:$PORT/0"
}

start_native_redis() {
    local attempt folder="$HOME_OF_STAND/redis"
    mkdir -p "$folder"
    for attempt in 1 2 3 4 5; do
        choose_port redis "$2" "${3:-}"
        (umask 077; redis_settings "$1" "$PORT" "$folder" >"$HOME_OF_STAND/redis.conf")
        start redis "$REDIS_SERVER" "$HOME_OF_STAND/redis.conf"
        if redis_is_ready; then return; fi
        is_taken "$PORT" || break
    done
    tail -20 "$DEV/log/$STAND-redis.log" >&2
    die "Redis did not start; its log is .dev/log/$STAND-redis.log"
}

redis_settings() {
    cat <<CONF
bind 127.0.0.1
port $2
requirepass $PASSWORD
dir "$3"
databases 64
daemonize no
save ""
CONF
    case $1 in durable) echo "appendonly yes" ;; fast) echo "appendonly no" ;; esac
}

# It must be our process that answers, not another clone's on the same port.
redis_is_ready() {
    local identity_of_start tries=0
    identity_of_start=$(identity "$STARTED")
    # shellcheck disable=SC2086 # id and start, two words
    while is_alive $identity_of_start; do
        if redis_process | grep -q "^process_id:$STARTED"; then return 0; fi
        tries=$((tries + 1))
        [ $tries -lt 300 ] || return 1
        sleep 0.1
    done
    return 1
}

redis_process() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$PORT"
        printf 'AUTH %s\r\nINFO server\r\nQUIT\r\n' "$PASSWORD" >&3
        cat <&3
    ) 2>/dev/null || true
}
