"""A trained network in other forms."""

import numpy as np
import pytest
from typer.testing import CliRunner

from bnet import cli
from bnet.errors import BnetError
from bnet.predict import load_network
from bnet.weights import shipped_run


def export(*words):
    return CliRunner().invoke(cli.app, ["export", *map(str, words)])


def test_keras_file_answers_as_the_network(tmp_path):
    import keras

    done = export("shipped/proposed", "--format", "keras", "-o", tmp_path / "n.keras")
    assert done.exit_code == 0, done.stderr
    x = np.random.default_rng(0).uniform(-80, 0, (2, 216, 128, 1)).astype("float32")
    other = keras.saving.load_model(tmp_path / "n.keras").predict_on_batch(x)
    np.testing.assert_allclose(other, load_network(shipped_run()).predict_on_batch(x), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["n.keras"]


def test_onnx_file_takes_clips_of_any_length(tmp_path):
    onnx = pytest.importorskip("onnx")
    done = export("shipped/bbnn", "--format", "onnx", "-o", tmp_path / "n.onnx")
    assert done.exit_code == 0, done.stderr
    graph = onnx.load(tmp_path / "n.onnx").graph
    dims = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    assert dims == [0, 0, 128, 1]


def test_web_page_is_a_folder_of_its_own(tmp_path):
    pytest.importorskip("tf2onnx")
    done = export("shipped/proposed", "--format", "web", "-o", tmp_path / "page")
    assert done.exit_code == 0, done.stderr
    names = {path.name for path in (tmp_path / "page" / "listen").iterdir()}
    assert {"engine.mjs", "network-proposed.mjs", "listen.mjs"} <= names
    text = (tmp_path / "page" / "index.html").read_text()
    assert shipped_run().name in text
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
