"""Goal: a worker's boot that is slow, hangs or fails, with its event loop's making interposed by a preloaded library.

Not here: workers that have been ready (test_workers.py).
"""

import subprocess
import time

import pytest

import harness
from harness import settings


@pytest.fixture(scope="session")
def slow_boot(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "slow_boot.so"
    source = harness.ROOT / "tests/integration/slow_boot.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


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
