"""Goal: loads that are cut off go on where they were, one at a time, whoever dies, and end with exact counts; a load that has
nothing to do says so. The numbers in the names are those of the promises: 6 durability, 7 resuming, 9 one at a time, 10
outages, 11 several connections.

Not here: interrupting at every message (test_etl_faults.py); progress, limits, files of rejects (test_etl_limits.py).
"""

import re

import psycopg2
import pytest

from etl_harness import LANES, end_lanes, held, kill_etl, ledger, summary, wait_held, write_rows
from harness import query, settings, wait_until


@pytest.fixture
def url(database, run):
    """Of this test's database, with the tables in it."""
    assert run("migrate", env=settings(database.url)).code == 0
    return database.url


@pytest.fixture
def load(run, url):
    return lambda *words, **more: run("etl", *words, env=settings(url, **more), timeout=60)


@pytest.fixture
def cut_off(service, url):
    """cut_off(path, row, …) → a load that was killed while the batch with that row waited; nothing of that batch is there."""

    def cut_off(path, row, **more):
        with held(url, row):
            running = service("etl", path, env=settings(url, **more))
            wait_held(url, running)
            kill_etl(running)
            end_lanes(url)

    return cut_off


def test_6_postgresql_is_killed_while_loading(run, service, cluster, tmp_path):
    """The load goes on by itself when PostgreSQL is back, behind what was on the disk: of 99 batches, 96 were for sure."""
    path = write_rows(tmp_path / "a.csv", range(1, 2001))
    assert run("migrate", env=settings(cluster.url)).code == 0
    with held(cluster.url, 1000):
        running = service("etl", path, env=settings(cluster.url, ETL_JOBS=1, ETL_BATCH_SIZE=10))
        wait_held(cluster.url, running)
        cluster.kill()
        cluster.start()
    assert running.wait() == 0, running.log()
    assert re.search(r"WARN  etl: .*; trying again, continuing\n", running.log()), running.log()
    loaded = re.search(rf"going on with run 1 of {path}: (\d+) of 2000 records are loaded\n", running.log())
    assert loaded and 960 <= int(loaded[1]) <= 990, running.log()
    assert summary(running.log()) == (2000, 2000, 0, 0, 0, 0)
    assert ledger(cluster.url) == [("done", (2000, 2000, 0, 0, 0, 0), 2000, 1)]
    assert query(cluster.url, "SELECT count(*), count(DISTINCT name) FROM cities") == [(2000, 2000)]


def test_7_a_killed_load_goes_on_where_it_was(load, cut_off, url, tmp_path):
    """In the same row of the ledger, also with another ETL_JOBS; what was loaded is not written again."""
    path = write_rows(tmp_path / "a.csv", range(1, 3001))
    cut_off(path, 1500, ETL_JOBS=1)
    before = query(url, "SELECT id, xmin::text FROM cities ORDER BY id")
    assert len(before) == 1400
    result = load(path, ETL_JOBS=3)
    assert result.code == 0, result
    assert f"going on with run 1 of {path}: 1400 of 3000 records are loaded\n" in result.text
    assert summary(result.text) == (3000, 3000, 0, 0, 0, 0)
    assert ledger(url) == [("done", (3000, 3000, 0, 0, 0, 0), 3000, 1)]
    assert query(url, "SELECT id, xmin::text FROM cities ORDER BY id LIMIT 1400") == before
    assert query(url, "SELECT count(*) FROM digitalism_etl_progress") == [(0,)]


@pytest.mark.parametrize("change", ["file", "departments"])
def test_7_a_load_of_something_else_is_a_new_run(load, cut_off, url, tmp_path, change):
    """A file or departments that have changed since make another load of it, which begins at its start."""
    path = write_rows(tmp_path / "a.csv", range(1, 1001))
    cut_off(path, 500, ETL_JOBS=1)
    if change == "file":
        path.write_text(path.read_text() + "Fin,75001,1,1\n")
    else:
        query(url, "UPDATE departments SET deleted_at = now() WHERE code_departement = '1'")
    rows = 1001 if change == "file" else 1000
    result = load(path)
    assert result.code == 0 and "going on with" not in result.text, result
    assert summary(result.text) == (rows, rows - 400, 0, 400, 0, 0)
    assert ledger(url) == [("interrupted", (400, 400, 0, 0, 0, 0), 400, 0), ("done", (rows, rows - 400, 0, 400, 0, 0), rows, 0)]


