"""The finding in one picture and a few sentences: what they say is what the records say, and README has them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bnet.audit import finding
from bnet.audit.report import Report
from bnet.errors import BnetError
from bnet.statistics.comparison import Posterior

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    found = finding.load(ROOT / "results")
    if not found["tunes"].records:
        pytest.skip("no records are committed")
    return found


def test_readme_shows_what_the_committed_records_say():
    changed = [path.name for path in finding.outdated(ROOT, ROOT / "results")]
    assert not changed, "the records changed; run `bnet pages finding`"


def test_sentences_hold_the_shares_of_the_records(reports):
    said = finding.sentences(reports)
    for corpus, names in (("tunes", ("bbnn", "proposed", "svm-rhythm")), ("tunes-free", ("bbnn", "majority"))):
        table = reports[corpus].summary.set_index("variant")["accuracy"]
        for name in set(names) & set(table.index):
            assert f"{100 * table[name]:.1f} %" in said
    assert finding.sentences({name: dataclasses.replace(r, records=()) for name, r in reports.items()}) == ""


@pytest.mark.parametrize(
    ("verdict", "words", "beaten"),
    [
        ("worse", "the paper's network is worse", "beats both networks"),
        ("better", "the paper's network is better", "can't be said to beat either network"),
        ("equivalent", "they are equal within a point", "can't be said to beat either network"),
        ("can't be told", "the two can't be told apart", "can't be said to beat either network"),
    ],
)
def test_sentences_follow_the_verdict(reports, monkeypatch, verdict, words, beaten):
    found = dataclasses.replace(
        reports["tunes"].comparison("bbnn", "proposed"),
        posterior=Posterior(*(float(verdict == name) for name in ("worse", "equivalent", "better"))),
    )
    monkeypatch.setattr(Report, "comparison", lambda *names: found)
    said = finding.sentences(reports)
    assert words in said
    assert beaten in said


def test_the_picture_has_a_dot_and_an_interval_for_every_method_and_corpus(reports):
    root = ElementTree.fromstring(finding.svg(reports))
    kinds = [box.get("class") for box in root.iter("{http://www.w3.org/2000/svg}rect")]
    counts = [sum(name in report.variants for name in finding.METHODS) for report in reports.values()]
    assert [kinds.count(kind) - 1 for kind in ("added", "changed")] == counts  # one of each is the legend's
    assert [kinds.count(kind) for kind in ("convolution", "pooling")] == counts
    assert finding.description(reports) == root.findtext("{http://www.w3.org/2000/svg}desc")


def test_writing_changes_nothing_but_what_is_between_the_marks(reports, tmp_path):
    (tmp_path / "README.md").write_text("before\n<!-- finding -->\nold\n<!-- /finding -->\nafter\n")
    assert len(finding.write(tmp_path, ROOT / "results")) == 2
    text = (tmp_path / "README.md").read_text()
    assert re.fullmatch(r"before\n<!-- finding -->\n!\[.*\n<!-- /finding -->\nafter\n", text, re.DOTALL)
    assert finding.write(tmp_path, ROOT / "results") == []
    (tmp_path / "README.md").write_text("no place\n")
    with pytest.raises(BnetError, match=r"README\.md has no place for the finding"):
        finding.write(tmp_path, ROOT / "results")


def test_without_records_there_is_no_picture(tmp_path):
    with pytest.raises(BnetError, match="no records of the embedded corpora to draw"):
        finding.svg(finding.load(tmp_path))
