"""Goal: migrations that run without a transaction: found or asked for, cut off and gone on with, and no INVALID index called applied.

Not here: how statements are told apart (tests/unit/migrate/test_script.c), crashes at every statement (test_migrate_faults.py).
"""

import concurrent.futures
import os
import signal

import psycopg2
import pytest

import harness
from harness import execute, settings, wait_until
from migrations import applied, tables

TABLE = "CREATE TABLE t (a int);\nINSERT INTO t SELECT g FROM generate_series(1, 1000) g;\n"
INDEX = "CREATE INDEX CONCURRENTLY t_a ON t (a);\n"


def indexes(database):
    return database.query(
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'digitalism_%%' ORDER BY 1"
    )


def begun(database):
    return database.query("SELECT name, statements, failed FROM digitalism_migrations_unfinished")


@pytest.mark.parametrize(
    "files",
    [
        {"0002_x.sql": INDEX},
        {"0002_x.sql": "-- no-transaction\n" + INDEX},
        {"0002_x.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n" + INDEX + "-- +goose Down\nDROP INDEX CONCURRENTLY t_a;\n"},
        {"0002_x.sql": "-- migrate:up transaction:false\n" + INDEX + "-- migrate:down transaction:false\nDROP INDEX t_a;\n"},
        {"0002_x.autocommit.up.sql": INDEX, "0002_x.down.sql": "DROP INDEX t_a;\n"},
        {"0002_x/up.sql": INDEX, "0002_x/metadata.toml": "run_in_transaction = false\n", "0002_x/down.sql": "DROP INDEX t_a;\n"},
        {"0002_x.sql": "BEGIN;\n" + INDEX + "COMMIT;\n"},
    ],
    ids=["by its content", "no-transaction", "goose", "dbmate", "ory", "diesel", "wrapped"],
)
def test_every_way_to_ask_for_no_transaction(migrate, database, folder, files):
    directory = folder({"0001_t.sql": TABLE} | files)
    done = migrate(directory)
    assert done.code == 0, done
    assert "ms, without a transaction" in done.text
    assert indexes(database) == [("t_a", True)]
    assert begun(database) == []
    if any("down" in name or "own\n" in text for name, text in files.items()):
        assert migrate(directory, "down").code == 0
        assert indexes(database) == []
    assert "nothing to apply" in migrate(directory).text or migrate(directory).code == 0


@pytest.mark.parametrize("statement", ["VACUUM t", "ALTER SYSTEM RESET work_mem", "REINDEX TABLE CONCURRENTLY t",
                                       "ALTER TABLE t ADD COLUMN b int; VACUUM (ANALYZE) t"])  # fmt: skip
def test_what_postgresql_refuses_in_a_transaction_is_found(migrate, database, folder, statement):
    done = migrate(folder(m0001_t=TABLE, m0002_x=statement + ";\n"))
    assert done.code == 0, done
    assert applied(database) == ["0001_t.sql", "0002_x.sql"]


def test_a_failure_keeps_what_was_done_and_the_next_run_goes_on_there(migrate, database, folder):
    script = "-- no-transaction\nCREATE TABLE one ();\nCREATE TABLE two ();\nCREATE TABEL three ();\nCREATE TABLE four ();\n"
    directory = folder(m0001_x=script)
    done = migrate(directory)
    assert done.code == 4, done
    assert '0001_x.sql:4:8: syntax error at or near "TABEL" (42601)' in done.text
    assert "hint: the first 2 of its 4 statements are done and stay" in done.text
    assert tables(database) == ["one", "two"] and applied(database) == []
    assert begun(database) == [("0001_x.sql", 2, True)]
    assert "begun" in migrate(directory, "status").out
    # What is done must not change under our feet.
    folder(m0001_x=script.replace("one", "uno").replace("TABEL", "TABLE"))
    done = migrate(directory)
    assert done.code == 4, done
    assert "the 2 statements that are done have changed since; hint: restore them" in done.text
    folder(m0001_x=script.replace("TABEL", "TABLE"))
    done = migrate(directory)
    assert done.code == 0, done
    assert "0001_x.sql was begun before, going on behind 2 of its 4 statements" in done.text
    assert tables(database) == ["four", "one", "three", "two"] and begun(database) == []


