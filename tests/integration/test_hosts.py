"""A database URL with several hosts: a primary and its standby.

Goal: with target_session_attrs=read-write everything ends at whichever is the primary now, in whatever order they stand,
also when the primary goes away while the program runs, and when one of them is silent.
"""

import socket
import urllib.parse

import pytest

from harness import query, settings, wait_until


def address(cluster):
    return f"127.0.0.1:{cluster.port}"


def both(cluster, *addresses):
    """The URL of a cluster, with these addresses."""
    parts = urllib.parse.urlsplit(cluster.url)
    login = f"{parts.username}:{parts.password}"
    return f"postgresql://{login}@{','.join(addresses)}{parts.path}?target_session_attrs=read-write"


@pytest.fixture
def silent():
    """The address of a host that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:%d" % server.getsockname()[1]


def has_regions(url):
    return query(url, "SELECT to_regclass('regions') IS NOT NULL") == [(True,)]


def test_the_primary_is_found_in_any_order(run, cluster, standby):
    assert query(standby.url, "SELECT pg_is_in_recovery()") == [(True,)]
    for addresses in ([address(standby), address(cluster)], [address(cluster), address(standby)]):
        url = both(cluster, *addresses)
        done = run("wait", env=settings(url))
        assert done.code == 0, done
        assert "PostgreSQL is ready: digitalism@" + ",".join(addresses) in done.text
        assert run("migrate", env=settings(url)).code == 0
        assert has_regions(cluster.url)
    wait_until(lambda: has_regions(standby.url), what="the standby has followed")


@pytest.mark.parametrize("primary_first", [True, False])
def test_waiting_ends_when_the_standby_is_promoted(service, cluster, standby, primary_first):
    addresses = [address(cluster), address(standby)]
    url = both(cluster, *(addresses if primary_first else reversed(addresses)))
    cluster.kill()
    waiting = service("migrate", env=settings(url))
    waiting.wait_log("PostgreSQL is not ready: ").wait_log("session is read-only")
    standby.promote()
    assert waiting.wait() == 0
    assert has_regions(standby.url)


def test_workers_follow_a_failover(service, cluster, standby):
    url = both(cluster, address(cluster), address(standby))
    running = service("api", env=settings(url)).wait_ready()
    wait_until(lambda: running.http.get("/regions/1").status == 200)
    wait_until(lambda: has_regions(standby.url), what="the standby has followed")
    workers = running.pids()
    cluster.kill()
    running.wait_log("answering 503 and trying again, continuing")
    assert running.http.get("/regions/1").status == 503
    standby.promote()
    wait_until(lambda: running.http.get("/regions/1").status == 200, what=running.log)
    query(standby.url, "UPDATE regions SET name = 'NEW' WHERE id = 1")
    assert running.http.get("/regions/1").json["name"] == "NEW"
    assert running.pids() == workers


def test_workers_pass_a_silent_host(service, database, silent):
    url = both(database, silent, urllib.parse.urlsplit(database.url).netloc.rpartition("@")[2])
    running = service("api", env=settings(url, MIGRATION_DATABASE_URL=database.url)).wait_ready()
    wait_until(lambda: running.http.get("/regions/1").status == 200, what=running.log)


def test_stages_pass_a_silent_host(run, database, silent):
    url = both(database, silent, urllib.parse.urlsplit(database.url).netloc.rpartition("@")[2])
    done = run("migrate", env=settings(url))
    assert done.code == 0, done
    assert "not ready" not in done.text
    assert has_regions(database.url)
