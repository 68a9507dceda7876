"""Runs and records: done once, whole or not at all, the same after a kill, damage named and set aside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bnet.audit import tables
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant
from bnet.runs import jobs, records
from bnet.sound.log_mel import FeatureSettings
from bnet.training import baselines
from bnet.training.baselines import BASELINES
from bnet.training.config import get_profile
from bnet.training.parts import Part

TINY = Variant("tiny", "Tiny", ("norm conv1x1", "pool3x3 norm conv1x1"), 1, filters=4)
SETTINGS = {"clip_seconds": "1", "epochs": "2", "groups": "3", "batch_size": "8"}
PROFILE = get_profile("smoke", SETTINGS)


@pytest.fixture
def results(tmp_path) -> Path:
    """A results folder of the test's own."""
    return tmp_path / "results"


@pytest.fixture
def ready(tones, monkeypatch):
    """The miniature corpus with its features extracted, and a tiny network in the table."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    return tones


def job(variant: str, fold: int = 0):
    return jobs.jobs("tones", [variant], "grouped", PROFILE, [fold])[0]


def quiet(text: str) -> None:
    pass


def test_record_holds_what_decides_the_result(ready, results):
    record = jobs.run(job("tiny"), results, quiet)
    assert record.run["config"]["corpus_source"] == "tones 1"
    assert json.loads(record.run["config"]["architecture"])["filters"] == 4
    assert list(record.history["epoch"]) == [1, 2]
    sizes = record.run["data"]["tracks"]
    assert sum(sizes.values()) == 48
    assert record.predictions["part"].value_counts().to_dict() == {k: v for k, v in sizes.items() if k != "train"}
    np.testing.assert_allclose(record.predictions[record.labels].sum(axis=1), 1, atol=1e-4)
    made = record.run["made"]
    assert made["device"]["kind"] in ("CPU", "GPU")
    assert made["wall_s"] > 0
    assert made["execution"]["device"] == made["device"]["kind"]
    assert made["execution"]["precision"] == "float32"
    assert "step" not in record.run["notes"]
    assert {"keras", "numpy"} <= set(made["versions"])


def test_same_command_again_does_nothing(ready, results):
    first = jobs.run(job("majority"), results, quiet)
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert jobs.run(job("majority"), results, quiet).run == first.run
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before


def test_baselines_learn_and_majority_does_not(ready, results):
    found = [jobs.run(job(name), results, quiet) for name in ("majority", "svm-rhythm")]
    accuracy = tables.scores(found).set_index("variant")["accuracy"]
    assert accuracy["majority"] == pytest.approx(1 / 3, abs=0.1)
    assert accuracy["svm-rhythm"] > 0.6


KILLED = """
    import sys
    sys.path.insert(0, {tests!r})
    from conftest import Tones
    from test_runs import TINY, job
    from pathlib import Path
    from bnet import corpora
    from bnet.runs import jobs
    from bnet.models import VARIANTS
    corpora.CORPORA["tones"] = Tones()
    VARIANTS["tiny"] = TINY
    jobs.run(job("tiny"), Path({results!r}))
