"""Goal: loading communes: what is in the table, the ledger and the rejects after each kind of file, mode and mishap.

Not here: the CSV grammar and the rules of a row (tests/unit/etl, tests/unit/commune); waiting and migrating.
"""

import csv
import hashlib
import re
import signal
import uuid

import psycopg2
import pytest

from harness import ROOT, Database, query, settings, wait_until

SAMPLE = ROOT / "data/csv/communes.csv"
COUNTS = ("read", "inserted", "updated", "unchanged", "duplicate", "rejected")


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def counts(result):
    """The counts of the summary in the log, in the order of COUNTS; they add up in every test."""
    found = {}
    for name in COUNTS:
        match = re.search(rf"  {name} +(\d+)\n", result.text)
        assert match, result
        found[name] = int(match[1])
    assert found["read"] == sum(found[name] for name in COUNTS[1:]), result
    return tuple(found.values())


def ledger(database):
    columns = ", ".join("rows_" + name for name in COUNTS)
    return database.query(f"SELECT state, {columns} FROM digitalism_etl_runs ORDER BY id")


def cities(database):
    return database.query(
        "SELECT c.name, c.code_postal, d.code_departement, c.latitude, c.longitude FROM cities c "
        "JOIN departments d ON d.id = c.department_id WHERE c.deleted_at IS NULL ORDER BY c.id"
    )


@pytest.fixture
def load(run, database):
    """load(path, NAME=value…) → the result of `digitalism etl path` on this test's database."""
    return lambda *paths, timeout=60, **more: run("etl", *paths, env=settings(database.url, **more), timeout=timeout)


