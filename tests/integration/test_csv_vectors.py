"""Goal: each file of csv/ is read as the file beside it says, and loads as it should.

Not here: files too large to keep (test_csv_large.py), how records are cut into chunks (tests/unit/etl/test_vectors.c).

A case is files of one name; a new one needs no code:
    NAME.csv        the file, byte by byte
    NAME.records    what `etl --print-records` prints of it
    NAME.loaded     where it can be loaded: a JSON object a line; first {"exit": code}, with a part of the log as "message"
                    where it fails, then {"city": [name, postal code, department, latitude, longitude]} in the order in
                    which they were loaded and {"reject": [line, column, code, raw text]} by line
    NAME.env        NAME=value lines of settings, as in .env
"""

import json
import os
import pathlib

import pytest

from harness import settings

CSV = pathlib.Path(__file__).parent / "csv"
NAMES = sorted(path.stem for path in CSV.glob("*.csv"))
LOADED = [name for name in NAMES if (CSV / f"{name}.loaded").is_file()]
PARTS = 4  # of the loads, each with a database of its own


def flags(name):
    path = CSV / f"{name}.env"
    return ["--env-file", path] if path.is_file() else []


@pytest.mark.parametrize("name", NAMES)
def test_records(run, name):
    """Every line is exact, and the exit code tells whether the file could be read without a fault."""
    result = run("etl", "--print-records", CSV / f"{name}.csv", *flags(name))
    wanted = (CSV / f"{name}.records").read_bytes().decode()
    assert result.out == wanted, result
    refused = not wanted and "is UTF-" in result.err
    assert result.code == (5 if refused or '"error":' in wanted else 0), result
    assert bool(result.err) == (result.code != 0), result


def load(run, database, name):
    """Loads one file into the database, emptied before, and returns what a .loaded file would say of it, and the log."""
    database.query("TRUNCATE cities; TRUNCATE digitalism_etl_runs CASCADE")
    result = run("etl", CSV / f"{name}.csv", *flags(name), env=settings(database.url, ETL_MAX_REJECTS="100%"))
    cities = database.query(
        "SELECT c.name, c.code_postal, d.code_departement, c.latitude, c.longitude FROM cities c "
        "JOIN departments d ON d.id = c.department_id ORDER BY c.id"
    )
    rejects = database.query("SELECT line, column_name, code, raw FROM digitalism_etl_rejects ORDER BY line")
    found = [{"exit": result.code}, *({"city": list(row)} for row in cities), *({"reject": list(row)} for row in rejects)]
    return found, result.text


@pytest.mark.parametrize("part", range(PARTS))
def test_loading(run, database, part):
    """All files that can be loaded, one after the other: the cities, the rejects with their raw text, the failures."""
    assert run("migrate", env=settings(database.url)).code == 0
    faults = []
    for name in LOADED[part::PARTS]:
        lines = (CSV / f"{name}.loaded").read_text(encoding="utf-8").split("\n")
        wanted = [json.loads(line) for line in lines if line]
        message = wanted[0].pop("message", "")
        found, text = load(run, database, name)
        if found != wanted or message not in text:
            faults.append(f"{name}: {found}, wanted {wanted} and {message!r}\n{text}")
    assert not faults, "\n".join(faults)


def test_each_case_is_whole():
    """No file is left over, so that a slip in a name cannot silence a case."""
    for path in CSV.iterdir():
        assert path.suffix in (".csv", ".records", ".loaded", ".env"), path
        assert (CSV / f"{path.stem}.csv").is_file() and (CSV / f"{path.stem}.records").is_file(), path
    assert len(NAMES) >= 60 and os.path.getsize(CSV / "empty.csv") == 0
