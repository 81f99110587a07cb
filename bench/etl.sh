#!/usr/bin/env bash
# Loading communes beside psql's \copy of the same rows into the same table, and beside other loaders, in turn; medians and
# ratios as one table. Not here: correctness (tests/integration/test_etl*.py); speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
    cat <<'TEXT'
usage: bench/etl.sh [ROUNDS]    (default 5)

Starts a private PostgreSQL with fsync in a temporary directory and removes it at the end.
  FILE=…      the CSV file (default: communes_departements.csv of $DIGITALISM_DATA or ../shared/data, else the sample)
  ROWS=…      instead of a file: so many made rows, 1 % of them duplicates
  OTHERS=yes  also pgloader with batches of 100 and psycopg2's execute_values(100), which take long; they load from what
              \copy loads from, already normalised
  MEMORY=yes  only one load, and the memory that its processes had at most
  BINARY=…    the program (default: build/release/digitalism, built if it is missing)
TEXT
}
bench_rounds "$@"
bench_begin
bench_postgres

file=${FILE:-}
if [ -n "${ROWS:-}" ]; then
    file=$work/made.csv
    awk -v rows="$ROWS" 'BEGIN {
        print "code_commune_INSEE,nom_commune,code_postal,latitude,longitude,code_departement"
        for (i = 1; i <= rows; i++) {
            n = i % 100 == 0 ? i - 99 : i
            d = n % 94 + 1; d = d == 20 ? 21 : d
            printf "%05d,Saint-Exemple-sur-Rivière %d,%02d%03d,%.6f,%.6f,%d\n",
                n % 100000, n, d, n % 1000, 42 + n % 90000 / 10000, -4 + n % 120000 / 10000, d
        }
    }' >"$file"
fi
for candidate in "${DIGITALISM_DATA:-/nonexistent}/communes_departements.csv" \
    "$root/../shared/data/communes_departements.csv" "$root/../../shared/data/communes_departements.csv" \
    "$root/data/csv/communes.csv"; do
    [ -n "$file" ] || { [ ! -r "$candidate" ] || file=$candidate; }
done
[ -r "$file" ] || die "cannot read $file"
file=$(realpath "$file")

# All output goes to a log that is shown only when something fails.
# shellcheck disable=SC2120 # the first load takes no flag
etl() {
    (cd "$work" && DATABASE_URL=$tcp_url MIGRATIONS_PATH=$root/migrations LOG_LEVEL=error "$binary" etl --json "$@" "$file") \
        >"$work/json" 2>"$work/log" || { cat "$work/log" >&2 && die 'the ETL failed'; }
}
# The same as a series of the whole command, and one of the loading alone, without waiting and migrating.
timed_etl() {
    local series=$1
    shift
    timed "$series" etl "$@"
    record "$series-stage" "$(jq .duration_ms "$work/json")"
}
columns='name, department_id, latitude, longitude, created_at, updated_at, code_postal'
copy() { psql -Xqd "$tcp_url" -v ON_ERROR_STOP=1 -c "\\copy cities ($columns) from '$work/rows.tsv'"; }
empty() { sql 'TRUNCATE cities RESTART IDENTITY' && sql CHECKPOINT; }
pgloader_load() {
    pgloader --quiet --root-dir "$work/pgloader" "$work/cities.load" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2 && die 'pgloader failed'; }
}
psycopg2_load() {
    /usr/bin/python3 - "$tcp_url" "$work/rows.csv" "$columns" <<'PYTHON'
import csv, sys
import psycopg2, psycopg2.extras
url, path, columns = sys.argv[1:]
connection = psycopg2.connect(url)
with open(path, encoding="utf-8", newline="") as file, connection.cursor() as cursor:
    rows = [[value or None for value in row] for row in csv.reader(file)]
    for first in range(0, len(rows), 100):
        psycopg2.extras.execute_values(
            cursor, f"INSERT INTO cities ({columns}) VALUES %s ON CONFLICT (name, code_postal) DO NOTHING",
            rows[first:first + 100], page_size=100)
        connection.commit()
PYTHON
}

if [ "${MEMORY:-}" = yes ]; then
    DATABASE_URL=$tcp_url MIGRATIONS_PATH=$root/migrations LOG_LEVEL=error background log "$binary" etl "$file"
    most=0
    while kill -0 "$started" 2>/dev/null; do
        for pid in "$started" $(pgrep -P "$started" || true); do
            kib=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
            [ "${kib:-0}" -le "$most" ] || most=$kib
        done
        sleep 0.2
    done
    wait "$started" || { cat "$work/log" >&2 && die 'the ETL failed'; }
    records=$(sql 'SELECT max(rows_read) FROM digitalism_etl_runs')
    printf '%s records: at most %s KiB resident in one process\n' "$records" "$most"
    exit 0
fi

etl
rows=$(sql 'SELECT count(*) FROM cities')
sql "\\copy cities ($columns) to '$work/rows.tsv'"
sql "\\copy cities ($columns) to '$work/rows.csv' (format csv)"
records=$(sql 'SELECT max(rows_read) FROM digitalism_etl_runs')
if [ "${OTHERS:-}" = yes ]; then
    command -v pgloader >/dev/null || die 'pgloader is missing: deploy/dev/packages bench installs it'
    cat >"$work/cities.load" <<COMMAND
LOAD CSV FROM '$work/rows.csv' ($columns) INTO ${tcp_url}?tablename=cities TARGET COLUMNS ($columns)
WITH batch rows = 100, batch concurrency = 1, fields terminated by ',', fields optionally enclosed by '"'
SET standard_conforming_strings to 'on';
COMMAND
fi
for ((round = 1; round <= rounds; round++)); do
    empty && timed copy copy
    empty && timed_etl one --force --jobs 1
    empty && timed_etl load --force
    timed_etl unchanged
    timed_etl again --force
    timed_etl replace --force --mode replace
    [ "$(sql 'SELECT count(*) FROM cities')" = "$rows" ] || die 'the last run left other rows than the first'
    if [ "${OTHERS:-}" = yes ]; then
        empty && timed psycopg2 psycopg2_load
        empty && timed pgloader pgloader_load
        [ "$(sql 'SELECT count(*) FROM cities')" = "$rows" ] || die 'pgloader left other rows'
    fi
done

copy_ms=$(median copy)
printf '%s: %s records, %s rows; PostgreSQL %s, fsync on; %s CPUs; medians of %s\n\n' "$(basename "$file")" "$records" "$rows" \
    "$(sql 'SHOW server_version')" "$(nproc)" "$rounds"
printf '| what | ms | rows/s | against \\copy | loading alone | against \\copy |\n|---|---|---|---|---|---|\n'
while read -r series label; do
    [ -e "$work/$series.series" ] || continue
    ms=$(median "$series")
    stage=
    [ ! -e "$work/$series-stage.series" ] || stage=$(median "$series-stage")
    awk -v label="$label" -v ms="$ms" -v rows="$rows" -v copy="$copy_ms" -v stage="$stage" \
        'BEGIN {
            printf "| %s | %d | %d | %.2f x |", label, ms, rows * 1000 / ms, copy / ms
            if (stage != "") printf " %d ms | %.2f x |\n", stage, copy / stage
            else print " | |"
        }'
done <<'TABLE'
copy psql \copy of the normalised rows, empty table
one digitalism etl, empty table, one connection
load digitalism etl, empty table
unchanged digitalism etl again, the file unchanged
again digitalism etl --force again, skip
replace digitalism etl --force again, replace
psycopg2 psycopg2 execute_values(100), a commit each, of the normalised rows
pgloader pgloader, batch rows = 100, of the normalised rows
TABLE
