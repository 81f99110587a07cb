"""`digitalism migrate` on real databases: the schema it makes, and that a failure, a kill or a race leaves nothing half-done.

Not here: what the planner refuses case by case (tests/unit/migrate/test_plan.c).
"""

import concurrent.futures
import pathlib
import re
import signal
import uuid

import psycopg2
import pytest

from harness import ROOT, execute, settings, wait_until
from migrations import SLEEP, applied, schema_of, sleeping, tables

GOLDEN = pathlib.Path(__file__).parent / "golden"
ROWS = """SELECT d.id, d.code_departement, d.name, r.id, r.name, d.deleted_at, r.deleted_at
          FROM departments d JOIN regions r ON r.id = d.region_id ORDER BY d.id"""


def test_a_fresh_database_gets_the_schema_and_its_facts(migrate, database):
    done = migrate()
    assert done.code == 0, done
    names = sorted(path.name for path in (ROOT / "migrations").glob("*.sql"))
    assert applied(database) == names
    for name in names:
        assert re.search(rf"applied {name} in \d+ ms", done.text)
    assert schema_of(database) == (GOLDEN / "schema.sql").read_text()
    rows = "".join("\t".join(map(str, row)) + "\n" for row in database.query(ROWS))
    assert rows == (GOLDEN / "departments.tsv").read_text()
    assert database.query("SELECT nextval('regions_id_seq'), nextval('departments_id_seq')") == [(19, 102)]


def test_the_schema_and_the_facts_are_those_of_the_legacy_database(migrate, database, cluster_urls, legacy_dump):
    from harness import Database

    assert migrate().code == 0
    legacy = Database(*cluster_urls, name=database.name + "_legacy").create()
    try:
        legacy.load(legacy_dump)
        assert schema_of(database) == schema_of(legacy)
        assert database.query(ROWS) == legacy.query(ROWS)
    finally:
        legacy.drop()


def test_history_tells_what_was_applied_when_by_whom(migrate, database, folder):
    assert migrate(folder(m0007_x="CREATE TABLE a ();\n")).code == 0
    row = database.query(
        "SELECT version, name, sha256, applied_at <= now(), applied_by = current_user, duration_ms >= 0, kind,"
        " binary_version <> '' FROM digitalism_migrations"
    )
    sha256 = "1938d2212d96906efc5cae2baf4ed879f77572b701d5d14d9b6aa87e23515e55"
    assert row == [(7, "0007_x.sql", sha256, True, True, True, "migration", True)]


def test_a_second_run_says_so_and_writes_nothing(migrate, database):
    assert migrate().code == 0
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    done = migrate()
    assert done.code == 0, done
    assert f"nothing to apply: {len(applied(database))} migrations are in place" in done.text