def test_7_a_file_that_changes_while_it_is_loaded(load, service, url, tmp_path):
    """The load fails; when the file is again what it was, that load is not gone on with, because it has other rows."""
    path = write_rows(tmp_path / "a.csv", range(1, 30001))
    text = path.read_bytes()
    with held(url, 50):
        running = service("etl", path, env=settings(url, ETL_JOBS=1))
        wait_held(url, running)
        with open(path, "r+b") as file:
            file.seek(-30, 2)
            file.write(b"Elle")
    assert running.wait() == 5
    assert f"{path} was changed while it was being loaded; hint: load it again\n" in running.log()
    path.write_bytes(text)
    result = load(path)
    assert result.code == 0 and "going on with" not in result.text, result
    assert summary(result.text) == (30000, 1, 0, 29999, 0, 0)
    assert [row[0] for row in ledger(url)] == ["failed", "done"]


def test_7_an_unchanged_file(load, url, tmp_path):
    """"Nothing new" at once, also under another name; --force loads it again."""
    path = write_rows(tmp_path / "a.csv", range(10))
    assert load(path).code == 0
    path = path.rename(tmp_path / "b.csv")
    result = load(path)
    assert result.code == 0, result
    assert re.search(rf"nothing new in {path}: run 1 loaded it at \d{{4}}-\d\d-\d\dT[\d:]+Z; --force loads it again\n", result.text)
    assert len(ledger(url)) == 1
    assert summary(load(path, "--force").text) == (10, 0, 0, 10, 0, 0)
    assert [row[0] for row in ledger(url)] == ["done", "done"]


def test_7_what_another_file_has_overwritten_is_loaded_again(load, url, tmp_path):
    """In replace A, B, A ends with A's values; in skip the second A can change nothing."""
    a = write_rows(tmp_path / "a.csv", range(10), latitude=1)
    b = write_rows(tmp_path / "b.csv", range(5), latitude=9)
    for path in (a, b):
        assert load(path, ETL_DUPLICATE_HANDLING="replace").code == 0
    result = load(a, ETL_DUPLICATE_HANDLING="replace")
    assert summary(result.text) == (10, 0, 5, 5, 0, 0)
    assert query(url, "SELECT DISTINCT latitude FROM cities") == [(1,)]
    assert summary(load(a).text) == (10, 0, 0, 10, 0, 0)
    assert summary(load(b).text) == (5, 0, 0, 5, 0, 0)
    assert f"nothing new in {a}: run 4 loaded it" in load(a).text


def test_7_of_two_files_only_what_a_change_can_reach(load, url, tmp_path):
    """In replace a file is loaded again when it or one behind it has changed, because those decide which of its rows count;
    a file behind the change is not. The end is that of loading everything."""
    a = write_rows(tmp_path / "a.csv", range(10), latitude=1)
    b = write_rows(tmp_path / "b.csv", range(5, 15), latitude=2)
    replace = {"ETL_DUPLICATE_HANDLING": "replace"}
    assert summary(load(a, b, **replace).text) == (20, 15, 0, 0, 5, 0)
    result = load(a, b, **replace)
    assert "nothing new in " + str(a) in result.text and "nothing new in " + str(b) in result.text
    write_rows(a, range(8), latitude=3)
    result = load(a, b, **replace)
    assert "nothing new in " + str(b) in result.text and summary(result.text) == (8, 0, 5, 0, 3, 0)
    # Two rows leave b: those of a count now.
    write_rows(b, range(7, 15), latitude=2)
    result = load(a, b, **replace)
    assert "nothing new" not in result.text and summary(result.text) == (16, 0, 2, 13, 1, 0)
    rows = "SELECT name, latitude, deleted_at FROM cities ORDER BY name"
    found = query(url, rows)
    assert [row[1] for row in found].count(3) == 7
    query(url, "DELETE FROM cities WHERE name IN ('VILLE 5', 'VILLE 6', 'VILLE 7')")
    assert load(a, b, "--force", **replace).code == 0
    assert query(url, rows) == found


def test_9_two_at_once(service, url, tmp_path):
    """Started at the same moment: one loads, the other waits, tells who holds the lock, and then finds nothing new."""
    path = write_rows(tmp_path / "a.csv", range(1, 5001))
    with held(url, 2500):
        both = [service("etl", path, env=settings(url)) for _ in range(2)]
        wait_until(lambda: any("waiting for another ETL" in one.log() for one in both), what=lambda: both[0].log() + both[1].log())
        wait_held(url, both[0])
        ((holder,),) = query(url, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 6649964 AND granted AND "
                                  "database = (SELECT oid FROM pg_database WHERE datname = current_database())")
    assert [one.wait() for one in both] == [0, 0]
    first, second = sorted((one.log() for one in both), key=lambda log: "waiting for another ETL" in log)
    assert "waiting for" not in first and summary(first) == (5000, 5000, 0, 0, 0, 0)
    assert f"waiting for another ETL on this database to end (PostgreSQL process {holder})\n" in second
    assert re.search(r"the other ETL has ended, going on after \d+ ms\n", second) and f"nothing new in {path}: run 1" in second
    assert ledger(url) == [("done", (5000, 5000, 0, 0, 0, 0), 5000, 0)]


