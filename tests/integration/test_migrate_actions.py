"""Goal: what an operator does around applying: status, plan, down, baseline, validate, repair, new, and what the rules allow.

Not here: applying itself (test_migrate.py), the planner case by case (tests/unit/migrate/test_plan.c).
"""

import json
import re

import pytest

from harness import ROOT, execute, settings
from migrations import applied, schema_of, tables

A = "CREATE TABLE a ();\n"
B = "CREATE TABLE b ();\n"
C = "CREATE TABLE c ();\n"


def history_exists(database):
    return database.query("SELECT to_regclass('digitalism_migrations') IS NOT NULL") == [(True,)]


def test_status_as_a_table(migrate, database, folder):
    directory = folder(m0001_a=A, m0010_b=B, R__view="CREATE OR REPLACE VIEW v AS SELECT 1 AS x;\n")
    assert migrate(directory, "up", "--to", "1").code == 0
    done = migrate(directory, "status")
    assert done.code == 0, done
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["VERSION", "STATE", "APPLIED", "AT", "MS", "NAME"]
    assert lines[1][:2] == ["1", "applied"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", lines[1][2])
    assert lines[2] == ["10", "pending", "-", "-", "0010_b.sql"]
    assert lines[3] == ["-", "pending", "-", "-", "R__view.sql"]
    assert done.out.splitlines()[4] == "3 migrations: 1 applied, 2 pending"
    # The log goes elsewhere, so that scripts can read the report.
    assert "PostgreSQL is ready" in done.err and "PostgreSQL is ready" not in done.out


def test_status_as_json(migrate, database, folder):
    directory = folder(m0001_a=A, m0002_b=B)
    assert migrate(directory, "up", "--to", "0001_a.sql").code == 0
    folder(m0001_a=A + "-- edited\n")
    shown = json.loads(migrate(directory, "status", "--json").out)
    assert shown["pending"] == 1
    first, second = shown["migrations"]
    assert (first["version"], first["name"], first["state"], first["kind"]) == ("1", "0001_a.sql", "edited", "migration")
    assert first["sha256"] != first["applied_sha256"] and first["duration_ms"] >= 0 and first["applied_by"]
    assert (second["state"], second["applied_at"], second["duration_ms"]) == ("pending", None, None)


def test_the_exit_code_of_status_tells_whether_something_is_pending(migrate, folder):
    directory = folder(m0001_a=A)
    assert migrate(directory, "status").code == 0
    assert migrate(directory, "status", "--exit-code").code == 1
    assert migrate(directory).code == 0
    assert migrate(directory, "status", "--exit-code").code == 0


def test_plan_prints_the_sql_and_writes_nothing(migrate, database, folder):
    directory = folder(m0001_a=A, m0002_b="-- why\n" + B, m0003_c=C)
    done = migrate(directory, "plan", "--to", "2")
    assert done.code == 0, done
    assert done.out == f"-- 0001_a.sql\n{A}\n-- 0002_b.sql\n-- why\n{B}\n"
    assert not history_exists(database) and tables(database) == []
    assert migrate(directory).code == 0
    assert migrate(directory, "plan").out == "-- nothing to apply\n"


def test_reports_do_not_write_and_do_not_wait_for_a_migration_under_way(migrate, database, folder):
    execute(database.socket_url, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    import psycopg2

    with psycopg2.connect(database.socket_url) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7235427978969181289)")
        for action in ("status", "plan", "validate"):
            done = migrate(folder(m0001_a=A), action)
            assert done.code == 0, done


def test_plan_of_a_database_that_would_be_refused_is_refused(migrate, database, folder):
    database.query("CREATE TABLE theirs ()")
    done = migrate(folder(m0001_a=A), "plan")
    assert done.code == 4, done
    assert "digitalism migrate baseline VERSION" in done.text


def test_down_undoes_the_last_one_or_as_many_as_asked(migrate, database, folder):
    directory = folder({
        "0001_a.sql": A, "0001_a.down.sql": "DROP TABLE a;\n",
        "0002_b.up.sql": B, "0002_b.down.sql": "DROP TABLE b;\n",
        "0003_c/up.sql": C, "0003_c/down.sql": "DROP TABLE c;\n",
        "0004_d.sql": "-- migrate:up\nCREATE TABLE d ();\n-- migrate:down\nDROP TABLE d;\n",
        "0005_e.sql": "-- +goose Up\nCREATE TABLE e ();\n-- +goose Down\nDROP TABLE e;\n",
    })  # fmt: skip
    assert migrate(directory).code == 0
    assert tables(database) == ["a", "b", "c", "d", "e"]
    done = migrate(directory, "down")
    assert done.code == 0, done
    assert "undone 0005_e.sql in" in done.text and tables(database) == ["a", "b", "c", "d"]
    assert migrate(directory, "down", "2").code == 0
    assert tables(database) == ["a", "b"]
    assert applied(database) == ["0001_a.sql", "0002_b.up.sql"]
    assert migrate(directory).code == 0
    assert migrate(directory, "down", "--to", "1").code == 0
    assert tables(database) == ["a"]
    assert migrate(directory, "down", "9").code == 0
    assert tables(database) == [] and applied(database) == []
    assert "nothing to undo" in migrate(directory, "down").text


def test_down_that_fails_leaves_everything(migrate, database, folder):
    directory = folder({"0001_a.sql": A, "0001_a.down.sql": "DROP TABLE a;\nDROP TABLE nobodys;\n"})
    assert migrate(directory).code == 0
    done = migrate(directory, "down")
    assert done.code == 4, done
    assert '0001_a.down.sql:2:1: table "nobodys" does not exist (42P01)' in done.text
    assert "hint: nothing of this file was undone" in done.text
    assert tables(database) == ["a"] and applied(database) == ["0001_a.sql"]


def test_down_stops_before_what_cannot_be_undone_and_undoes_nothing(migrate, database, folder):
    directory = folder({"0001_a.sql": A, "0002_b.sql": B, "0002_b.down.sql": "DROP TABLE b;\n"})
    assert migrate(directory).code == 0
    done = migrate(directory, "down", "2")
    assert done.code == 4, done
    assert "0001_a.sql has nothing that undoes it" in done.text
    assert tables(database) == ["a", "b"]


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["down", "none"], 2, '"none" is not how many to undo: it must be a number from 1 to 10000'),
        (["down", "0"], 2, '"0" is not how many to undo'),
        (["down", "1", "--to", "1"], 2, "migrate down takes how many to undo or --to, not both"),
        (["up", "--to", "x"], 2, '"x" is no version: it must be the number of a migration'),
        (["up", "--to", "7"], 4, "no migration has the version 7"),
        (["baseline", "7"], 4, "no migration has the version 7"),
    ],
)
def test_operands_that_will_not_do(migrate, database, folder, words, code, message):
    done = migrate(folder(m0001_a=A), *words)
    assert done.code == code, done
    assert message in done.text
    assert tables(database) == []


