"""Goal: the harness itself does what the other tests rely on, shown with stand-in programs instead of digitalism."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import textwrap

import psycopg2
import pytest

import harness
from harness import Cluster, Http, Service, alive, query, run_program, settings, wait_until


def script(tmp_path, text):
    """A program of a few lines of Python."""
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(text))
    path.chmod(0o755)
    return path


def test_a_database_is_empty_and_its_own(database):
    assert database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    database.query("CREATE TABLE mine (id int)")
    for url in (database.url, database.socket_url):
        assert query(url, "SELECT current_database(), count(*) FROM mine") == [(database.name, 0)]


def test_the_tcp_url_needs_its_password(database):
    user_only = database.url.replace(database.url.split("@")[0].split("//")[1], "digitalism:wrong")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(user_only, "SELECT 1")


def test_the_legacy_dump_loads(database, legacy_dump):
    database.load(legacy_dump)
    assert database.query("SELECT count(*) FROM public.cities") == [(36218,)]


def test_a_cluster_survives_stop_kill_and_pause(cluster):
    """Each way of losing PostgreSQL is a different one for a client, and each is undone."""
    url = cluster.url
    query(url, "CREATE TABLE kept (id int)")
    cluster.stop()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        query(url, "SELECT 1")
    cluster.start()
    assert cluster.url == url
    cluster.kill()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        query(url, "SELECT 1")
    cluster.start()
    cluster.pause()
    with socket.create_connection(("127.0.0.1", cluster.port)) as client:
        client.settimeout(0.2)
        client.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # SSLRequest
        with pytest.raises(TimeoutError):
            client.recv(1)
    cluster.resume()
    assert query(url, "SELECT count(*) FROM kept") == [(0,)]


def test_nothing_of_a_stopped_cluster_is_left(cluster):
    """The server process, its socket and its lock are gone after stop."""
    pid = cluster.pid
    cluster.stop()
    assert not alive(pid)
    assert not [name for name in os.listdir(cluster.folder) if name.startswith(".s.PGSQL")]


def test_run_gives_a_clean_environment_and_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "must not leak")
    program = script(tmp_path, """
        import os, sys
        print(sorted(os.environ), os.listdir())
        print("oops", file=sys.stderr)
        sys.exit(7)
    """)
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run_program(program, env={"PORT": 1, "HOST": None}, cwd=empty)
    assert (result.code, result.err) == (7, "oops\n")
    assert "PORT" in result.out and "DATABASE_URL" not in result.out and "HOST" not in result.out
    assert result.out.endswith("[]\n")


def test_run_kills_what_hangs(tmp_path):
    program = script(tmp_path, """
        import subprocess
        subprocess.run(["sleep", "60"])
    """)
    with pytest.raises(AssertionError, match="did not end within 1 s"):
        run_program(program, timeout=1)


SERVER = """
    import http.server, os, signal, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("X-Twice", "a")
            self.send_header("X-Twice", "b")
            self.end_headers()
            self.wfile.write(b'{"path": "%s"}' % self.path.encode())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    print("listening", flush=True)
    if "orphan" in sys.argv:
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.pause()
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def start(tmp_path, free_port, *words):
    port = free_port()
    return Service(script(tmp_path, SERVER), words, {"PORT": port}, tmp_path, tmp_path / "log", port)


def test_a_service_is_waited_for_asked_and_stopped(tmp_path, free_port):
    service = start(tmp_path, free_port)
    try:
        service.wait_log("listening").wait_ready()
        answer = service.http.get("/regions/")
        assert (answer.status, answer.json, answer.headers["x-twice"]) == (200, {"path": "/regions/"}, "a, b")
        assert b"200 OK" in Http(service.port).raw(b"", parts=[b"GET / HT", b"TP/1.0\r\n\r\n"])
        assert service.pids() == [service.pid]
        assert service.stop(signal.SIGTERM) == 3
    finally:
        service.clean_up()


def test_a_service_that_dies_early_fails_with_its_log(tmp_path, free_port):
    program = script(tmp_path, """
        import sys
        print("no such table")
        sys.exit(4)
    """)
    port = free_port()
    service = Service(program, [], {}, tmp_path, tmp_path / "log", port)
    with pytest.raises(AssertionError, match="ended with 4\nno such table"):
        service.wait_ready()


def test_a_process_left_behind_is_noticed_and_ended(tmp_path, free_port):
    service = start(tmp_path, free_port, "orphan").wait_ready()
    orphan = next(pid for pid in service.pids() if pid != service.pid)
    with pytest.raises(AssertionError, match="no process is left behind"):
        service.clean_up()
    wait_until(lambda: not alive(orphan), 5)


def test_wait_until_says_what_did_not_come():
    with pytest.raises(AssertionError, match="not within 0 s: rain"):
        wait_until(lambda: False, 0, "rain")


def test_ports_are_not_given_twice():
    """Neither by this process nor by another one at the same time."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import harness; print(harness.free_port(), flush=True); input()"
    folder = str(harness.ROOT / "tests/integration")
    other = subprocess.Popen([sys.executable, "-c", program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(other.stdout.readline())
        with pytest.raises(BlockingIOError):
            fcntl.lockf(harness.PORTS_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    finally:
        other.communicate(b"\n")
    given = [harness.free_port() for _ in range(40)]
    assert len(set(given)) == 40


def test_settings_are_complete():
    assert settings("postgresql:///x", WORKERS=2)["WORKERS"] == 2
    assert set(settings("postgresql:///x")) == {"DATABASE_URL", "MIGRATIONS_PATH", "CSV_DATA_PATH"}
