#!/usr/bin/env bash
# From the stop signal to the end of the process, idle and with 100 idle keep-alive connections, beside nginx; in turn.
# Not here: correctness; speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/service.sh
. "$(dirname "$0")/service.sh"

usage() {
    cat <<'TEXT'
usage: bench/stop.sh [ROUNDS]    (default 9)

Two workers. Ours gets SIGTERM, nginx SIGQUIT, which is its graceful stop.
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}

bench_rounds "${1:-9}"
service_begin 2
for ((round = 1; round <= rounds; round++)); do
    for connections in 0 100; do
        start_theirs
        stop_service SIGQUIT "$theirs" $connections
        record "theirs$connections" "$took"
        start_ours
        stop_service SIGTERM "$ours" $connections
        record "ours$connections" "$took"
    done
done
printf 'graceful stop, 2 workers; %s; medians of %s\n\n' "$(nginx -v 2>&1 | sed 's/.*: //')" "$rounds"
printf '| what | ms | best | against nginx | to reach |\n|---|---|---|---|---|\n'
row theirs0 theirs0 - 'nginx, idle'
row ours0 theirs0 '50 ms' 'digitalism, idle'
row theirs100 theirs100 - 'nginx, 100 idle connections'
row ours100 theirs100 '50 ms' 'digitalism, 100 idle connections'