def test_baseline_takes_a_database_over_without_running_anything(migrate, database, folder):
    database.query("CREATE TABLE a (theirs int)")
    directory = folder(m0001_a=A, m0002_b=B, m0003_c=C)
    assert migrate(directory).code == 4
    done = migrate(directory, "baseline", "0002")
    assert done.code == 0, done
    assert "0001_a.sql is in the database already" in done.text
    assert migrate(directory).code == 0
    assert tables(database) == ["a", "c"]
    rows = database.query("SELECT name, kind FROM digitalism_migrations ORDER BY version")
    assert rows == [("0001_a.sql", "baseline"), ("0002_b.sql", "baseline"), ("0003_c.sql", "migration")]
    done = migrate(directory, "baseline", "3")
    assert done.code == 4 and "the database has a migration history already: 3 migrations" in done.text


def test_validate_says_what_up_would_be_refused_for(migrate, database, folder):
    directory = folder(m0001_a=A, m0002_b=B)
    done = migrate(directory, "validate")
    assert (done.code, done.out) == (0, "valid: 2 migrations, 2 of them to be applied\n")
    assert migrate(directory).code == 0
    folder(m0001_a="CREATE TABLE other ();\n", m0003_c=C + "COMMIT;\n")
    done = migrate(directory, "validate")
    assert done.code == 4 and "0001_a.sql was edited after it was applied" in done.text
    folder(m0001_a=A)
    done = migrate(directory, "validate")
    assert done.code == 4 and "0003_c.sql:2:1: COMMIT would end the transaction" in done.text
    assert not tables(database) == []


def test_repair_accepts_an_edited_file(migrate, database, folder):
    directory = folder(m0001_a=A)
    assert migrate(directory).code == 0
    assert "nothing to repair" in migrate(directory, "repair").text
    folder(m0001_a=A + "-- better explained\n", m0002_b=B)
    assert migrate(directory).code == 4
    done = migrate(directory, "repair")
    assert done.code == 0 and "accepted 0001_a.sql as it is now: its sha256 was " in done.text
    assert migrate(directory).code == 0
    assert tables(database) == ["a", "b"]


