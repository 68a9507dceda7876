"""Two folders of records: what is identical, what agrees, what differs, and what can't be compared."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import tones_made
from typer.testing import CliRunner

from bnet import cli
from bnet.audit import agreement
from bnet.book import build, freshness
from bnet.book.pages import Book, Page
from bnet.errors import BnetError
from bnet.runs import jobs, records
from bnet.statistics import comparison
from bnet.training.config import get_profile

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"clip_seconds": "1", "groups": "3"}


def train(results, *names: str, folds=(0, 1), **settings: str) -> None:
    profile = get_profile("smoke", {**SETTINGS, **settings})
    for job in jobs.jobs("tones", list(names), "grouped", profile, list(folds)):
        jobs.run(job, results, lambda text: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Records of two baselines on two folds of the miniature corpus, and its features."""
    with tones_made(tmp_path_factory.mktemp("made")) as folder:
        train(folder / "results", "majority", "svm-rhythm")
    return folder


@pytest.fixture
def results(tones, made, tmp_path):
    """A copy of them that a test may change."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True) / "results"


@pytest.fixture
def other(results, tmp_path):
    """A copy of them."""
    return shutil.copytree(results, tmp_path / "other")


def again(folder, variant: str, wrong: float) -> None:
    """Make the records of `variant` below `folder` anew, with the first share of the test clips answered wrongly."""
    for record in records.find(folder, variant=variant):
        table = record.predictions.copy()
        rows = table.index[table["part"] == "test"]
        for row in rows[: round(wrong * len(rows))]:
            bad = next(label for label in record.labels if label != table.loc[row, "label"])
            table.loc[row, record.labels] = 0.0
            table.loc[row, bad] = 1.0
        run = record.run
        shutil.rmtree(record.folder)
        records.write(
            record.folder, record.config, record.labels, table, record.history,
            data=run["data"], notes=run["notes"], made=run["made"],
        )  # fmt: skip


def row_of(a, b):
    """The row of the SVM on rhythm."""
    return agreement.compare(a, b).set_index("network").loc["svm-rhythm"]


def test_a_copy_is_identical(results, other):
    table = agreement.compare(results, other)
    rows = table.set_index("network")
    assert rows["state"].to_dict() == {"majority": "identical", "svm-rhythm": "identical"}
    assert rows["folds"]["svm-rhythm"] == 2
    assert rows["a"]["svm-rhythm"] == rows["b"]["svm-rhythm"]
    assert agreement.count(table) == "2 identical"


def test_a_difference_is_that_of_the_paired_folds(results, other):
    again(other, "svm-rhythm", 0.5)
    row = row_of(results, other)
    means = []
    for folder in (results, other):
        parts = [record.arrays() for record in records.find(folder, variant="svm-rhythm")]
        means.append([float((p.argmax(axis=1) == truth).mean()) for _, truth, p in parts])
    differences = np.subtract(means[1], means[0])
    assert row.difference == pytest.approx(differences.mean())
    record = records.find(results, variant="svm-rhythm")[0]
    ratio = len(record.arrays()[0]) / record.run["data"]["tracks"]["train"]
    assert row.high - row.low >= 2 * 12.7 * comparison.corrected_variance(differences, ratio) ** 0.5
    assert row.state == ("agrees" if row.low <= 0 <= row.high else "differs")
    back = row_of(other, results)
    assert (back.difference, back.low, back.high) == pytest.approx((-row.difference, -row.high, -row.low))


def test_all_wrong_differs_and_one_clip_wrong_agrees(results, other, tmp_path):
    for record in records.find(results, fold=1) + records.find(other, fold=1):
        shutil.rmtree(record.folder)
    again(other, "svm-rhythm", 1.0)
    assert row_of(results, other).state == "differs"
    few = shutil.copytree(results, tmp_path / "few")
    again(few, "svm-rhythm", 1 / len(records.find(few)[0].arrays()[0]))
    row = row_of(results, few)
    assert row.state == "agrees"
    assert row.method == "1 fold"


def test_what_only_one_folder_has_is_named(results, other):
    train(results, "svm-timbre", folds=[0])
    train(other, "majority", folds=[2])
    table = agreement.compare(results, other)
    rows = table.set_index("network")
    assert rows["state"]["svm-timbre"] == "only in A"
    assert np.isfinite(rows["a"]["svm-timbre"])
    assert np.isnan(rows["b"]["svm-timbre"])
    assert rows.loc["majority", ["state", "lone"]].tolist() == ["identical", 1]
    said = agreement.text(table)
    assert "2 (+1 alone)" in said
    assert "2 identical, 1 only in A" in said


def test_other_settings_are_refused_by_name(results, tmp_path):
    other = tmp_path / "other"
    train(other, "majority", seed="7")
    with pytest.raises(BnetError, match=r"different settings \(.*seed 0 and 7"):
        agreement.compare(results, other)
    train(results, "majority", seed="7")
    with pytest.raises(BnetError, match=r"two records of .* claim fold 0 of majority"):
        agreement.compare(results, other)


def test_bad_folders_are_refused(results, other, tmp_path):
    with pytest.raises(BnetError, match=r"no folder .*nowhere; expected one of records"):
        agreement.compare(results, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BnetError, match=r"no records in .*empty"):
        agreement.compare(results, tmp_path / "empty")
    with pytest.raises(BnetError, match="no records with profile paper in"):
        agreement.compare(results, other, profile="paper")
    train(tmp_path / "third", "svm-timbre")
    with pytest.raises(BnetError, match="no run in common: 4 runs of tones grouped custom against 2 runs"):
        agreement.compare(results, tmp_path / "third")


def test_the_command_prints_text_json_and_csv(results, other):
    def bnet(*words: str):
        return CliRunner().invoke(cli.app, ["compare", str(results), str(other), *words], catch_exceptions=False)

    done = bnet()
    assert done.exit_code == 0
    assert "Table II on tones: protocol grouped, profile custom" in done.output
    assert "All: 2 identical" in done.output
    rows = json.loads(bnet("--json").stdout)
    assert [row["state"] for row in rows] == ["identical"] * 2
    assert (
        json.loads(bnet("--json", "--corpus", "tones", "--profile", "custom", "--protocol", "grouped").stdout) == rows
    )
    table = list(csv.DictReader(io.StringIO(bnet("--csv").stdout)))
    assert [row["network"] for row in table] == [row["network"] for row in rows]
    with pytest.raises(BnetError, match="choose one"):
        bnet("--json", "--csv")


def test_every_network_of_the_paper_has_its_table():
    assert agreement.PLACES["bbnn"] == "Table II"
    assert agreement.PLACES["lstm"] == "Table III"
    assert agreement.PLACES["step-2"] == "Steps"
    assert set(agreement.PLACES.values()) == set(agreement.TABLES) - {"Further networks"}


# --- the page 'Your run'


def test_the_page_of_your_run_compares_what_was_repeated_and_says_so_where_nothing_was(tmp_path):
    root = tmp_path / "checkout"
    (root / "book").mkdir(parents=True)
    shutil.copy(ROOT / "_toc.yml", root)
    shutil.copy(ROOT / "book" / "your-run.py", root / "book")
    committed = next((ROOT / "results" / "tunes").glob("majority-grouped-0-smoke-*"))
    shutil.copytree(committed, root / "results" / "tunes" / committed.name)
    page = Page("your-run", "your-run.py")
    book = Book(root, root / "results", pages=(page,))

    def shown() -> str:
        outputs = [output for cell in freshness.read(book, page)["cells"] for output in cell.get("outputs", [])]
        return "\n".join("".join(output["data"]["text/markdown"]) for output in outputs)

    build.update(book)
    assert "make reproduce" in shown()
    shutil.copytree(committed, root / "reproduced" / "tunes" / committed.name)
    assert freshness.stale(book, page) == "reproduced changed"
    build.update(book)
    assert "**1 of 1 networks and baselines agree with the book**: 1 identical" in shown()
    assert freshness.stale(book, page) == ""
    shutil.rmtree(root / "reproduced" / "tunes" / committed.name)
    build.update(book)
    assert "make reproduce" in shown()
    elsewhere = next((ROOT / "results" / "tunes-free").glob("majority-grouped-0-*"))
    shutil.copytree(elsewhere, root / "reproduced" / "tunes-free" / elsewhere.name)
    build.update(book)
    assert "cannot be compared: results and reproduced have no run in common" in shown()
    assert str(tmp_path) not in shown()
