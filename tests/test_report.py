"""What a page says of records: no more than they allow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bnet import runs
from bnet.config import get_profile
from bnet.errors import BnetError
from bnet.features import FeatureStore
from bnet.report import Report

SETTINGS = {"clip_seconds": "1", "groups": "3"}


@pytest.fixture
def results(tones, tmp_path):
    """Records of two baselines on two and three folds of the miniature corpus."""
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    profile = get_profile("smoke", SETTINGS)
    folder = tmp_path / "results"
    todo = runs.jobs("tones", ["majority"], "grouped", profile, [0, 1])
    todo += runs.jobs("tones", ["svm-rhythm"], "grouped", profile, [0, 1, 2])
    for job in todo:
        runs.run(job, folder, lambda text: None)
    return folder


def load(results, monkeypatch) -> Report:
    """Records made by hand have the profile 'custom', which `Report.load` refuses; let it through."""
    monkeypatch.setattr("bnet.report.get_profile", lambda name: None)
    return Report.load("tones", "custom", "grouped", results)


def test_difference_is_over_the_common_folds(results, monkeypatch):
    report = load(results, monkeypatch)
    mean, low, high, clips = report.difference("svm-rhythm", "majority")
    common = [len(record.arrays("test")[0]) for record in report.of("majority")]
    assert clips == sum(common)
    assert low <= mean <= high
    assert mean == pytest.approx(-report.difference("majority", "svm-rhythm")[0])
    assert report.difference("svm-rhythm", "bbnn") is None


def test_sentence_claims_what_the_interval_allows(results, monkeypatch):
    report = load(results, monkeypatch)
    assert report.compare("svm-rhythm", "svm-rhythm").startswith(
        "**SVM on rhythm** and **SVM on rhythm** can't be told"
    )
    assert "is better than" in report.compare("svm-rhythm", "majority")
    assert "is worse than" in report.compare("majority", "svm-rhythm")
    assert "have not been run" in report.compare("svm-rhythm", "bbnn")
    assert "One training each" not in report.compare("svm-rhythm", "majority")
    one = dataclasses.replace(report, records=tuple(r for r in report.records if r.config.fold == 0))
    assert "One training each" in one.compare("svm-rhythm", "majority")


def test_table_counts_folds_and_pools_clips(results, monkeypatch):
    report = load(results, monkeypatch)
    table = report.results().set_index("Network")
    assert table["Folds"].to_dict() == {"Majority class": 2, "SVM on rhythm": 3}
    assert table.loc["SVM on rhythm", "Clips"] == 48
    ids, truth, probabilities = report.pooled("svm-rhythm")
    assert (len(set(ids)), truth.shape, probabilities.shape) == (48, (48,), (48, 3))
    np.testing.assert_allclose(report.chance(), report.summary.set_index("variant").accuracy["majority"])


def test_two_records_of_one_fold_are_refused(results, tones, monkeypatch):
    profile = get_profile("smoke", {**SETTINGS, "epochs": "9"})
    runs.run(runs.jobs("tones", ["majority"], "grouped", profile, [0])[0], results, lambda text: None)
    with pytest.raises(BnetError, match="two records claim fold 0 of majority"):
        load(results, monkeypatch)


def test_without_records_it_says_nothing_and_gives_the_command(tones, tmp_path):
    report = Report.load("tones", "laptop", "grouped", tmp_path)
    assert report.variants == []
    assert report.command(["bbnn"]) == ("bnet train --corpus tones --variant bbnn --protocol grouped --profile laptop")
