"""Goal: migrating interrupted at every message to PostgreSQL, before and behind it, in every way: no file half applied, no
statement lost or done twice.

Not here: a sample of it in seconds (tests/integration/test_migrate_faults.py).
"""

from migrate_sweep import ACTIONS, FIRST_MESSAGE, sweep


def test_interrupted_everywhere_in_every_way(binary, cluster, tmp_path):
    def points(count):
        for at in range(FIRST_MESSAGE, count + 1):
            for answer in (False, True):
                for action in ACTIONS:
                    yield at, answer, action

    tried, count = sweep(binary, cluster, tmp_path, points)
    print(f"\n{tried:,} interruptions at {count} messages of five files, each followed by a complete run")