def test_the_sample(load, database):
    """The sample that the project ships: every row loads, all regions and departments are there, some lack coordinates."""
    with open(SAMPLE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    result = load()
    assert result.code == 0, result
    assert counts(result) == (len(rows), len(rows), 0, 0, 0, 0)
    assert len(rows) >= 320
    assert database.query(
        "SELECT count(DISTINCT d.region_id), count(DISTINCT d.id), count(*) FILTER (WHERE c.latitude IS NULL) BETWEEN 8 AND 20 "
        "FROM cities c JOIN departments d ON d.id = c.department_id"
    ) == [(18, 101, True)]
    # A second run finds everything there.
    assert counts(load("--force")) == (len(rows), 0, 0, len(rows), 0, 0)


def test_the_real_file(load, database, full_csv):
    """The 39,201 real rows: exact counts, first in skip, again in skip, then in replace, twice."""
    result = load(full_csv)
    assert result.code == 0, result
    assert counts(result) == (39201, 36218, 0, 0, 2718, 265)
    assert database.query("SELECT count(*), count(*) FILTER (WHERE latitude IS NULL) FROM cities") == [(36218, 4)]
    assert database.query("SELECT DISTINCT d.code_departement FROM cities c JOIN departments d ON d.id = c.department_id "
                          "WHERE c.name = 'CLARET' AND c.code_postal = '05110'") == [("4",)]
    assert database.query("SELECT code, count(*) FROM digitalism_etl_rejects GROUP BY 1") == [("department_unknown", 265)]
    assert "245 more records rejected" in result.text
    assert result.text.count("record rejected, continuing") == 20
    assert counts(load(full_csv, "--force")) == (39201, 0, 0, 36218, 2718, 265)
    # Two keys have several records that differ: the last one counts now.
    assert counts(load(full_csv, ETL_DUPLICATE_HANDLING="replace")) == (39201, 0, 2, 36216, 2718, 265)
    newest = "SELECT max(xmin::text::bigint), max(xmax::text::bigint), (SELECT last_value FROM cities_id_seq) FROM cities"
    before = database.query(newest)
    assert counts(load(full_csv, "--force", ETL_DUPLICATE_HANDLING="replace")) == (39201, 0, 0, 36218, 2718, 265)
    assert database.query(newest) == before
    assert [row[0] for row in ledger(database)] == ["done"] * 4


def test_against_the_former_system(load, database, full_csv, legacy_dump, cluster_urls):
    """The cities are those that the former system loaded from the same file, but for the department of 23 of them, whose
    own code in the file differs from that of their postal code."""
    legacy = Database(*cluster_urls, name=f"test_{uuid.uuid4().hex}").create()
    try:
        legacy.load(legacy_dump)
        assert load(full_csv).code == 0
        sql = "SELECT name, code_postal, department_id, latitude, longitude FROM cities"
        theirs = {row[:2]: row[2:] for row in legacy.query(sql)}
        ours = {row[:2]: row[2:] for row in database.query(sql)}
    finally:
        legacy.drop()
    assert ours.keys() == theirs.keys()
    assert all(ours[key][1:] == theirs[key][1:] for key in ours)
    elsewhere = {key for key in ours if ours[key][0] != theirs[key][0]}
    assert len(elsewhere) == 23 and ("CLARET", "05110") in elsewhere


def test_another_layout(load, database, tmp_path):
    """La Poste's layout: semicolons, other names of columns, both coordinates in one field that may be empty."""
    path = write(tmp_path / "hexasmal.csv", "\ufeffCode_commune_INSEE;Nom_commune;Code_postal;Ligne_5;coordonnees_gps\r\n"
                 "01004;AMBERIEU EN BUGEY;01500;;45.96, 5.37\r\n94999;L\u2019Ha\u00ff-les-Roses;94240;\"a\r\nb\";\r\n")
    result = load(path)
    assert result.code == 0, result
    assert "delimiter semicolon" in result.text
    assert cities(database) == [("AMBERIEU EN BUGEY", "01500", "1", 45.96, 5.37),
                                ("L\u2019HA\u0178-LES-ROSES", "94240", "94", None, None)]


def test_la_poste(load, database, full_csv):
    """The whole file of La Poste loads."""
    path = full_csv.parent / "laposte_hexasmal.csv"
    if not path.is_file():
        pytest.skip("laposte_hexasmal.csv is not there")
    result = load(path)
    assert result.code == 0, result
    read, inserted, _, _, duplicate, rejected = counts(result)
    assert (read, rejected) == (39192, 265) and inserted + duplicate == read - rejected


def test_duplicates_and_modes(load, database, tmp_path):
    """Over all files of a run the first record of a key counts in skip and the last in replace, also within a batch."""
    write(tmp_path / "a.csv", "nom_commune,code_postal,latitude,longitude\nParis,75001,1,1\nparis ,75001,2,2\nLyon,69001,3,3\n")
    write(tmp_path / "b.csv", "nom_commune,code_postal,latitude,longitude\nPARIS,75001,4,4\nLyon,69001,5,5\nNice,06000,6,6\n")
    result = load(tmp_path)
    assert counts(result) == (6, 3, 0, 0, 3, 0)
    assert [(row[0], row[3]) for row in cities(database)] == [("PARIS", 1), ("LYON", 3), ("NICE", 6)]
    assert counts(load(tmp_path, ETL_DUPLICATE_HANDLING="replace")) == (6, 0, 2, 1, 3, 0)
    assert [(row[0], row[3]) for row in cities(database)] == [("PARIS", 4), ("LYON", 5), ("NICE", 6)]
    assert counts(load(tmp_path, "--force", ETL_DUPLICATE_HANDLING="replace")) == (6, 0, 0, 3, 3, 0)
    assert ledger(database)[:2] == [("done", 3, 2, 0, 0, 1, 0), ("done", 3, 1, 0, 0, 2, 0)]


def test_replace_writes_what_differs(load, database, tmp_path):
    """In replace a row that differs is updated, one that a user deleted revives, and a coordinate that the file does not
    have is kept; in skip all of them stay as they are."""
    path = write(tmp_path / "a.csv", "nom_commune,code_postal,latitude,longitude\nParis,75001,1,1\nLyon,69001,3,3\nNice,6000,,\n")
    assert load(path).code == 0
    change = ("UPDATE cities SET deleted_at = now() WHERE name = 'PARIS'; UPDATE cities SET latitude = 9 WHERE name = 'LYON';"
              "UPDATE cities SET latitude = 8, longitude = 8 WHERE name = 'NICE'")
    database.query(change)
    assert counts(load(path, "--force")) == (3, 0, 0, 3, 0, 0)
    assert [(row[0], row[3]) for row in cities(database)] == [("LYON", 9), ("NICE", 8)]
    assert counts(load(path, ETL_DUPLICATE_HANDLING="replace")) == (3, 0, 2, 1, 0, 0)
    assert [(row[0], row[3]) for row in cities(database)] == [("PARIS", 1), ("LYON", 3), ("NICE", 8)]
    assert database.query("SELECT count(*) FROM cities WHERE name <> 'NICE' AND updated_at > created_at") == [(2,)]


def test_a_department_that_was_deleted_is_not_known(load, database, tmp_path, run):
    """Cities are filed in live departments only."""
    assert run("migrate", env=settings(database.url)).code == 0
    database.query("UPDATE departments SET deleted_at = now() WHERE code_departement = '75'")
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\nParis,75001\nLyon,69001\n")
    result = load(path, ETL_MAX_REJECTS="1")
    assert counts(result) == (2, 1, 0, 0, 0, 1)
    assert "a.csv:2: record rejected, continuing: no known department has this postal code: \"75001\"" in result.text


def test_a_long_value_is_cut_between_characters_in_the_log(load, tmp_path):
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\nParis," + "é" * 20 + "x" + "é" * 60 + "\n")
    result = load(path)
    assert result.code == 5, result
    assert f'not 1 to 5 digits: "{"é" * 20 + "x" + "é" * 29}"\n' in result.text


@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
def test_batches(load, database, tmp_path, batch_size):
    """However the rows are cut into batches, the result and the counts are the same; a batch is one transaction."""
    lines = ["Lyon,6900x"] + [f"Ville {n},{75000 + n % 5}" for n in range(10)] + ["Ville 3,75003", "Lyon,", "Fin,75001"]
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "\n".join(lines))
    result = load(path, ETL_BATCH_SIZE=batch_size, ETL_MAX_REJECTS=2)
    assert result.code == 0, result
    assert counts(result) == (14, 11, 0, 0, 1, 2)
    assert ledger(database) == [("done", 14, 11, 0, 0, 1, 2)]
    assert database.query("SELECT record, line, column_name, code, raw FROM digitalism_etl_rejects ORDER BY record") == [
        (1, 2, "code_postal", "postal_code_invalid", "Lyon,6900x"), (13, 14, "code_postal", "postal_code_empty", "Lyon,")]
    sizes = database.query("SELECT count(*) FROM cities GROUP BY xmin::text ORDER BY 1 DESC")
    assert all(size <= batch_size for size, in sizes)


