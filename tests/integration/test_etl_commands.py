"""Goal: what `digitalism etl` is told by flags and tells besides: dry runs, forced ones, JSON, the ledger, the rejects.

Not here: what a load does to the table (test_etl.py), how it survives (test_etl_resume.py, test_etl_faults.py).
"""

import csv
import io
import json
import re

import pytest

from harness import settings

TEXT = "nom_commune,code_postal,latitude,longitude\nParis,75001,1,1\nLyon,69001,3,3\nParis,75001,2,2\nNice,nowhere,,\nLille,59000,,\n"
COUNTS = ("read", "inserted", "updated", "unchanged", "duplicate", "rejected", "without_coordinates")


@pytest.fixture
def etl(run, database):
    """etl(argument…, NAME=value…) → the result of `digitalism etl argument…` on this test's database."""
    return lambda *arguments, **more: run("etl", *arguments, env=settings(database.url, **{"ETL_MAX_REJECTS": 1, **more}))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT)
    return path


def outcome(result):
    """The JSON object on stdout; the log is on stderr."""
    found = json.loads(result.out)
    assert found["read"] == sum(found[name] for name in COUNTS[1:6])
    return found, tuple(found[name] for name in COUNTS)


def everything(database):
    return database.query(
        "SELECT (SELECT json_agg(c ORDER BY id) FROM (SELECT *, xmin::text, xmax::text FROM cities) c)::text, "
        "(SELECT json_agg(r ORDER BY id) FROM digitalism_etl_runs r)::text, (SELECT count(*) FROM digitalism_etl_rejects), "
        "(SELECT json_agg(p) FROM digitalism_etl_progress p)::text, (SELECT last_value FROM cities_id_seq)")


def test_json(etl, file):
    """One object on stdout, the log on stderr; also where there is nothing to do and where it fails."""
    result = etl(file, "--json")
    assert result.code == 0 and "1 file loaded" in result.err, result
    found, counts = outcome(result)
    assert counts == (5, 3, 0, 0, 1, 1, 1)
    assert (found["mode"], found["dry_run"], found["files"], found["files_unchanged"], found["run"]) == ("skip", False, 1, 0, 1)
    found, counts = outcome(etl(file, "--json"))
    assert (found["files"], found["files_unchanged"], found["run"], counts) == (0, 1, 1, (0,) * 7)
    result = etl(file, "--json", "--force", ETL_MAX_REJECTS=0)
    assert result.code == 5
    assert outcome(result)[1] == (4, 0, 0, 2, 1, 1, 0)


def test_dry_run(etl, database, file, run):
    """Reads, checks, compares and reports, and writes nothing at all: not a row, not a ledger entry, not a number of a
    sequence; in both modes, and also where it finds too many rejects."""
    result = etl(file, "--dry-run")
    assert result.code == 5 and ('cannot read the departments: relation "departments" does not exist (42P01); '
                                 "hint: the migrations make it: run digitalism migrate") in result.text, result
    assert database.query("SELECT count(*) FROM pg_class WHERE relname IN ('cities', 'digitalism_migrations')") == [(0,)]
    assert run("migrate", env=settings(database.url)).code == 0
    before = everything(database)
    result = etl(file, "--dry-run", "--json")
    assert outcome(result)[1] == (5, 3, 0, 0, 1, 1, 1)
    assert "1 file checked, nothing written, in " in result.text
    assert 'a.csv:5: record rejected, continuing: postal code is not 1 to 5 digits: "nowhere"' in result.text
    assert everything(database) == before
    assert outcome(etl(file, "--json"))[1] == (5, 3, 0, 0, 1, 1, 1)
    database.query("UPDATE cities SET latitude = 9 WHERE name = 'LYON'; UPDATE cities SET deleted_at = now() WHERE name = 'LILLE'")
    before = everything(database)
    assert outcome(etl(file, "--dry-run", "--json"))[1] == (5, 0, 0, 3, 1, 1, 1)
    # PARIS gets its last coordinates, LYON its own again, LILLE revives.
    assert outcome(etl(file, "--dry-run", "--json", "--mode", "replace"))[1] == (5, 0, 3, 0, 1, 1, 1)
    assert etl(file, "--dry-run", ETL_MAX_REJECTS=0).code == 5
    assert everything(database) == before
    assert outcome(etl(file, "--json", "--mode=replace"))[1] == (5, 0, 3, 0, 1, 1, 1)


