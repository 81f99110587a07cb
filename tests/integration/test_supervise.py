"""Goal: the supervisor with real processes and signals: stages, workers, stopping, restarting, reaping, exit codes.

Not here: pure decisions (tests/unit/supervise), what stages and workers do (their own tests).
"""

import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import threading
import time

import psycopg2
import pytest

import harness
from harness import settings, wait_until
from load import Load


def workers_of(service):
    return service.pids()[1:]


def children_with_zombies(parent):
    """Pids whose parent is `parent`, dead ones that nobody has reaped included."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(name))
    return sorted(found)


def is_refused(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_api_serves_and_stops_cleanly(service, database):
    """The whole life: ready with the asked number of workers, then TERM ends it with 0 and frees the port."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    wait_until(lambda: "ready: 2 workers on http://127.0.0.1:%d" % api.port in api.log())
    assert len(workers_of(api)) == 2
    assert api.http.get("/health").json["status"] == "healthy"
    assert api.stop(signal.SIGTERM) == 0
    assert is_refused(api.port)
    assert "stopped: " in api.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_other_stop_signals(service, database, number):
    api = service("api", env=settings(database.url)).wait_ready()
    assert api.stop(number) == 0


def test_ignored_and_blocked_signals_are_inherited_in_vain(binary, database, tmp_path, free_port):
    """A parent that ignores INT and TERM (nohup, some shells) must not make the service deaf."""
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": free_port(), "WORKERS": 1}
    words = ["-c", 'trap "" INT TERM; exec "$0" "$@"', str(binary), "api"]
    api = harness.Service("/bin/sh", words, env, tmp_path, tmp_path / "log", int(env["PORT"]))
    try:
        api.wait_ready()
        assert api.stop(signal.SIGTERM) == 0
    finally:
        api.clean_up()


def test_killed_worker_is_replaced(service, database):
    """A worker that is killed comes back under another pid, while the other one goes on. Of six clients that ask all the
    time, each loses at the most the request that the dead worker was at; nobody is turned away."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    victim, other = workers_of(api)
    with Load(api.port) as load:
        load.wait_count(200)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(workers_of(api)) == 2 and victim not in workers_of(api))
        api.wait_log("is ready again")
        load.wait_count(200)
    assert len(load.failures) <= 6 and load.refused == 0 and set(load.answered) == {200}
    assert other in workers_of(api)
    assert "ended unexpectedly with SIGKILL (signal 9), restarting it in 0 ms" in api.log()
    assert api.http.get("/health").status == 200
    assert api.stop() == 0


def test_crash_loop_ends_the_service(service, database):
    """The fifth crash within a minute: exit 6 with the last cause."""
    api = service("api", env=settings(database.url, WORKERS=1)).wait_ready()
    killed = set()
    for _ in range(5):
        fresh = wait_until(lambda: [p for p in workers_of(api) if p not in killed])[0]
        # A worker that never said ready is another case: let it come up first.
        wait_until(lambda: api.log().count("ready") > len(killed))
        os.kill(fresh, signal.SIGKILL)
        killed.add(fresh)
    assert api.wait() == 6
    assert "5 worker crashes within 60 s, the last one: worker-1 ended with SIGKILL (signal 9)" in api.log()
    assert is_refused(api.port)


def test_supervisor_killed_takes_its_workers_along(service, database):
    """No worker outlives a supervisor that was killed, and the port is free again."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    workers = workers_of(api)
    os.kill(api.pid, signal.SIGKILL)
    assert api.wait() == -signal.SIGKILL
    wait_until(lambda: not any(harness.alive(pid) for pid in workers), seconds=5)
    assert is_refused(api.port)


