"""Five migrations, interrupted at each message that goes to PostgreSQL, in every way that there is; and what must hold then.

Not here: how many points are enough (test_migrate_faults.py: a sample; tests/soak: all of them).
"""

import json
import os
import signal
import urllib.parse

import harness
from cutting_proxy import CuttingProxy
from harness import settings, wait_until

# Each statement leaves a line in `journal`, so that one that is lost or done twice is seen. The fourth file has statements
# that cannot be in a transaction, between others.
FILES = {
    "0001_a.sql": "CREATE TABLE journal (file int, step int);\nINSERT INTO journal VALUES (1, 1);\nCREATE TABLE a (x int);\n",
    "0002_b.sql": "INSERT INTO journal VALUES (2, 1);\nCOPY a FROM stdin;\n1\n2\n\\.\nINSERT INTO journal VALUES (2, 2);\n",
    "0003_c.sql": "-- +goose Up\nDO $$ BEGIN INSERT INTO journal VALUES (3, 1); END $$;\nINSERT INTO journal VALUES (3, 2);\n"
                  "-- +goose Down\nSELECT 1;\n",
    "0004_d.sql": "-- no-transaction\nINSERT INTO journal VALUES (4, 1);\nVACUUM a;\nCREATE TABLE d ();\n"
                  "INSERT INTO journal VALUES (4, 2);\nDROP TABLE d;\nINSERT INTO journal VALUES (4, 3);\n",
    "0005_e.sql": "ALTER TABLE a ADD COLUMN y int DEFAULT 7;\nINSERT INTO journal VALUES (5, 1);\n",
}  # fmt: skip
STEPS = {1: 1, 2: 2, 3: 2, 4: 3, 5: 1}
ALL = [(file, step) for file, steps in STEPS.items() for step in range(1, steps + 1)]

# Before it there is only the login that the wait makes, which is made again when it is cut off.
FIRST_MESSAGE = 2

ACTIONS = ("kill child", "kill supervisor", "cut", "term", "kill postgresql")


def journal_of(database):
    if not database.query("SELECT to_regclass('journal')")[0][0]:
        return []
    return database.query("SELECT file, step FROM journal ORDER BY 1, 2")


def count_messages(binary, database, cluster, directory, folder):
    """How many messages a run sends that nothing interrupts."""
    with CuttingProxy(cluster.port, at=-1) as proxy:
        running = start(binary, database, proxy, directory, folder)
        assert running.wait() == 0, running.log()
        return proxy.count


def start(binary, database, proxy, directory, folder):
    url = urllib.parse.urlsplit(database.url)
    url = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{proxy.port}", query="sslmode=disable").geturl()
    env = settings(url, MIGRATIONS_PATH=directory, GRACEFUL_TIMEOUT="2s")
    return harness.Service(binary, ["migrate"], env, folder, folder / "log", 0)


def interrupt(action, running, proxy, cluster):
    if action == "kill child":
        child = harness.children(running.pid)
        assert len(child) == 1, running.log()
        os.kill(child[0], signal.SIGKILL)
        assert running.wait() == 4, running.log()
    elif action == "kill supervisor":
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        wait_until(lambda: not running.pids(), what="the child goes with its supervisor")
    elif action == "cut":
        proxy.cut()
        assert running.wait() in (3, 4), running.log()
    elif action == "term":
        os.kill(running.pid, signal.SIGTERM)
        proxy.cut()  # the answer to the cancel cannot come through any more
        assert running.wait() == 143, running.log()
    else:
        cluster.kill()
        cluster.start()
        assert running.wait() in (3, 4), running.log()


def assert_at_a_boundary(database):
    """Each file is there whole or not at all; the one without a transaction up to a statement of it."""
    journal = journal_of(database)
    done = []
    if database.query("SELECT to_regclass('digitalism_migrations')")[0][0]:
        done = [int(version) for (version,) in database.query("SELECT version FROM digitalism_migrations ORDER BY 1")]
    assert done == list(range(1, len(done) + 1))
    expected = [entry for entry in ALL if entry[0] in done]
    if done == [1, 2, 3]:
        begun = [entry for entry in journal if entry[0] == 4]
        assert begun == ALL[5:5 + len(begun)]
        expected += begun
    assert journal == expected


def one_round(binary, database, cluster, directory, folder, at, answer, action):
    """Runs up to the point, interrupts, looks, and runs again to the end."""
    with CuttingProxy(cluster.port, at, answer) as proxy:
        running = start(binary, database, proxy, directory, folder)
        try:
            wait_until(proxy.reached.is_set, 20, what=running.log)
            interrupt(action, running, proxy, cluster)
        finally:
            running.clean_up()
    # The server rolls back, and gives the lock free, as soon as it sees that the client is gone.
    gone = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'digitalism migrate'"
    wait_until(lambda: database.query(gone) == [(0,)], 20)
    assert_at_a_boundary(database)
    again = harness.run_program(binary, "migrate", env=settings(database.url, MIGRATIONS_PATH=directory), cwd=folder)
    assert again.code == 0, again
    assert journal_of(database) == ALL, again
    assert database.query("SELECT x, y FROM a ORDER BY 1") == [(1, 7), (2, 7)]
    status = harness.run_program(binary, "migrate", "status", "--json", env=settings(database.url, MIGRATIONS_PATH=directory))
    assert [one["state"] for one in json.loads(status.out)["migrations"]] == ["applied"] * 5
    assert database.query("SELECT count(*) FROM digitalism_migrations_unfinished") == [(0,)]


def sweep(binary, cluster, folder, points):
    """`points` is a function from the number of messages to the (at, answer, action) to try; returns how many were."""
    directory = folder / "migrations"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    database = harness.Database(cluster.url, cluster.socket_url, "swept").create()
    count = count_messages(binary, database, cluster, directory, folder)
    tried = 0
    for at, answer, action in points(count):
        database.drop()
        database.create()
        try:
            one_round(binary, database, cluster, directory, folder, at, answer, action)
        except AssertionError as fault:
            raise AssertionError(f"at message {at} of {count}, answer {answer}, {action}: {fault}") from fault
        tried += 1
    return tried, count
