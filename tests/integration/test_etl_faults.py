"""Goal: whatever is killed, cut or lost while files are loaded, and whenever: nothing reported is missing, and the next run
ends where an uninterrupted one does.

Not here: hundreds of points (tests/soak/test_etl_soak.py); each single promise about resuming (test_etl_resume.py).
"""

import pytest

from etl_sweep import ACTIONS, Sweep


# Starting a server takes seconds: each mode tries some of the ways that need it, both together all.
LEFT_OUT = {"skip": {"kill postgresql"}, "replace": {"stop postgresql", "postgresql stays away"}}


@pytest.mark.parametrize("mode", ["skip", "replace"])
def test_interrupted_in_every_way_at_a_sample_of_points(binary, cluster, tmp_path, mode):
    """Each way once, at a place of its own, before or behind the server's work."""
    sweep = Sweep(binary, cluster, tmp_path, mode, records=2000, kinds=[(1, 100), (2, 7)])
    for point in sweep.points(len(ACTIONS)):
        if point.action not in LEFT_OUT[mode]:
            sweep.try_point(point)
    assert set(sweep.tried) == set(ACTIONS) - LEFT_OUT[mode]
