"""The command line as a user meets it: answers, JSON, one message and status 2 for what can't be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bnet import cli
from bnet.corpora.store import FeatureStore
from bnet.deploy.networks import find_run
from bnet.deploy.predict import Classifier, predict_files
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant
from bnet.runs import jobs, records
from bnet.runs.weights import load_network
from bnet.training.config import get_profile

TINY = Variant("tiny", "Tiny", ("norm conv1x1", "pool3x3 norm conv1x1"), 1, filters=4)


def bnet(*words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the real program."""
    return subprocess.run(
        [sys.executable, "-m", "bnet", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def trained(tones, monkeypatch, tmp_path):
    """A tiny network, trained on the miniature corpus."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
    profile = get_profile("smoke", {"clip_seconds": "1", "epochs": "2", "groups": "3"})
    job = jobs.jobs("tones", ["tiny"], "grouped", profile, [0])[0]
    return jobs.run(job, tmp_path / "results", lambda text: None)


@pytest.fixture
def sound(tmp_path):
    """A good file of 2.5 s."""
    path = tmp_path / "good.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(55_125) * 0.1), 22_050)
    return path


@pytest.mark.parametrize(
    "command", ["", "corpora", "features", "train", "evaluate", "predict", "summary", "draw", "plan", "pages", "doctor"]
)
def test_every_command_has_help(command):
    done = CliRunner().invoke(cli.app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["corpora", "show", "tunse"], "unknown corpus 'tunse' (did you mean 'tunes'?)"),
        (["train", "-v", "propsed", "--plan"], "unknown network 'propsed' (did you mean 'proposed'?)"),
        (["train", "--protocol", "groupd", "--plan"], "unknown protocol 'groupd' (did you mean 'grouped'?)"),
        (["train", "--profile", "lap", "--plan"], "unknown profile 'lap'"),
        (["train", "--set", "epochs", "--plan"], "--set takes KEY=VALUE; got 'epochs'"),
        (["train", "--fold", "7", "--plan"], "fold 7 is out of range; protocol 'grouped' has folds 0 to 4"),
        (["summary", "bnn"], "unknown network 'bnn' (did you mean 'bbnn'?)"),
        (["pages", "convert", "nopage", "-o", "x.ipynb"], "unknown page 'nopage'"),
        (["evaluate", "--profile", "smoke"], "no records of tunes"),
        (["predict", "x.wav"], "no file x.wav"),
    ],
)
def test_wrong_words_give_one_message_and_status_2(words, message):
    done = bnet(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_records_are_tabulated_without_their_corpus(tmp_path):
    own = str(Path(__file__).parents[1] / "results")
    done = bnet("evaluate", "--corpus", "gtzan-images", "--results", own, BNET_DATA=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "gtzan-images is not here (--data DIR)" in done.stderr
    assert "proposed" in done.stdout


def test_unknown_option_and_bad_number():
    for words in (["train", "--colour", "red"], ["train", "--fold", "first"], ["features", "--jobs", "many"]):
        done = bnet(*words)
        assert done.returncode == 2
        assert words[1] in done.stderr
        assert "Traceback" not in done.stderr


def test_no_worker_is_refused():
    done = bnet("features", "--jobs", "0")
    assert done.returncode == 2
    assert "0 worker processes; expected 1 or more" in done.stderr
    assert "Traceback" not in done.stderr


def test_plan_lists_runs_and_writes_nothing(tmp_path):
    done = bnet("train", "-v", "baselines,bbnn", "--fold", "0", "--plan", BNET_RESULTS=str(tmp_path / "r"))
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["to", "do"]] * 4
    assert not (tmp_path / "r").exists()


def test_unwritable_cache_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    done = bnet("features", BNET_CACHE=str(tmp_path / "file" / "cache"))
    assert done.returncode == 2
    assert "cannot write to the cache folder" in done.stderr
    assert "BNET_CACHE" in done.stderr
    assert "Traceback" not in done.stderr


def test_summary_of_all_as_json():
    done = bnet("summary", "--json")
    assert {row["variant"]: row["total"] for row in json.loads(done.stdout)}["bbnn"] == 190_826


def test_predict_gives_probabilities_over_windows(trained, sound, monkeypatch):
    record = find_run(trained.folder.parents[1], trained.name)
    assert record.name == trained.name
    (answer,) = predict_files(Classifier(record), [sound], hop=0.5)
    assert answer.starts.tolist() == [0, 0.5, 1, 1.5]
    assert answer.probabilities.shape == (4, 3)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)
    assert answer.label in record.labels


def test_predict_names_a_bad_file_and_does_the_others(trained, sound, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    done = CliRunner().invoke(cli.app, ["predict", str(tmp_path / "empty.wav"), str(sound), "--json"])
    assert done.exit_code == 2
    answer = json.loads(done.stdout)
    assert [file["path"] for file in answer["files"]] == [str(sound)]
    assert "empty.wav" in done.stderr


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated", "silent", "short"])
def test_unusable_sound_is_refused(kind, trained, sound, tmp_path):
    path = tmp_path / f"{kind}.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is no sound " * 100)
    elif kind == "truncated":
        path.write_bytes(sound.read_bytes()[:30_000])
    elif kind == "silent":
        soundfile.write(path, np.zeros(44_100), 22_050)
    elif kind == "short":
        soundfile.write(path, 0.3 * np.sin(np.arange(2_205) * 0.1), 22_050)
    done = CliRunner().invoke(cli.app, ["predict", str(path)])
    assert done.exit_code == 2
    assert path.name in done.stderr
    assert "Traceback" not in done.output + done.stderr


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(22_050, 2, "PCM_16"), (8_000, 1, "PCM_16"), (96_000, 1, "PCM_24"), (44_100, 2, "FLOAT"), (48_000, 1, "DOUBLE")],
)
def test_other_rates_channels_and_widths_work(rate, channels, subtype, trained, tmp_path):
    y = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    soundfile.write(tmp_path / "x.wav", np.stack([y] * channels, axis=1), rate, subtype)
    done = CliRunner().invoke(cli.app, ["predict", str(tmp_path / "x.wav"), "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["files"]) == 1


def test_weights_for_other_classes_are_refused(trained):
    from bnet.models import build

    build(TINY, 5).save_weights(trained.folder / records.WEIGHTS)
    with pytest.raises(BnetError, match="does not hold weights of tiny for 3 classes"):
        load_network(find_run(trained.folder.parents[1], trained.name))


def test_record_without_weights_says_how_to_get_them(trained):
    (trained.folder / records.WEIGHTS).unlink()
    with pytest.raises(BnetError, match=r"no weights beside the record .*bnet train"):
        find_run(trained.folder.parents[1], trained.name)
    with pytest.raises(BnetError, match=r"no trained network named 'lstm'"):
        find_run(trained.folder.parents[1], "lstm")


def test_doctor_tells_what_works():
    done = bnet("doctor", "--json")
    findings = {finding["what"]: finding["ok"] for finding in json.loads(done.stdout)}
    assert findings["Python"]
    assert findings["Keras backend"]
    assert findings["audio files"]
