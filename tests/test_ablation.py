"""Table III: the paper's values, and what is said of our records beside them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from synthetic import write_record

from bnet.audit import ablation, paper
from bnet.audit.report import load, most
from bnet.book.pages import PAGES
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.statistics.comparison import Comparison


def test_the_paper_has_a_row_and_an_explanation_for_every_variation():
    assert [*paper.TABLE_3] == [*TABLE_3]
    assert all(row.explanation for row in paper.TABLE_3.values())
    assert "ablations" in {page.name for page in PAGES}
    assert sum(value.test for value in paper.TABLE_3.values()) == pytest.approx(1152.2)
    assert sum(value.validation for value in paper.TABLE_3.values()) == pytest.approx(1189.6)


def test_every_network_has_its_place():
    places = [ablation.BASELINE, *TABLE_3, *ablation.EXTRAS, *STEPS[1:], "proposed-released"]
    assert sorted(places) == sorted(VARIANTS)
    assert ablation.steps()[0] == ("remove-3x3", "bbnn")
    assert ablation.steps()[-1] == ("proposed", "step-4")


def test_reported_change_is_the_papers():
    nothing = load("tunes", Path("nowhere"), "smoke", "grouped")[0]
    table = ablation.changes(nothing, [(name, "bbnn") for name in ("xception", "replace-5x5", "selu", "step-2")])
    assert table["paper_change"].tolist()[:3] == [0.0, -12.0, -6.0]
    assert np.isnan(table["paper_change"][3])
    assert table["folds"].tolist() == [0] * 4
    assert set(table["verdict"]) == {ablation.verdict(0.0, None)} == {"not run"}


@pytest.mark.parametrize(
    ("reported", "difference", "se", "verdict"),
    [
        (-6.0, -0.05, 0.01, "worse, as in the paper"),
        (-6.0, 0.05, 0.01, "better, unlike in the paper"),
        (-6.0, 0.0, 0.001, "equivalent, unlike in the paper"),
        (0.0, 0.05, 0.01, "better; the paper: equal"),
        (0.0, 0.0, 0.001, "equivalent, as in the paper"),
        (-6.0, -0.01, 0.02, "bounded"),
        (-6.0, -0.01, 0.09, "inconclusive"),
        (None, 0.05, 0.01, "better"),
    ],
)
def test_verdict_sets_what_was_found_beside_the_papers(reported, difference, se, verdict):
    found = Comparison(difference, se, 9, "splits", 10, 1000)
    assert ablation.verdict(reported, found) == verdict
    assert ablation.verdict(reported, dataclasses.replace(found, folds=2)) == "too few folds"


def test_columns_subtract_although_the_folds_differ(tmp_path):
    """BBNN has five folds, the variation two: all that stands in its row is of these two."""
    for fold in range(5):
        write_record(tmp_path, "gtzan-images", "bbnn", fold, right=0.5 + 0.08 * fold)
    for fold in (0, 1):
        write_record(tmp_path, "gtzan-images", "selu", fold, right=0.6)
    report = load("gtzan-images", tmp_path, "laptop", "holdout")[0]
    table = ablation.changes(report, [("bbnn", "bbnn"), ("selu", "bbnn"), ("lstm", "bbnn")]).set_index("variant")
    row, found = table.loc["selu"], report.comparison("bbnn", "selu")
    assert row["accuracy"] - row["base"] == pytest.approx(row["change"])
    both = tuple(record for record in report.records if record.config.fold in (0, 1))
    shares = dataclasses.replace(report, records=both).summary["accuracy"]
    assert 100 * shares.to_numpy() == pytest.approx([row["base"], row["accuracy"]])
    assert (row["folds"], row["verdict"]) == (2, "too few folds")
    assert row["low"] <= row["change"] <= row["high"]
    assert row["change"] == pytest.approx(100 * found.difference)
    assert (table.loc["bbnn", "folds"], table.loc["lstm", "folds"]) == (5, 0)
    assert np.isnan(table.loc["bbnn", "change"])
    assert np.isnan(table.loc["lstm", "accuracy"])
    assert table.loc["bbnn", "accuracy"] == pytest.approx(100 * report.summary.set_index("variant").accuracy["bbnn"])
    assert "no verdict from so few folds" in report.compare("selu", "bbnn")


def test_the_profile_with_most_of_the_wanted_networks_is_shown(tmp_path):
    for profile, variant in (("laptop", "bbnn"), ("smoke", "bbnn"), ("smoke", "selu")):
        write_record(tmp_path, "tunes", variant, profile=profile, protocol="grouped")

    def chosen(networks, profile=""):
        return most(load("tunes", tmp_path, profile), networks).profile

    assert chosen(()) == chosen(["bbnn"]) == chosen(["bbnn", "selu"], "laptop") == "laptop"
    assert chosen(["bbnn", "selu"]) == "smoke"
