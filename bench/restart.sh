#!/usr/bin/env bash
# From SIGKILL of the only worker to an answer by its successor, beside nginx; in turn.
# Not here: correctness; speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/service.sh
. "$(dirname "$0")/service.sh"

usage() {
    cat <<'TEXT'
usage: bench/restart.sh [ROUNDS]    (default 9)

A fresh service for each round, so that no round pays the delays of repeated crashes. The client connects at once, and
waits in the queue of the listener.
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}

bench_rounds "${1:-9}"
service_begin 1
for ((round = 1; round <= rounds; round++)); do
    start_theirs
    record theirs "$("$measure" replace "$(pgrep -P "$pid" | head -n 1)" "$theirs")"
    stop_service SIGTERM "$theirs"
    start_ours
    record ours "$("$measure" replace "$(pgrep -P "$pid" | head -n 1)" "$ours")"
    stop_service SIGTERM "$ours"
done
printf 'a killed worker to its replacement serving, 1 worker; %s; medians of %s\n\n' "$(nginx -v 2>&1 | sed 's/.*: //')" "$rounds"
printf '| what | ms | best | against nginx | to reach |\n|---|---|---|---|---|\n'
row theirs theirs - nginx
row ours theirs '250 ms' digitalism
