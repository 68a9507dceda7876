"""What a page says of records: no more than they allow."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil

import minibook
import numpy as np
import pandas as pd
import pytest
from conftest import Tones, tones_made
from synthetic import write_record

from bnet.audit import tables
from bnet.audit.report import Report, load
from bnet.audit.settings import train_command
from bnet.audit.words import SAID, ends, spell, verdict
from bnet.book.notebooks import notebook
from bnet.book.pages import Book, Page
from bnet.corpora import CORPORA
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.runs import jobs, records
from bnet.statistics.comparison import Comparison
from bnet.training.config import get_profile

SETTINGS = {"clip_seconds": "1", "groups": "3"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Records of two baselines on two and three folds of the miniature corpus, and its features."""
    profile = get_profile("smoke", SETTINGS)
    with tones_made(tmp_path_factory.mktemp("made")) as folder:
        todo = jobs.jobs("tones", ["majority"], "grouped", profile, [0, 1])
        todo += jobs.jobs("tones", ["svm-rhythm"], "grouped", profile, [0, 1, 2])
        for job in todo:
            jobs.run(job, folder / "results", lambda text: None)
    return folder


@pytest.fixture
def results(tones, made, tmp_path):
    """A copy of them that a test may change."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True) / "results"


def of_tones(results) -> Report:
    return load("tones", results, "custom", "grouped")[0]


def test_a_network_of_one_s_own_stands_behind_those_of_the_paper(tmp_path):
    for variant in ("svm-timbre", "mine", "bbnn"):
        write_record(tmp_path, "gtzan-images", variant)
    report = load("gtzan-images", tmp_path)[0]
    assert report.variants == ["bbnn", "mine", "svm-timbre"]
    assert report.networks == ["bbnn", "mine"]
    assert list(report.results()["Network"]) == [jobs.title("bbnn"), "mine", jobs.title("svm-timbre")]


def test_sentence_says_what_the_comparison_finds(tmp_path):
    for fold in range(5):
        write_record(tmp_path, "gtzan-images", "bbnn", fold, right=0.6)
        write_record(tmp_path, "gtzan-images", "proposed", fold, right=0.9)
    report = load("gtzan-images", tmp_path, "laptop", "holdout")[0]
    found = report.comparison("bbnn", "proposed")
    said = report.compare("proposed", "bbnn")
    assert "is better than" in said
    assert f"{100 * found.difference:+.1f} points" in said
    assert said.endswith(f"(95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}, 5 folds).")
    assert "is worse than" in report.compare("bbnn", "proposed")
    assert "equal within a point" in report.compare("bbnn", "bbnn")
    assert "have not been run" in report.compare("bbnn", "selu")
    few = dataclasses.replace(report, records=tuple(r for r in report.records if r.config.fold < 2))
    assert "no verdict from so few folds" in few.compare("bbnn", "proposed")


def test_every_verdict_has_its_words():
    words = ["better", "worse", "equivalent", "bounded", "inconclusive", "too few folds"]
    assert list(SAID) == words
    cases = {"yes": (0.02, 0.001, 9), "no, worse": (-0.02, 0.001, 9), "not shown": (0.02, 0.02, 9)}
    assert {verdict(Comparison(at, se, n, "splits", n, 100)) for at, se, n in cases.values()} == {*cases}
    assert verdict(Comparison(0.0, 0.001, 9, "splits", 9, 100)) == "no, equal within a point"


def test_seeds_of_one_split_and_folds_that_are_missing_are_said(tmp_path):
    for fold in (0, 1, 3):
        write_record(tmp_path, "gtzan-images", "bbnn", fold)
        if fold < 3:
            write_record(tmp_path, "gtzan-images", "svm-timbre", fold, protocol="official")
    report = load("gtzan-images", tmp_path, "laptop", "holdout")[0]
    assert report.results()["Folds"].tolist() == ["3 (0-1, 3)"]
    official = load("gtzan-images", tmp_path, "laptop", "official")[0]
    gap = official.comparison("svm-timbre", "svm-timbre")
    assert spell(gap.folds, gap.kind) == "2 seeds of one split"
    assert ends(-0.104, -0.0004, "+.1f") == "-10.4 to -0.04"  # not 'to -0.0', which would hold zero
    assert ends(0, 0.5) == "0.0 to 50.0"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"corpus_fingerprint": "other"}, "2 different sets of clips"),
        ({"features": '{"kind": "picture"}'}, "2 different front ends"),
        ({"epochs": 9}, "made with epochs = 9, but profile 'laptop' has 4"),
        ({"folds": 4}, "made with holdouts = 4, but profile 'laptop' has 10"),
    ],
)
def test_records_of_two_kinds_are_never_one_report(tmp_path, changed, message):
    write_record(tmp_path, "gtzan-images", "bbnn", 0)
    write_record(tmp_path, "gtzan-images", "bbnn", 1, **changed)
    with pytest.raises(BnetError, match=message):
        load("gtzan-images", tmp_path, "laptop", "holdout")


def test_another_fingerprint_of_the_same_splits_is_no_other_set_of_clips(tmp_path):
    """As where GTZAN's three lists came between two runs of random splits."""

    def part(variant, fold, split, **changed):
        record = write_record(tmp_path, "gtzan-images", variant, fold, **changed)
        run = json.loads((record.folder / "run.json").read_text())
        run["data"]["split_checksum"] = split
        run["seal"] = records.seal(run)
        (record.folder / "run.json").write_text(json.dumps(run))

    part("bbnn", 0, "a")
    part("proposed", 0, "a", corpus_fingerprint="other")
    assert len(load("gtzan-images", tmp_path, "laptop", "holdout")[0].records) == 2
    part("proposed", 1, "b", corpus_fingerprint="other")
    part("bbnn", 1, "c")
    with pytest.raises(BnetError, match="2 different sets of clips"):
        load("gtzan-images", tmp_path, "laptop", "holdout")
    for variant, changed in (("bbnn", {}), ("proposed", {"corpus_fingerprint": "other"})):
        part(variant, 0, "a", protocol="official", **changed)
    with pytest.raises(BnetError, match="2 different sets of clips"):
        load("gtzan-images", tmp_path, "laptop", "official")


