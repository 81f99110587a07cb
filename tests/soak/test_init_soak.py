"""Goal: no TERM is lost by `digitalism init` between its start and that of its command, 10,000 rounds.

Not here: the rounds themselves (tests/integration/init_harness.py), the short count (tests/integration/test_init.py).
"""

import pytest

from init_harness import STYLES, Inits, term_at_any_moment

ROUNDS = 10000


@pytest.mark.parametrize("style", STYLES)
def test_term_at_any_moment_is_never_lost(binary, tmp_path, style):
    inits = Inits(binary, tmp_path)
    try:
        term_at_any_moment(inits, style, ROUNDS // len(STYLES))
    finally:
        inits.clean_up()
    print(f"\n{style}: {ROUNDS // len(STYLES):,} rounds, each ended with 143")
