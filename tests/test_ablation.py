"""Table III: the paper's values, and what is said of our records beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnet.audit import ablation, paper
from bnet.audit.report import Report, chosen
from bnet.book.pages import PAGES
from bnet.corpora.store import FeatureStore
from bnet.models import STEPS, TABLE_3, VARIANTS
from bnet.runs import jobs
from bnet.training.config import get_profile

SETTINGS = {"clip_seconds": "1", "groups": "3", "epochs": "1"}


@pytest.fixture
def report(tones, tmp_path, monkeypatch):
    """Records of two baselines that stand in for networks: they take no training."""
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    profile = get_profile("smoke", SETTINGS)
    for job in jobs.jobs("tones", ["majority", "svm-rhythm"], "grouped", profile, [0]):
        jobs.run(job, tmp_path / "results", lambda text: None)
    monkeypatch.setattr("bnet.audit.report.get_profile", lambda name: None)
    return Report.load("tones", "custom", "grouped", tmp_path / "results")


def test_the_paper_has_a_row_an_explanation_and_a_page_for_every_variation():
    assert [*paper.TABLE_3] == [*TABLE_3] == [*paper.EXPLANATIONS]
    assert {f"ablations/{name}" for name in TABLE_3} <= {page.name for page in PAGES}
    assert set(paper.FIGURES) | set(paper.TABLE_3_LOSSES) <= set(TABLE_3)
    assert sum(value.test for value in paper.TABLE_3.values()) == pytest.approx(1152.2)
    assert sum(value.validation for value in paper.TABLE_3.values()) == pytest.approx(1189.6)


def test_every_network_has_its_place():
    places = [ablation.BASELINE, *TABLE_3, *ablation.EXTRAS, *STEPS[1:], "proposed-released"]
    assert sorted(places) == sorted(VARIANTS)
    assert ablation.steps()[0] == ("remove-3x3", "bbnn")
    assert ablation.steps()[-1] == ("proposed", "step-4")


def test_reported_change_is_the_papers():
    nothing = Report.load("tunes", "smoke", "official", Path("nowhere"))
    found = ablation.change(nothing, "xception")
    assert (found.reported, found.found, found.clips) == (0.0, "not run", 0)
    assert ablation.change(nothing, "replace-5x5").reported == -12.0
    assert ablation.change(nothing, "step-2").reported is None
    assert "no verdict" in ablation.sentence(nothing, "selu")
    assert "-6.0 points" in ablation.sentence(nothing, "selu")


@pytest.mark.parametrize(
    ("reported", "found", "verdict"),
    [
        (-6.0, "worse", "worse, as in the paper"),
        (-6.0, "better", "better, unlike in the paper"),
        (-6.0, "equivalent", "equivalent, unlike in the paper"),
        (0.0, "better", "better; the paper: equal"),
        (0.0, "equivalent", "equivalent, as in the paper"),
        (-6.0, "can't be told", "can't be told"),
        (None, "better", "better"),
        (-6.0, "not run", "not run"),
    ],
)
def test_verdict_sets_what_was_found_beside_the_papers(reported, found, verdict):
    assert ablation.Change(reported, found=found).verdict == verdict


def test_changes_hold_what_the_records_say(report):
    table = ablation.changes(report, [("majority", "majority"), ("svm-rhythm", "majority")]).set_index("variant")
    first, second = report.summary.set_index("variant").loc[["majority", "svm-rhythm"], "accuracy"]
    assert table.loc["svm-rhythm", "change"] == pytest.approx(100 * (second - first))
    assert table.loc["svm-rhythm", "low"] <= table.loc["svm-rhythm", "change"] <= table.loc["svm-rhythm", "high"]
    assert np.isnan(table.loc["majority", "change"])
    assert np.isnan(table.loc["svm-rhythm", "paper_change"])
    said = ablation.sentence(report, "svm-rhythm", "majority")
    assert "The paper" not in said
    assert "trained once" in said
    found = report.comparison("majority", "svm-rhythm")
    assert ablation.change(report, "svm-rhythm", "majority").found == found.verdict


def test_the_profile_with_most_of_the_wanted_networks_is_shown(results_of_two_profiles):
    folder = results_of_two_profiles
    assert chosen("tunes", "", "", folder) == ("laptop", "grouped")
    assert chosen("tunes", "", "", folder, networks=("bbnn",)) == ("laptop", "grouped")
    assert chosen("tunes", "", "", folder, networks=("bbnn", "selu")) == ("smoke", "grouped")
    assert chosen("tunes", "laptop", "", folder, networks=("bbnn", "selu")) == ("laptop", "grouped")


@pytest.fixture
def results_of_two_profiles(monkeypatch, tmp_path):
    """What `records.find` would find: bbnn with two profiles, selu with one."""
    from types import SimpleNamespace

    pairs = [("laptop", "bbnn"), ("smoke", "bbnn"), ("smoke", "selu")]
    found = [
        SimpleNamespace(config=SimpleNamespace(profile=profile, protocol="grouped", variant=variant))
        for profile, variant in pairs
    ]
    monkeypatch.setattr("bnet.runs.records.find", lambda *args, **kwargs: found)
    return tmp_path
