"""What is killed while it writes, at whatever point, and then done again, is as if nothing had happened."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
try:
    import crashes
finally:
    sys.path.pop()


@pytest.mark.parametrize("work", crashes.WORK)
def test_every_kill_is_survived(work):
    step = 3 if work == "a run, from features to record" else 1  # the others are its parts, or quick
    survived, killed = crashes.survived(crashes.WORK[work], step)
    assert survived == killed >= 5
