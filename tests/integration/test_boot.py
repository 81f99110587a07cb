"""Goal: what only a preloaded library can bring about: a worker's boot that is slow, hangs or fails, by interposing the
making of its event loop; and a wall clock that jumps, for the program alone.

Not here: workers that have been ready (test_workers.py).
"""

import os
import signal
import subprocess
import time

import pytest

import harness
from harness import settings, wait_until


@pytest.fixture(scope="session")
def slow_boot(tmp_path_factory):
    return harness.preloadable(tmp_path_factory.mktemp("preload"), "slow_boot")


@pytest.fixture(scope="session")
def clock_jump(tmp_path_factory):
    return harness.preloadable(tmp_path_factory.mktemp("preload"), "clock_jump")


@pytest.fixture(autouse=True)
def without_sanitizers(binary):
    if b"__asan_init" in binary.read_bytes():
        pytest.skip("AddressSanitizer wants to be the first library")


def test_worker_that_fails_before_it_was_ready(run, database, slow_boot):
    """Exit 6 at once, with the worker's own reason before it: trying again cannot help."""
    begun = time.monotonic()
    result = run("api", env=settings(database.url, HOST="127.0.0.1", PORT=0, WORKERS=2, LD_PRELOAD=slow_boot))
    assert result.code == 6
    assert time.monotonic() - begun < 10
    assert "cannot start the event loop" in result.text
    assert "failed before it was ever ready: it ended with exit code 1" in result.text


def test_slow_boot_is_not_killed(run, database, slow_boot):
    """20 busy seconds are not the 30 s of the boot limit: it gets to its own end."""
    env = settings(database.url, HOST="127.0.0.1", PORT=0, WORKERS=1, LD_PRELOAD=slow_boot, SLOW_BOOT="burn:20")
    result = run("api", env=env, timeout=120)
    assert result.code == 6
    assert "aborting" not in result.text and "killing" not in result.text
    assert "it ended with exit code 1" in result.text


def test_hanging_boot_is_aborted_then_killed(run, database, slow_boot):
    """SIGABRT at the boot limit, which this worker blocks; SIGKILL two seconds later."""
    env = settings(database.url, HOST="127.0.0.1", PORT=0, WORKERS=1, LD_PRELOAD=slow_boot, SLOW_BOOT="hang")
    begun = time.monotonic()
    result = run("api", env=env, timeout=120)
    assert result.code == 6
    assert 31 <= time.monotonic() - begun <= 60
    assert "aborting worker-1" in result.text and "it was not ready in time" in result.text
    assert "it ended with SIGKILL (signal 9)" in result.text


def test_worker_that_boots_at_a_stop_answers_its_queue(service, database, slow_boot, tmp_path):
    """SIGTERM waits until the worker can obey it: who is in its queue gets an answer, not a reset."""
    brake = tmp_path / "brake"
    api = service("api", env=settings(database.url, LD_PRELOAD=slow_boot, SLOW_BOOT=f"while:{brake}")).wait_ready()
    brake.touch()
    os.kill(api.pids()[1], signal.SIGKILL)
    api.wait_log("restarting it in 0 ms")
    clients = [api.http.connect() for _ in range(20)]
    try:
        for client in clients:
            client.sendall(b"GET /regions/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        os.kill(api.pid, signal.SIGTERM)
        api.wait_log("stopping on SIGTERM")
        brake.unlink()
        for client in clients:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 "), api.log()
    finally:
        for client in clients:
            client.close()
    assert api.wait() == 0


def test_wall_clock_that_jumps_an_hour(service, database, clock_jump, tmp_path):
    """Limits and heartbeats are on the monotonic clock: the log's time jumps, and nobody is killed."""
    jump = tmp_path / "jump"
    env = settings(database.url, WORKERS=2, LD_PRELOAD=clock_jump, CLOCK_JUMP=jump)
    api = service("api", env=env).wait_ready()
    api.wait_log("ready: 2 workers")
    wait_until(lambda: api.http.get("/regions/1").status == 200)
    before = api.pids()
    jump.touch()
    assert api.http.get("/regions/1").status == 200
    an_hour_on = time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + 3600))
    wait_until(lambda: an_hour_on in api.log())  # it has reached the program
    time.sleep(4)  # longer than a heartbeat may be late before anybody says so
    assert api.http.get("/health").status == 200
    assert api.pids() == before
    assert "killing" not in api.log()
    jump.unlink()
    # Back again: limits that were set meanwhile must not lie an hour ahead.
    os.kill(before[1], signal.SIGSTOP)
    api.wait_log("shows no life")
    os.kill(before[1], signal.SIGCONT)
    assert api.stop() == 0
