"""The wait stage against real servers: what ends it at once, what it waits out, and that it names no password.

Not here: answers that a real server does not give on demand (test_wait_verdict.py).
"""

import re
import socket
import urllib.parse
import uuid

import pytest

from harness import Database, execute, preloadable, settings, wait_until, with_database
from scripted_postgres import ScriptedPostgres, delays, hang_up, refuse, welcome


def with_password(url, password):
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()


def test_a_running_server_is_ready_at_once(run, database):
    done = run("wait", env=settings(database.url))
    assert done.code == 0, done
    assert "PostgreSQL is ready: " in done.text
    assert urllib.parse.urlsplit(database.url).password not in done.text


def test_the_socket_and_the_schemes_of_sqlalchemy_work_too(run, database):
    assert run("wait", env=settings(database.socket_url)).code == 0
    for scheme in ("postgres", "postgresql+psycopg2", "postgresql+asyncpg"):
        done = run("wait", env=settings(scheme + database.url[database.url.index(":"):]))
        assert done.code == 0, done


def test_user_and_password_complete_the_url(run, database):
    parts = urllib.parse.urlsplit(database.url)
    bare = parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()
    done = run("wait", env=settings(bare, DATABASE_USER=parts.username, DATABASE_PASSWORD=parts.password))
    assert done.code == 0, done
    done = run("wait", env=settings(with_password(database.url, "other"), DATABASE_PASSWORD=parts.password))
    assert done.code == 0, done


def test_a_wrong_password_ends_it_at_once_with_what_to_do(run, database):
    done = run("wait", env=settings(with_password(database.url, "s3cr3t-wrong"), DATABASE_WAIT_TIMEOUT="25s"))
    assert done.code == 3, done
    assert "password authentication failed for user" in done.text
    assert "(28P01); hint: check DATABASE_USER and DATABASE_PASSWORD" in done.text
    assert "trying again" not in done.text
    assert "s3cr3t" not in done.text


