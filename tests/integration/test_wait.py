"""The wait stage against real servers: what ends it at once, what it waits out, and that it names no password.

Not here: errors that a real server does not give on demand (tests/unit/wait).
"""

import socket
import urllib.parse

import pytest

from harness import settings, with_database


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