"""


def test_run_killed_in_training_gives_the_same_record_when_run_again(ready, results):
    """Kills while it writes are those of `tests/test_crashes.py`."""
    killed = results / "killed"
    script = textwrap.dedent(KILLED.format(tests=os.path.dirname(__file__), results=str(killed)))
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    assert any("epoch 1/2" in line for line in process.stderr)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(records.folders(killed)) == []
    again = jobs.run(job("tiny"), killed, quiet)
    assert again.identity() == jobs.run(job("tiny"), results / "whole", quiet).identity()
    assert [path.name for path in again.folder.parent.iterdir() if path.is_dir()] == [again.name]


def test_damaged_records_are_named_set_aside_and_made_anew(ready, results):
    first = jobs.run(job("majority"), results, quiet)
    folder, identity = first.folder, first.identity()
    for damage in ("predictions.csv", "run.json", "format", "commit", "missing"):
        run = json.loads((folder / "run.json").read_text())
        if damage == "missing":
            (folder / "predictions.csv").unlink()
        elif damage == "format":
            (folder / "run.json").write_text(json.dumps({**run, "format": 99}))
        elif damage == "commit":  # a number changed by hand
            run["made"]["commit"] = "0" * 40
            (folder / "run.json").write_text(json.dumps(run))
        else:
            text = (folder / damage).read_text()
            (folder / damage).write_text(text[: len(text) // 2])
        why = {"commit": "does not match its own checksum", "format": "it has format 99"}.get(damage, "")
        with pytest.raises(records.DamagedRecord, match=f"{first.name} is damaged.*{why}"):
            records.find(results)
        said: list[str] = []
        assert jobs.run(job("majority"), results, said.append).identity() == identity
        assert "set aside as" in said[0]
    assert len(list(folder.parent.glob("*.damaged-*"))) == 5
    assert [record.name for record in records.find(results)] == [first.name]


def test_second_process_waits_for_the_first(ready, results):
    folder = job("majority").folder(results)
    folder.parent.mkdir(parents=True)
    script = (
        "import filelock, time, sys\n"
        f"with filelock.FileLock({str(folder.parent / f'.{folder.name}.lock')!r}):\n"
        "    print('locked', flush=True)\n    time.sleep(1.5)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    said: list[str] = []
    assert jobs.run(job("majority"), results, said.append).name == folder.name
    assert process.wait() == 0
    assert "another process is doing the run" in said[0]


def test_lost_tracks_are_named_and_left_out(tones, results):
    lost = tones.tracks()[5].track_id
    tones.broken = (lost,)
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    record = jobs.run(job("majority"), results, quiet)
    assert list(record.run["data"]["lost"]) == [lost]
    assert sum(record.run["data"]["tracks"].values()) == 47


def test_missing_features_are_refused(tones, results):
    with pytest.raises(BnetError, match="bnet features --corpus tones"):
        jobs.run(job("majority"), results, quiet)
    assert list(records.folders(results)) == []


def test_unknown_network_is_refused(tones):
    with pytest.raises(BnetError, match=r"unknown network 'propose' \(did you mean 'proposed'\?\)"):
        job("propose")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_unwritable_results_are_refused(ready, results):
    (results / "locked").mkdir(mode=0o500)
    with pytest.raises(BnetError, match="BNET_RESULTS"):
        jobs.run(job("majority"), results / "locked", quiet)


def test_full_disk_leaves_no_record(ready, results, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BnetError, match="No space left on device"):
        jobs.run(job("majority"), results, quiet)
    monkeypatch.undo()
    assert list(records.folders(results)) == []
    assert [path.name for path in (results / "tones").iterdir() if path.is_dir()] == []


def test_summary_counts_runs_and_keeps_profiles_apart(ready, results):
    found = [jobs.run(job("svm-timbre", fold), results, quiet) for fold in range(3)]
    table = tables.summary(found, {track.track_id: track.group for track in ready.tracks()})
    assert table[["variant", "runs", "clips"]].values.tolist() == [["svm-timbre", 3, 48]]
    row = table.iloc[0]
    assert row["low"] <= row["accuracy"] <= row["high"]


def test_features_of_a_baseline_are_made_piece_by_piece_and_the_same(monkeypatch):
    asked = []
    labels, front_end = np.arange(30) % 3, FeatureSettings()
    features = np.random.default_rng(0).uniform(-80, 0, (30, 22, 128)).astype("float32")
    parts = [Part(features, np.arange(*edges), labels[slice(*edges)]) for edges in ((0, 16), (16, 23), (23, 30))]
    timbre = lambda log_mels, front_end: (asked.append(len(log_mels)), baselines.timbre(log_mels, front_end))[1]  # noqa: E731
    monkeypatch.setitem(BASELINES, "svm-timbre", ("", timbre))
    whole = baselines.fit("svm-timbre", *parts, 3, front_end)
    monkeypatch.setattr(baselines, "PIECE", 5)
    pieces = baselines.fit("svm-timbre", *parts, 3, front_end)
    assert asked == [16, 7, 7, 5, 5, 5, 1, 5, 2, 5, 2]
    assert np.array_equal(whole.test, pieces.test)


NAMES = (
    "NA", "null", "nan", "None", "N/A", "1e3", "-1", "01", "True", "label", "part", "track_id", "value", "predicted",
    "class label", "class class label", " ", "a,b", 'a "b"', "a\nb", "a\rb", "#", "é", "漢", "$x^2$", "inf", "epoch",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_records_of_any_classes_round_trip(seed, tones, tmp_path):
    """Folders may be called anything: what is written comes back to the letter and to six digits."""
    rng = np.random.default_rng(seed)
    labels = [str(name) for name in rng.permutation(NAMES)[: rng.integers(2, len(NAMES))]]
    config = job("majority").config
    probabilities = np.round(rng.dirichlet(np.ones(len(labels)), 12), 6)
    truth = rng.integers(0, len(labels), 12)
    ids = [f"{labels[i]}__{k}" for k, i in enumerate(truth)]
    table = pd.DataFrame({"part": ["validation", "test"] * 6, "track_id": ids, "label": [labels[i] for i in truth]})
    columns = records.class_columns(labels)
    assert len({*columns, *table.columns}) == len(labels) + 3
    table = pd.concat([table, pd.DataFrame(probabilities, columns=columns)], axis=1)
    folder = tmp_path / config.corpus / config.run_name
    record = records.write(folder, config, labels, table, pd.DataFrame(), data={}, notes={}, made={})
    assert record.labels == labels
    pd.testing.assert_frame_equal(record.predictions, table, check_exact=True)
    for part, start in (("validation", 0), ("test", 1)):
        back, true, numbers = record.arrays(part)
        assert back == ids[start::2]
        np.testing.assert_array_equal(true, truth[start::2])
        np.testing.assert_array_equal(numbers, probabilities[start::2])