def test_a_missing_password_is_asked_for(run, database):
    parts = urllib.parse.urlsplit(database.url)
    done = run("wait", env=settings(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}").geturl()))
    assert done.code == 3, done
    assert "hint: set DATABASE_PASSWORD" in done.text


def test_an_unknown_database_ends_it_at_once_with_what_to_do(run, database):
    done = run("wait", env=settings(with_database(database.url, "no_such_database"), DATABASE_WAIT_TIMEOUT="25s"))
    assert done.code == 3, done
    assert 'database "no_such_database" does not exist (3D000); hint: create the database' in done.text
    assert "trying again" not in done.text


@pytest.mark.parametrize("words, more", [(["--wait-for-database"], {}), ([], {"WAIT_FOR_DATABASE": "yes"})])
def test_a_database_that_is_created_later_is_found(service, cluster_urls, words, more):
    database = Database(*cluster_urls, name=f"test_{uuid.uuid4().hex}")
    waiting = service("wait", *words, env=settings(database.url, DATABASE_WAIT_TIMEOUT="60s", **more))
    waiting.wait_log(f'database "{database.name}" does not exist (3D000); trying again in')
    database.create()
    try:
        assert waiting.wait() == 0, waiting.log()
        assert "PostgreSQL is ready: " in waiting.log()
    finally:
        database.drop()


def test_a_database_that_stays_away_is_given_up_at_the_deadline(run, database):
    missing = with_database(database.url, "no_such_database")
    done = run("wait", env=settings(missing, DATABASE_WAIT_TIMEOUT="300ms", WAIT_FOR_DATABASE="true"))
    assert done.code == 3, done
    assert "PostgreSQL was not ready within 300 ms: " in done.text
    assert '"no_such_database" does not exist (3D000)' in done.text


def test_a_closed_port_is_given_up_at_the_deadline(run, free_port):
    port = free_port()
    url = f"postgresql://u:s3cr3t@127.0.0.1:{port}/d"
    done = run("wait", env=settings(url, DATABASE_WAIT_TIMEOUT="700ms"))
    assert done.code == 3, done
    assert f"PostgreSQL was not ready within 700 ms: cannot connect to u@127.0.0.1:{port}/d: " in done.text
    assert "Connection refused" in done.text
    assert done.text.count("trying again in") >= 2
    assert "s3cr3t" not in done.text


def test_a_socket_without_a_server_is_given_up_at_the_deadline(run, tmp_path):
    done = run("wait", env=settings(f"postgresql://u@/d?host={tmp_path}", DATABASE_WAIT_TIMEOUT="200ms"))
    assert done.code == 3, done
    assert "No such file or directory" in done.text


def test_a_name_that_does_not_resolve_is_waited_for(run):
    done = run("wait", env=settings("postgresql://u@no-such-host.invalid/d", DATABASE_WAIT_TIMEOUT="200ms"))
    assert done.code == 3, done
    assert 'could not translate host name "no-such-host.invalid"' in done.text
    assert "trying again" in done.text


@pytest.fixture(scope="module")
def slow_names(binary, tmp_path_factory):
    if b"__asan_init" in binary.read_bytes():
        pytest.skip("AddressSanitizer wants to be the first library")
    return preloadable(tmp_path_factory.mktemp("preload"), "slow_names")


def test_a_resolver_that_is_silent_does_not_outlast_the_deadline(run, slow_names):
    env = settings("postgresql://u@lost.invalid/d", DATABASE_WAIT_TIMEOUT="400ms", LD_PRELOAD=slow_names)
    done = run("wait", env=env, timeout=10)
    assert done.code == 3, done
    reason = 'cannot connect to u@lost.invalid:5432/d: could not translate host name "lost.invalid" to address: no answer in time'
    assert f"PostgreSQL was not ready within 400 ms: {reason}" in done.text


@pytest.mark.parametrize("hosts", ["lost.invalid:1,here.invalid:{}", "here.invalid:{},lost.invalid:1",
                                   "nowhere.invalid:1,here.invalid:{}", "127.0.0.1:{},lost.invalid:1"])
def test_a_name_that_does_not_resolve_does_not_hide_the_next(run, slow_names, hosts):
    with ScriptedPostgres(welcome()) as server:
        env = settings(f"postgresql://u@{hosts.format(server.port)}/d", DATABASE_WAIT_TIMEOUT="20s", LD_PRELOAD=slow_names)
        done = run("wait", env=env)
        assert done.code == 0, done
        assert "(attempt 1, " in done.text
        assert server.logins == 1


def test_a_silent_server_is_given_up_at_the_deadline(run):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = "postgresql://u:s3cr3t@127.0.0.1:%d/d" % listener.getsockname()[1]
        done = run("wait", env=settings(url, DATABASE_WAIT_TIMEOUT="500ms"))
    assert done.code == 3, done
    assert "no answer within" in done.text


def test_one_silent_host_does_not_hide_the_next(run, database):
    parts = urllib.parse.urlsplit(database.url)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        hosts = f"127.0.0.1:{listener.getsockname()[1]},{parts.hostname}:{parts.port}"
        url = f"postgresql://{parts.username}:{parts.password}@{hosts}{parts.path}"
        done = run("wait", env=settings(url, DATABASE_WAIT_TIMEOUT="20s"))
    assert done.code == 0, done


def test_a_server_that_comes_later_is_found(service, cluster):
    cluster.stop()
    waiting = service("wait", env=settings(cluster.url, DATABASE_WAIT_TIMEOUT="60s"))
    waiting.wait_log("trying again in")
    cluster.start()
    assert waiting.wait() == 0, waiting.log()
    assert "PostgreSQL is ready: " in waiting.log()


def test_a_server_that_is_read_only_for_a_while_is_found(service, cluster):
    """A failover as target_session_attrs sees it: the session is read-only, then it is not."""
    execute(cluster.socket_url, "ALTER SYSTEM SET default_transaction_read_only = on")
    execute(cluster.socket_url, "SELECT pg_reload_conf()")
    waiting = service("wait", env=settings(f"{cluster.url}?target_session_attrs=read-write", DATABASE_WAIT_TIMEOUT="60s"))
    waiting.wait_log("failed: session is read-only; trying again in")
    execute(f"{cluster.socket_url}&options=-c%20default_transaction_read_only%3Doff",
            "ALTER SYSTEM RESET default_transaction_read_only")
    execute(cluster.socket_url, "SELECT pg_reload_conf()")
    assert waiting.wait() == 0, waiting.log()


def ready_targets(log):
    """The ports of the servers that were found ready, in order."""
    return [int(port) for port in re.findall(r"PostgreSQL is ready: u@127\.0\.0\.1:(\d+)/d ", log)]


def test_both_ways_to_the_database_are_waited_for(run):
    """Where stages and workers connect differently, first the stages' way: the other one leads through it."""
    with ScriptedPostgres(refuse("57P03"), welcome()) as direct, ScriptedPostgres(refuse("08P01"), welcome()) as pooler:
        done = run("wait", env=settings(pooler.url, MIGRATION_DATABASE_URL=direct.url))
        assert done.code == 0, done
        assert ready_targets(done.text) == [direct.port, pooler.port]
        assert direct.logins == pooler.logins == 2
        assert "s3cr3t" not in done.text


@pytest.mark.parametrize("command", ["wait", "api", "all"])
def test_who_serves_waits_for_the_way_of_the_workers_too(run, command):
    with ScriptedPostgres(welcome()) as direct:
        closed = ScriptedPostgres()
        done = run(command, env=settings(closed.url, MIGRATION_DATABASE_URL=direct.url, DATABASE_WAIT_TIMEOUT="300ms",
                                         HOST="127.0.0.1", PORT=0))
        assert done.code == 3, done
        assert ready_targets(done.text) == [direct.port]
        assert f"PostgreSQL was not ready within 300 ms: cannot connect to u@127.0.0.1:{closed.port}/d" in done.text
        assert direct.logins == 1, "no stage came after the wait"


@pytest.mark.parametrize("command", ["migrate", "etl"])
def test_who_does_not_serve_waits_for_the_way_of_the_stages_only(run, command, database):
    closed = ScriptedPostgres()
    done = run(command, env=settings(closed.url, MIGRATION_DATABASE_URL=database.url, DATABASE_WAIT_TIMEOUT="10s"))
    assert done.code == 0, done
    assert "trying again" not in done.text


def test_both_ways_share_one_deadline(service):
    """What the first has used up is not there for the second: it fails before its delays have grown again."""
    with ScriptedPostgres(hang_up) as direct, ScriptedPostgres(hang_up) as pooler:
        waiting = service("wait", env=settings(pooler.url, MIGRATION_DATABASE_URL=direct.url, DATABASE_WAIT_TIMEOUT="6s"))
        wait_until(lambda: sum(delays(waiting.log())) > 4500, what=waiting.log)
        direct.answers = [welcome()]
        assert waiting.wait() == 3, waiting.log()
    log = waiting.log()
    assert ready_targets(log) == [direct.port]
    assert "PostgreSQL was not ready within 6 s: " in log
    assert sum(delays(log.partition("is ready")[2])) <= 1500, log


@pytest.mark.parametrize("signum", [15, 2])
def test_a_stop_ends_the_wait(service, free_port, signum):
    waiting = service("wait", env=settings(f"postgresql://u@127.0.0.1:{free_port()}/d"))
    waiting.wait_log("trying again in")
    assert waiting.stop(signum) == 128 + signum, waiting.log()


@pytest.mark.parametrize(
    "url, message",
    [
        ("host=h password=s3cr3t", "does not begin with postgresql://"),
        ("postgresql://u:s3cr3t/x@h/d", "has an @ where none can be"),
        ("postgresql://u:s3cr3t@h:port/d", "the port in the database URL is not a number from 1 to 65535"),
        ("postgresql://u:s3cr3t%zz@h/d", 'invalid percent-encoded token: "***"'),
    ],
)
def test_a_bad_url_is_a_fault_of_the_configuration(run, url, message):
    done = run("wait", env=settings(url))
    assert done.code == 2, done
    assert message in done.text
    assert "s3cr3t" not in done.text