def test_repair_lets_one_that_was_begun_start_anew(migrate, database, folder):
    directory = folder(m0001_x="-- no-transaction\nCREATE TABLE one ();\nSELECT 1/0;\n")
    assert migrate(directory).code == 4
    database.query("DROP TABLE one")
    folder(m0001_x="-- no-transaction\nCREATE TABLE uno ();\n")
    assert migrate(directory).code == 4
    done = migrate(directory, "repair")
    assert done.code == 0 and "forgot that 0001_x.sql was begun" in done.text
    assert migrate(directory).code == 0
    assert tables(database) == ["uno"]


def test_an_object_that_somebody_else_made_is_not_taken_for_done(migrate, database, folder):
    """Only a statement that was cut off may find its work done; one that was refused stays refused."""
    directory = folder(m0001_x="-- no-transaction\nCREATE TABLE theirs ();\n")
    execute(database.socket_url, "CREATE TABLE theirs ()")
    assert migrate(directory, "baseline", "1").code == 0
    folder(m0002_x="-- no-transaction\nCREATE TABLE theirs (a int);\n")
    for _ in range(2):
        done = migrate(directory)
        assert done.code == 4 and 'relation "theirs" already exists (42P07)' in done.text, done


def test_an_index_left_invalid_is_reported_with_the_mend(migrate, database, folder):
    """A unique index over doubles fails half-built. It is never called applied, not even by IF NOT EXISTS."""
    directory = folder(m0001_t=TABLE, m0002_x="CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"t A\" ON t ((a / 2));\n")
    done = migrate(directory)
    assert done.code == 4, done
    mend = 'DROP INDEX CONCURRENTLY public."t A";'
    assert f"hint: the index was left INVALID: drop it with {mend}" in done.text
    assert indexes(database) == [("t A", False)]
    database.query("DELETE FROM t WHERE a % 2 = 0")
    done = migrate(directory)
    assert done.code == 4, done
    assert '0002_x.sql:1:1: the index public."t A" of the table t is INVALID: building it failed or was cut off' in done.text
    assert applied(database) == ["0001_t.sql"]
    execute(database.socket_url, mend)
    done = migrate(directory)
    assert done.code == 0, done
    assert indexes(database) == [("t A", True)]


def test_an_invalid_index_from_before_is_not_called_applied(migrate, database, folder):
    directory = folder(m0001_t=TABLE)
    assert migrate(directory).code == 0
    with pytest.raises(psycopg2.Error):
        execute(database.socket_url, "CREATE UNIQUE INDEX CONCURRENTLY t_a ON t ((a / 2))")
    folder(m0002_x="CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a);\n")
    done = migrate(directory)
    assert done.code == 4, done
    assert "the index public.t_a of the table t is INVALID" in done.text
    assert applied(database) == ["0001_t.sql"]


def index_is_being_built(database):
    return database.query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONC%%'"
                          " AND state = 'active' AND wait_event_type = 'Lock'")  # fmt: skip


def blocked_build(service, database, directory):
    """A CREATE INDEX CONCURRENTLY that waits for a transaction of ours."""
    connection = psycopg2.connect(database.socket_url)
    connection.cursor().execute("INSERT INTO t VALUES (0)")
    running = service("migrate", env=settings(database.url, MIGRATIONS_PATH=directory))
    wait_until(lambda: index_is_being_built(database), what=running.log)
    return connection, running


def test_a_kill_inside_concurrently_is_reported_as_an_invalid_index(service, migrate, database, folder):
    assert migrate(folder(m0001_t=TABLE)).code == 0
    directory = folder(m0002_x=INDEX)
    blocker, running = blocked_build(service, database, directory)
    running.kill()
    wait_until(lambda: not index_is_being_built(database), what="the server notices that the client is gone")
    blocker.rollback()
    blocker.close()
    assert indexes(database) == [("t_a", False)]
    done = migrate(directory)
    assert done.code == 4, done
    assert "the index public.t_a of the table t is INVALID" in done.text and "DROP INDEX CONCURRENTLY public.t_a" in done.text
    execute(database.socket_url, "DROP INDEX CONCURRENTLY t_a")
    assert migrate(directory).code == 0
    assert indexes(database) == [("t_a", True)]


