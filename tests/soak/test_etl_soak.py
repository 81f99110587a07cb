"""Goal: loads interrupted at hundreds of points in every way: nothing reported is missing, nothing is lost or doubled, and
the end is that of an uninterrupted load, counts included.

Not here: a sample of it in seconds (tests/integration/test_etl_faults.py).
"""

import sys

import pytest

from etl_sweep import Sweep

POINTS = 208  # for each mode; sixteen for each way


@pytest.mark.parametrize("mode", ["skip", "replace"])
def test_interrupted_hundreds_of_times_in_every_way(binary, cluster, tmp_path, mode):
    sweep = Sweep(binary, cluster, tmp_path, mode, records=4200)
    faults = []
    for point in sweep.points(POINTS):
        try:
            sweep.try_point(point)
        except AssertionError as fault:
            faults.append(str(fault))
            print(fault, file=sys.stderr)
        if sum(sweep.tried.values()) % 26 == 0:
            print(f"{mode}: {sum(sweep.tried.values())} of {POINTS}", file=sys.stderr)
    print(f"\n{mode}: {sum(sweep.tried.values())} interruptions; " + ", ".join(f"{way}: {n}" for way, n in sweep.tried.items()))
    assert not faults, "\n\n".join(faults)