def test_clips_that_a_corpus_shortens_are_still_of_the_profile(tmp_path):
    write_record(tmp_path, "homburg-10s", "bbnn", 0, profile="paper")
    assert load("homburg-10s", tmp_path, "paper", "holdout")[0].records[0].config.training.clip_seconds == 10


def test_runs_of_different_settings_are_not_averaged_as_folds(tmp_path):
    for fold in range(3):
        write_record(tmp_path, "gtzan-images", "bbnn", fold, right=0.8)
    write_record(tmp_path, "gtzan-images", "bbnn", 3, right=0.4, epochs=9)
    write_record(tmp_path, "gtzan-images", "bbnn", 4, right=0.4, exclude="duplicates")
    table = tables.summary(records.find(tmp_path))
    assert table[["exclude", "settings", "runs"]].values.tolist() == [
        ["", "epochs=4", 3],
        ["", "epochs=9", 1],
        ["duplicates", "", 1],
    ]
    assert table["accuracy"].tolist() == pytest.approx([0.8, 0.4, 0.4], abs=0.05)
    spent = tables.spent(records.find(tmp_path))
    assert spent["folds"].tolist() == ["0-2", "3", "4"]


def test_table_counts_folds_and_pools_clips(results):
    report = of_tones(results)
    table = report.results().set_index("Network")
    assert table["Folds"].to_dict() == {"Majority class": "2", "SVM on rhythm": "3"}
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


def test_two_records_of_one_fold_are_refused(results, tones):
    job = jobs.jobs("tones", ["majority"], "grouped", get_profile("smoke", SETTINGS), [0])[0]
    other = dataclasses.replace(job, config=dataclasses.replace(job.config, corpus_source="another renderer"))
    jobs.run(other, results, lambda text: None)
    with pytest.raises(BnetError, match="two records claim fold 0 of majority"):
        of_tones(results)