def test_rejects_are_kept_as_they_stood(load, database, tmp_path):
    """Quotes, line ends, invalid bytes: the table and the rejects file hold the record, and physical line numbers."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'nom_commune,code_postal\n"Pa\nris",75001\n"Ly""on\n",x\nN\xeemes,30000\nNul\0,75002\nParis,75003\n')
    rejects = tmp_path / "rejects"
    rejects.mkdir()
    result = load(path, ETL_MAX_REJECTS=3, ETL_REJECTS_PATH=rejects)
    assert counts(result) == (5, 2, 0, 0, 0, 3)
    wanted = [(4, 2, "code_postal", "postal_code_invalid", '"Ly""on\n",x'),
              (6, 3, "nom_commune", "encoding", "N\ufffdmes,30000"), (7, 4, "nom_commune", "encoding", "Nul\ufffd,75002")]
    assert database.query("SELECT line, record, column_name, code, raw FROM digitalism_etl_rejects ORDER BY 1") == wanted
    file = rejects / f"{database.query('SELECT id FROM digitalism_etl_runs')[0][0]}.csv"
    with open(file, encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [(int(row["line"]), int(row["record"]), row["column"], row["code"], row["raw"]) for row in rows] == wanted
    assert {row["file"] for row in rows} == {str(path)}


def test_a_rejects_file_that_cannot_be_written_is_a_warning(load, tmp_path):
    """The load goes on without the rejects file."""
    result = load(SAMPLE, ETL_REJECTS_PATH=tmp_path / "nowhere")
    assert result.code == 0, result
    assert re.search(r"WARN .*cannot write .*nowhere/1\.csv: No such file or directory", result.text)


@pytest.mark.parametrize("limit, code, read", [(2, 0, 20), (1, 5, 12), ("10%", 0, 20), ("9%", 5, 20), (0, 5, 2), ("0%", 5, 20)])
def test_reject_limit(load, database, tmp_path, limit, code, read):
    """Over a count the ETL stops at once, over a share at the end; exit 5 with all counts, and the ledger says so."""
    lines = [f"Ville {n},75001" for n in range(20)]
    lines[1] = lines[11] = "Lyon,6900x"
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "\n".join(lines))
    result = load(path, ETL_MAX_REJECTS=limit)
    assert result.code == code, result
    (state, *found), = ledger(database)
    assert found[0] == read == sum(found[1:])
    assert state == ("failed" if code else "done")
    if code:
        assert f"too many rejects: the limit is {limit}".replace("%", " % of the rows") in result.text
        assert f"read {read}, inserted {found[1]}, updated 0, unchanged 0, duplicate 0, rejected {found[5]}" in result.text


@pytest.mark.parametrize(
    "text, message",
    [
        ("ville,cp\nParis,75001\n", 'no column nom_commune and no column code_postal; found: "ville", "cp"; expected: nom_commune'),
        ("nom_commune;postal\n", 'has no column code_postal; found: "nom_commune", "postal"'),
        ("", "is empty"),
        ("nom_commune,code_postal\nParis,75001\nLyon,\"69001\n", ":3: the quote that opens here is never closed"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(load, database, tmp_path, text, message):
    """Exit 5 with one message, and nothing was loaded of it or of the good file before it."""
    write(tmp_path / "a.csv", "nom_commune,code_postal\nParis,75001\n")
    write(tmp_path / "b.csv", text)
    result = load(tmp_path)
    assert result.code == 5, result
    assert message in result.text
    if database.query("SELECT to_regclass('cities') IS NOT NULL")[0][0]:
        assert database.query("SELECT count(*) FROM cities") == [(0,)]


@pytest.mark.parametrize("name", ["nothing.csv", "empty"])
def test_nothing_to_read(load, database, tmp_path, name):
    """A missing file, a directory without CSV: exit 5 at once, before the database is touched."""
    (tmp_path / "empty").mkdir()
    result = load(CSV_DATA_PATH=tmp_path / name)
    assert result.code == 5, result
    assert str(tmp_path / name) in result.text and "CSV_DATA_PATH" in result.text
    assert database.query("SELECT to_regclass('cities')") == [(None,)]


def test_rows_that_postgresql_refuses(load, database, tmp_path, run):
    """Rows that a constraint or a trigger of the operator's refuses become rejects, found by bisection; all others are
    loaded, also those of the batches behind, and the counts hold."""
    assert run("migrate", env=settings(database.url)).code == 0
    database.query("ALTER TABLE cities ADD CONSTRAINT no_fifty CHECK (name !~ '^VILLE [0-9]*57$')")
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(1, 1001)))
    result = load(path)
    assert result.code == 0, result
    assert counts(result) == (1000, 990, 0, 0, 0, 10)
    assert ledger(database) == [("done", 1000, 990, 0, 0, 0, 10)]
    assert len(cities(database)) == 990
    assert database.query("SELECT record, line, column_name, code, raw FROM digitalism_etl_rejects ORDER BY record") == [
        (n, n + 1, "", "postgresql_23514", f"Ville {n},75001") for n in range(57, 1001, 100)]
    assert 'new row for relation "cities" violates check constraint "no_fifty"' in result.text


def test_a_row_that_is_there_and_not_allowed_any_more(load, database, tmp_path, run):
    """A constraint younger than a row of the table does not keep the file from loading: in skip that row is not written,
    whatever the loader takes the batch for (most rows before it were new)."""
    assert run("migrate", env=settings(database.url)).code == 0
    database.query("INSERT INTO cities (name, code_postal, department_id, created_at, updated_at) "
                   "SELECT 'VILLE 350', '75001', min(id), now(), now() FROM departments; "
                   "ALTER TABLE cities ADD CONSTRAINT no_fifty CHECK (name NOT IN ('VILLE 350', 'VILLE 360')) NOT VALID")
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(1, 401)))
    result = load(path, ETL_BATCH_SIZE=10)
    assert result.code == 0, result
    assert counts(result) == (400, 398, 0, 1, 0, 1)
    assert database.query("SELECT record, code FROM digitalism_etl_rejects") == [(360, "postgresql_23514")]


def test_rows_refused_at_the_commit(load, database, tmp_path, run):
    """A deferred constraint refuses at the commit only; the row is found all the same."""
    assert run("migrate", env=settings(database.url)).code == 0
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                   "IF new.name = 'NICE' THEN RAISE 'not Nice'; END IF; RETURN NULL; END $$; "
                   "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON cities DEFERRABLE INITIALLY DEFERRED "
                   "FOR EACH ROW EXECUTE FUNCTION refuse()")
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\nParis,75001\nNice,06000\nLille,59000\n")
    result = load(path, ETL_MAX_REJECTS=1)
    assert counts(result) == (3, 2, 0, 0, 0, 1)
    assert database.query("SELECT record, code, reason FROM digitalism_etl_rejects") == [
        (2, "postgresql_P0001", "not Nice (P0001)")]
    # A new try does not load it either, and the limit holds for such rejects too.
    result = load(path, "--force", ETL_MAX_REJECTS=0)
    assert result.code == 5 and "too many rejects: the limit is 0; read 3, inserted 0" in result.text, result


def test_a_refusal_that_is_not_about_rows_ends_the_run(load, database, tmp_path, run):
    """What every row would meet ends the run with the statement's own reason; nothing is half done."""
    assert run("migrate", env=settings(database.url)).code == 0
    database.query("ALTER TABLE cities RENAME COLUMN latitude TO lat")
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\nParis,75001\n")
    result = load(path)
    assert result.code == 5 and 'column "latitude" of relation "cities" does not exist' in result.text, result
    assert ledger(database) == [("failed", 0, 0, 0, 0, 0, 0)]


