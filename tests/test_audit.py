"""Claims, their verdicts, and the way back from a number to its record."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bnet.audit import checks, paper
from bnet.audit.boards import BOARDS
from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import Evidence, Finding, Verdict
from bnet.audit.report import Report
from bnet.audit.since import CORPORA, PROTOCOLS, SYSTEMS, earlier_and_better
from bnet.audit.sources import DIFFERENCES
from bnet.book import trace
from bnet.book.pages import Book
from bnet.errors import BnetError
from bnet.models import TABLE_3
from bnet.statistics.comparison import Comparison, Posterior

RESULTS = Path(__file__).resolve().parents[1] / "results"


@pytest.fixture(scope="module")
def nothing(tmp_path_factory) -> dict[str, Finding]:
    """The findings without any record."""
    empty = tmp_path_factory.mktemp("empty")
    evidence = Evidence(empty, benchmarks=empty)
    return {claim.name: claim.check(evidence) for claim in CLAIMS}


def test_claims_have_names_of_their_own_and_cover_both_tables():
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names)
    assert {f"table-2-{corpus}" for corpus in paper.CORPUS_TITLES} <= set(names)
    assert {f"table-3-{row}" for row in TABLE_3} <= set(names)


def test_without_records_no_network_is_judged(nothing):
    measured = [name for name in nothing if name.startswith("table-3-")]
    measured += ["generalisation", "temporal", "fourth-block", "initialiser", "half-an-hour", "embedded"]
    assert {nothing[name].verdict for name in measured} == {Verdict.NOT_RUN}


def test_what_is_counted_needs_no_record(nothing):
    verdicts = {name: finding.verdict for name, finding in nothing.items()}
    assert verdicts["channels"] is Verdict.HOLDS
    assert verdicts["convolutions"] is Verdict.IN_PART
    assert verdicts["mel-range"] is Verdict.FAILS
    assert verdicts["fma-3-percent"] is Verdict.FAILS
    assert verdicts["xception-size"] is Verdict.HOLDS
    assert verdicts["localisation"] is Verdict.UNTOLD
    assert "175,914" in nothing["parameters"].measured
    assert "14 rows" in nothing["twelve-variants"].measured
    assert "p = 0.82" in nothing["table-2-gtzan"].measured


def test_a_number_without_a_link_is_refused():
    with pytest.raises(BnetError, match="needs a link"):
        Finding(Verdict.HOLDS, "it is 3 points better")
    assert Finding(Verdict.HOLDS, "it is better").link == ""


def _evidence(difference: float, posterior: Posterior | None) -> Evidence:
    found = Comparison(difference, difference - 0.01, difference + 0.01, "", 5, 100, 0.01, posterior, 0.01)

    class Fixed(Evidence):
        def pair(self, one, other):
            return found, Report.load("tunes", "laptop", "grouped", self.results)

    return Fixed(Path("nowhere"))


@pytest.mark.parametrize(
    ("check", "posterior", "verdict"),
    [
        (checks.better, Posterior(0.0, 0.01, 0.99), Verdict.HOLDS),
        (checks.better, Posterior(0.99, 0.01, 0.0), Verdict.FAILS),
        (checks.better, Posterior(0.01, 0.98, 0.01), Verdict.FAILS),
        (checks.better, Posterior(0.5, 0.1, 0.4), Verdict.OPEN),
        (checks.better, None, Verdict.OPEN),
        (checks.worse, Posterior(0.99, 0.01, 0.0), Verdict.HOLDS),
        (checks.worse, Posterior(0.0, 0.01, 0.99), Verdict.FAILS),
        (checks.equal, Posterior(0.01, 0.98, 0.01), Verdict.HOLDS),
        (checks.equal, Posterior(0.0, 0.01, 0.99), Verdict.FAILS),
    ],
)
def test_a_verdict_follows_the_posterior_and_one_split_settles_nothing(check, posterior, verdict):
    assert check("bbnn", "proposed")(_evidence(0.2, posterior)).verdict is verdict


@pytest.mark.parametrize(
    ("room", "verdict", "fits"),
    [
        (100 * 2**10, Verdict.HOLDS, "2 of 2 single-board computers and 4 of 4 microcontrollers"),
        (30 * 2**20, Verdict.IN_PART, "2 of 2 single-board computers and 0 of 4 microcontrollers"),
        (4 * 2**30, Verdict.FAILS, "0 of 2 single-board computers and 0 of 4 microcontrollers"),
    ],
)
def test_embedded_is_judged_by_memory_that_was_counted(tmp_path, room, verdict, fits):
    form = {"network": "proposed", "form": "litert-int8", "bytes": 200 * 2**10, "working": {"30": room}}
    row = {"way": "LiteRT int8", "seconds": 30, "unit": "s", "ours_median": 0.25}
    (tmp_path / "inference.json").write_text(json.dumps({"forms": [form], "rows": [row]}))
    finding = checks.embedded(Evidence(tmp_path, benchmarks=tmp_path))
    assert finding.verdict is verdict
    assert fits in finding.measured
    assert "200 KiB" in finding.measured
    assert "0.25 s" in finding.measured


def test_boards_have_names_of_their_own_and_hold_what_fits():
    assert len({board.name for board in BOARDS}) == len(BOARDS)
    assert BOARDS[0].holds(BOARDS[0].ram, BOARDS[0].storage)
    assert not BOARDS[0].holds(BOARDS[0].ram + 1, 0)
    assert not BOARDS[0].holds(0, BOARDS[0].storage + 1)


def test_later_systems_are_of_known_corpora_and_protocols():
    assert {system.corpus for system in SYSTEMS} <= set(CORPORA)
    assert {system.protocol for system in SYSTEMS} <= set(PROTOCOLS)
    assert [system.accuracy for system in earlier_and_better("extended-ballroom")] == [94.9]
    assert earlier_and_better("fma-small") == []


def test_every_difference_says_what_is_done_here():
    assert all(row.here and (row.text or row.notebooks) for row in DIFFERENCES)
    assert len({(row.part, row.subject) for row in DIFFERENCES}) == len(DIFFERENCES)


def test_clips_of_the_papers_test_parts():
    assert [paper.tested_clips(name) for name in paper.CORPUS_TITLES] == [100, 418, 189, 800]


@pytest.fixture
def book(tmp_path) -> Book:
    """A book with one executed page that shows a table of one committed run, one of no run, and a lost run."""
    run = next((folder for folder in sorted(RESULTS.glob("tunes/majority-grouped-0-*"))), None)
    if run is None:
        pytest.skip("no records are committed")
    shutil.copytree(run, tmp_path / "results" / "tunes" / run.name)

    def cell(*texts: str) -> dict:
        return {"outputs": [{"data": {"text/markdown": text}, "metadata": {}} for text in texts], "metadata": {}}

    table = "::::{{table}} Its caption.\n:name: {}\n\n| a |\n::::"
    source = ":::{{dropdown}} Where\n:class-container: bnet-provenance\n\n- Corpus `tunes`\n- `{}`: made\n:::"
    cells = [
        cell(table.format("tab-one")),
        cell(source.format(run.name)),
        cell(table.format("tab-two"), source.format("bbnn-grouped-0-laptop-0123456789")),
        cell(table.format("tab-three")),
    ]
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "luck.ipynb").write_text(json.dumps({"cells": cells}))
    return Book(tmp_path, tmp_path / "results")


def test_trace_leads_to_the_record(book):
    item, kept, lost = trace.trace(book, "luck#tab-one")
    assert (item.caption, item.cell) == ("Its caption.", 0)
    assert [record.config.variant for record in kept] == ["majority"]
    assert lost == []
    assert trace.trace(book, "luck#tab-two")[2] == ["bbnn-grouped-0-laptop-0123456789"]
    assert trace.trace(book, "luck#tab-three")[0].runs == []


def test_trace_names_what_is_wrong(book):
    with pytest.raises(BnetError, match="expected PAGE#item"):
        trace.trace(book, "luck")
    with pytest.raises(BnetError, match="tab-one"):
        trace.trace(book, "luck#tab-on")
    with pytest.raises(BnetError, match="bnet pages build"):
        trace.items(book.root / "book" / "absent.ipynb")


def test_records_of_another_version_of_a_profile_are_refused(monkeypatch):
    from bnet.audit import report

    if not list(RESULTS.glob("tunes/majority-grouped-0-laptop-*")):
        pytest.skip("no records are committed")
    changed = dataclasses.replace(report.PROFILES["laptop"], epochs=99)
    monkeypatch.setitem(report.PROFILES, "laptop", changed)
    with pytest.raises(BnetError, match="made with epochs = 4, but profile 'laptop' has 99"):
        Report.load("tunes", "laptop", "grouped", RESULTS)


def test_different_clips_of_one_fold_are_refused():
    report = Report.load("tunes", "laptop", "grouped", RESULTS)
    if not {"majority", "svm-rhythm"} <= set(report.variants):
        pytest.skip("no records are committed")
    ids, truth, probabilities = report.of("majority")[0].arrays("test")

    class Other:
        config, name, run = report.of("svm-rhythm")[0].config, "other", {}

        def arrays(self, part):
            return ids[1:], truth[1:], np.asarray(probabilities)[1:]

    mixed = dataclasses.replace(report, records=(report.of("majority")[0], Other()))
    with pytest.raises(BnetError, match="different clips"):
        mixed.folds("majority", "svm-rhythm")
