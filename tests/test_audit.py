"""Claims, their verdicts, and the way back from a number to its record."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic import write_record

from bnet.audit import paper
from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import ANY, Evidence, Result, Verdict, judge, together
from bnet.audit.literature import BOARDS, CORPORA, DIFFERENCES, PROTOCOLS, SYSTEMS, earlier_and_better, fits
from bnet.audit.report import load
from bnet.book import pages, trace
from bnet.book.pages import Book
from bnet.cli.audit import trace as trace_command
from bnet.errors import BnetError
from bnet.models import TABLE_3
from bnet.statistics.comparison import Comparison
from bnet.training.config import PROFILES

RESULTS = Path(__file__).resolve().parents[1] / "results"
INF = float("inf")


@pytest.fixture(scope="module")
def nothing(tmp_path_factory) -> dict[str, Result]:
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
    measured = [name for name in nothing if name.startswith(("table-", "confused-"))]
    measured += ["generalisation", "temporal", "initialiser", "half-an-hour", "embedded", "loss"]
    assert {nothing[name].verdict for name in measured} == {Verdict.NOT_TESTED}


def test_what_is_counted_needs_no_record(nothing):
    verdicts = {name: finding.verdict for name, finding in nothing.items()}
    assert verdicts["channels"] is Verdict.SUPPORTED
    assert verdicts["convolutions"] is Verdict.PARTLY
    assert verdicts["mel-range"] is Verdict.NOT_SUPPORTED
    assert verdicts["fma-3-percent"] is Verdict.NOT_SUPPORTED
    assert verdicts["xception-size"] is Verdict.SUPPORTED
    assert verdicts["localisation"] is Verdict.NOT_TESTED
    assert "175\u202f914" in nothing["parameters"].measured
    assert "14 rows" in nothing["twelve-variants"].measured
    assert "p = 0.82" in nothing["table-2-gtzan"].measured


def test_every_number_has_a_link_to_the_page_that_holds_it(nothing, made_up):
    found = [*nothing.values(), *(claim.check(Evidence(made_up, benchmarks=made_up)) for claim in CLAIMS)]
    assert [result for result in found if re.search(r"\d", result.measured) and not result.link] == []


@pytest.mark.parametrize(
    ("difference", "se", "sign", "size", "verdict"),
    [
        (0.05, 0.01, 1, ANY, Verdict.SUPPORTED),
        (0.05, 0.01, 1, (0.02, INF), Verdict.SUPPORTED),  # larger than claimed is no contradiction
        (0.05, 0.01, 1, (0.12, INF), Verdict.PARTLY),  # the direction, not the size
        (-0.05, 0.01, 1, ANY, Verdict.NOT_SUPPORTED),
        (-0.05, 0.01, -1, (0.05, 0.05), Verdict.SUPPORTED),
        (-0.05, 0.01, -1, (0.01, 0.03), Verdict.SUPPORTED),  # what the table or the text says
        (-0.2, 0.01, -1, (0.02, 0.02), Verdict.PARTLY),  # ten times the loss
        (0.001, 0.001, 1, ANY, Verdict.NOT_SUPPORTED),  # equal within a point
        (0.008, 0.001, 1, (0.008, INF), Verdict.SUPPORTED),  # which so small a gain is
        (0.003, 0.002, 1, (0.008, INF), Verdict.NOT_SUPPORTED),  # less than that
        (0.004, 0.003, 1, (0.008, INF), Verdict.BOUNDED),
        (0.01, 0.02, -1, (0.12, 0.12), Verdict.NOT_SUPPORTED),  # no direction, but so large a loss is ruled out
        (0.01, 0.02, -1, (0.02, 0.02), Verdict.BOUNDED),
        (0.01, 0.09, 1, ANY, Verdict.INCONCLUSIVE),
        (0.001, 0.001, 0, ANY, Verdict.SUPPORTED),
        (0.05, 0.01, 0, ANY, Verdict.PARTLY),
        (-0.05, 0.01, 0, ANY, Verdict.NOT_SUPPORTED),
        (0.01, 0.02, 0, ANY, Verdict.BOUNDED),
    ],
)
def test_a_claim_is_judged_by_direction_and_size(difference, se, sign, size, verdict):
    assert judge(Comparison(difference, se, 9, "splits", 10, 1000), sign, size) is verdict
    few = Comparison(difference, se, 1, "splits", 4, 1000)
    assert judge(few, sign, size) is Verdict.INCONCLUSIVE
    assert judge(Comparison(difference, se, 9, "seeds", 2, 1000), sign, size) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ("", Verdict.NOT_TESTED),
        ("SUPPORTED SUPPORTED", Verdict.SUPPORTED),
        ("SUPPORTED INCONCLUSIVE", Verdict.PARTLY),
        ("SUPPORTED NOT_SUPPORTED", Verdict.PARTLY),
        ("NOT_SUPPORTED BOUNDED", Verdict.NOT_SUPPORTED),
        ("BOUNDED BOUNDED", Verdict.BOUNDED),
        ("BOUNDED INCONCLUSIVE", Verdict.INCONCLUSIVE),
    ],
)
def test_several_corpora_judge_together(verdicts, whole):
    assert together(Verdict[name] for name in verdicts.split()) is whole


def finding(results: Path, name: str) -> Result:
    """The finding on one claim, from records that were made up."""
    return next(claim for claim in CLAIMS if claim.name == name).check(Evidence(results, benchmarks=results))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> Path:
    """GTZAN from pictures: BBNN, the proposed network and three variations on ten or two hold-outs; and tunes."""
    results = tmp_path_factory.mktemp("made-up")
    shares = {"bbnn": 0.8, "proposed": 0.78, "dropout": 0.69, "selu": 0.8, "lstm": 0.3}
    for variant, right in shares.items():
        for fold in range(2 if variant == "lstm" else 10):
            write_record(results, "gtzan-images", variant, fold, right=right)
    for variant in ("bbnn", "lstm", "proposed"):
        for fold in range(5):
            write_record(results, "tunes", variant, fold, right=0.9 if variant == "lstm" else 0.5, protocol="grouped")
            if variant != "lstm" and fold < 3:
                write_record(results, "gtzan-images", variant, fold, right=0.5, protocol="official")
    return results


def test_a_claim_about_a_corpus_is_judged_on_it_alone(made_up):
    found = finding(made_up, "table-3-dropout")
    assert found.verdict is Verdict.SUPPORTED
    assert "GTZAN (pictures)" in found.measured
    lstm = finding(made_up, "table-3-lstm")
    assert lstm.verdict is Verdict.INCONCLUSIVE, "two folds give no verdict, whatever five of another corpus say"
    assert "too few for a verdict" in lstm.measured
    assert "Tunes" in lstm.beside
    assert "Tunes" not in lstm.measured
    other = finding(made_up, "table-2-homburg")
    assert other.verdict is Verdict.NOT_TESTED
    assert "GTZAN (pictures), holdout" in other.beside


def test_the_papers_splits_judge_its_tables_and_apart_ones_what_is_unseen(made_up):
    assert "holdout, 10 folds" in finding(made_up, "table-2-gtzan").measured
    assert "GTZAN (pictures), official" in finding(made_up, "table-2-gtzan").beside
    unseen = finding(made_up, "generalisation").measured
    assert "official, 3 seeds of one split" in unseen
    assert "Tunes" in unseen


def test_sound_comes_before_pictures_and_never_mixes_with_them(made_up, tmp_path):
    shutil.copytree(made_up, tmp_path, dirs_exist_ok=True)
    for variant in ("bbnn", "proposed"):
        for fold in range(5):
            write_record(tmp_path, "gtzan", variant, fold)
    found = finding(tmp_path, "table-2-gtzan")
    assert "GTZAN, profile" in found.measured
    assert "GTZAN (pictures), holdout" in found.beside
    picture = next((tmp_path / "gtzan-images").glob("selu-*"))
    shutil.move(picture, tmp_path / "gtzan" / picture.name)
    with pytest.raises(BnetError, match="is a run of gtzan-images, another corpus than its folder says"):
        finding(tmp_path, "table-2-gtzan")


def test_folds_without_a_partner_and_few_draws_judge_nothing(tmp_path):
    write_record(tmp_path, "gtzan-images", "bbnn", 0)
    write_record(tmp_path, "gtzan-images", "proposed", 1)
    assert finding(tmp_path, "loss").verdict is Verdict.NOT_TESTED
    assert finding(tmp_path, "confused-gtzan").verdict is Verdict.INCONCLUSIVE


def test_three_genres_confusions_and_loss_are_read_from_the_records(made_up):
    assert finding(made_up, "three-genres").measured.startswith("Proposed")
    assert "hiphop and pop are number" in finding(made_up, "confused-gtzan").measured
    assert finding(made_up, "loss").verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_SUPPORTED, Verdict.SUPPORTED)
    assert re.search(r"for BBNN, \d\.\d\d (lower|higher) for the", finding(made_up, "loss").measured)


@pytest.mark.parametrize(
    ("room", "verdict", "fits"),
    [
        (100 * 2**10, Verdict.SUPPORTED, "2 of 2 single-board computers and 4 of 4 microcontrollers"),
        (30 * 2**20, Verdict.PARTLY, "2 of 2 single-board computers and 0 of 4 microcontrollers"),
        (4 * 2**30, Verdict.NOT_SUPPORTED, "0 of 2 single-board computers and 0 of 4 microcontrollers"),
    ],
)
def test_embedded_is_judged_by_memory_that_was_counted(tmp_path, room, verdict, fits):
    form = {"network": "proposed", "form": "litert-int8", "bytes": 200 * 2**10, "working": {"30": room}}
    row = {"way": "LiteRT int8", "seconds": 30, "unit": "s", "ours_median": 0.25}
    (tmp_path / "inference.json").write_text(json.dumps({"forms": [form], "rows": [row]}))
    found = finding(tmp_path, "embedded")
    assert found.verdict is verdict
    assert all(said in found.measured for said in (fits, "200 KiB", "0.25 s"))


def test_boards_have_names_of_their_own_and_hold_what_fits():
    assert BOARDS["name"].is_unique
    ram, storage = (2**10 * int(BOARDS[key][0]) for key in ("ram_kib", "storage_kib"))
    assert fits(ram, storage)[0]
    assert not fits(ram + 1, 0)[0]
    assert not fits(0, storage + 1)[0]
    assert fits(0, 2**60)[BOARDS["storage_kib"].isna()].all()


def test_later_systems_are_of_known_corpora_and_protocols():
    assert set(SYSTEMS["corpus"]) <= set(CORPORA)
    assert set(SYSTEMS["protocol"]) <= set(PROTOCOLS)
    assert earlier_and_better("extended-ballroom")["accuracy"].tolist() == [94.9]
    assert earlier_and_better("fma-small").empty


def test_every_difference_says_what_is_done_here():
    assert all(row.here and (row.text or row.notebooks) for row in DIFFERENCES.itertuples())
    assert not DIFFERENCES.duplicated(["part", "subject"]).any()


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


def test_trace_leads_to_the_record(book, monkeypatch, capsys):
    monkeypatch.setattr(pages, "this_book", lambda: book)
    item = trace.item(book, "luck#tab-one")
    assert (item.caption, item.cell) == ("Its caption.", 0)
    trace_command("luck#tab-one")
    assert "--variant majority" in capsys.readouterr().out
    trace_command("luck#tab-two")
    assert "bbnn-grouped-0-laptop-0123456789: no record below" in capsys.readouterr().out
    assert trace.item(book, "luck#tab-three").runs == []


def test_trace_names_what_is_wrong(book):
    with pytest.raises(BnetError, match="tab-one"):
        trace.item(book, "luck#tab-on")
    with pytest.raises(BnetError, match="bnet pages build"):
        trace.items(book, "claims")


def test_records_of_another_version_of_a_profile_are_refused(monkeypatch):
    if not list(RESULTS.glob("tunes/majority-grouped-0-laptop-*")):
        pytest.skip("no records are committed")
    changed = PROFILES["laptop"].changed(epochs=99)
    monkeypatch.setitem(PROFILES, "laptop", changed)
    with pytest.raises(BnetError, match="made with epochs = 4, but profile 'laptop' has 99"):
        load("tunes", RESULTS, "laptop", "grouped")


def test_different_clips_of_one_fold_are_refused():
    report = load("tunes", RESULTS, "laptop", "grouped")[0]
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
