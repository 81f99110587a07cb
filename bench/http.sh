#!/usr/bin/env bash
# /health of one worker beside nginx giving the same answer with `return 200`; by CPU time, in turn, medians as one table.
# Not here: correctness; speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
    cat <<'TEXT'
usage: bench/http.sh [ROUNDS]    (default 5)

32 connections of one wrk thread, without and with 16 requests pipelined; access logs off on both sides. What counts is
the CPU time of the worker process for a request: on few cores wrk is the slower side, and req/s are its figure.
  SECONDS_EACH=…  of each measurement (default 3)
  BINARY=…        the program (default: build/release/digitalism, built if it is missing)
TEXT
}

bench_rounds "$@"
seconds=${SECONDS_EACH:-3}
for tool in wrk nginx curl; do
    command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null ||
        die "$tool is missing; hint: deploy/dev/packages bench"
done
bench_begin
bench_postgres --fast

ours=$(free_port)
(cd "$work" && mkdir -p data)
background ours.log env -C "$work" DATABASE_URL="$url" MIGRATIONS_PATH="$root/migrations" HOST=127.0.0.1 PORT="$ours" WORKERS=1 \
    ACCESS_LOG=false LOG_LEVEL=warn "$binary" api
ours_pid=$started
until_answered "http://127.0.0.1:$ours/health" ours.log

theirs=$(free_port)
cat >"$work/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $work/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    server {
        listen 127.0.0.1:$theirs;
        location = /health {
            default_type application/json;
            return 200 '$(curl -s "http://127.0.0.1:$ours/health")';
        }
    }
}
CONF
PATH=$PATH:/usr/sbin background theirs.log nginx -p "$work" -e stderr -c "$work/nginx.conf"
theirs_pid=$started
until_answered "http://127.0.0.1:$theirs/health" theirs.log

cat >"$work/pipeline.lua" <<'LUA'
init = function(args)
    local requests = {}
    for i = 1, 16 do requests[i] = wrk.format("GET", "/health") end
    request_text = table.concat(requests)
end
request = function() return request_text end
LUA

# The one worker is the only child of either main process.
worker_of() { pgrep -P "$1" | head -n 1; }

# load SERIES PORT PID [wrk's options]
load() {
    local series=$1 port=$2 worker requests before after
    worker=$(worker_of "$3")
    shift 3
    before=$(cpu_us "$worker")
    wrk -t 1 -c 32 -d "${seconds}s" "$@" "http://127.0.0.1:$port/health" >"$work/wrk" 2>&1 || die "wrk: $(cat "$work/wrk")"
    after=$(cpu_us "$worker")
    requests=$(awk '/requests in/ { print $1 }' "$work/wrk")
    ! grep -q 'Non-2xx' "$work/wrk" || die "$series: $(grep 'Non-2xx' "$work/wrk")"
    record "$series.cpu" "$(awk -v us=$((after - before)) -v n="$requests" 'BEGIN { printf "%.3f", us / n }')"
    record "$series.rate" "$(awk '/Requests\/sec/ { print $2 }' "$work/wrk")"
}

for ((round = 1; round <= rounds; round++)); do
    load theirs "$theirs" "$theirs_pid"
    load ours "$ours" "$ours_pid"
    load theirs16 "$theirs" "$theirs_pid" -s "$work/pipeline.lua"
    load ours16 "$ours" "$ours_pid" -s "$work/pipeline.lua"
done

printf '/health, 1 worker, 32 connections, %s s each; %s; medians of %s\n\n' "$seconds" \
    "$(PATH=$PATH:/usr/sbin nginx -v 2>&1 | sed 's/.*: //')" "$rounds"
printf '| what | req/s | CPU µs a request | for a CPU second, against nginx |\n|---|---|---|---|\n'
while read -r series beside label; do
    awk -v label="$label" -v rate="$(median "$series.rate")" -v cpu="$(median "$series.cpu")" \
        -v base="$(median "$beside.cpu")" 'BEGIN { printf "| %s | %d | %.2f | %.2f x |\n", label, rate, cpu, base / cpu }'
done <<'TABLE'
theirs theirs nginx, return 200
ours theirs digitalism
theirs16 theirs16 nginx, 16 pipelined
ours16 theirs16 digitalism, 16 pipelined
TABLE
