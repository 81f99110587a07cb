"""Loads of two files, interrupted at a message or a moment in every way that there is; and what must hold then.

Not here: how many points are enough (test_etl_faults.py: a sample; tests/soak/test_etl_soak.py: hundreds).
"""

import collections
import os
import random
import re
import signal
import time
import urllib.parse

import harness
from etl_proxy import CONTROL, LANE, EtlProxy
from harness import settings, wait_until

COUNTS = ("read", "inserted", "updated", "unchanged", "duplicate", "rejected", "without_coordinates")
SUMMARY = COUNTS[:6]

# What ends the load, so that another run has to go on.
ENDING = ("kill child", "kill supervisor", "kill child, zombies go on", "term", "postgresql stays away")
# What it has to get over by itself.
PASSING = ("kill postgresql", "stop postgresql", "cut all", "cut one lane", "cut control", "terminate all",
           "terminate one lane", "terminate control")  # fmt: skip
ACTIONS = ENDING + PASSING

KINDS = [(jobs, batch_size) for jobs in (1, 2, 3) for batch_size in (100, 7)]

Point = collections.namedtuple("Point", "action at answer moment jobs batch_size again")
Point.__doc__ = """Where and how a run is interrupted: at message `at` (`answer`: when the server has done it) or, where
`moment` is not None, so many seconds behind the loader's first message; `again`: the run behind it is interrupted too."""