def test_a_row_that_was_thought_to_be_new(load, database, tmp_path):
    """Behind many new rows the loader does not look for each any more: one that is there after all is found unchanged, and
    is no reject; those around it are loaded."""
    assert load(write(tmp_path / "a.csv", "nom_commune,code_postal\nVille 5500,75001\nVille 5600,75001\n")).code == 0
    path = write(tmp_path / "b.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(1, 8001)))
    assert counts(load(path, ETL_JOBS=1)) == (8000, 7998, 0, 2, 0, 0)
    assert len(cities(database)) == 8000


def test_a_row_that_somebody_else_inserts_meanwhile(load, service, database, run, tmp_path):
    """Into an empty table rows go without being looked for; one that appears meanwhile is found unchanged."""
    assert run("migrate", env=settings(database.url)).code == 0
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(1, 5001)))
    other = psycopg2.connect(database.socket_url)
    try:
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO cities (name, code_postal, department_id, created_at, updated_at) "
                           "SELECT 'VILLE 1234', '75001', min(id), now(), now() FROM departments")
        loading = service("etl", path, env=settings(database.url))
        wait_until(lambda: query(database.socket_url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                 "AND datname = current_database()"), what=loading.log)
        other.commit()
    finally:
        other.close()
    assert loading.wait() == 0, loading.log()
    assert ledger(database) == [("done", 5000, 4999, 0, 1, 0, 0)]
    assert len(cities(database)) == 5000


