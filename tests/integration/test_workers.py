"""Goal: workers are replaced, added, taken away and watched without a client noticing: reload, scaling, limits, hangs.

Not here: starting and stopping (test_supervise.py), races by the thousand (test_supervise_races.py, tests/soak).
"""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import harness
from harness import settings, wait_until
from load import Load

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def workers_of(service):
    return service.pids()[1:]


def started(service, database, workers=2, **more):
    env = settings(database.url, WORKERS=workers, **more)
    one = service("api", env={name: value for name, value in env.items() if value is not None}).wait_ready()
    one.wait_log(f"ready: {workers} worker")
    return one


def test_reload_replaces_all_workers_without_a_failure(service, database):
    """New workers are ready before old ones drain: no request fails, and every process is a new one."""
    api = started(service, database)
    before = set(workers_of(api))
    with Load(api.port) as fresh, Load(api.port, keep_alive=True) as kept:
        fresh.wait_count(100)
        for number in range(1, 4):
            os.kill(api.pid, signal.SIGHUP)
            wait_until(lambda: api.log().count("reload: all workers are replaced") == number, 20, what=api.log)
            fresh.wait_count(100)
        kept.wait_count(100)
    assert (fresh.failures, fresh.refused, set(fresh.answered)) == ([], 0, {200})
    assert (kept.failures, kept.refused, set(kept.answered)) == ([], 0, {200})
    wait_until(lambda: len(workers_of(api)) == 2)
    wait_until(lambda: not before & set(workers_of(api)))
    assert api.stop() == 0


def test_bad_configuration_is_refused(service, database, tmp_path):
    """The old workers stay with their settings, the fault is named, and the next reload works."""
    ini = tmp_path / "digitalism.ini"
    ini.write_text("WORKERS = 1\n")
    api = service("api", "--config", ini, env=settings(database.url, WORKERS=None, PORT=harness.free_port()) | {"WORKERS": ""})
    api.wait_ready()
    api.wait_log("ready: 1 worker")
    before = workers_of(api)
    ini.write_text("WORKERS = plenty\n")
    os.kill(api.pid, signal.SIGHUP)
    api.wait_log("reload: refused")
    assert "WORKERS=plenty" in api.log()
    assert workers_of(api) == before
    ini.write_text("WORKERS = 3\n")
    os.kill(api.pid, signal.SIGHUP)
    api.wait_log("reload: all workers are replaced")
    wait_until(lambda: len(workers_of(api)) == 3)
    wait_until(lambda: not set(before) & set(workers_of(api)))
    assert api.stop() == 0