def test_runs_with_changed_settings_are_shown_by_these(results, tones):
    more = get_profile("laptop", {**SETTINGS, "clip_seconds": "1", "epochs": "9"})
    jobs.run(jobs.jobs("tones", ["majority"], "grouped", more, [0])[0], results, lambda text: None)
    one, other = load("tones", results)
    assert [len(one.records), len(other.records)] == [5, 1]
    assert one.described == "profile `smoke` with `clip_seconds=1.0`, `groups=3`"
    assert other.described == "profile `laptop` with `clip_seconds=1.0`, `epochs=9`, `groups=3`"
    assert other.command(["bbnn"]).endswith(
        "--protocol grouped --profile laptop --set clip_seconds=1.0 --set epochs=9 --set groups=3"
    )
    assert dataclasses.replace(one.settings, purpose="") == dataclasses.replace(
        get_profile("smoke", SETTINGS), purpose=""
    )
    assert "profile `smoke` with `clip_seconds=1.0`" in one.provenance()[0]
    assert of_tones(results).records == one.records


def test_runs_of_a_profile_come_before_those_with_changed_settings(results, tones):
    FeatureStore(tones, 5.0).extract(tones.tracks(), jobs=1, progress=False)
    jobs.run(jobs.jobs("tones", ["majority"], "grouped", get_profile("smoke"), [0])[0], results, lambda text: None)
    assert [(report.profile, report.protocol) for report in load("tones", results)] == [("smoke", "grouped")]
    assert [report.profile for report in load("tones", results, "custom")] == ["custom"]


class Drawn(Tones):
    """The miniature corpus in another form, none of which is at hand."""

    name, title, medium, of = "tones-images", "Tones (pictures)", "pictures", Tones()
    about, notes = "Pictures of the tones.", "How they were made."

    known = {"slow-001": "same picture as slow-000"}  # noqa: RUF012

    def tracks(self):
        raise BnetError("no pictures here")


def test_a_corpus_s_page_names_what_its_results_were_measured_on(results, monkeypatch, tmp_path):
    monkeypatch.setitem(CORPORA, "tones-images", Drawn())
    for record in records.find(results, corpus="tones"):
        config = dataclasses.replace(record.config, corpus="tones-images")
        history = pd.DataFrame()
        run = {key: record.run[key] for key in ("data", "notes", "made")}
        records.write(
            results / "tones-images" / config.run_name, config, record.labels, record.predictions, history, **run
        )
    said = page_of("tones", results, monkeypatch)
    assert "Measured here on `tones`, from audio: profile `smoke` with `clip_seconds=1.0`, `groups=3`" in said
    assert "Measured here on `tones-images`, from pictures: profile `smoke` with" in said
    assert "The 1 pairs of equal pictures" in said
    assert "slow-001: same picture as slow-000" in said
    assert "not at hand here. To have one:" in said
    assert "Not run" not in said
    labels = re.findall(":name: (.*)", said)
    assert len(labels) == len(set(labels)) == 3

    shutil.rmtree(results / "tones")
    said = page_of("tones", results, monkeypatch)
    assert "from audio: profile" not in said
    assert "no records of `tones` from audio" in said
    assert "Measured here on `tones-images`, from pictures" in said


def page_of(corpus: str, results, monkeypatch) -> str:
    """What the page of a corpus shows as text, made in this process."""
    page = Page(f"corpora/{corpus}", "corpora/corpus.py", {"corpus": corpus}, corpus)
    code = [c.source for c in notebook(Book(minibook.ROOT, results), page).cells if c.cell_type == "code"]
    shown = []
    monkeypatch.setenv("BNET_RESULTS", str(results))
    monkeypatch.setattr("IPython.display.display", lambda thing: shown.append(thing.data))
    monkeypatch.setattr("IPython.display.publish_display_data", lambda data, metadata: shown.append(str(metadata)))
    exec(compile("\n".join(code), page.source, "exec"), {})
    return "\n".join(shown)


def test_the_command_that_trains():
    words = "bnet train --corpus tones --variant majority --protocol grouped --profile smoke"
    said = ("tones", ["majority"], "grouped", "smoke")
    assert train_command(*said, {"epochs": 3}, [1]) == f"{words} --set epochs=3 --fold 1"
    assert train_command(*said, exclude="faults") == f"{words} --exclude faults"


def test_without_records_it_says_nothing_and_gives_the_command(tones, tmp_path):
    report = load("tones", tmp_path, "laptop", "grouped")[0]
    assert report.variants == []
    assert report.command(["bbnn"]) == ("bnet train --corpus tones --variant bbnn --protocol grouped --profile laptop")
