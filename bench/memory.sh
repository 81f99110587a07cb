#!/usr/bin/env bash
# The memory of PID 1 and two idle workers, as the kernel shares it out (PSS), beside nginx.
# Not here: correctness; size is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/service.sh
. "$(dirname "$0")/service.sh"

usage() {
    cat <<'TEXT'
usage: bench/memory.sh [ROUNDS]    (default 3)

PSS counts a page that several processes share by their number; private is what no other process has. Each service
gets copies of its libraries, so that it pays for them alone, as in a container, whatever else runs on this machine.
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}

# rollup PID FIELD…: the sum of the fields, in KiB
rollup() {
    local of=$1
    shift
    awk -v names=" $* " '{ name = $1; sub(":", "", name); if (index(names, " " name " ")) sum += $2 } END { print sum + 0 }' \
        "/proc/$of/smaps_rollup"
}

# weigh NAME PORT: waits until the workers have answered a few requests and are quiet again
weigh() {
    local name=$1 worker total=0 own=0 kib
    for _ in {1..20}; do curl -sf -o /dev/null "http://127.0.0.1:$2/health"; done
    sleep 1
    kib=$(rollup "$pid" Pss)
    record "$name.main" "$kib"
    total=$kib
    own=$(rollup "$pid" Private_Dirty Private_Clean)
    for worker in $(pgrep -P "$pid"); do
        kib=$(rollup "$worker" Pss)
        record "$name.worker" "$kib"
        total=$((total + kib))
        own=$((own + $(rollup "$worker" Private_Dirty Private_Clean)))
    done
    record "$name.total" "$total"
    record "$name.own" "$own"
}

# libraries NAME PROGRAM: copies of all that it is linked with
libraries() {
    mkdir "$work/$1.lib"
    ldd "$2" | awk '$2 == "=>" { print $3 }' | xargs cp -t "$work/$1.lib"
}

bench_rounds "${1:-3}"
service_begin 2
libraries ours "$binary"
libraries theirs "$(command -v nginx)"
for ((round = 1; round <= rounds; round++)); do
    LD_LIBRARY_PATH=$work/theirs.lib start_theirs
    weigh theirs "$theirs"
    stop_service SIGTERM "$theirs"
    LD_LIBRARY_PATH=$work/ours.lib start_ours
    weigh ours "$ours"
    stop_service SIGTERM "$ours"
done
printf 'memory of the main process and 2 idle workers, KiB; %s; medians of %s\n\n' "$(nginx -v 2>&1 | sed 's/.*: //')" "$rounds"
printf '| what | PSS | main process | each worker | private | against nginx | to reach |\n|---|---|---|---|---|---|---|\n'
for name in theirs ours; do
    printf '| %s | %s | %s | %s | %s | %s x | %s |\n' "$([ $name = ours ] && echo digitalism || echo nginx)" "$(median $name.total)" \
        "$(median $name.main)" "$(median $name.worker)" "$(median $name.own)" \
        "$(awk -v a="$(median $name.total)" -v b="$(median theirs.total)" 'BEGIN { printf "%.2f", a / b }')" \
        "$([ $name = ours ] && echo 12288 || echo -)"
done
