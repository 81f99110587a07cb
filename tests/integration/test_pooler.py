"""PgBouncer between the program and PostgreSQL.

Goal: workers whose transactions share a few sessions with each other and with strangers answer like those that have their own,
and leave nothing behind in them; no stage takes a lock there that excludes nobody.
"""

import os
import shutil
import tempfile

import psycopg2
import pytest

import pooler
from harness import settings, wait_until
from load import Load

TEXT = "sending the text of each statement with its query from now on"
PATHS = [
    "/regions/", "/regions/7", "/regions/999", "/departments/", "/departments/3", "/departments/by-region/2",
    "/cities/", "/cities/?skip=3&limit=5", "/cities/1", "/cities/999999", "/cities/by-department/1",
    "/cities/by-postal-code/24300", "/cities/by-name/nontron",
]


@pytest.fixture
def bouncer(database, free_port):
    started = []
    folder = tempfile.mkdtemp(prefix="digitalism-test-")
    os.chmod(folder, 0o755)

    def bouncer(mode, size, **more):
        started.append(pooler.PgBouncer(folder, database.url, free_port(), mode, size, **more).start())
        return started[-1]

    yield bouncer
    for one in started:
        one.stop()
    shutil.rmtree(folder)


@pytest.fixture
def serve(service):
    """A service whose workers have all found their way to the database."""
    def serve(url, workers=1, **more):
        running = service("api", env=settings(url, WORKERS=workers, **more)).wait_ready()
        wait_until(lambda: running.log().count("connected to PostgreSQL") == workers, what=running.log)
        return running

    return serve


def told(running):
    return running.log().count(TEXT)


def both_sessions(url):
    """Two connections in a transaction each: with a pool of two they hold all that it has."""
    pair = [psycopg2.connect(url) for _ in range(2)]
    for one in pair:
        one.cursor().execute("SELECT 1")
    return pair


def show(connection, name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def test_workers_share_two_sessions_under_load(serve, database, bouncer):
    # Defaults under which other answers would come out.
    for setting in ("DateStyle = 'German, DMY'", "TimeZone = 'Asia/Tokyo'", "extra_float_digits = -6"):
        database.query(f"ALTER DATABASE {database.name} SET {setting}")
    direct = serve(database.url, RUN_ETL_ON_STARTUP="true")
    expected = {path: direct.http.get(path).body for path in PATHS}
    assert b"introuvable" in expected["/cities/999999"] and b"NONTRON" in expected["/cities/"]

    pool = bouncer("transaction", 2)
    shared = serve(pool.url, MIGRATION_DATABASE_URL=database.url, workers=3)
    with Load(shared.port, clients=6, keep_alive=True, bodies=expected) as load:
        load.wait_count(3000, seconds=60)
    assert load.failures == []
    assert set(load.answered) == {200, 404}
    assert len(pool.sessions()) <= 2
    # Whoever prepared second in a session found out; nobody says it twice.
    assert 1 <= told(shared) <= 3
    assert told(direct) == 0

    for one in both_sessions(pool.url):
        assert show(one, "statement_timeout") == "0"
        assert show(one, "extra_float_digits") == "-6"
        one.close()
    assert (shared.stop(), direct.stop()) == (0, 0)


def test_statements_that_vanish_are_no_error(serve, database, bouncer):
    pool = bouncer("transaction", 1)
    running = serve(pool.url, MIGRATION_DATABASE_URL=database.url)
    assert running.http.get("/regions/1").status == 200
    before = pool.sessions()
    assert told(running) == 0
    pool.admin("RECONNECT")
    assert running.http.get("/regions/1").json["name"]
    assert pool.sessions() != before
    running.wait_log("does not exist, 26000): " + TEXT)
    for _ in range(3):
        assert len(running.http.get("/regions/").json) == 18
    assert told(running) == 1


def test_a_pooler_that_restarts_is_found_again(serve, database, bouncer):
    pool = bouncer("transaction", 2)
    running = serve(pool.url, MIGRATION_DATABASE_URL=database.url)
    pool.stop()
    running.wait_log("answering 503 and trying again, continuing")
    assert running.http.get("/regions/1").status == 503
    pool.start()
    wait_until(lambda: running.http.get("/regions/1").status == 200, what=running.log)


def test_session_mode_needs_nothing_special(serve, database, bouncer):
    pool = bouncer("session", 20)
    running = serve(pool.url, workers=2, RUN_ETL_ON_STARTUP="true")
    expected = {path: running.http.get(path).body for path in PATHS}
    with Load(running.port, clients=4, keep_alive=True, bodies=expected) as load:
        load.wait_count(300)
    assert (load.failures, set(load.answered)) == ([], {200, 404})
    assert told(running) == 0
    assert running.stop() == 0


def test_session_mode_with_a_single_session_migrates(run, database, bouncer):
    assert run("migrate", env=settings(bouncer("session", 1).url)).code == 0
    assert database.query("SELECT count(*) FROM regions") == [(18,)]


@pytest.mark.skipif(pooler.version() < (1, 21), reason="this PgBouncer knows no prepared statements")
def test_a_pooler_that_keeps_prepared_statements(serve, database, bouncer):
    pool = bouncer("transaction", 2, statements=100)
    running = serve(pool.url, MIGRATION_DATABASE_URL=database.url, workers=3)
    expected = {path: running.http.get(path).body for path in PATHS}
    with Load(running.port, clients=6, keep_alive=True, bodies=expected) as load:
        load.wait_count(500)
    assert (load.failures, set(load.answered)) == ([], {200, 404})
    assert told(running) == 0


@pytest.mark.parametrize("size, in_turn", [(1, 0), (3, 0), (3, 1)])
@pytest.mark.parametrize("command", ["migrate", "api"])
def test_migrating_through_a_transaction_pooler_is_refused(run, database, bouncer, command, size, in_turn):
    pool = bouncer("transaction", size, server_round_robin=in_turn)
    for one in [psycopg2.connect(pool.url) for _ in range(size)]:
        one.cursor().execute("SELECT 1")  # the pool has all its sessions, idle
        one.close()
    done = run(command, env=settings(pool.url, HOST="127.0.0.1", PORT=0))
    assert done.code == 4, done
    assert (f"digitalism@127.0.0.1:{pool.port}/{database.name} is a pooler in transaction mode: the lock that lets one starter "
            "at a time migrate would exclude nobody there") in done.text
    assert "hint: set MIGRATION_DATABASE_URL to where PostgreSQL itself listens" in done.text
    assert database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    for pid in pool.sessions():
        assert database.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = %s", [pid]) == [(0,)]
