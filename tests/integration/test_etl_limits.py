"""Goal: what a load tells while it goes on, what it keeps to when there is too much of something, what a dry run leaves alone.

Not here: counts and modes (test_etl.py); interruptions as such (test_etl_resume.py).
"""

import csv
import os
import pty
import re
import select
import subprocess
import time

import pytest

from etl_harness import end_lanes, held, kill_etl, ledger, summary, wait_held, write_rows
from harness import clean_environment, query, settings, wait_until

REJECTED = "SELECT record, line, column_name, code, raw FROM digitalism_etl_rejects ORDER BY record"


@pytest.fixture
def url(database, run):
    assert run("migrate", env=settings(database.url)).code == 0
    return database.url


def test_12_a_line_every_five_seconds(service, url, tmp_path):
    """With nobody at a terminal, also while nothing moves; a run that was taken up counts only its own rows as its rate."""
    path = write_rows(tmp_path / "a.csv", range(1, 1001))
    line = r"INFO  etl: loaded (\d+) of 1000 rows, (\d+) rows/s(, \d+m?\d*s left)? \((\d+) %\)\n"
    env = settings(url, ETL_BATCH_SIZE=1, ETL_JOBS=1)
    with held(url, 65):
        running = service("etl", path, env=env)
        told = wait_until(lambda: re.search(line, running.log()), 15, what=running.log)
        assert told[1] == "64" and 0 < int(told[2]) <= 13 and told[3] and told[4] == "6", told
        kill_etl(running)
        end_lanes(url)
        running = service("etl", path, env=env)
        told = wait_until(lambda: re.search(line, running.log()), 15, what=running.log)
        assert told.groups() == ("64", "0", None, "6")
    assert running.wait() == 0


def test_12_a_bar_on_a_terminal(binary, url, tmp_path):
    """With rate, time left and share; it goes away at the end, and the log is the same as without."""
    path = write_rows(tmp_path / "a.csv", range(1, 129))
    terminal, stderr = pty.openpty()
    with held(url, 65):
        running = subprocess.Popen(
            [binary, "etl", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=tmp_path,
            env=clean_environment(settings(url, ETL_BATCH_SIZE=1, ETL_JOBS=1)))
        os.close(stderr)
        shown = ""
        deadline = time.monotonic() + 20
        bar = r"\r\[#{15}\.{15}\]  50 %  64 of 128 rows, \d+ rows/s(, \d+s left)?\033\[K"
        while not re.search(bar, shown):
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096).decode()
    out, _ = running.communicate(timeout=20)
    while select.select([terminal], [], [], 0)[0]:
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # how Linux tells the end of a terminal
            break
    os.close(terminal)
    assert running.returncode == 0 and summary(out) == (128, 128, 0, 0, 0, 0), out
    assert shown.endswith("\r\033[K") and "loaded 64 of" not in out, shown


@pytest.mark.parametrize("mode", ["skip", "replace"])
def test_more_keys_than_fit_into_memory(run, service, url, tmp_path, mode):
    """PostgreSQL sorts them; first or last wins all the same, the counts are exact, and a killed load goes on."""
    path = tmp_path / "a.csv"
    with open(path, "w", encoding="ascii") as file:
        file.write("nom_commune,code_postal,latitude,longitude\n")
        file.writelines(f"Ville {n % 110000},75001,{1 if n < 110000 else 2},3\n" for n in range(120000))
    env = settings(url, ETL_DUPLICATE_HANDLING=mode, ETL_BATCH_SIZE=1000)
    message = "120000 records are more than fit into memory: PostgreSQL sorts their keys\n"
    with held(url, 60000):
        running = service("etl", path, env=env)
        running.wait_log(message)
        wait_held(url, running)
        kill_etl(running)
        end_lanes(url)
    result = run("etl", path, env=env, timeout=60)
    assert result.code == 0 and message in result.text and "going on with run 1 of" in result.text, result
    assert summary(result.text) == (120000, 110000, 0, 0, 10000, 0)
    assert ledger(url) == [("done", (120000, 110000, 0, 0, 10000, 0), 120000, 1)]
    winner = 1 if mode == "skip" else 2
    assert query(url, "SELECT count(*), count(*) FILTER (WHERE latitude = 2), "
                      "count(*) FILTER (WHERE latitude = %s AND substr(name, 7)::int < 10000) FROM cities", [winner]) == [
        (110000, 0 if mode == "skip" else 10000, 10000)]


