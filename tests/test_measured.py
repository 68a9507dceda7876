"""Records of benchmarks, read for a page."""

from __future__ import annotations

import json

import pytest

from bnet.audit import measured
from bnet.errors import BnetError

ROW = {
    "what": "a step", "unit": "s", "ours": "lean", "peer": "plain", "repetitions": 3, "ratio": 0.25,
    "ours_median": 0.5, "ours_low": 0.4, "ours_high": 0.6, "peer_median": 2.0, "peer_low": 2.0, "peer_high": 2.0,
}  # fmt: skip
MACHINE = {"processor": "P", "cores": 2, "memory_gib": 4.0, "system": "Linux", "python": "3"}
RECORD = {"machine": MACHINE, "versions": {"numpy": "2"}, "commit": "abc", "changed": True, "rows": [ROW]}


def test_a_record_that_is_there_one_that_is_not_and_one_that_is_none(tmp_path):
    assert measured.read("thing", tmp_path) is None
    (tmp_path / "thing.json").write_text(json.dumps(RECORD))
    assert measured.read("thing", tmp_path) == RECORD
    for text in ("{", "[1]", '{"rows": 3}'):
        (tmp_path / "thing.json").write_text(text)
        with pytest.raises(BnetError, match=r"thing\.json.*make it again: make bench ONLY=thing"):
            measured.read("thing", tmp_path)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(2.0, "s", "2.00 s"), (0.04213, "s", "42.1 ms"), (3.2e-5, "s", "32.0 µs"), (125.4, "s", "125 s"),
     (1.5 * 2**30, "bytes", "1.50 GiB"), (300 * 2**20, "bytes", "300 MiB"), (0, "s", "0.00 µs")],
)  # fmt: skip
def test_quantities(value, unit, said):
    assert measured.quantity(value, unit) == said


def test_rows_as_a_table():
    table = measured.ratios([ROW])
    assert list(table.columns) == ["What", "Ratio", "Ours", "Peer"]
    assert table.iloc[0].to_dict() == {
        "What": "a step", "Ratio": 0.25, "Ours": "lean: 500 ms (400 ms to 600 ms)", "Peer": "plain: 2.00 s",
    }  # fmt: skip
    assert measured.ratios([ROW, ROW | {"at_most": 0.3}])["Aim"].tolist()[1] == 0.3
    assert measured.ratios([]).empty


def test_origin_says_machine_commit_and_command():
    found = measured.origin(RECORD, "thing")
    assert found["Machine"] == "P, 2 cores, 4 GiB, Linux"
    assert found["Commit"] == "abc+"
    assert found["Command"] == "`make bench ONLY=thing`"
    assert "Quick" not in found
    narrow = measured.origin(RECORD | {"arguments": ["--without-avx512"], "no_avx512": True}, "thing")
    assert narrow["Command"] == "`python benchmarks/thing.py --without-avx512`"
    assert "switched off" in narrow["AVX-512"]
    assert "Quick" in measured.origin(RECORD | {"quick": True, "load_before": [1, 2, 3]}, "thing")