def test_9_batches_that_a_killed_load_has_left_in_the_server(service, url, tmp_path):
    """The next load starts while they wait for a lock, ends their connections, and goes on: nothing twice."""
    path = write_rows(tmp_path / "a.csv", range(1, 1001))
    with held(url, 500):
        killed = service("etl", path, env=settings(url, ETL_JOBS=1, ETL_BATCH_SIZE=10))
        wait_held(url, killed)
        kill_etl(killed)
        assert len(query(url, LANES)) == 1
        running = service("etl", path, env=settings(url, ETL_BATCH_SIZE=10))
        running.wait_log("ending 1 loading connections that another ETL has left behind\n")
        running.wait_log(f"going on with run 1 of {path}: 490 of 1000 records are loaded\n")
        wait_held(url, running)
    assert running.wait() == 0, running.log()
    assert ledger(url) == [("done", (1000, 1000, 0, 0, 0, 0), 1000, 1)]
    assert query(url, "SELECT count(*) FROM cities") == [(1000,)]


def test_9_what_a_killed_load_has_left_overwrites_nothing(load, service, url, tmp_path):
    """Its batches still in the server are of an older file: none of them is written behind the newer one's rows."""
    numbers = list(range(1, 101))
    replace = {"ETL_DUPLICATE_HANDLING": "replace", "ETL_BATCH_SIZE": 10}
    path = write_rows(tmp_path / "a.csv", numbers, latitude=1)
    assert load(path, **replace).code == 0
    write_rows(path, numbers, latitude=2)
    other = psycopg2.connect(url)
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE cities SET updated_at = now() WHERE name = 'VILLE 1'")
        killed = service("etl", path, env=settings(url, **replace))
        wait_held(url, killed)
        kill_etl(killed)
        write_rows(path, numbers[::-1], latitude=3)
        running = service("etl", path, env=settings(url, **replace))
        wait_until(lambda: query(url, "SELECT 1 FROM cities WHERE name = 'VILLE 11' AND latitude = 3"), what=running.log)
    finally:
        other.close()
    assert running.wait() == 0, running.log()
    wait_until(lambda: not query(url, LANES))
    assert query(url, "SELECT DISTINCT latitude FROM cities") == [(3,)]


def test_9_a_load_that_has_lost_the_lock(service, url, tmp_path):
    """Its lock goes with one connection while another one loads on: the next ETL ends that and takes the run over; the
    first one notices, waits, and finds its file loaded."""
    path = write_rows(tmp_path / "a.csv", range(1, 1001))
    env = settings(url, ETL_JOBS=1, ETL_BATCH_SIZE=10)
    with held(url, 500):
        first = service("etl", path, env=env)
        wait_held(url, first)
        query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                   "AND application_name = 'digitalism etl'")
        second = service("etl", path, env=env)
        second.wait_log("ending 1 loading connections that another ETL has left behind\n")
        first.wait_log("; trying again, continuing\n")
        first.wait_log("waiting for another ETL on this database to end")
        wait_held(url, second)
    assert [first.wait(), second.wait()] == [0, 0], first.log() + second.log()
    assert summary(first.log()) == summary(second.log()) == (1000, 1000, 0, 0, 0, 0)
    assert ledger(url) == [("done", (1000, 1000, 0, 0, 0, 0), 1000, 1)]


def test_10_connections_are_lost(service, url, tmp_path):
    """All of them are ended by an administrator: the load connects again and goes on."""
    path = write_rows(tmp_path / "a.csv", range(1, 6001))
    with held(url, 3000):
        running = service("etl", path, env=settings(url, ETL_JOBS=2))
        wait_held(url, running)
        query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                   "AND application_name LIKE 'digitalism etl%'")
        running.wait_log("going on with run 1 of ")
    assert running.wait() == 0, running.log()
    assert re.search(r"WARN  etl: the connection to \S+ was lost: .*terminating connection due to administrator command.*; "
                     r"trying again, continuing\n", running.log()), running.log()
    assert ledger(url) == [("done", (6000, 6000, 0, 0, 0, 0), 6000, 1)]