def test_two_at_once(load, service, database, tmp_path):
    """The second ETL waits for the first, tells who holds the lock, and then finds everything there."""
    assert load(SAMPLE).code == 0
    holder = psycopg2.connect(database.socket_url)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(1684629353, 6649964), pg_backend_pid()")
            pid = cursor.fetchone()[1]
        waiting = service("etl", SAMPLE, env=settings(database.url))
        waiting.wait_log(f"waiting for another ETL on this database to end (PostgreSQL process {pid})")
        assert len(ledger(database)) == 1
    finally:
        holder.close()
    assert waiting.wait() == 0
    assert "the other ETL has ended" in waiting.log()
    assert "nothing new in" in waiting.log() and len(ledger(database)) == 1


def test_stopped_while_it_waits_for_another(load, service, database):
    """SIGTERM ends the wait for the lock at once: exit 143."""
    assert load(SAMPLE).code == 0
    holder = psycopg2.connect(database.socket_url)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(1684629353, 6649964)")
        waiting = service("etl", SAMPLE, env=settings(database.url))
        waiting.wait_log("waiting for another ETL")
        assert waiting.stop(signal.SIGTERM, seconds=5) == 143
    finally:
        holder.close()


def test_stopped_between_batches(load, service, database, tmp_path):
    """SIGTERM: the batches in flight are committed, the counts are true, the ledger says interrupted; exit 143. The next
    run goes on behind them, in the same row of the ledger."""
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(1, 5001)))
    assert load(SAMPLE).code == 0
    before = len(cities(database))
    # A lock on one row's key holds the second batch: somebody else is inserting the same city.
    other = psycopg2.connect(database.socket_url)
    try:
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO cities (name, code_postal, department_id, created_at, updated_at) "
                           "SELECT 'VILLE 150', '75001', min(id), now(), now() FROM departments")
        stopped = service("etl", path, env=settings(database.url, ETL_JOBS=1))
        wait_until(lambda: query(database.socket_url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                 "AND datname = current_database()"), what=stopped.log)
        stopped.process.send_signal(signal.SIGTERM)
        # The stop reaches the loader while its batch waits; the batch may end now.
        stopped.wait_log("SIGTERM")
    finally:
        other.rollback()
        other.close()
    assert stopped.wait() == 143, stopped.log()
    state, read, *found = ledger(database)[1]
    assert state == "interrupted" and 200 <= read <= 1700 and read % 100 == 0 and found == [read, 0, 0, 0, 0]
    assert len(cities(database)) == before + read
    result = load(path)
    assert f"going on with run 2 of {path}: {read} of 5000 records are loaded" in result.text
    assert counts(result) == (5000, 5000, 0, 0, 0, 0)
    assert ledger(database)[1:] == [("done", 5000, 5000, 0, 0, 0, 0)]
    assert database.query("SELECT resumed, position FROM digitalism_etl_runs ORDER BY id") == [(0, before), (1, 5000)]