def test_a_syntax_error_is_told_with_its_place_and_leaves_nothing(migrate, database, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\n", m0002_b="CREATE TABLE b ();\r\n  CREATE TABLE 'é', FOO;\r\n")
    done = migrate(directory)
    assert done.code == 4, done
    shown = [line.partition("migrate: ")[2] for line in done.text.splitlines() if " ERROR migrate: " in line]
    assert shown == [
        "0002_b.sql:2:16: syntax error at or near \"'é'\" (42601)",
        "  CREATE TABLE 'é', FOO;",
        "               ^",
        "hint: nothing of this file was applied; correct it and start again",
    ]
    assert applied(database) == ["0001_a.sql"]
    assert tables(database) == ["a"]
    folder(m0002_b="CREATE TABLE b ();\n")
    done = migrate(directory)
    assert done.code == 0, done
    assert tables(database) == ["a", "b"]


def test_an_error_while_running_leaves_nothing(migrate, database, folder):
    done = migrate(folder(m0001_a="CREATE TABLE a (x int UNIQUE);\nINSERT INTO a VALUES (1), (1);\n"))
    assert done.code == 4, done
    assert '0001_a.sql:2:1: duplicate key value violates unique constraint "a_x_key" (23505)' in done.text
    assert "ERROR migrate:   INSERT INTO a VALUES (1), (1);" in done.text
    assert "ERROR migrate: DETAIL: Key (x)=(1) already exists." in done.text
    assert (applied(database), tables(database)) == ([], [])


def test_an_error_at_commit_leaves_nothing(migrate, database, folder):
    script = """CREATE TABLE a (x int PRIMARY KEY, y int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
                INSERT INTO a VALUES (1, 2);"""
    done = migrate(folder(m0001_a=script))
    assert done.code == 4, done
    assert "0001_a.sql: insert or update on table" in done.text
    assert (applied(database), tables(database)) == ([], [])


def test_a_number_used_twice_is_found_before_connecting(run, folder, free_port):
    directory = folder(m0001_a="", m01_b="")
    env = settings(f"postgresql://u@127.0.0.1:{free_port()}/d", MIGRATIONS_PATH=directory)
    done = run("migrate", env=env)
    assert done.code == 4, done
    assert f"0001_a.sql and 01_b.sql in {directory} have the same number" in done.text


def test_a_missing_directory_is_a_failed_migration(migrate):
    done = migrate("/nonexistent")
    assert done.code == 4, done
    assert "cannot open the directory /nonexistent" in done.text


def test_a_user_without_the_right_to_migrate_is_a_refusal(run, database):
    """Exit code 4, not 3: PostgreSQL is there and lets us in."""
    role = f"reader_{uuid.uuid4().hex}"
    database.query(f"CREATE ROLE {role} LOGIN PASSWORD 'r'")
    try:
        done = run("migrate", env=settings(database.url, DATABASE_USER=role, DATABASE_PASSWORD="r"))
    finally:
        database.query(f"DROP ROLE {role}")
    assert done.code == 4, done
    assert "cannot create the migration history: permission denied for schema public (42501); hint: " in done.text
    assert "GRANT CREATE ON SCHEMA public" in done.text


def test_an_edited_file_is_refused_with_both_hashes(migrate, database, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\n")
    assert migrate(directory).code == 0
    ((before,),) = database.query("SELECT sha256 FROM digitalism_migrations")
    folder(m0001_a="CREATE TABLE a (x int);\n", m0002_b="CREATE TABLE b ();\n")
    done = migrate(directory)
    assert done.code == 4, done
    assert re.search(rf"0001_a.sql was edited after it was applied: its sha256 was {before}, now it is [0-9a-f]{{64}}",
                     done.text)
    assert tables(database) == ["a"]


def test_line_ends_and_a_byte_order_mark_are_no_edit(migrate, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\n-- é\n")
    assert migrate(directory).code == 0
    folder(m0001_a=b"\xef\xbb\xbfCREATE TABLE a ();\r\n-- \xc3\xa9\r\n")
    done = migrate(directory)
    assert done.code == 0, done


def test_an_empty_file_and_one_of_comments_are_recorded(migrate, database, folder):
    done = migrate(folder(m0001_a="", m0002_b="-- nothing\n/* at all */\n"))
    assert done.code == 0, done
    assert applied(database) == ["0001_a.sql", "0002_b.sql"]


def test_a_near_miss_is_warned_about(migrate, database, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\n", **{"m003-typo": "CREATE TABLE b ();\n"})
    done = migrate(directory)
    assert done.code == 0, done
    assert "003-typo.sql is not applied" in done.text
    assert tables(database) == ["a"]


def test_settings_of_one_file_do_not_reach_the_next(migrate, database, folder):
    done = migrate(folder(
        m0001_a="SELECT set_config('search_path', '', false); SET ROLE pg_monitor; CREATE TEMP TABLE t ();\n",
        m0002_b="CREATE TABLE b (); CREATE TABLE t ();\n",
        m0003_c="SET LOCAL search_path = pg_temp; SET CONSTRAINTS ALL DEFERRED;\n",
    ))
    assert done.code == 0, done
    assert tables(database) == ["b", "t"]
    assert len(applied(database)) == 3


@pytest.mark.parametrize("word, rest", [("COMMIT", ";"), ("commit", "; BEGIN;"), ("ROLLBACK", ";"), ("END", "; SELECT 1/0;")])
def test_a_file_that_would_end_its_transaction_is_refused(migrate, database, folder, word, rest):
    done = migrate(folder(m0001_a="CREATE TABLE a ();\n", m0002_b=f"CREATE TABLE b ();\n /* é */ {word}{rest}\n"))
    assert done.code == 4, done
    assert f"0002_b.sql:2:10: {word} would end the transaction that a migration runs in" in done.text
    assert tables(database) == []


@pytest.mark.parametrize(
    "rest, message",
    [
        ("COMMIT;", "0001_a.sql ended the transaction that it runs in, so a part of it may have been applied"),
        ("COMMIT; BEGIN;", "0001_a.sql ended the transaction that it runs in, so a part of it may have been applied"),
        ("COMMIT; SELECT 1/0;", "hint: the file had ended its transaction before"),
    ],
)
def test_an_end_of_the_transaction_that_cannot_be_seen_is_noticed(migrate, database, folder, rest, message):
    # A function of this name looks like the start of a body, in which `;` ends nothing.
    script = f"CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; {rest}\n"
    done = migrate(folder(m0001_a=script, m0002_b="CREATE TABLE b ();\n"))
    assert done.code == 4, done
    assert message in done.text
    assert (applied(database), tables(database)) == ([], [])


def test_a_commit_inside_a_block_is_explained(migrate, database, folder):
    done = migrate(folder(m0001_a="CREATE TABLE a ();\nDO $$ BEGIN COMMIT; END $$;\n"))
    assert done.code == 4, done
    assert "0001_a.sql:2:7: invalid transaction termination (2D000)" in done.text
    assert "hint: a migration runs in one transaction: take COMMIT and ROLLBACK out of the block" in done.text
    assert (applied(database), tables(database)) == ([], [])


def test_a_database_with_tables_but_no_history_is_refused(migrate, database):
    database.query("CREATE TABLE somebodys (a int)")
    done = migrate()
    assert done.code == 4, done
    assert "the database has no migration history, but it has tables already: somebodys" in done.text
    assert database.query("SELECT to_regclass('digitalism_migrations')") == [(None,)]


def test_eight_starters_at_once_apply_each_file_once(run, database):
    env = settings(database.url)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: run("migrate", env=env, timeout=60), range(8)))
    assert [done.code for done in results] == [0] * 8, results
    names = applied(database)
    text = "".join(done.text for done in results)
    for name in names:
        assert text.count(f"applied {name} in") == 1
    assert text.count("nothing to apply") == 7


def test_a_stop_in_the_third_of_five_keeps_the_first_two(service, database, folder):
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET test.sleep = '600'")
    files = {f"m000{number}_x": f"CREATE TABLE t{number} ();\n" for number in (1, 2, 4, 5)}
    directory = folder(m0003_x="CREATE TABLE t3 ();\n" + SLEEP, **files)
    running = service("migrate", env=settings(database.url, MIGRATIONS_PATH=directory))
    wait_until(lambda: sleeping(database), what=running.log)
    assert running.stop(signal.SIGTERM) == 143, running.log()
    assert "ERROR" not in running.log()  # it was asked for
    assert "INFO  migrate: stopped by request" in running.log()
    assert not sleeping(database)
    assert applied(database) == ["0001_x.sql", "0002_x.sql"]
    assert tables(database) == ["t1", "t2"]


def test_a_kill_in_the_middle_is_followed_by_a_clean_run(service, migrate, database, folder):
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET test.sleep = '600'")
    directory = folder(m0001_a="CREATE TABLE a ();\n", m0002_b="CREATE TABLE b ();\n" + SLEEP)
    running = service("migrate", env=settings(database.url, MIGRATIONS_PATH=directory))
    wait_until(lambda: sleeping(database), what=running.log)
    running.kill()
    execute(database.socket_url, f"ALTER DATABASE {database.name} RESET test.sleep")
    assert applied(database) == ["0001_a.sql"]
    # The server sees within a second that the killed client is gone, and gives its lock free.
    done = migrate(directory)
    assert done.code == 0, done
    assert tables(database) == ["a", "b"]


def test_a_table_that_is_locked_is_tried_again(service, database, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\n")
    env = settings(database.url, MIGRATIONS_PATH=directory)
    assert service("migrate", env=env).wait() == 0
    folder(m0002_b="ALTER TABLE a ADD COLUMN x int;\n")
    connection = psycopg2.connect(database.socket_url)
    try:
        connection.cursor().execute("LOCK TABLE a IN ACCESS SHARE MODE")
        running = service("migrate", env=env)
        running.wait_log("attempt 1 of 5, trying again in")
        connection.rollback()
        assert running.wait() == 0, running.log()
    finally:
        connection.close()
    assert "canceling statement due to lock timeout (55P03)" in running.log()
    assert applied(database) == ["0001_a.sql", "0002_b.sql"]
