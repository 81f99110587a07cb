"""Goal: the supervisor keeps its promises in moments that are hard to hit; some rounds of each, seconds in all.

Not here: the counts that catch a race of one in thousands (tests/soak), the rounds themselves (races.py).
"""

import pytest

import harness
import races
from harness import settings, wait_until


@pytest.mark.skipif(not races.may_make_a_namespace(), reason="a PID namespace may not be made here (it takes root)")
def test_deaths_in_one_sigchld_are_all_seen(binary, database, tmp_path):
    """One signal stands for a worker, an orphan and a stopped orphan: all are reaped, and the worker is replaced."""
    assert len(races.coalesced_deaths(binary, database, tmp_path, 4)) == 4


def test_a_stop_is_never_lost_between_fork_and_set_up(binary, tmp_path, free_port):
    env = settings(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    codes = races.stops_at_a_fork(binary, ["wait"], env, tmp_path, 100)
    assert set(codes) <= {143, -15}, codes  # -15: before the program was far enough to take it


def test_a_stop_is_never_lost_while_stages_become_workers(binary, database, tmp_path, free_port):
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": free_port(), "WORKERS": 2}
    codes = races.stops_at_a_fork(binary, ["api"], env, tmp_path, 30, children=4)
    assert set(codes) <= {0, 143, -15}, codes


def test_reloads_lose_no_request(service, database):
    api = service("api", env=settings(database.url, WORKERS=2, ACCESS_LOG="false")).wait_ready()
    answered, failures = races.reloads_under_load(api, requests=1500, reloads=3)
    assert (failures, set(answered)) == ([], {200})
    assert api.stop() == 0


def test_reloads_in_a_row_are_one(service, database):
    """Whatever came during a reload is one more behind it, and the workers are as many as before."""
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    api.wait_log("ready: 2 workers")
    assert 1 <= races.reload_storm(api, 25, 0.025) <= 25
    wait_until(lambda: len(harness.children(api.pid)) == 2, what=api.log)
    assert api.http.get("/health").status == 200
    assert api.stop() == 0


def test_reloads_leak_nothing(service, database):
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    descriptors, kib = races.reload_leaks(api, 5)
    assert descriptors == 0
    assert kib <= 1024
    assert api.stop() == 0


def test_lines_of_all_workers_stay_whole_in_one_pipe(binary, database, tmp_path):
    lengths, dropped = races.whole_lines(binary, database, tmp_path, workers=4, lines=500)
    assert len(lengths) + dropped >= 4 * 500
    assert 3800 <= min(lengths) <= max(lengths) <= 4096
