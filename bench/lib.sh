# shellcheck shell=bash
# What the benchmarks share: a directory, the program, a private PostgreSQL, series of figures and their medians.
# Not here: what is measured (the scripts that source this); nothing runs by sourcing it but the settings below.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${BINARY:-$root/build/release/digitalism}
work=
pids=()

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Sets `rounds` from the script's first argument; `usage` is the script's.
bench_rounds() {
    rounds=${1:-5}
    case $rounds in
        -h | --help)
            usage
            exit 0
            ;;
        *[!0-9]* | 0)
            usage >&2
            exit 2
            ;;
    esac
}

# Makes `work`, which goes away at the end with everything that was started, and builds the program if it is missing.
bench_begin() {
    work=$(mktemp -d /tmp/digitalism-bench-XXXXXX)
    chmod 755 "$work" # the database server's user has to pass through
    trap bench_end EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ ! -x "$binary" ]; then
        (cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release >/dev/null) || die 'cannot build'
    fi
}

bench_end() {
    trap '' INT TERM
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || continue
        wait "$pid" 2>/dev/null || true
    done
    "$root/deploy/dev/postgres" stop --immediate "$work/pg" >/dev/null 2>&1 || true
    rm -rf "$work"
}

# Starts a private PostgreSQL (with --fast: without fsync) and sets `url` and `tcp_url`. A start is timed over TCP: over
# the socket the program makes sure for a second that the server stays.
# shellcheck disable=SC2034,SC2120 # not every script uses both, or has an option for it
bench_postgres() {
    { read -r url && read -r tcp_url; } < <("$root/deploy/dev/postgres" start --tcp "$@" "$work/pg" 2>/dev/null) ||
        die 'PostgreSQL does not start'
}

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$url" -c "$1"; }

# Starts a command in the background, to be ended with the script; its output goes to a file of the work directory.
# Sets `started`, its process id.
# shellcheck disable=SC2034
background() {
    local log=$1
    shift
    "$@" </dev/null >"$work/$log" 2>&1 &
    pids+=($!)
    started=$!
}

free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
    die 'no free port'
}

# Waits until a URL answers; shows the log of the work directory when it does not.
until_answered() {
    local deadline=$((SECONDS + 20))
    until curl -sf -o /dev/null "$1"; do
        if [ $SECONDS -ge $deadline ]; then
            cat "$work/$2" >&2
            die "$1 does not answer"
        fi
        sleep 0.05
    done
}

# A series is a file of figures, one a line.
record() { printf '%s\n' "$2" >>"$work/$1.series"; }
median() {
    sort -g "$work/$1.series" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Runs a command and records its milliseconds in the series named first.
timed() {
    local series=$1 start end
    shift
    start=${EPOCHREALTIME/[.,]/}
    "$@"
    end=${EPOCHREALTIME/[.,]/}
    record "$series" $(((end - start + 500) / 1000))
}

# The CPU time of a process so far, in microseconds (user and system).
cpu_us() {
    local fields
    fields=$(<"/proc/$1/stat")
    fields=${fields##*) }
    # shellcheck disable=SC2086 # fields 14 and 15 of proc(5), counted behind the name
    set -- $fields
    printf '%s\n' $(((${12} + ${13}) * 1000000 / $(getconf CLK_TCK)))
}