def test_10_the_connection_that_holds_the_lock_idles_too_long(service, url, database, tmp_path):
    """PostgreSQL ends it by a limit of its own while a batch waits: no failure, but connecting again."""
    path = write_rows(tmp_path / "a.csv", range(1, 101))
    query(url, f"ALTER DATABASE {database.name} SET idle_session_timeout = '300ms'")
    with held(url, 50) as other:
        with other.cursor() as cursor:
            cursor.execute("SET idle_session_timeout = 0")
        running = service("etl", path, env=settings(url))
        wait_held(url, running)
        wait_until(lambda: not query(url, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                                          "AND application_name = 'digitalism etl'"), what=running.log)
    assert running.wait() == 0, running.log()
    assert "terminating connection due to idle-session timeout" in running.log()
    assert "going on with run 1 of " in running.log()
    assert ledger(url) == [("done", (100, 100, 0, 0, 0, 0), 100, 1)]


def test_10_loading_connections_that_are_never_had(run, url, database, cluster_urls, tmp_path):
    """A role that may have one connection only: the waiting for a second one has the same limit as for PostgreSQL itself."""
    path = write_rows(tmp_path / "a.csv", range(10))
    role = database.name.replace("test_", "role_")
    owner = re.search(r"//(\w+):", url)[1]
    query(url, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1 PASSWORD 'x'; GRANT {owner} TO {role}")
    try:
        theirs = re.sub(r"//\w+:[^@]*@", f"//{role}:x@", url)
        result = run("etl", path, env=settings(theirs, DATABASE_WAIT_TIMEOUT="2s"), timeout=30)
        assert result.code == 3, result
        assert f'too many connections for role "{role}" (53300)' in result.text
        assert ledger(url)[0][:2] == ("failed", (0, 0, 0, 0, 0, 0))
    finally:
        query(url, f"DROP ROLE {role}")


def test_10_a_deadlock_with_another_writer(service, url, database, tmp_path):
    """PostgreSQL ends one of the two; a batch that was it is sent again."""
    path = write_rows(tmp_path / "a.csv", range(1, 11))
    query(url, f"ALTER DATABASE {database.name} SET deadlock_timeout = '3s'")
    with held(url, 2) as other:
        running = service("etl", path, env=settings(url))
        wait_held(url, running)
        with other.cursor() as cursor:  # waits for the batch, which waits for it; the batch is the first to look why
            cursor.execute("SET deadlock_timeout = '1min'; INSERT INTO cities (name, code_postal, department_id, created_at, updated_at) "
                           "SELECT 'VILLE 1', '75001', min(id), now(), now() FROM departments")
        other.commit()
    assert running.wait() == 0, running.log()
    assert ledger(url) == [("done", (10, 8, 0, 2, 0, 0), 10, 0)]
    ((deadlocks,),) = query(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks == 1


def test_10_a_stop_while_refused_rows_are_looked_for(service, load, url, tmp_path):
    """One of the trials waits for a lock: SIGTERM ends it, nothing of the batch is loaded, and the next run goes on."""
    path = write_rows(tmp_path / "a.csv", range(1, 101))
    query(url, "ALTER TABLE cities ADD CONSTRAINT no_51 CHECK (name <> 'VILLE 51')")
    with held(url, 55):
        running = service("etl", path, env=settings(url, ETL_BATCH_SIZE=10, GRACEFUL_TIMEOUT="60s"))
        wait_held(url, running)
        assert running.stop(seconds=10) == 143, running.log()
    assert ledger(url) == [("interrupted", (50, 50, 0, 0, 0, 0), 50, 0)]
    assert summary(load(path).text) == (100, 99, 0, 0, 0, 1)
    assert ledger(url) == [("done", (100, 99, 0, 0, 0, 1), 100, 1)]


def test_11_connections_and_parts(load, service, url, tmp_path):
    """A large file goes over ETL_JOBS connections, each part with a place of its own; a killed load's parts go over fewer
    as well. A small file takes one."""
    path = write_rows(tmp_path / "a.csv", range(1, 6001))
    parts = "SELECT part, position, rows_read FROM digitalism_etl_progress ORDER BY part"
    with held(url, 5000):
        running = service("etl", path, env=settings(url, ETL_JOBS=3))
        wait_held(url, running)
        wait_until(lambda: len(query(url, LANES)) == 3 and all(row[2] > 0 for row in query(url, parts)), what=running.log)
        kill_etl(running)
        end_lanes(url)
    found = query(url, parts)
    assert [row[0] for row in found] == [0, 1, 2] and all(0 < row[2] < row[1] for row in found)
    result = load(path, ETL_JOBS=1)
    assert result.code == 0 and f": {sum(row[2] for row in found)} of 6000 records are loaded" in result.text, result
    assert ledger(url) == [("done", (6000, 6000, 0, 0, 0, 0), 6000, 1)]
    small = write_rows(tmp_path / "b.csv", range(7000, 7010))
    with held(url, 7005):
        running = service("etl", small, env=settings(url, ETL_JOBS=3))
        wait_held(url, running)
        assert len(query(url, LANES)) == 1
        assert len(query(url, parts)) == 1
    assert running.wait() == 0