def test_workers_inherit_only_what_they_need(service, database):
    """Descriptors 0 to 2, the listener, the control socket, and what the worker opened itself: none of the parent's."""
    inherited = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
    try:
        for fd in inherited:
            os.set_inheritable(fd, True)
        api = service("api", env=settings(database.url)).wait_ready()
        (worker,) = workers_of(api)
        links = [os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd") if int(fd) > 2]
        assert "/dev/null" not in links
        assert api.stop() == 0
    finally:
        for fd in inherited:
            os.close(fd)


def test_port_in_use_is_found_before_migrating(run, database, free_port):
    """Exit 6 and one message that names the address; nothing was migrated."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        result = run("api", env=settings(database.url, HOST="127.0.0.1", PORT=port))
    assert result.code == 6
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use; hint: " in result.text
    assert database.query("SELECT to_regclass('cities') IS NULL") == [(True,)]


def test_second_instance_is_refused(run, service, database):
    """SO_REUSEPORT must not let a second instance share the port in silence."""
    api = service("api", env=settings(database.url)).wait_ready()
    result = run("api", env=settings(database.url, HOST="127.0.0.1", PORT=api.port))
    assert result.code == 6
    assert "Address already in use" in result.text
    assert api.http.get("/health").status == 200


def test_clients_are_refused_while_stages_run(service, free_port):
    """While it waits for PostgreSQL a client is refused, not left hanging; TERM then ends it at once with 143."""
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    api = service("api", env=settings(url, DATABASE_WAIT_TIMEOUT="60s"))
    api.wait_log("wait: ")
    assert is_refused(api.port)
    started = time.monotonic()
    assert api.stop(signal.SIGTERM) == 143
    assert time.monotonic() - started < 5  # far from the wait's own limit: it did not sit it out
    assert "supervisor: ready:" not in api.log()


def test_stop_before_the_settings_are_read(service, database, tmp_path):
    """A stop that comes while the program only starts is kept, not lost: PID 1 would never hear of it again."""
    pipe = tmp_path / "settings.env"
    os.mkfifo(pipe)
    api = service("api", "--env-file", pipe, env=settings(database.url))
    with open(pipe, "w") as settings_file:  # opens when the program reads
        os.kill(api.pid, signal.SIGTERM)
        settings_file.write("LOG_LEVEL=info\n")
    assert api.wait() == 143
    assert "stopping on SIGTERM" in api.log()


def test_int_while_waiting_gives_its_own_code(service, free_port):
    api = service("wait", env=settings(f"postgresql://nobody@127.0.0.1:{free_port()}/none"))
    api.wait_log("wait: ")
    assert api.stop(signal.SIGINT) == 130


def test_service_starts_when_postgresql_does(service, cluster):
    """PostgreSQL comes later than the service: one line with the reason for each attempt, then it serves at once."""
    cluster.stop()
    api = service("api", env=settings(cluster.url))
    wait_until(lambda: api.log().count("trying again in") >= 4, what=api.log)
    assert is_refused(api.port)
    cluster.start()
    begun = time.monotonic()
    api.wait_ready()
    assert time.monotonic() - begun < 10  # the longest delay between attempts while nobody listens is less than 1 s
    attempts = [line for line in api.log().splitlines() if "trying again in" in line]
    assert all("Connection refused" in line for line in attempts[:4])
    assert len(attempts) == api.log().count("PostgreSQL is not ready")
    assert api.stop() == 0


def test_failing_migration_starts_no_worker(run, database, tmp_path):
    (tmp_path / "0001_broken.sql").write_text("CREATE TABEL x ();\n")
    result = run("api", env=settings(database.url, MIGRATIONS_PATH=tmp_path, HOST="127.0.0.1", PORT=0))
    assert result.code == 4
    assert "supervisor: ready:" not in result.text


def test_failed_etl_stops_all_but_not_api(run, service, database, tmp_path):
    """`all` must not serve without its data; `api` with RUN_ETL_ON_STARTUP warns and serves."""
    (tmp_path / "bad.csv").write_text("nothing,useful\n1,2\n")
    env = settings(database.url, CSV_DATA_PATH=tmp_path / "bad.csv", HOST="127.0.0.1", PORT=0)
    assert run("all", env=env).code == 5
    api = service("api", env=settings(database.url, CSV_DATA_PATH=tmp_path / "bad.csv", RUN_ETL_ON_STARTUP="true"))
    api.wait_ready()
    assert "stage etl failed with exit code 5, continuing without it" in api.log()
    assert api.stop() == 0


def test_stop_has_a_deadline(service, database):
    """A client that never ends its request cannot hold the service: it is gone at GRACEFUL_TIMEOUT."""
    api = service("api", env=settings(database.url, GRACEFUL_TIMEOUT="1s")).wait_ready()
    with api.http.connect() as half_sent:
        half_sent.sendall(b"POST /cities/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        time.sleep(0.2)  # the request has to have been read; there is nothing to observe from outside
        assert api.stop(signal.SIGTERM, seconds=5) == 0


def test_second_interrupt_stops_at_once(service, database):
    api = service("api", env=settings(database.url, GRACEFUL_TIMEOUT="60s")).wait_ready()
    with api.http.connect() as half_sent:
        half_sent.sendall(b"POST /cities/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        time.sleep(0.2)
        os.kill(api.pid, signal.SIGTERM)
        api.wait_log("stopping on SIGTERM")
        assert api.stop(signal.SIGINT, seconds=5) == 0
    assert "stopping at once on a second signal" in api.log()


def test_no_request_is_lost_by_a_stop(service, database):
    """Six clients ask all the time while TERM comes: each request that was sent gets its answer or a refused connection."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    faults, answered, stop = [], [], threading.Event()

    def client():
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while part := connection.recv(65536):
                        answer += part
            except ConnectionRefusedError:
                return
            except OSError as fault:
                faults.append(repr(fault))
                return
            # 503 is the answer while draining.
            if answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 ")):
                answered.append(1)
            else:
                faults.append(repr(answer[:80]))

    clients = [threading.Thread(target=client) for _ in range(6)]
    for thread in clients:
        thread.start()
    wait_until(lambda: len(answered) > 200)
    code = api.stop(signal.SIGTERM)
    stop.set()
    for thread in clients:
        thread.join(20)
    assert code == 0
    assert faults == []


def may_make_a_namespace():
    words = ["unshare", "--pid", "--fork", "--mount-proc", "true"]
    return shutil.which("unshare") and subprocess.run(words, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_make_a_namespace(), reason="a PID namespace may not be made here (it takes root)")
def test_pid_1_reaps_orphans(binary, database, tmp_path, free_port):
    """As PID 1 of a namespace: orphans leave no zombie, and change neither a worker nor the exit code."""
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": free_port(), "WORKERS": 1}
    words = ["--pid", "--fork", "--mount-proc", "--kill-child", str(binary), "api"]
    outer = harness.Service("/usr/bin/unshare", words, env, tmp_path, tmp_path / "log", int(env["PORT"]))
    try:
        outer.wait_ready()
        init = harness.children(outer.pid)[0]
        workers = children_with_zombies(init)
        orphans = "i=0; while [ $i -lt 1000 ]; do (exit 7) & i=$((i + 1)); done"
        subprocess.run(["nsenter", f"--target={init}", "--pid", "sh", "-c", orphans], check=True, timeout=30)
        wait_until(lambda: children_with_zombies(init) == workers, seconds=5)
        assert outer.http.get("/health").status == 200
        # A daemon that ignores TERM, in a session of its own, goes with PID 1 all the same.
        stubborn = ["setsid", "sh", "-c", "trap '' TERM; sleep 987 & wait; sleep 987"]
        subprocess.run(["nsenter", f"--target={init}", "--pid", "sh", "-c", '"$@" &', "sh", *stubborn], check=True, timeout=30)
        left = wait_until(lambda: set(children_with_zombies(init)) - set(workers))
        os.kill(init, signal.SIGTERM)
        assert outer.wait() == 0
        wait_until(lambda: not any(harness.alive(pid) for pid in left))
    finally:
        outer.clean_up()


def test_interrupt_from_the_terminal_reaches_the_supervisor_alone(binary, database, tmp_path, free_port):
    """Ctrl-C on a terminal: one graceful stop, and each child is told once, by the supervisor."""
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": str(free_port()), "WORKERS": "2"}
    log = tmp_path / "log"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
        os.execve(binary, ["digitalism", "api"], harness.clean_environment(env))
    try:
        wait_until(lambda: log.exists() and "ready: 2 workers" in log.read_text())
        os.write(terminal, b"\x03")
        _, status = os.waitpid(child, 0)
        child = None
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert log.read_text().count("stopping on SIGINT") == 1
    assert log.read_text().count("draining: asked to stop") == 2


def test_etl_that_crashes_is_named(service, database):
    """A stage that dies by a signal that nobody of us sent: its exit code, and the signal's name in the log."""
    with psycopg2.connect(database.url) as other:
        with other.cursor() as cursor:
            # The lock of the ETL: it waits for us.
            cursor.execute("SELECT pg_advisory_lock(1684629353, 6649964)")
        etl = service("etl", env=settings(database.url))
        etl.wait_log("etl: ")
        (stage,) = workers_of(etl)
        os.kill(stage, signal.SIGSEGV)
        assert etl.wait() == 5
    assert "stage etl was ended by SIGSEGV (signal 11)" in etl.log()


def test_two_instances_start_at_once(service, database):
    """One migrates, the other waits for it, and both serve."""
    pair = [service("api", env=settings(database.url)) for _ in range(2)]
    for one in pair:
        one.wait_ready()
    assert sum(one.log().count("applied 0001_tables.sql") for one in pair) == 1
    assert [one.stop() for one in pair] == [0, 0]


def test_requests_in_flight_are_answered(service, cluster):
    """Four requests wait for PostgreSQL when TERM comes: all are answered, and told that the connection closes."""
    api = service("api", env=settings(cluster.url)).wait_ready()
    wait_until(lambda: api.http.get("/regions/1").status == 200)
    cluster.pause()
    clients = [api.http.connect() for _ in range(4)]
    try:
        for client in clients:
            client.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)  # they have to have been read; nothing is logged before an answer
        os.kill(api.pid, signal.SIGTERM)
        api.wait_log("draining: asked to stop, 4 requests in flight")
        cluster.resume()
        for client in clients:
            answer = b""
            while part := client.recv(65536):
                answer += part
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert b"\r\nConnection: close\r\n" in answer
    finally:
        for client in clients:
            client.close()
    assert api.wait() == 0