@needs_root
def test_replacement_that_fails_leaves_the_old_worker(service, database):
    """With hardly a descriptor to be had a new worker cannot boot: the old ones serve on, and a later reload works."""
    api = started(service, database)
    before = workers_of(api)
    limit = resource.prlimit(api.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(api.pid, resource.RLIMIT_NOFILE, (7, limit[1]))
    os.kill(api.pid, signal.SIGHUP)
    api.wait_log("the old one stays")
    api.wait_log("reload: given up")
    wait_until(lambda: workers_of(api) == before, what=api.log)
    assert api.http.get("/health").status == 200
    resource.prlimit(api.pid, resource.RLIMIT_NOFILE, limit)
    os.kill(api.pid, signal.SIGHUP)
    api.wait_log("reload: all workers are replaced")
    wait_until(lambda: not set(before) & set(workers_of(api)), what=api.log)
    assert api.stop() == 0


def test_hangups_in_a_row_are_coalesced(service, database):
    """25 of them within a moment: those that come during a reload are one more behind it, and the service lives."""
    api = started(service, database)
    with Load(api.port) as load:
        for _ in range(25):
            os.kill(api.pid, signal.SIGHUP)
        wait_until(lambda: "reload: all workers are replaced" in api.log())
        load.wait_count(50)
    assert load.failures == []
    assert 1 <= api.log().count("reload: replacing") < 25
    assert api.stop() == 0


def test_stop_wins_over_a_reload(service, database):
    api = started(service, database, workers=4)
    os.kill(api.pid, signal.SIGHUP)
    assert api.stop(signal.SIGTERM) == 0


def test_more_and_fewer_workers(service, database):
    """TTIN twice and TTOU ten times: 6 workers, then 1, never 0; nobody is turned away meanwhile."""
    api = started(service, database, workers=4)
    with Load(api.port) as load:
        load.wait_count(50)
        for _ in range(2):
            os.kill(api.pid, signal.SIGTTIN)
            time.sleep(0.05)  # equal signals that are pending together are one
        wait_until(lambda: len(workers_of(api)) == 6, what=api.log)
        load.wait_count(100)
        for _ in range(10):
            os.kill(api.pid, signal.SIGTTOU)
            time.sleep(0.05)
        wait_until(lambda: len(workers_of(api)) == 1, what=api.log)
        load.wait_count(100)
        os.kill(api.pid, signal.SIGTTIN)
        wait_until(lambda: len(workers_of(api)) == 2, what=api.log)
        load.wait_count(100)
    assert (load.failures, load.refused) == ([], 0)
    assert "the last worker stays" in api.log()
    assert api.stop() == 0


def test_connections_in_the_queue_of_a_killed_worker_are_served(service, database):
    """PID 1 holds the listener: what waits in it is not reset, but served by the replacement."""
    api = started(service, database, workers=1)
    (victim,) = workers_of(api)
    os.kill(victim, signal.SIGSTOP)
    waiting = [api.http.connect() for _ in range(20)]
    try:
        for one in waiting:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        os.kill(victim, signal.SIGKILL)
        for one in waiting:
            answer = b""
            while part := one.recv(65536):
                answer += part
            assert answer.startswith(b"HTTP/1.1 200 ")
    finally:
        for one in waiting:
            one.close()
    assert api.stop() == 0


def test_hanging_worker_is_killed_and_the_others_serve(service, database):
    """A loop that stands still for 15 s: killed, replaced. After the first seconds no new connection comes to it, so that
    none of six clients who ask later sees an error or waits for its end."""
    api = started(service, database)
    victim, other = workers_of(api)
    os.kill(victim, signal.SIGSTOP)
    begun = time.monotonic()
    api.wait_log("shows no life for 3 s, new connections go to the others")
    with Load(api.port) as load:
        load.wait_count(100)
        assert "its event loop hangs" not in api.log()
        wait_until(lambda: "its event loop hangs" in api.log(), seconds=40)
        assert time.monotonic() - begun >= 13  # the last heartbeat may be a second old
        wait_until(lambda: victim not in workers_of(api) and len(workers_of(api)) == 2)
        load.wait_count(100)
    assert (load.failures, load.refused, set(load.answered)) == ([], 0, {200})
    assert other in workers_of(api)
    assert api.stop() == 0


def test_slow_query_is_no_hang(service, cluster):
    """A request that waits for PostgreSQL longer than the hang limit does not get its worker killed."""
    api = service("api", env=settings(cluster.url)).wait_ready()
    before = workers_of(api)
    wait_until(lambda: api.http.get("/regions/1").status == 200)
    cluster.pause()
    with api.http.connect() as slow:
        slow.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 17
        while time.monotonic() < deadline:
            assert api.http.get("/health").status == 200
            time.sleep(0.5)
    cluster.resume()
    assert workers_of(api) == before
    assert "hangs" not in api.log()
    assert api.stop() == 0


def test_stopped_supervisor_blames_nobody(service, database):
    """SIGSTOP for longer than every limit, then CONT: no worker is killed for the time that was lost."""
    api = started(service, database)
    before = workers_of(api)
    everybody = [api.pid, *before]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(18)
    os.kill(api.pid, signal.SIGCONT)  # the supervisor wakes first, and sees heartbeats that are long late
    api.wait_log("nobody is blamed")
    for pid in before:
        os.kill(pid, signal.SIGCONT)
    assert api.http.get("/health").status == 200
    assert workers_of(api) == before
    assert api.stop() == 0


def test_workers_are_recycled_one_at_a_time(service, database):
    """MAX_REQUESTS: each worker is replaced at its own count, and no client sees it."""
    api = started(service, database, MAX_REQUESTS=100)
    before = set(workers_of(api))
    with Load(api.port) as load:
        load.wait_count(1000, 60)
    assert (load.failures, load.refused) == ([], 0)
    wait_until(lambda: api.log().count("is replaced:") >= 2)
    wait_until(lambda: not before & set(workers_of(api)))
    events = re.findall(r"(to replace the present one|is replaced:)", api.log())
    assert "it has served enough requests" in api.log()
    # With LOG_LEVEL info only the second kind is there; a failed replacement would be an error line.
    assert "the old one stays" not in api.log() and events
    assert api.stop() == 0


def test_worker_over_its_memory_limit_is_replaced(service, database):
    """Request bodies that never end fill one worker's memory: that one drains and is replaced, the other stays."""
    if "ASAN_OPTIONS" in os.environ or b"__asan_init" in harness_binary():
        pytest.skip("sanitizers take more memory than the limit by themselves")
    api = started(service, database, WORKER_MEMORY_LIMIT="32M", GRACEFUL_TIMEOUT="2s")
    before = workers_of(api)
    head = b"POST /cities/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    clients = []
    with Load(api.port) as load:
        try:
            for _ in range(90):
                client = api.http.connect()
                client.sendall(head + b"x" * 990000)
                clients.append(client)
            wait_until(lambda: "it is over WORKER_MEMORY_LIMIT" in api.log(), 30, what=api.log)
            wait_until(lambda: "is replaced:" in api.log(), 30, what=api.log)
        finally:
            for client in clients:
                client.close()
        wait_until(lambda: set(before) - set(workers_of(api)))
        load.wait_count(100)
    assert (load.failures, load.refused, set(load.answered)) == ([], 0, {200})
    assert api.stop() == 0


def harness_binary():
    path = os.environ.get("DIGITALISM_BINARY", harness.ROOT / "build/dev/digitalism")
    with open(path, "rb") as file:
        return file.read()


def test_drain_delay_serves_on(service, database):
    """TERM: /health says 503 at once, everything else is served until the delay is over; then a clean end. None of six
    clients hears anything but its answers, until there is nobody to ask."""
    api = started(service, database, DRAIN_DELAY="5s")
    with Load(api.port, path="/regions/1") as load:
        load.wait_count(100)
        os.kill(api.pid, signal.SIGTERM)
        wait_until(lambda: api.http.get("/health").status == 503, seconds=4)
        assert api.http.get("/health").json["status"] == "draining"
        load.wait_count(100)
        begun = time.monotonic()
        assert load.refused == 0
        assert api.wait() == 0
        assert time.monotonic() - begun > 1
    assert (load.failures, set(load.answered)) == ([], {200})


def test_interrupt_ends_a_drain_delay(service, database):
    api = started(service, database, DRAIN_DELAY="60s")
    os.kill(api.pid, signal.SIGTERM)
    api.wait_log("serving on for DRAIN_DELAY first")
    assert api.stop(signal.SIGINT, seconds=5) == 0


class Unforkable:
    """The service as a user of its own, whose number of processes is limited: `forbid()` makes fork(2) fail with EAGAIN."""

    def __init__(self, binary, database, tmp_path, free_port, workers):
        self.home = tempfile.mkdtemp(prefix="digitalism-test-")  # pytest's own directories are closed to other users
        os.chmod(self.home, 0o755)
        env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": free_port(), "WORKERS": workers}
        env["MIGRATIONS_PATH"] = shutil.copytree(env["MIGRATIONS_PATH"], f"{self.home}/migrations")
        local = shutil.copy(binary, f"{self.home}/digitalism")
        self.as_user = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups"]
        self.api = harness.Service(
            "/usr/bin/setpriv", [*self.as_user[1:], local, "api"], env, self.home, tmp_path / "log", int(env["PORT"])
        )

    def _limit(self, processes):
        # Its own user may, we need not be allowed to.
        subprocess.run([*self.as_user, "prlimit", f"--pid={self.api.pid}", f"--nproc={processes}:"], check=True)

    def forbid(self):
        self._limit(1)

    def allow(self):
        self._limit(500)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        try:
            self.api.clean_up()
        finally:
            shutil.rmtree(self.home)


@needs_root
def test_fork_that_fails_is_tried_again(binary, database, tmp_path, free_port):
    """EAGAIN: the survivor serves, /health says degraded, and the worker comes back when forking works again. Meanwhile no
    new connection is left to wait in the queue of the slot that has nobody."""
    with Unforkable(binary, database, tmp_path, free_port, workers=2) as unforkable:
        api = unforkable.api.wait_ready()
        api.wait_log("ready: 2 workers")
        unforkable.forbid()
        os.kill(workers_of(api)[0], signal.SIGKILL)
        api.wait_log("cannot fork worker-")
        wait_until(lambda: api.http.get("/health").json["status"] == "degraded")
        assert [api.http.get("/health").status for _ in range(40)] == [200] * 40
        assert "is ready again" not in api.log()
        unforkable.allow()
        wait_until(lambda: len(workers_of(api)) == 2 and api.http.get("/health").json["status"] == "healthy", 20, what=api.log)
        assert api.stop() == 0


@needs_root
def test_queue_of_a_slot_without_a_worker_is_answered_at_a_stop(binary, database, tmp_path, free_port):
    """A slot in backoff when TERM comes gets a worker once more, that answers who waits, and goes."""
    with Unforkable(binary, database, tmp_path, free_port, workers=1) as unforkable:
        api = unforkable.api.wait_ready()
        unforkable.forbid()
        os.kill(workers_of(api)[0], signal.SIGKILL)
        wait_until(lambda: re.search(r"trying again in [1-9][0-9]{3} ms", api.log()), 20, what=api.log)
        clients = [api.http.connect() for _ in range(100)]
        try:
            for client in clients:
                client.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            unforkable.allow()
            os.kill(api.pid, signal.SIGTERM)
            for client in clients:
                answer = b""
                while part := client.recv(65536):
                    answer += part
                assert answer.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in answer, answer
        finally:
            for client in clients:
                client.close()
        assert api.wait() == 0


def test_service_manager_is_told(service, database, tmp_path):
    """READY=1 only when a worker serves, STOPPING=1 at the stop (sd_notify(3))."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        api = service("api", env=settings(database.url, NOTIFY_SOCKET=tmp_path / "notify"))
        told = manager.recv(4096)
        assert b"READY=1" in told
        assert api.http.get("/health").status == 200
        os.kill(api.pid, signal.SIGHUP)
        assert b"RELOADING=1" in manager.recv(4096)
        assert b"READY=1" in manager.recv(4096)
        assert api.stop() == 0
        assert b"STOPPING=1" in manager.recv(4096)


def test_log_file_is_reopened(service, database, tmp_path):
    """USR1 behind a rotation: supervisor and workers write to the new file."""
    path = tmp_path / "service.log"
    api = service("api", env=settings(database.url, LOG_FILE=path)).wait_ready()
    path.rename(tmp_path / "service.log.1")
    os.kill(api.pid, signal.SIGUSR1)
    wait_until(lambda: path.exists() and "the log was opened anew" in path.read_text())
    wait_until(lambda: api.http.get("/regions/1").status == 200 and "GET /regions/1" in path.read_text())
    size = (tmp_path / "service.log.1").stat().st_size
    assert api.stop() == 0
    assert (tmp_path / "service.log.1").stat().st_size == size


def test_every_other_signal_is_survived(service, database):
    """1 to 31 but KILL, STOP, the stop signals and the faults: logged or without effect, never fatal."""
    api = started(service, database, workers=1)
    fatal = {signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGSYS}
    for number in sorted(set(signal.Signals) - fatal - faults):
        if number <= 31:
            os.kill(api.pid, number)
            assert api.http.get("/health").status == 200
    api.wait_log("SIGUSR2 from pid")
    assert api.stop() == 0
