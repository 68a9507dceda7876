"""Some hundred of the damaged files of `benchmarks/fuzz.py`, the same every time: sound, files, or one message."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
try:
    import fuzz
finally:
    sys.path.pop()


@pytest.mark.parametrize("door", fuzz.DOORS)
def test_nothing_but_an_answer_or_one_message_comes_through_the_door(tmp_path, door):
    tried, finding = fuzz.examples(door, 50, seed=20_261_128, folder=tmp_path)
    assert not finding
    assert tried >= 50


def test_every_format_is_among_the_files():
    assert {name.split("/")[0] for name in fuzz.sounds()} >= {*fuzz.FEW, "NIST", "VOC", "SVX", "AVR", "MAT5", "PAF"}
