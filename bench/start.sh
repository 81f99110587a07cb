#!/usr/bin/env bash
# From the start of the process to its first 200, with two workers and nothing to migrate, beside nginx; in turn.
# Not here: correctness; speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/service.sh
. "$(dirname "$0")/service.sh"

usage() {
    cat <<'TEXT'
usage: bench/start.sh [ROUNDS]    (default 9)

Ours waits for PostgreSQL, checks the migrations and forks its workers; /health asks the database. nginx only listens.
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}

bench_rounds "${1:-9}"
service_begin 2
for ((round = 1; round <= rounds; round++)); do
    start_theirs
    record theirs "$took"
    stop_service SIGTERM "$theirs"
    start_ours
    record ours "$took"
    stop_service SIGTERM "$ours"
done
printf 'start to the first 200, 2 workers; %s; medians of %s\n\n' "$(nginx -v 2>&1 | sed 's/.*: //')" "$rounds"
printf '| what | ms | best | against nginx | to reach |\n|---|---|---|---|---|\n'
row theirs theirs - nginx
row ours theirs '50 ms' digitalism