def write_files(folder, records):
    """Two files with everything that a load meets: keys that come twice, within a file and in both; records that are no
    rows; rows that a constraint refuses; rows without coordinates, and rows that are there before (see SETUP)."""
    folder.mkdir()
    lines = []
    for n in range(1, records + 1):
        line = f"Ville {n},{75001 + n % 3},{n % 40}.5,{n % 7}.25"
        if n % 50 == 0:
            line = f"ville {n - 43},{75001 + (n - 43) % 3},1,1"  # the same key, other coordinates
        elif n % 211 == 0:
            line = f"Ville {n},7500x,1,1"
        elif n % 701 < 2:
            line = f"Refused {n},75001,1,1"
        elif n % 97 == 0:
            line = f"Ville {n},{75001 + n % 3},,"
        lines.append(line)
    head = "nom_commune,code_postal,latitude,longitude\n"
    (folder / "a.csv").write_text(head + "\n".join(lines))
    lines = [f"Ville {n * 11},{75001 + n * 11 % 3},48,2" for n in range(1, records // 20)]  # most are in a.csv too
    lines += [f"Autre {n},69001,45,4" for n in range(100)] + ["Autre 1,69001,46,5", "Autre,", "Refused,69001,1,1"]
    (folder / "b.csv").write_text(head + "\n".join(lines))
    return folder


# The constraint is younger than a row that it does not allow, which both files have.
SETUP = """
    CREATE TABLE before AS
    SELECT 'VILLE ' || n AS name, (75001 + n % 3)::text AS code_postal, d.id AS department_id, 1.5 AS latitude,
        2.5 AS longitude, now() AS created_at, now() AS updated_at, CASE WHEN n % 9 = 0 THEN now() END AS deleted_at
    FROM generate_series(3, 5000, 40) AS n, departments AS d WHERE d.code_departement = '75'
    UNION ALL SELECT 'REFUSED 702', '75001', d.id, 1, 1, now(), now(), NULL FROM departments AS d WHERE code_departement = '75';
"""
RESET = """
    TRUNCATE cities, digitalism_etl_runs, digitalism_etl_rejects, digitalism_etl_progress RESTART IDENTITY;
    ALTER TABLE cities DROP CONSTRAINT IF EXISTS not_refused;
    INSERT INTO cities (name, code_postal, department_id, latitude, longitude, created_at, updated_at, deleted_at)
    SELECT * FROM before;
    ALTER TABLE cities ADD CONSTRAINT not_refused CHECK (name NOT LIKE 'REFUSED%') NOT VALID;
"""
# A run's counts as they are committed: those of its parts while it has some.
LEDGER = "SELECT r.id, r.state, r.file, " + ", ".join(f"coalesce(p.{n}, r.rows_{n})::bigint" for n in COUNTS) + (
    " FROM digitalism_etl_runs AS r LEFT JOIN (SELECT run_id, " + ", ".join(f"sum(rows_{n}) AS {n}" for n in COUNTS)
    + " FROM digitalism_etl_progress GROUP BY 1) AS p ON p.run_id = r.id ORDER BY r.id")  # fmt: skip
ROWS = "SELECT id, " + ", ".join(f"rows_{n}" for n in COUNTS) + " FROM digitalism_etl_runs ORDER BY id"
Run = collections.namedtuple("Run", ("id", "state", "file", *COUNTS))


def ledger(database):
    return [Run(*row) for row in database.query(LEDGER)]


def outcome(database):
    """All that a complete load leaves behind, but for what an interruption may change: times, how often it was resumed."""
    counts = ", ".join("rows_" + name for name in COUNTS)
    return {
        "cities": database.query("SELECT name, code_postal, department_id, latitude, longitude, deleted_at IS NULL "
                                 "FROM cities ORDER BY name COLLATE \"C\", code_postal"),
        "rejects": database.query("SELECT file, record, line, column_name, code, raw FROM digitalism_etl_rejects ORDER BY 1, 2"),
        "ledger": database.query(f"SELECT file, state, error, records, position, {counts} FROM digitalism_etl_runs ORDER BY 1"),
        "progress": database.query("SELECT run_id, part, position FROM digitalism_etl_progress"),
    }


def assert_same(found, golden):
    """Compares outcomes and tells what differs, instead of showing thousands of rows."""
    for name, rows in golden.items():
        lost = [row for row in rows if row not in found[name]] if found[name] != rows else []
        more = [row for row in found[name] if row not in rows] if found[name] != rows else []
        assert found[name] == rows, f"{name}: {len(rows)} rows became {len(found[name])}; lost {lost[:5]}, new {more[:5]}"


def assert_consistent(database, before):
    """Counts and places are committed with the rows that they tell of: at any moment they agree with the tables."""
    runs = ledger(database)
    for run in runs:
        assert run.read == run.inserted + run.updated + run.unchanged + run.duplicate + run.rejected, run
        assert database.query("SELECT count(*) FROM digitalism_etl_rejects WHERE run_id = %s", [run.id]) == [(run.rejected,)], run
    ((cities,),) = database.query("SELECT count(*) FROM cities")
    assert cities == before + sum(run.inserted for run in runs), runs


def assert_reported(database, seen, log):
    """What anybody was told of is there: counts of the ledger as they were read before, of the log's lines and summary."""
    runs = {run.id: run for run in ledger(database)}
    for row in seen:
        assert row[0] in runs, f"run {row[0]} is gone"
        now = [getattr(runs[row[0]], name) for name in COUNTS]
        assert all(have >= told for have, told in zip(now, row[1:])), f"run {row[0]} was reported with {row[1:]}, and has {now}"
    sums = {name: sum(getattr(run, name) for run in runs.values()) for name in SUMMARY}
    for name, told in re.findall(r"  (\w+) +(\d+)\n", log):
        assert name not in sums or int(told) <= sums[name], f"{told} rows {name} were reported, and there are {sums[name]}"
    for told in re.findall(r"loaded (\d+) of \d+ rows", log):
        assert int(told) <= sums["read"], log


class Sweep:
    """One mode's interruptions, on a cluster of its own: the golden outcome once, then try_point() for each."""

    def __init__(self, binary, cluster, folder, mode, records, kinds=KINDS):
        self.binary, self.cluster, self.folder, self.mode = binary, cluster, folder, mode
        harness.execute(cluster.socket_url, "ALTER SYSTEM SET synchronous_commit = on")  # as everywhere but in tests
        harness.query(cluster.socket_url, "SELECT pg_reload_conf()")
        self.database = harness.Database(cluster.url, cluster.socket_url, "swept_" + mode).create()
        self.files = write_files(folder / "csv", records)
        migrated = harness.run_program(binary, "migrate", env=settings(self.database.url), cwd=folder)
        assert migrated.code == 0, migrated
        self.database.query(SETUP)
        self.golden = None
        self.messages = {}
        self.tried = collections.Counter()
        self._learn(kinds)

    def _learn(self, kinds):
        """The golden outcome; how many messages each kind of run has; that the outcome is the same for all of them."""
        for jobs, batch_size in kinds:
            self._reset()
            with EtlProxy(self.cluster.port) as proxy:
                running = self._start(proxy, jobs, batch_size)
                assert running.wait(60) == 0, running.log()
                self.messages[jobs, batch_size] = proxy.count
            found = outcome(self.database)
            self.golden = self.golden or found
            assert_same(found, self.golden)
        assert len(self.golden["rejects"]) > 5 and not self.golden["progress"]

    def _reset(self):
        self.database.query(RESET)
        ((self.before,),) = self.database.query("SELECT count(*) FROM cities")

    def _settings(self, url, jobs, batch_size, wait_s):
        return settings(url, ETL_JOBS=jobs, ETL_BATCH_SIZE=batch_size, ETL_DUPLICATE_HANDLING=self.mode,
                        GRACEFUL_TIMEOUT="8s", DATABASE_WAIT_TIMEOUT=f"{wait_s}s")

    def _start(self, proxy, jobs, batch_size, wait_s=60):
        url = urllib.parse.urlsplit(self.database.url)
        netloc = f"{url.username}:{url.password}@127.0.0.1:{proxy.port}"
        url = url._replace(netloc=netloc, query="sslmode=disable").geturl()
        env = self._settings(url, jobs, batch_size, wait_s)
        return harness.Service(self.binary, ["etl", self.files], env, self.folder, self.folder / "log", 0)

    def _backends(self, kind):
        return self.database.query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                                   "AND application_name LIKE %s", [kind])

    def _terminate(self, kind, only=None):
        pids = self._backends(kind)
        for (pid,) in pids if only is None or not pids else [pids[only % len(pids)]]:
            self.database.query("SELECT pg_terminate_backend(%s)", [pid])

    def _interrupt(self, action, running, proxy, chance):
        """Does it; returns the exit codes that it may lead to."""
        if action.startswith("kill child"):
            for child in harness.children(running.pid):
                os.kill(child, signal.SIGKILL)
            return (5,)
        if action == "kill supervisor":
            os.kill(running.pid, signal.SIGKILL)
            return (-signal.SIGKILL,)
        if action == "term":
            os.kill(running.pid, signal.SIGTERM)
            running.wait_log("SIGTERM")
            return (143, 0)  # it may have been at its end
        if action == "postgresql stays away":
            self.cluster.kill()
            return (3,)
        if action == "kill postgresql":
            self.cluster.kill()
            self.cluster.start()
        elif action == "stop postgresql":
            self.cluster.stop(immediate=True)
            self.cluster.start()
        elif action == "cut all":
            proxy.cut()
        elif action == "cut one lane":
            proxy.cut(LANE, chance.randrange(16))
        elif action == "cut control":
            proxy.cut(CONTROL)
        elif action == "terminate all":
            self._terminate(CONTROL + "%")
        else:
            self._terminate(*((LANE, chance.randrange(16)) if action == "terminate one lane" else (CONTROL, None)))
        return (0,)

    def _reach(self, point, proxy, running):
        """Waits for the point; False when the run has ended before."""
        def is_there():
            return proxy.reached.is_set() if point.moment is None else proxy.count > 0
        wait_until(lambda: is_there() or running.process.poll() is not None, 30, what=running.log)
        if point.moment is not None:
            time.sleep(point.moment)  # any moment will do: this is what is being tried
        return running.process.poll() is None

    def _run_into(self, point, chance):
        """One run up to the point and what comes of it; True when it ended well all the same."""
        wait_s = 1 if point.action == "postgresql stays away" else 60
        with EtlProxy(self.cluster.port, -1 if point.moment is not None else point.at, point.answer) as proxy:
            running = self._start(proxy, point.jobs, point.batch_size, wait_s)
            try:
                is_running = self._reach(point, proxy, running)
                seen = self.database.query(ROWS)
                codes = self._interrupt(point.action, running, proxy, chance) if is_running else (0,)
                proxy.let_go()
                try:
                    # A moment may come when it has ended already.
                    allowed = codes if point.moment is None else (*codes, 0)
                    assert running.wait(60) in allowed, f"ended with {running.process.returncode}\n{running.log()}"
                finally:
                    if point.action == "postgresql stays away" and is_running:
                        self.cluster.start()
                if point.action.endswith("zombies go on"):
                    return False  # the next run meets them
            finally:
                running.clean_up()
        # The server rolls back, and gives the lock free, as soon as it sees that the client is gone.
        wait_until(lambda: not self._backends(CONTROL + "%"), 20, what=running.log)
        assert_consistent(self.database, self.before)
        assert_reported(self.database, seen, running.log())
        return running.process.returncode == 0

    def try_point(self, point):
        chance = random.Random(repr(point))
        self._reset()
        try:
            is_done = self._run_into(point, chance)
            if not is_done and point.again:
                at = chance.randrange(1, 40)
                is_done = self._run_into(Point(chance.choice(ACTIONS), at, chance.random() < 0.5, None if at < 30 else 0.1,
                                               chance.randrange(1, 4), point.batch_size, False), chance)
            if not is_done:
                env = self._settings(self.database.url, chance.randrange(1, 4), point.batch_size, 60)
                result = harness.run_program(self.binary, "etl", self.files, env=env, cwd=self.folder, timeout=60)
                assert result.code == 0, result
            assert_same(outcome(self.database), self.golden)
            assert_consistent(self.database, self.before)
        except AssertionError as fault:
            raise AssertionError(f"{self.mode}, {point}: {fault}") from fault
        self.tried[point.action] += 1

    def points(self, count, seed=1):
        """`count` points, spread over the messages, the ways and the kinds of run; every fourth at a moment instead."""
        chance = random.Random(seed)
        kinds = sorted(self.messages)
        for number in range(count):
            jobs, batch_size = chance.choice(kinds)
            at = chance.randrange(1, self.messages[jobs, batch_size] + 1)
            moment = chance.random() * 0.6 if number % 4 == 3 else None
            yield Point(ACTIONS[number % len(ACTIONS)], at, chance.random() < 0.5, moment, jobs, batch_size, chance.random() < 0.2)
