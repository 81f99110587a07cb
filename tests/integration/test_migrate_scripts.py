"""Goal: what a script may hold: data of COPY, pg_dump's own output; and an error that shows where it is.

Not here: whether scripts are cut as psql cuts them (test_migrate_lexer.py).
"""

import re
import subprocess

import psycopg2
import pytest

from harness import execute, settings
from migrations import applied, dump_of, tables


def errors_of(done):
    """The lines of the error, without their time stamps."""
    return [line.partition(" ERROR migrate: ")[2] for line in done.text.splitlines() if " ERROR migrate: " in line]


def test_copy_data_in_every_format(migrate, database, folder):
    script = (
        "CREATE TABLE t (a int, b text);\n"
        "COPY t (a, b) FROM stdin;\n1\tone; two\n2\t\\N\n3\ttab\\there\n\\.\n"
        "COPY t FROM STDIN WITH (FORMAT csv);\n4,\"quoted, 'é'; \"\"x\"\"\"\n5,\n\\.\n"
        "COPY t FROM stdin;\n\\.\n"
        "INSERT INTO t VALUES (6, 'behind');\n"
        "COPY t FROM stdin;\n7\tto the end\n"
    )
    done = migrate(folder(m0001_t=script))
    assert done.code == 0, done
    assert database.query("SELECT * FROM t ORDER BY a") == [
        (1, "one; two"), (2, None), (3, "tab\there"), (4, "quoted, 'é'; \"x\""), (5, None), (6, "behind"), (7, "to the end"),
    ]  # fmt: skip


def test_copy_of_more_rows_than_a_socket_holds(migrate, database, folder):
    rows = "".join(f"{number}\tsome text of row {number}\n" for number in range(200_000))
    done = migrate(folder(m0001_t="CREATE TABLE t (a int, b text);\nCOPY t FROM stdin;\n" + rows + "\\.\n"), timeout=60)
    assert done.code == 0, done
    assert database.query("SELECT count(*), sum(a)::bigint FROM t") == [(200_000, 199_999 * 100_000)]


def test_copy_data_that_is_wrong_is_told_with_its_line(migrate, database, folder):
    done = migrate(folder(m0001_t="CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\nx\n\\.\n"))
    assert done.code == 4, done
    lines = errors_of(done)
    assert lines[:2] == ['0001_t.sql:4:1: invalid input syntax for type integer: "x" (22P02)', "  x"]
    assert lines[2] == 'CONTEXT: COPY t, line 2, column a: "x"'
    assert tables(database) == []


def test_what_pg_dump_writes_can_be_a_migration(migrate, database, folder, cluster_urls):
    """A dump of a database with the objects that dumps are awkward with, applied, gives the same dump again."""
    import harness

    source = harness.Database(*cluster_urls, name=database.name + "_source").create()
    try:
        source.query(
            "CREATE TYPE mood AS ENUM ('sad', 'it''s; fine'); CREATE TABLE t (id serial PRIMARY KEY, m mood, b text DEFAULT 'a;b');"
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN x + 1; -- ;\nEND $body$;"
            "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN x > 0 THEN 1 ELSE 2 END; END;"
            "CREATE VIEW v AS SELECT id, ';' AS semicolon FROM t; COMMENT ON TABLE t IS 'a; -- b /* c';"
            "CREATE RULE r AS ON DELETE TO v DO INSTEAD (DELETE FROM t WHERE id = old.id; SELECT 1);"
            "INSERT INTO t (m, b) SELECT 'sad', E'tab\\t newline\\n backslash\\\\ \\\\. ' || g FROM generate_series(1, 50) g"
        )
        plain = subprocess.run(["pg_dump", source.socket_url], capture_output=True, text=True, check=True).stdout
        # Later versions of pg_dump put these around it.
        plain = re.sub(r"^\\(un)?restrict .*\n", "", plain, flags=re.MULTILINE)
        done = migrate(folder(m0001_dump="\\restrict a1B2c3\n\n" + plain + "\\unrestrict a1B2c3\n\n", m0002_b="CREATE TABLE public.b ();\n"))
        assert done.code == 0, done
        database.query("DROP TABLE b")
        assert dump_of(database) == dump_of(source)
    finally:
        source.drop()


@pytest.mark.parametrize("command", ["\\i other.sql", "\\connect other", "\\echo hello", "\\copy t FROM 'x'", "\\gset"])
def test_other_commands_of_psql_are_refused_with_their_line(migrate, database, folder, command):
    done = migrate(folder(m0001_a="CREATE TABLE a ();\n", m0002_b=f"CREATE TABLE b ();\n  {command}\n"))
    assert done.code == 4, done
    word = command.split()[0]
    assert f"0002_b.sql:2:3: {word} is a command of psql, not SQL; hint: write it in SQL, or take it out" in done.text
    assert tables(database) == []  # found before the first file ran


def test_an_error_shows_its_place_in_characters(migrate, folder):
    script = "-- é\r\nSELECT 1;\r\n\tSELECT 'ÀÉÎ', nothing_of_that_name FROM (SELECT 1) AS x;\r\n"
    assert errors_of(migrate(folder(m0001_a=script)))[:4] == [
        '0001_a.sql:3:16: column "nothing_of_that_name" does not exist (42703)',
        "  SELECT 'ÀÉÎ', nothing_of_that_name FROM (SELECT 1) AS x;",
        "                ^",
        "hint: nothing of this file was applied; correct it and start again",
    ]


