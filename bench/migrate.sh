#!/usr/bin/env bash
# Applying 500 small migrations to an empty database, beside dbmate and psql, in turn; medians and ratios as one table.
# Not here: correctness (tests/integration/test_migrate.py, test_conventions.py); speed is asserted nowhere.
set -euo pipefail
# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
    cat <<'TEXT'
usage: bench/migrate.sh [ROUNDS]    (default 5)

Starts a private PostgreSQL with fsync in a temporary directory and removes it at the end.
  COUNT=…    how many migrations (default: 500)
  PLAIN=1    give digitalism files without sections
  DBMATE=…   dbmate's program (default: npm installs the package into the temporary directory)
  BINARY=…   the program (default: build/release/digitalism, built if it is missing)
TEXT
}
bench_rounds "$@"
count=${COUNT:-500}
bench_begin
bench_postgres

# The package's command is a script of Node.js around the program, whose start is not dbmate's fault.
install_dbmate() {
    command -v npm >/dev/null || die 'npm is not there to install dbmate; hint: DBMATE= names the program'
    npm install --prefix "$work/npm" --no-audit --no-fund dbmate >"$work/log" 2>&1 || { cat "$work/log" >&2 && die 'npm failed'; }
    dbmate=$(find "$work/npm" -path '*/@dbmate/*/bin/dbmate' -type f | head -n 1)
    [ -n "$dbmate" ] || die 'the package has no program for this machine'
}
dbmate=${DBMATE:-}
[ -n "$dbmate" ] || install_dbmate

# In turn a table, a column and an index: as sections/… for dbmate and digitalism, as plain/… for psql.
write_migrations() {
    local number table up down name
    mkdir "$work/sections" "$work/plain"
    for ((number = 0; number < count; number++)); do
        table=t$((number / 3))
        case $((number % 3)) in
            0)
                up="CREATE TABLE $table (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);"
                down="DROP TABLE $table;"
                ;;
            1)
                up="ALTER TABLE $table ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();"
                down="ALTER TABLE $table DROP COLUMN created_at;"
                ;;
            2)
                up="CREATE INDEX ${table}_name ON $table (name);"
                down="DROP INDEX ${table}_name;"
                ;;
        esac
        printf -v name '202401%02d%02d%02d00_step_%d.sql' $((1 + number / 1440)) $((number / 60 % 24)) $((number % 60)) "$number"
        printf -- '-- migrate:up\n%s\n\n-- migrate:down\n%s\n' "$up" "$down" >"$work/sections/$name"
        printf '%s\n' "$up" >"$work/plain/$name"
    done
    for name in "$work"/plain/*.sql; do
        printf 'BEGIN;\n\\i %s\nCOMMIT;\n' "$name"
    done >"$work/session.sql"
}

# An empty database, whose URL becomes `target`.
empty() {
    sql "DROP DATABASE IF EXISTS bench_$1" 2>/dev/null && sql "CREATE DATABASE bench_$1 TEMPLATE template0" && sql CHECKPOINT
    target="${tcp_url%/*}/bench_$1?sslmode=disable" # which dbmate has to be told
}

# Debian's psql is a script of Perl around the program, whose start is not psql's fault either.
psql=/usr/lib/postgresql/$(sql 'SHOW server_version_num' | cut -c 1-2)/bin/psql
[ -x "$psql" ] || psql=psql

# All output goes to a log that is shown only when something fails.
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1 failed"; }; }
directory=$work/sections
[ -z "${PLAIN:-}" ] || directory=$work/plain
ours() { (cd "$work" && DATABASE_URL=$target MIGRATIONS_PATH=$directory LOG_LEVEL=warn quietly "$binary" migrate); }
theirs() { quietly "$dbmate" --url "$target" --migrations-dir "$work/sections" --no-dump-schema migrate; }
each_file() {
    local file
    for file in "$work"/plain/*.sql; do
        quietly "$psql" -Xq -1 -v ON_ERROR_STOP=1 -f "$file" "$target"
    done
}
one_session() { quietly "$psql" -Xq -v ON_ERROR_STOP=1 -f "$work/session.sql" "$target"; }

# Whoever did less than the others would win.
check() {
    local made
    made=$(psql -XqAt "$target" -c "SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'),
        sum(relnatts) FILTER (WHERE relkind = 'r') FROM pg_class WHERE relname ~ '^t[0-9]+(_name|_pkey)?$'")
    [ "$made" = "${expected:=$made}" ] || die "$1 made $made tables, indexes and columns, not $expected"
}

write_migrations
for ((round = 1; round <= rounds; round++)); do
    empty session && timed session one_session && check 'one session of psql'
    empty ours && timed ours ours && check digitalism
    timed ours_again ours
    empty dbmate && timed dbmate theirs && check dbmate
    timed dbmate_again theirs
    empty files && timed files each_file && check psql
done

session_ms=$(median session)
printf '%s migrations, a transaction each; PostgreSQL %s, fsync on; dbmate %s; medians of %s\n\n' "$count" \
    "$(sql 'SHOW server_version')" "$("$dbmate" --version | sed 's/.* //')" "$rounds"
printf '| what | ms | ms each | against one session |\n|---|---|---|---|\n'
while read -r series label; do
    awk -v label="$label" -v ms="$(median "$series")" -v count="$count" -v session="$session_ms" \
        'BEGIN { printf "| %s | %d | %.2f | %.2f x |\n", label, ms, ms / count, session / ms }'
done <<'TABLE'
session psql, one session for all files
ours digitalism migrate
dbmate dbmate migrate
files psql -1 -f for each file
ours_again digitalism migrate again, nothing to do
dbmate_again dbmate migrate again, nothing to do
TABLE
