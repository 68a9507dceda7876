"""A trained network in other forms."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import tones_made
from typer.testing import CliRunner

from bnet import cli
from bnet.deploy import export as forms
from bnet.deploy.networks import shipped_run
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant, build
from bnet.runs import jobs, records
from bnet.runs.weights import load_network
from bnet.training.config import get_profile

TINY = Variant("tiny", "Tiny", ("norm conv1x1", "pool3x3 norm conv1x1"), 1, filters=4)


def noise(*shape):
    return np.random.default_rng(0).uniform(-80, 0, shape).astype("float32")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny network, trained on the miniature corpus for a second."""
    profile = get_profile("smoke", {"clip_seconds": "1", "epochs": "3", "groups": "3"})
    with tones_made(tmp_path_factory.mktemp("made")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(VARIANTS, "tiny", TINY)
        (job,) = jobs.jobs("tones", ["tiny"], "grouped", profile, [0])
        jobs.run(job, folder / "results", lambda text: None)
    return folder


@pytest.fixture
def trained(tones, made, monkeypatch, tmp_path):
    """A copy of it that a test may change."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    (record,) = records.find(shutil.copytree(made, tmp_path, dirs_exist_ok=True) / "results")
    return record


def export(*words):
    return CliRunner().invoke(cli.app, ["export", *map(str, words)])


def test_keras_file_answers_as_the_network(tmp_path):
    import keras

    done = export("shipped/proposed", "--format", "keras", "-o", tmp_path / "n.keras")
    assert done.exit_code == 0, done.stderr
    x = noise(2, 216, 128, 1)
    other = keras.saving.load_model(tmp_path / "n.keras").predict_on_batch(x)
    np.testing.assert_allclose(other, load_network(shipped_run("proposed")).predict_on_batch(x), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["n.keras"]


def test_onnx_file_answers_as_the_network_to_clips_of_any_length(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    done = export("shipped/proposed", "--format", "onnx", "-o", tmp_path / "n.onnx")
    assert done.exit_code == 0, done.stderr
    model = load_network(shipped_run("proposed"))
    session = onnxruntime.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape[2:] == [128, 1]
    for shape in ((1, 216, 128, 1), (2, 300, 128, 1)):
        (found,) = session.run(None, {session.get_inputs()[0].name: noise(*shape)})
        np.testing.assert_allclose(found, model.predict_on_batch(noise(*shape)), atol=1e-4)


def test_onnx_of_a_run_is_made_once(tmp_path, monkeypatch):
    made = []
    monkeypatch.setenv("BNET_CACHE", str(tmp_path))
    monkeypatch.setattr(forms, "load_network", lambda record: record)
    monkeypatch.setattr(forms, "to_onnx", lambda record: made.append(record.name) or b"onnx")
    runs = [shipped_run(name) for name in ("proposed", "bbnn", "proposed")]
    assert [forms.onnx_of(run) for run in runs] == [b"onnx"] * 3
    assert made == [run.name for run in runs[:2]]


def test_litert_answers_as_the_network_at_any_length(tmp_path):
    done = export("shipped/proposed", "--format", "litert", "-o", tmp_path / "n.tflite")
    assert done.exit_code == 0, done.stderr
    network, model = forms.LiteNetwork((tmp_path / "n.tflite").read_bytes()), load_network(shipped_run("proposed"))
    for shape in ((1, 216, 128, 1), (3, 100, 128, 1), (1, 216, 128, 1)):
        np.testing.assert_allclose(network(noise(*shape)), model.predict_on_batch(noise(*shape)), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["n.tflite"]


def test_integers_are_calibrated_on_training_clips_and_their_loss_is_said(trained, tmp_path):
    target = tmp_path / "n.tflite"
    done = export(trained.name, "--format", "litert-int8", "-o", target, "--results", tmp_path / "results")
    assert done.exit_code == 0, done.stderr
    tracks = trained.run["data"]["tracks"]
    assert f"ranges of values from {tracks['train']} training clips of tones" in done.stderr
    assert f"on {tracks['validation']} validation clips: accuracy " in done.stderr
    content = target.read_bytes()
    network = forms.LiteNetwork(content)
    assert {network._interpreter.get_input_details()[0]["dtype"]} == {np.int8}
    found = forms.agreement(trained, "test", content, None)
    assert found["clips"] == tracks["test"]
    assert found["largest"] < 0.1
    assert found["same"] >= 0.8


def test_clips_that_calibrate_are_not_those_that_are_tested(trained, monkeypatch):
    asked = []
    monkeypatch.setattr(forms, "_log_mels", lambda record, ids, most: (ids, asked.append(ids)))
    forms.training_clips(trained)
    assert len(asked[0]) == trained.run["data"]["tracks"]["train"]
    assert not set(asked[0]) & set(trained.predictions["track_id"])


def test_a_corpus_that_is_not_there_is_one_message(trained, tones):
    tones.per_class = 0
    with pytest.raises(BnetError, match=r"none of the clips of tiny-.* is in the corpus tones here"):
        forms.training_clips(trained)


def test_a_layer_that_litert_lacks_is_named():
    with pytest.raises(
        BnetError, match=r"can't hold the layer block1_branch\d_lstm.* \(BandLSTM\) of the network lstm"
    ):
        forms.to_litert(build("lstm", 3))


def test_litert_is_tensorflows(monkeypatch):
    from bnet import backend

    monkeypatch.setattr(backend, "name", lambda: "jax")
    with pytest.raises(BnetError, match="LiteRT is written by the backend tensorflow; this is jax"):
        forms.to_litert(None)


def test_memory_of_maps_is_what_is_alive_at_a_time(monkeypatch):
    import keras

    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1] / "benchmarks")
    from inference import working_bytes

    x = keras.Input((None, 8, 1))
    y = keras.layers.Conv2D(4, 1)(x)
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1, strides=2)(y)))
    clip = 4 * 10 * 8
    assert working_bytes(forms.to_litert(model), 10) == max(clip + 4 * clip, 4 * clip + 2 * clip // 4)


def test_web_page_is_a_folder_of_its_own(tmp_path):
    pytest.importorskip("tf2onnx")
    done = export("shipped/proposed", "--format", "web", "-o", tmp_path / "page")
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in (tmp_path / "page" / "listen").iterdir()}
    assert {"engine.mjs", "network-proposed.mjs", "listen.mjs"} <= names
    text = (tmp_path / "page" / "index.html").read_text()
    assert shipped_run("proposed").name in text
    assert "{{" not in text


def test_wrong_words_are_named(tmp_path):
    (tmp_path / "there.onnx").write_text("mine")
    for words, message in (
        (("shipped/proposed", "--format", "onx", "-o", tmp_path / "x"), "unknown format 'onx' .did you mean 'onnx'"),
        (("shipped/lstm", "--format", "onnx"), "unknown shipped network 'lstm'"),
        (("shipped/bbnn", "--format", "onnx", "-o", tmp_path / "there.onnx"), "is there already"),
        (("shipped/bbnn", "--format", "onnx", "-o", tmp_path / "x.txt"), "ends with .onnx; got"),
    ):
        with pytest.raises(BnetError, match=message):
            raise export(*words).exception
    assert (tmp_path / "there.onnx").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["there.onnx"]
