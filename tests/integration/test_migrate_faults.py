"""Goal: whatever is killed, cut or full, and whenever: the database is at a boundary between files, and the next run completes.

Not here: every single point (tests/soak/test_migrate_soak.py).
"""

import os
import subprocess

import pytest

from harness import execute, settings
from migrate_sweep import ACTIONS, FIRST_MESSAGE, sweep
from migrations import applied, tables


def test_interrupted_in_every_way_at_a_sample_of_points(binary, cluster, tmp_path):
    """Every few messages one action, before and behind the message in turn, so that each meets points all over the run."""

    def points(count):
        for number, at in enumerate(range(FIRST_MESSAGE, count + 1, 4)):
            yield at, number % 2 == 1, ACTIONS[number % len(ACTIONS)]

    tried, count = sweep(binary, cluster, tmp_path, points)
    assert tried > 15 and count > 50


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_leaves_nothing_of_the_file(migrate, database, folder, tmp_path):
    """The migration fills a tablespace of 8 MiB: it is refused as any other error, and works when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        space = disk / "space"
        space.mkdir()
        space.chmod(0o777)
        ((owner,),) = database.query("SELECT pg_catalog.pg_read_file('postmaster.pid')")
        uid = os.stat(f"/proc/{owner.splitlines()[0]}").st_uid
        os.chown(space, uid, -1)
        for parent in [*disk.parents][:4]:
            os.chmod(parent, os.stat(parent).st_mode | 0o011)
        execute(database.socket_url, f"CREATE TABLESPACE {database.name} LOCATION '{space}'")
        fill = "INSERT INTO b SELECT repeat('x', 2000) FROM generate_series(1, {rows});\n"
        create = f"CREATE TABLE b (x text) TABLESPACE {database.name};\n"
        directory = folder(m0001_a="CREATE TABLE a ();\n", m0002_b=create + fill.format(rows=20000))
        done = migrate(directory)
        assert done.code == 4, done
        assert "0002_b.sql:2:1: could not extend file" in done.text and "(53100)" in done.text
        assert applied(database) == ["0001_a.sql"] and tables(database) == ["a"]
        folder(m0002_b=create + fill.format(rows=10))
        assert migrate(directory).code == 0
    finally:
        database.drop()
        execute(database._cluster_url, f"DROP TABLESPACE IF EXISTS {database.name}")
        subprocess.run(["umount", disk], check=True)


def test_a_connection_that_falls_silent_is_given_up(service, database, folder):
    """The network takes everything and gives nothing back: keepalives cannot see that on loopback, a stop still ends it."""
    from cutting_proxy import CuttingProxy
    from harness import wait_until

    directory = folder(m0001_a="CREATE TABLE a ();\n")
    parts = __import__("urllib.parse").parse.urlsplit(database.url)
    with CuttingProxy(parts.port, at=9) as proxy:
        url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}", query="sslmode=disable").geturl()
        running = service("migrate", env=settings(url, MIGRATIONS_PATH=directory, GRACEFUL_TIMEOUT="2s"))
        wait_until(proxy.reached.is_set, what=running.log)
        assert running.stop() == 143
    assert tables(database) == []