@pytest.mark.parametrize("mode", ["skip", "replace"])
def test_longer_names_than_fit_into_memory(run, url, tmp_path, mode):
    """It is the room for the names that counts, not how many there are."""
    path = tmp_path / "a.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.write("nom_commune,code_postal\n")
        file.writelines(f"{'é' * 240} {n % 8000},75001\n" for n in range(9000))
    result = run("etl", path, env=settings(url, ETL_DUPLICATE_HANDLING=mode), timeout=60)
    assert result.code == 0 and "9000 records are more than fit into memory" in result.text, result
    assert summary(result.text) == (9000, 8000, 0, 0, 1000, 0)


def test_the_file_of_rejects_of_a_load_that_was_killed(run, service, url, tmp_path):
    """It has each reject once, and what a killed writer left of it is taken over."""
    path = tmp_path / "a.csv"
    path.write_text("nom_commune,code_postal\n" + "".join(f"Ville {n},7500{'x' if n % 20 == 0 else 1}\n" for n in range(1, 1001)))
    rejects = tmp_path / "rejects"
    rejects.mkdir()
    env = settings(url, ETL_JOBS=1, ETL_REJECTS_PATH=rejects)
    with held(url, 501):
        running = service("etl", path, env=env)
        wait_held(url, running)
        kill_etl(running)
        end_lanes(url)
    assert os.listdir(rejects) == []
    (rejects / ".1.csv").write_text("half a li")
    result = run("etl", path, env=env)
    assert summary(result.text) == (1000, 950, 0, 0, 0, 50), result
    assert os.listdir(rejects) == ["1.csv"]
    with open(rejects / "1.csv", encoding="utf-8", newline="") as file:
        rows = [(int(row["record"]), int(row["line"]), row["column"], row["code"], row["raw"]) for row in csv.DictReader(file)]
    assert rows == query(url, REJECTED)
    assert [row[0] for row in rows] == list(range(20, 1001, 20))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_for_the_file_of_rejects_is_a_warning(run, url, tmp_path):
    """The load goes on, the table has all of them, and no half file is left."""
    path = tmp_path / "a.csv"
    path.write_text("nom_commune,code_postal\n" + "".join(f"{'Ville' * 40} {n},7500x\n" for n in range(100)))
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        result = run("etl", path, env=settings(url, ETL_REJECTS_PATH=disk, ETL_MAX_REJECTS=100))
        left = os.listdir(disk)
    finally:
        subprocess.run(["umount", disk], check=True)
    assert result.code == 0, result
    assert (f"WARN  etl: cannot write {disk}/1.csv: No space left on device; the rejects are kept in the table "
            "digitalism_etl_rejects only, continuing\n") in result.text
    assert left == [] and len(query(url, REJECTED)) == 100


def test_a_dry_run_writes_nothing(run, url, database, tmp_path):
    """Where every transaction is read only it works, with the counts that a load would have; nothing that it could write
    has changed."""
    path = write_rows(tmp_path / "a.csv", range(1, 301), latitude=5)
    path.write_text(path.read_text() + "Ville 1,75001,6,6\nFin,7500x,1,1\n")
    before = write_rows(tmp_path / "before.csv", range(1, 101))
    assert run("etl", before, env=settings(url)).code == 0
    state = ("SELECT (SELECT array_agg(xmin::text || ctid) FROM cities), (SELECT last_value FROM cities_id_seq), "
             "(SELECT count(*) FROM digitalism_etl_runs), (SELECT count(*) FROM digitalism_etl_rejects)")
    found = query(url, state)
    query(url, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    for mode, wanted in (("skip", (302, 200, 0, 100, 1, 1)), ("replace", (302, 200, 100, 0, 1, 1))):
        result = run("etl", "--dry-run", path, env=settings(url, ETL_DUPLICATE_HANDLING=mode))
        assert result.code == 0 and summary(result.text) == wanted, result
    assert query(url, state) == found
