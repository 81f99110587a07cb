# shellcheck shell=bash
# Two services to compare, ours and nginx, each with so many workers and the same /health; started by the script's rounds.
# Not here: series and medians (lib.sh, which this brings along), the clock (measure.py).

# shellcheck source=bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export PATH=$PATH:/usr/sbin
measure=$root/bench/measure.py

# service_begin WORKERS: a migrated database for ours, a configuration for nginx; sets `ours` and `theirs`, their ports.
service_begin() {
    command -v nginx >/dev/null || die 'nginx is missing; hint: deploy/dev/packages bench'
    bench_begin
    bench_postgres --fast
    export DATABASE_URL=$tcp_url MIGRATIONS_PATH=$root/migrations HOST=127.0.0.1 WORKERS=$1 LOG_LEVEL=warn
    ours=$(free_port)
    theirs=$(free_port)
    (cd "$work" && "$binary" migrate) || die 'cannot migrate'
    cat >"$work/nginx.conf" <<CONF
worker_processes $1;
daemon off;
pid $work/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    server {
        listen 127.0.0.1:$theirs;
        location = /health { default_type application/json; return 200 '{"status":"healthy"}'; }
    }
}
CONF
}

# start_ours, start_theirs: set `pid` and `took` (milliseconds to the first 200).
start_ours() {
    read -r took pid < <(LOG=$work/ours.log "$measure" start "$ours" env -C "$work" PORT="$ours" "$binary" api) ||
        die "$(cat "$work/ours.log")"
    pids+=("$pid")
}
start_theirs() {
    read -r took pid < <(LOG=$work/theirs.log "$measure" start "$theirs" nginx -p "$work" -e stderr -c "$work/nginx.conf") ||
        die "$(cat "$work/theirs.log")"
    pids+=("$pid")
}

# stop_service SIGNAL PORT [CONNECTIONS]: ends the service started last; sets `took`.
stop_service() {
    # shellcheck disable=SC2034 # for the scripts
    took=$("$measure" stop "$1" "$pid" "$2" "${3:-0}")
    unset 'pids[-1]'
}

# row SERIES BESIDE TARGET LABEL: the row's ratio is against the series BESIDE ("-": none).
row() {
    local ratio=-
    [ "$2" = - ] || ratio=$(awk -v a="$(median "$1")" -v b="$(median "$2")" 'BEGIN { printf "%.2f x", a / b }')
    printf '| %s | %s | %s | %s | %s |\n' "$4" "$(median "$1")" "$(sort -g "$work/$1.series" | head -n 1)" "$ratio" "$3"
}