def test_an_error_has_detail_hint_and_context(migrate, folder):
    block = (
        "CREATE TABLE a ();\nDO $block$\nDECLARE\n  n int;\nBEGIN\n  n := 1;\n"
        "  RAISE EXCEPTION 'too many: %', n USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = '22023';\nEND $block$;\n"
    )
    assert errors_of(migrate(folder(m0001_a=block))) == [
        "0001_a.sql:7:3: too many: 1 (22023)",
        "  RAISE EXCEPTION 'too many: %', n USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = '22023';",
        "DETAIL: the detail",
        "CONTEXT: PL/pgSQL function inline_code_block line 6 at RAISE",
        "hint: the hint",
    ]


def test_a_syntax_error_inside_a_function_points_into_it(migrate, folder):
    script = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURNN 1;\nEND $$;\n"
    lines = errors_of(migrate(folder(m0001_a=script)))
    assert lines[:3] == ['0001_a.sql:3:3: syntax error at or near "RETURNN" (42601)', "  RETURNN 1;", "  ^"]


def test_an_error_in_json_is_one_object(migrate, folder):
    import json

    done = migrate(folder(m0001_a="SELEC 1;\n"), LOG_FORMAT="json")
    (failure,) = [line for line in map(json.loads, done.out.splitlines()) if line["level"] == "error"]
    assert failure["msg"].startswith('0001_a.sql:1:1: syntax error at or near "SELEC" (42601)\n  SELEC 1;\n  ^; hint: ')
    assert failure["sqlstate"] == "42601"


def test_a_file_wrapped_in_a_transaction_of_its_own_is_one_all_the_same(migrate, database, folder):
    directory = folder(m0001_a="BEGIN;\nCREATE TABLE a ();\nCOMMIT;\n", m0002_b="begin transaction;\nCREATE TABLE b ();\nSELECT 1/0;\nEND;\n")
    done = migrate(directory)
    assert done.code == 4, done
    assert tables(database) == ["a"] and applied(database) == ["0001_a.sql"]


def test_what_one_file_sets_is_gone_in_the_next(migrate, database, folder):
    """search_path, role, settings, temporary tables, prepared statements, cursors."""
    done = migrate(folder(
        m0001_a="SET search_path = pg_catalog; SET ROLE pg_read_all_data; RESET ROLE; SET work_mem = '1MB'; SET TimeZone = 'Asia/Tokyo';\n"
                "CREATE TEMP TABLE scratch (); PREPARE p AS SELECT 1; SET lock_timeout = 1; SET SESSION AUTHORIZATION DEFAULT;\n",
        m0002_b="CREATE TABLE seen AS SELECT current_setting('search_path') AS path, current_setting('work_mem') AS mem,"
                " current_setting('TimeZone') AS zone, current_setting('lock_timeout') AS lock, to_regclass('scratch') AS scratch,"
                " (SELECT count(*) FROM pg_prepared_statements) AS prepared;\n",
    ))  # fmt: skip
    assert done.code == 0, done
    ((path, mem, zone, lock, scratch, prepared),) = database.query("SELECT * FROM seen")
    assert (path, zone, lock, scratch, prepared) == ('"$user", public', "UTC", "5s", None, 0)
    assert mem != "1MB"


def test_a_deadlock_is_tried_again(service, database, folder):
    """40P01: the file lost against somebody else; its transaction is run anew, and logged."""
    database.query("CREATE TABLE one (); CREATE TABLE two ()")
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET deadlock_timeout = '100ms'")
    directory = folder(m0001_x="", m0002_y="LOCK TABLE one;\nSELECT pg_sleep(0.5);\nLOCK TABLE two;\nCREATE TABLE done ();\n")
    env = settings(database.url, MIGRATIONS_PATH=directory)
    assert service("migrate", "baseline", "1", env=env).wait() == 0
    other = psycopg2.connect(database.socket_url)
    try:
        with other.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '60s'; LOCK TABLE two")
            running = service("migrate", env=env)
            running_locks = "SELECT 1 FROM pg_locks WHERE relation = 'one'::regclass AND granted"
            from harness import wait_until

            wait_until(lambda: database.query(running_locks), what=running.log)
            cursor.execute("LOCK TABLE one")  # returns when the other side has given up
        other.rollback()
    finally:
        other.close()
    assert running.wait() == 0, running.log()
    assert "deadlock detected (40P01); attempt 1 of 5, trying again in" in running.log()
    assert "done" in tables(database)


def test_a_lock_that_another_program_gives_back_is_noticed(migrate, database, folder):
    done = migrate(folder(m0001_a="SELECT pg_advisory_unlock_all();\n"))
    assert done.code == 4, done
    assert "the migration lock was not held any more when it was given back" in done.text


def test_the_holder_of_the_lock_is_shown(service, run, database, folder):
    directory = folder(m0001_a="CREATE TABLE a ();\nSELECT pg_sleep(600) /* in the way */;\n")
    env = settings(database.url, MIGRATIONS_PATH=directory)
    holder = service("migrate", env=env)
    from harness import wait_until

    asleep = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(6%%'"
    ((pid,),) = wait_until(lambda: database.query(asleep), what=holder.log)
    done = run("migrate", env={**env, "DATABASE_WAIT_TIMEOUT": "1s"})
    assert done.code == 4, done
    assert f'server process {pid}, at "SELECT pg_sleep(600) /* in the way */"; hint: when it hangs, end it with' in done.text
    assert f"SELECT pg_terminate_backend({pid})" in done.text
    assert holder.stop() == 143