@pytest.mark.parametrize("action, message", [("down", "nothing to undo"), ("repair", "nothing to repair")])
def test_without_a_history_there_is_nothing_to_undo_or_repair(migrate, database, folder, action, message):
    database.query("CREATE TABLE theirs ()")
    done = migrate(folder(m0001_a=A), action)
    assert done.code == 0 and message in done.text, done
    assert not history_exists(database)


def test_a_missing_file_is_refused(migrate, database, folder):
    directory = folder(m0001_a=A, m0002_b=B, m0003_c=C)
    assert migrate(directory).code == 0
    (directory / "0002_b.sql").unlink()
    done = migrate(directory)
    assert done.code == 4, done
    assert "0002_b.sql was applied to the database, but the file is missing; hint: put the file back" in done.text


def test_a_lower_number_is_refused_unless_it_is_allowed(migrate, database, folder):
    directory = folder(m0001_a=A, m0003_c=C)
    assert migrate(directory).code == 0
    folder(m0002_b=B)
    done = migrate(directory)
    assert done.code == 4, done
    assert "0002_b.sql is new, but stands before 0003_c.sql, which is already applied; hint: give it a number above 3" in done.text
    assert "--out-of-order" in done.text and "late" in migrate(directory, "status").out
    assert migrate(directory, "--out-of-order").code == 0
    assert tables(database) == ["a", "b", "c"]


def test_a_newer_database_is_refused_by_migrate_and_api_unless_it_is_allowed(migrate, service, run, database, folder):
    directory = folder(m0001_a=A, m0002_b=B)
    assert migrate(directory).code == 0
    (directory / "0002_b.sql").unlink()
    done = migrate(directory)
    assert done.code == 4, done
    assert "the database is newer than the migrations: 0002_b.sql was applied to it by version 0." in done.text
    env = settings(database.url, MIGRATIONS_PATH=directory)
    done = run("api", env={**env, "HOST": "127.0.0.1", "PORT": 0})
    assert done.code == 4 and "--allow-newer (MIGRATIONS_ALLOW_NEWER)" in done.text
    api = service("api", "--allow-newer", env=env).wait_ready()
    assert api.stop() == 0
    assert migrate(directory, MIGRATIONS_ALLOW_NEWER="true").code == 0


def test_strict_refuses_what_only_looks_like_a_migration(migrate, database, folder):
    directory = folder({"0001_a.sql": A, "003-typo.sql": B})
    done = migrate(directory, "--strict")
    assert done.code == 4, done
    assert f"{directory}/003-typo.sql would not be applied: its name is not like 0001_name.sql" in done.text
    assert tables(database) == []


def test_a_repeatable_one_is_applied_last_and_again_when_it_changes(migrate, database, folder):
    view = "CREATE OR REPLACE VIEW v AS SELECT count(*) AS n FROM b;\n"
    directory = folder({"V1__a.sql": A, "R__v.sql": view, "V2__b.sql": B})
    assert migrate(directory).code == 0
    assert applied(database) == ["V1__a.sql", "V2__b.sql", "R__v.sql"]
    assert "nothing to apply" in migrate(directory).text
    folder({"R__v.sql": view.replace("FROM b", "FROM a")})
    assert "changed" in migrate(directory, "status").out
    done = migrate(directory)
    assert done.code == 0 and "applied R__v.sql" in done.text
    assert "FROM public.a" in schema_of(database)
    assert database.query("SELECT version, kind FROM digitalism_migrations WHERE name = 'R__v.sql'") == [(None, "repeatable")]


def test_new_makes_the_next_file_and_needs_no_database(run, folder):
    directory = folder(m0001_a=A, m0009_b=B)
    done = run("migrate", "new", "add_population", env={"MIGRATIONS_PATH": directory})
    assert (done.code, done.out) == (0, f"{directory}/0010_add_population.sql\n")
    assert (directory / "0010_add_population.sql").read_text().startswith("-- ")
    done = run("migrate", "new", "no blanks", env={"MIGRATIONS_PATH": directory})
    assert done.code == 2 and '"no blanks" will not do as a name' in done.err
    done = run("migrate", "new", "x", env={"MIGRATIONS_PATH": "/nonexistent"})
    assert done.code == 4 and "/nonexistent is not a directory" in done.err


def test_the_projects_own_migrations_are_valid(migrate):
    assert migrate(ROOT / "migrations", "validate", "--strict").code == 0