def test_runs(etl, database, file, tmp_path):
    """The ledger for people and for programs, newest first, with the reason of what failed."""
    assert etl(file).code == 0
    broken = tmp_path / "b.csv"
    broken.write_text(TEXT.replace("Lyon,69001", "Lyon,x"))
    assert etl(broken, "--mode", "replace").code == 5
    result = etl("runs")
    assert result.code == 0, result
    head, newest, error, oldest = result.out.splitlines()
    assert head.split() == ["run", "state", "mode", "started", *COUNTS[:6], "geocoded", "file"]
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"  2  failed  replace  {time} +4 +0 +0 +1 +1 +2 +0  {re.escape(str(broken))}", newest) or \
        re.fullmatch(rf"  2  failed  replace  {time} +4 +0 +1 +0 +1 +2 +0  {re.escape(str(broken))}", newest), newest
    assert error.startswith("    too many rejects: the limit is 1; read 4, ")
    assert re.fullmatch(rf"  1  done    skip     {time} +5 +3 +0 +0 +1 +1 +0  {re.escape(str(file))}", oldest), oldest
    lines = [json.loads(line) for line in etl("runs", "--json").out.splitlines()]
    assert [(line["run"], line["state"], line["records"], line["position"], line["resumed"], line["file"]) for line in lines] == [
        (2, "failed", 5, lines[0]["position"], 0, str(broken)), (1, "done", 5, 5, 0, str(file))]
    assert lines[1]["error"] is None and lines[1]["file_bytes"] == len(TEXT) and len(lines[1]["file_sha256"]) == 64


def test_rejects(etl, file):
    """The rejects of the newest run, or of a named one, as CSV on stdout."""
    assert etl(file).code == 0
    result = etl("rejects")
    assert result.code == 0, result
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert rows == [{"run": "1", "file": str(file), "line": "5", "record": "4", "column": "code_postal", "code": "postal_code_invalid",
                     "reason": "postal code is not 1 to 5 digits", "raw": "Nice,nowhere,,"}]
    assert etl("rejects", "1").out == result.out
    result = etl("rejects", "2")
    assert result.code == 5 and "there is no run 2; hint: digitalism etl runs lists the runs" in result.text, result


def test_before_there_is_a_ledger(etl, database, run):
    """A database that was never migrated, or never loaded into, is told so."""
    for action in ("runs", "rejects"):
        result = etl(action)
        assert result.code == 5 and "this database has no ledger of loads yet; hint: digitalism migrate makes it" in result.text
    assert run("migrate", env=settings(database.url)).code == 0
    assert etl("runs").out.count("\n") == 1
    assert "nothing was ever loaded into this database" in etl("rejects").text


@pytest.mark.parametrize("arguments, message", [
    (("runs", "x"), 'etl runs takes no operand, "x" was given too'),
    (("rejects", "1", "2"), 'etl rejects takes the number of one run, "2" was given too'),
    (("rejects", "last"), '"last" is not the number of a run'),
    (("rejects", "--json"), "the flag --json does not belong to etl rejects"),
    (("runs", "--force"), "the flag --force does not belong to etl runs"),
    (("--mode", "merge"), "ETL_DUPLICATE_HANDLING"),
    (("--jobs", "17"), "ETL_JOBS"),
])  # fmt: skip
def test_usage(run, database, arguments, message):
    result = run("etl", *arguments, env=settings(database.url))
    assert result.code == 2 and message in result.text, result


@pytest.mark.parametrize("flag", ["--dry-run", "--force"])
def test_flags_of_etl_alone(run, database, flag):
    result = run("migrate", flag, env=settings(database.url))
    assert result.code == 2 and f"the flag {flag} belongs to the command etl, not to migrate" in result.text, result


def test_an_emptied_table_is_loaded_again(etl, database, file):
    """The ledger says that the file was loaded, but who has emptied the table wants the rows again."""
    assert etl(file).code == 0
    assert "nothing new in" in etl(file).text
    database.query("TRUNCATE cities")
    assert outcome(etl(file, "--json"))[1] == (5, 3, 0, 0, 1, 1, 1)
