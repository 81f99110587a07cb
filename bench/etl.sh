#!/usr/bin/env bash
# Loading communes beside psql's \copy of the same rows into the same table, in turn; medians and ratios as one table.
# Not here: correctness (tests/integration/test_etl.py); speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
    cat <<'TEXT'
usage: bench/etl.sh [ROUNDS]    (default 5)

Starts a private PostgreSQL with fsync in a temporary directory and removes it at the end.
  FILE=…     the CSV file (default: communes_departements.csv of $DIGITALISM_DATA or ../shared/data, else the sample)
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}
bench_rounds "$@"
file=${FILE:-}
for candidate in "${DIGITALISM_DATA:-/nonexistent}/communes_departements.csv" \
    "$root/../shared/data/communes_departements.csv" "$root/../../shared/data/communes_departements.csv" \
    "$root/data/csv/communes.csv"; do
    [ -n "$file" ] || { [ ! -r "$candidate" ] || file=$candidate; }
done
[ -r "$file" ] || die "cannot read $file"
file=$(realpath "$file")
bench_begin
bench_postgres

# All output goes to a log that is shown only when something fails.
etl() {
    (cd "$work" && DATABASE_URL=$tcp_url MIGRATIONS_PATH=$root/migrations ETL_DUPLICATE_HANDLING=$1 LOG_LEVEL=warn \
        "$binary" etl "$file") >"$work/log" 2>&1 || { cat "$work/log" >&2 && die 'the ETL failed'; }
}
columns='name, department_id, latitude, longitude, created_at, updated_at, code_postal'
copy() { sql "\\copy cities ($columns) from '$work/rows.tsv'"; }
empty() { sql 'TRUNCATE cities RESTART IDENTITY' && sql CHECKPOINT; }

etl skip
rows=$(sql 'SELECT count(*) FROM cities')
sql "\\copy cities ($columns) to '$work/rows.tsv'"
records=$(sql 'SELECT max(rows_read) FROM digitalism_etl_runs')
for ((round = 1; round <= rounds; round++)); do
    empty && timed copy copy
    empty && timed load etl skip
    timed again etl skip
    timed replace etl replace
done
[ "$(sql 'SELECT count(*) FROM cities')" = "$rows" ] || die 'the last run left other rows than the first'

copy_ms=$(median copy)
printf '%s: %s records, %s rows; PostgreSQL %s, fsync on; medians of %s\n\n' "$(basename "$file")" "$records" "$rows" \
    "$(sql 'SHOW server_version')" "$rounds"
printf '| what | ms | rows/s | against \\copy |\n|---|---|---|---|\n'
while read -r series label; do
    ms=$(median "$series")
    awk -v label="$label" -v ms="$ms" -v rows="$rows" -v copy="$copy_ms" \
        'BEGIN { printf "| %s | %d | %d | %.2f x |\n", label, ms, rows * 1000 / ms, copy / ms }'
done <<'TABLE'
copy psql \copy of the normalised rows, empty table
load digitalism etl, empty table
again digitalism etl again, skip
replace digitalism etl again, replace
TABLE
