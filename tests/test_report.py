"""What a page says of records: no more than they allow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bnet.audit import tables
from bnet.audit.report import Report
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.runs import jobs, records
from bnet.statistics.comparison import Posterior
from bnet.training.config import get_profile

SETTINGS = {"clip_seconds": "1", "groups": "3"}


@pytest.fixture
def results(tones, tmp_path):
    """Records of two baselines on two and three folds of the miniature corpus."""
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    profile = get_profile("smoke", SETTINGS)
    folder = tmp_path / "results"
    todo = jobs.jobs("tones", ["majority"], "grouped", profile, [0, 1])
    todo += jobs.jobs("tones", ["svm-rhythm"], "grouped", profile, [0, 1, 2])
    for job in todo:
        jobs.run(job, folder, lambda text: None)
    return folder


def load(results, monkeypatch) -> Report:
    """Records made by hand have the profile 'custom', which `Report.load` refuses; let it through."""
    monkeypatch.setattr("bnet.audit.report.get_profile", lambda name: None)
    return Report.load("tones", "custom", "grouped", results)


def test_sentence_says_what_the_comparison_finds(results, monkeypatch):
    report = load(results, monkeypatch)
    found = report.comparison("majority", "svm-rhythm")
    assert found.folds == 2
    said = report.compare("svm-rhythm", "majority")
    assert f"{100 * found.difference:+.1f} points" in said
    assert f"{100 * found.low:+.1f} to {100 * found.high:+.1f}, over 2 folds." in said
    assert "equal within a point" in report.compare("svm-rhythm", "svm-rhythm")
    assert "have not been run" in report.compare("svm-rhythm", "bbnn")
    one = dataclasses.replace(report, records=tuple(r for r in report.records if r.config.fold == 0))
    assert "is better than" in one.compare("svm-rhythm", "majority")
    assert "is worse than" in one.compare("majority", "svm-rhythm")
    assert "One split" in one.compare("svm-rhythm", "majority")


@pytest.mark.parametrize("verdict", ["better", "worse", "equivalent", "can't be told"])
def test_every_verdict_has_its_words(results, monkeypatch, verdict):
    report = load(results, monkeypatch)
    found = dataclasses.replace(
        report.comparison("majority", "svm-rhythm"),
        posterior=Posterior(*(float(verdict == name) for name in ("worse", "equivalent", "better"))),
    )
    monkeypatch.setattr(Report, "comparison", lambda *names: found)
    words = {"can't be told": "can't be told apart", "equivalent": "equal within a point"}.get(
        verdict, f"is {verdict} than"
    )
    assert words in report.compare("svm-rhythm", "majority")


def test_table_counts_folds_and_pools_clips(results, monkeypatch):
    report = load(results, monkeypatch)
    table = report.results().set_index("Network")
    assert table["Folds"].to_dict() == {"Majority class": 2, "SVM on rhythm": 3}
    assert table.loc["SVM on rhythm", "Clips"] == 48
    ids, truth, probabilities = report.pooled("svm-rhythm")
    assert (len(set(ids)), truth.shape, probabilities.shape) == (48, (48,), (48, 3))
    np.testing.assert_allclose(report.chance(), report.summary.set_index("variant").accuracy["majority"])


def test_hours_are_counted_over_the_folds_of_each_network(results):
    found = records.find(results)
    table = tables.spent(found).set_index("variant")
    assert table["folds"].to_dict() == {"majority": "0-1", "svm-rhythm": "0-2"}
    assert table["runs"].to_dict() == {"majority": 2, "svm-rhythm": 3}
    assert table["hours"].sum() == pytest.approx(sum(record.run["made"]["wall_s"] for record in found) / 3600)
    assert table.loc["majority", "step"] == ""
    assert tables.spans([4, 0, 1, 2, 7]) == "0-2, 4, 7"


def test_two_records_of_one_fold_are_refused(results, tones, monkeypatch):
    profile = get_profile("smoke", {**SETTINGS, "epochs": "9"})
    jobs.run(jobs.jobs("tones", ["majority"], "grouped", profile, [0])[0], results, lambda text: None)
    with pytest.raises(BnetError, match="two records claim fold 0 of majority"):
        load(results, monkeypatch)


def test_without_records_it_says_nothing_and_gives_the_command(tones, tmp_path):
    report = Report.load("tones", "laptop", "grouped", tmp_path)
    assert report.variants == []
    assert report.command(["bbnn"]) == ("bnet train --corpus tones --variant bbnn --protocol grouped --profile laptop")