def test_a_stop_inside_concurrently_cancels_it(service, migrate, database, folder):
    assert migrate(folder(m0001_t=TABLE)).code == 0
    blocker, running = blocked_build(service, database, folder(m0002_x=INDEX))
    assert running.stop(signal.SIGTERM) == 143, running.log()
    blocker.close()
    assert applied(database) == ["0001_t.sql"]


def test_waiting_for_other_transactions_longer_than_the_lock_limit_is_no_failure(service, migrate, database, folder):
    """lock_timeout would cut the build off and leave the index INVALID, while nobody queues behind it."""
    assert migrate(folder(m0001_t=TABLE)).code == 0
    blocker, running = blocked_build(service, database, folder(m0002_x=INDEX))
    waited = "SELECT max(now() - query_start) > '6 s' FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%%'"
    wait_until(lambda: database.query(waited) == [(True,)], 20)
    assert running.process.poll() is None, running.log()
    blocker.rollback()
    blocker.close()
    assert running.wait() == 0, running.log()
    assert indexes(database) == [("t_a", True)]


def test_a_statement_that_was_done_when_its_run_was_cut_off_is_not_an_error(migrate, database, folder):
    """What a crash between a statement and the note of it leaves: the note says that it had begun, the table is there."""
    directory = folder(m0001_x="-- no-transaction\nCREATE TABLE one ();\nSELECT 1/0;\n")
    assert migrate(directory).code == 4
    database.query("UPDATE digitalism_migrations_unfinished SET failed = false")
    folder(m0001_x="-- no-transaction\nCREATE TABLE one ();\nCREATE TABLE two ();\n")
    database.query("CREATE TABLE two ()")
    done = migrate(directory)
    assert done.code == 0, done
    assert 'relation "two" already exists (42P07); it was done when the last run was cut off, continuing' in done.text
    assert applied(database) == ["0001_x.sql"]


def test_a_transaction_of_its_own_is_kept_whole(migrate, database, folder):
    script = "-- no-transaction\nBEGIN;\nCREATE TABLE one ();\nCOMMIT;\nBEGIN;\nCREATE TABLE two ();\nSELECT 1/0;\nCOMMIT;\n"
    directory = folder(m0001_x=script)
    assert migrate(directory).code == 4
    assert tables(database) == ["one"] and begun(database) == [("0001_x.sql", 3, True)]
    folder(m0001_x=script.replace("SELECT 1/0;\n", ""))
    done = migrate(directory)
    assert done.code == 0, done
    assert tables(database) == ["one", "two"]
    folder(m0002_y="-- no-transaction\nBEGIN;\nCREATE TABLE three ();\n")
    done = migrate(directory)
    assert done.code == 4 and "0002_y.sql leaves a transaction open, which was rolled back" in done.text
    assert tables(database) == ["one", "two"]


def test_eight_starters_with_an_index_to_build_concurrently(run, database, folder):
    """Nobody deadlocks: those who wait hold no snapshot for which the build would have to wait."""
    directory = folder(m0001_t=TABLE, m0002_x=INDEX, m0003_y="CREATE INDEX CONCURRENTLY t_b ON t ((a + 1));\n")
    env = settings(database.url, MIGRATIONS_PATH=directory)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: run("migrate", env=env, timeout=90), range(8)))
    assert [done.code for done in results] == [0] * 8, results
    text = "".join(done.text for done in results)
    assert "40P01" not in text and "deadlock" not in text
    assert [text.count(f"applied {name} in") for name in ("0001_t.sql", "0002_x.sql", "0003_y.sql")] == [1, 1, 1]
    assert indexes(database) == [("t_a", True), ("t_b", True)]


def test_a_killed_starter_does_not_keep_the_next_one_waiting_for_long(service, migrate, database, folder):
    """The lock goes with the connection, which the server sees go although it is at a statement."""
    directory = folder(m0001_x="-- no-transaction\nSELECT pg_sleep(600);\n")
    running = service("migrate", env=settings(database.url, MIGRATIONS_PATH=directory))
    asleep = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(6%%'"
    wait_until(lambda: database.query(asleep), what=running.log)
    running.kill()
    folder(m0001_x="-- no-transaction\nCREATE TABLE t ();\n")
    done = migrate(directory)
    assert done.code == 0, done
    assert tables(database) == ["t"]
    assert not any(harness.alive(pid) for pid in running.pids() if pid != os.getpid())
