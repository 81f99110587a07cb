"""Goal: the supervisor's races at the counts that find one failure in thousands, with what was measured on stdout.

Minutes each, so no part of `make test`: `make soak`. Not here: the rounds themselves (tests/integration/races.py).
"""

import statistics

import pytest

import harness
import races
from harness import settings, wait_until


@pytest.mark.skipif(not races.may_make_a_namespace(), reason="a PID namespace may not be made here (it takes root)")
def test_deaths_in_one_sigchld(binary, database, tmp_path):
    took = races.coalesced_deaths(binary, database, tmp_path, 1000)
    late = sum(1 for ms in took if ms >= 100)
    print(f"\n1,000 rounds: median {statistics.median(took):.1f} ms, longest {max(took):.1f} ms, {late} of 100 ms or more")


def test_stop_between_fork_and_set_up_of_a_stage(binary, tmp_path, free_port):
    env = settings(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    codes = races.stops_at_a_fork(binary, ["wait"], env, tmp_path, 8000)
    print(f"\n8,000 rounds: {dict(codes)}")
    assert set(codes) <= {143, -15}


def test_stop_between_fork_and_set_up_of_a_worker(binary, database, tmp_path, free_port):
    env = {**settings(database.url), "HOST": "127.0.0.1", "PORT": free_port(), "WORKERS": 2}
    codes = races.stops_at_a_fork(binary, ["api"], env, tmp_path, 2000, children=4)
    print(f"\n2,000 rounds: {dict(codes)}")
    assert set(codes) <= {0, 143, -15}


def test_reloads_under_load(service, database):
    api = service("api", env=settings(database.url, WORKERS=2, ACCESS_LOG="false")).wait_ready()
    answered, failures = races.reloads_under_load(api, requests=15000, reloads=3)
    print(f"\n{sum(answered.values())} answers, 3 reloads, {len(failures)} failures")
    assert (failures, set(answered)) == ([], {200})


def test_reload_storms(service, database):
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    counts = [races.reload_storm(api, 25, 0.025) for _ in range(20)]
    print(f"\n20 times 25 signals: {min(counts)} to {max(counts)} reloads")
    wait_until(lambda: len(harness.children(api.pid)) == 2, what=api.log)
    assert api.http.get("/health").status == 200


def test_reloads_leak_nothing(service, database):
    api = service("api", env=settings(database.url, WORKERS=2)).wait_ready()
    descriptors, kib = races.reload_leaks(api, 100)
    print(f"\n100 reloads: {descriptors:+d} descriptors, {kib:+d} KiB")
    assert descriptors == 0
    assert kib <= 1024


def test_lines_of_all_workers_stay_whole_in_one_pipe(binary, database, tmp_path):
    lengths, dropped = races.whole_lines(binary, database, tmp_path, workers=4, lines=10000)
    print(f"\n{len(lengths)} lines of {min(lengths)} to {max(lengths)} bytes, {dropped} dropped, none broken")
    assert len(lengths) + dropped >= 40000
    assert 3800 <= min(lengths) <= max(lengths) <= 4096
