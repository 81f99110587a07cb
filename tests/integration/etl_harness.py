"""What the tests of the loader share: files, a lock that holds a load at a chosen row, ends without a goodbye, the ledger.

Not here: interrupting at every message (etl_sweep.py).
"""

import contextlib
import os
import re
import signal

import psycopg2

from harness import children, query, wait_until

COUNTS = ("read", "inserted", "updated", "unchanged", "duplicate", "rejected")
LANES = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'digitalism etl batches'"


def write_rows(path, numbers, latitude=1):
    """A file with one commune, VILLE n of 75001, for each number."""
    path.write_text("nom_commune,code_postal,latitude,longitude\n" + "".join(f"Ville {n},75001,{latitude},2\n" for n in numbers))
    return path


def summary(text):
    """The counts of the summary in the log, in the order of COUNTS; None when there is no summary."""
    found = [re.search(rf"  {name} +(\d+)\n", text) for name in COUNTS]
    return tuple(int(match[1]) for match in found) if all(found) else None


def ledger(url):
    """(state, counts in the order of COUNTS, position, resumed) of each run."""
    columns = ", ".join("rows_" + name for name in COUNTS)
    return [(row[0], row[1:7], *row[7:])
            for row in query(url, f"SELECT state, {columns}, position, resumed FROM digitalism_etl_runs ORDER BY id")]


@contextlib.contextmanager
def held(url, number):
    """Somebody else is inserting VILLE number and does not commit: the batch with that row waits, until the end of this."""
    other = psycopg2.connect(url)
    try:
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO cities (name, code_postal, department_id, created_at, updated_at) "
                           "SELECT %s, '75001', min(id), now(), now() FROM departments", [f"VILLE {number}"])
        yield other
    finally:
        other.close()


def wait_held(url, running):
    """Until a batch waits for the lock."""
    wait_until(lambda: query(url, LANES + " AND wait_event_type = 'Lock'"), 20, what=running.log)


def end_lanes(url):
    """As if PostgreSQL had seen at once that its clients are gone: nothing that they had sent is still done."""
    for (pid,) in query(url, LANES):
        query(url, "SELECT pg_terminate_backend(%s)", [pid])
    wait_until(lambda: not query(url, LANES), what="the connections are gone")


def kill_etl(running):
    """SIGKILL to the process that loads; the supervisor ends with it."""
    for child in children(running.pid):
        os.kill(child, signal.SIGKILL)
    assert running.wait() == 5, running.log()