def test_postgresql_stays_away(run, service, cluster, tmp_path):
    """PostgreSQL dies and does not come back in time: exit 3, and what was reported as loaded is there when it has
    recovered; the next run goes on from there."""
    total = 60000
    path = write(tmp_path / "a.csv", "nom_commune,code_postal\n" + "".join(f"Ville {n},75001\n" for n in range(total)))
    assert run("migrate", env=settings(cluster.url)).code == 0
    loading = service("etl", path, env=settings(cluster.url, DATABASE_WAIT_TIMEOUT="500ms"))
    progress = "SELECT 1 FROM digitalism_etl_progress HAVING sum(rows_read) > 8000"
    wait_until(lambda: query(cluster.socket_url, progress), what=loading.log)
    cluster.kill()
    assert loading.wait() == 3, loading.log()
    reported = int(re.search(r"  inserted +(\d+)\n", loading.log())[1])
    assert 0 < reported < total
    cluster.start()
    assert query(cluster.socket_url, "SELECT count(*) FROM cities")[0][0] >= reported
    result = run("etl", path, env=settings(cluster.url), timeout=60)
    assert (result.code, counts(result)) == (0, (total, total, 0, 0, 0, 0))
    assert query(cluster.socket_url, "SELECT count(*), count(DISTINCT name) FROM cities") == [(total, total)]
    assert query(cluster.socket_url, "SELECT state, resumed FROM digitalism_etl_runs") == [("done", 1)]


def test_a_run_of_before_there_were_parts_is_closed(load, database):
    """A ledger row that nobody closed does not stay open; one that cannot be gone on with is loaded anew."""
    assert load(SAMPLE).code == 0
    database.query("UPDATE digitalism_etl_runs SET state = 'running', finished_at = NULL")
    assert load(SAMPLE).code == 0
    assert [row[0] for row in ledger(database)] == ["interrupted", "done"]


def test_the_ledger(load, database, tmp_path):
    """A row tells the file, its size and hash, the mode, when it ran."""
    path = write(tmp_path / "é.csv", "nom_commune,code_postal\nParis,75001\n")
    assert load(path, ETL_DUPLICATE_HANDLING="replace").code == 0
    text = path.read_bytes()
    assert database.query("SELECT file, file_bytes, file_sha256, mode, state, error, finished_at >= started_at "
                          "FROM digitalism_etl_runs") == [
        (str(path), len(text), hashlib.sha256(text).hexdigest(), "replace", "done", None, True)]


def test_a_header_alone(load, database, tmp_path):
    """No rows are no fault."""
    result = load(write(tmp_path / "a.csv", "nom_commune,code_postal\n"))
    assert result.code == 0, result
    assert counts(result) == (0, 0, 0, 0, 0, 0)
    assert ledger(database) == [("done", 0, 0, 0, 0, 0, 0)]