def test_requests_that_postgresql_never_answers(service, cluster):
    """At the end of the time to finish they get 503, and are not just cut off."""
    api = service("api", env=settings(cluster.url, GRACEFUL_TIMEOUT="4s")).wait_ready()
    wait_until(lambda: api.http.get("/regions/1").status == 200)
    cluster.pause()
    with api.http.connect() as client:
        client.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        os.kill(api.pid, signal.SIGTERM)
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"\r\nRetry-After: " in answer and b"\r\nConnection: close\r\n" in answer
    assert api.wait() == 0
    assert "killing" not in api.log()


def test_backlog_is_answered_before_leaving(service, database):
    """100 connections that nobody has accepted yet when TERM comes: all are answered, none is reset."""
    api = service("api", env=settings(database.url)).wait_ready()
    (worker,) = workers_of(api)
    os.kill(worker, signal.SIGSTOP)
    clients = [api.http.connect() for _ in range(100)]
    try:
        for client in clients:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        os.kill(api.pid, signal.SIGTERM)
        api.wait_log("stopping on SIGTERM")
        os.kill(worker, signal.SIGCONT)
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
    finally:
        for client in clients:
            client.close()
    assert api.wait() == 0


def test_idle_connections_do_not_hold_a_stop(service, database):
    """Kept-alive connections without a request are closed at once, far from the graceful limit."""
    api = service("api", env=settings(database.url, GRACEFUL_TIMEOUT="60s")).wait_ready()
    idle = [api.http.connect() for _ in range(20)]
    try:
        for client in idle:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert api.stop(signal.SIGTERM, seconds=10) == 0
        assert all(client.recv(1) == b"" for client in idle)
    finally:
        for client in idle:
            client.close()


def test_repeated_term_changes_no_deadline(service, database):
    api = service("api", env=settings(database.url, GRACEFUL_TIMEOUT="2s")).wait_ready()
    with api.http.connect() as half_sent:
        half_sent.sendall(b"POST /cities/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        time.sleep(0.2)
        begun = time.monotonic()
        while api.process.poll() is None and time.monotonic() - begun < 10:
            api.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        # Neither at once nor put off by the later ones.
        assert 1.5 <= time.monotonic() - begun < 10
        assert api.wait() == 0
