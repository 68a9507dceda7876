"""A trained network in other forms: ONNX, and LiteRT (once TensorFlow Lite) in float32 or in integers of 8 bits.

All take log-mels [shape=(batch, frames, 128, 1)] of any length (LiteRT: resize the input, then allocate) and give class
probabilities [shape=(batch, classes)]. In integers everything is an int8, input and output included; the scale and zero
point of either stand in the file.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import bnet
from bnet import backend
from bnet.corpora import draw, get_corpus
from bnet.errors import BnetError, quiet
from bnet.paths import cache_dir, sha256, sha256_file, write_bytes
from bnet.runs import jobs
from bnet.runs.records import Record
from bnet.runs.weights import load_network
from bnet.statistics.metrics import accuracy

CLIPS = 100
"""Clips that ranges of values are measured on, and at most as many on which the integers are then tried."""


def to_keras(model: Any) -> bytes:
    """A Keras network as the file that `keras.saving.load_model` reads."""
    with tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        path = Path(folder, "network.keras")
        model.save(path)
        return path.read_bytes()


def to_onnx(model: Any) -> bytes:
    """A Keras network, as `bnet.runs.weights.load_network` gives it for clips of any length, as ONNX.

    Raises
    ------
    BnetError
        If the backend is not TensorFlow, or a package that it takes is missing.
    """
    _on_tensorflow("ONNX")
    try:
        return _exported(model, "onnx")
    except ImportError as error:
        raise BnetError(
            f"cannot write ONNX: {error}; install what is missing: pip install tf2onnx==1.17.0 onnx==1.23.2"
        ) from error


def onnx_of(record: Record) -> bytes:
    """The network of a run as ONNX: made once, then read from the cache, without TensorFlow."""
    if record.weights is None:
        return to_onnx(load_network(record))
    made_of = [record.config.to_json(), sha256_file(record.weights), bnet.__version__, version("keras")]
    path = cache_dir() / "onnx" / f"{sha256(' '.join(made_of))}.onnx"
    with contextlib.suppress(OSError):
        return path.read_bytes()
    content = to_onnx(load_network(record))
    with contextlib.suppress(BnetError):  # a cache that can't be written to is none
        write_bytes(path, content)
    return content


def to_litert(model: Any, clips: np.ndarray | None = None) -> bytes:
    """As `to_onnx`, as LiteRT.

    Parameters
    ----------
    clips
        None: numbers stay float32. Log-mels in dB [shape=(n, frames, n_mels)], which the network should meet in use:
        weights and maps become int8, with the ranges seen on them (full-integer quantisation after training).

    Raises
    ------
    BnetError
        If the backend is not TensorFlow, or LiteRT lacks an operation of a layer; names the layer.
    """
    _on_tensorflow("LiteRT")
    import tensorflow as tf

    settings: dict[str, Any] = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if clips is not None:
        settings = {
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([clip[None, ..., None].astype("float32")] for clip in clips),
            "inference_input_type": tf.int8,
            "inference_output_type": tf.int8,
        }
    try:
        with quiet():
            return _exported(model, "litert", **settings)
    except Exception as error:  # the converter's own has no public name
        raise _refused(model, error) from error


def _on_tensorflow(form: str) -> None:
    if backend.name() != "tensorflow":
        raise BnetError(f"{form} is written by the backend tensorflow; this is {backend.name()}; unset KERAS_BACKEND")


def _exported(model: Any, form: str, **settings: Any) -> bytes:
    import keras

    signature = [keras.InputSpec(shape=(None, None, model.input_shape[2], 1), dtype="float32", name="log_mel")]
    with tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        path = Path(folder, "network.tflite" if form == "litert" else f"network.{form}")
        model.export(str(path), format=form, verbose=False, input_signature=signature, **settings)
        return path.read_bytes()


class LiteNetwork:
    """A LiteRT file that answers on one thread, given as bytes; a `BnetError` if ai-edge-litert is missing."""

    def __init__(self, content: bytes):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise BnetError(f"cannot run LiteRT: {error}; pip install ai-edge-litert==2.3.0") from error
        with quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._shape: tuple[int, ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities [shape=(batch, classes)] of log-mels in dB [shape=(batch, frames, n_mels, 1)]."""
        lite = self._interpreter
        given, got = lite.get_input_details()[0], lite.get_output_details()[0]
        if x.shape != self._shape:
            lite.resize_tensor_input(given["index"], x.shape)
            with quiet():
                lite.allocate_tensors()
            self._shape = x.shape
        (scale, zero), (out_scale, out_zero) = given["quantization"], got["quantization"]
        lite.set_tensor(given["index"], np.clip(np.round(x / scale + zero), -128, 127).astype("int8") if scale else x)
        lite.invoke()
        y = lite.get_tensor(got["index"])
        return (y.astype("float32") - out_zero) * np.float32(out_scale) if out_scale else y


def training_clips(record: Record, most: int = CLIPS) -> np.ndarray:
    """Log-mels [shape=(n, frames, n_mels)] of clips that a run was trained on, drawn from its corpus by their ids.

    Raises
    ------
    BnetError
        If the corpus is not there, or none of its clips can be used.
    """
    config, held = record.config, set(record.predictions["track_id"])
    tracks = jobs.selected(get_corpus(config.corpus), config.training, [config.exclude])
    return _log_mels(record, [track.track_id for track in tracks if track.track_id not in held], most)[1]


def agreement(record: Record, part: str, content: bytes, most: int | None = CLIPS) -> dict[str, float]:
    """How a LiteRT file does on a run's validation or test clips beside the recorded network.

    Returns
    -------
    dict
        ``clips``, ``accuracy`` and ``recorded`` (the network's own, both from 0 to 1), ``same`` (share of clips given
        the same class) and ``largest`` (difference of a probability), over at most `most` clips.
    """
    ids, truth, probabilities = record.arrays(part)
    kept, clips = _log_mels(record, ids, most or len(ids))
    rows = [ids.index(track_id) for track_id in kept]
    network = LiteNetwork(content)
    found = np.concatenate([network(clip[None, ..., None]) for clip in clips])
    truth, wanted = truth[rows], probabilities[rows]
    return {
        "clips": len(rows),
        "accuracy": float(accuracy(truth, found)),
        "recorded": float(accuracy(truth, wanted)),
        "same": float(np.mean(found.argmax(axis=1) == wanted.argmax(axis=1))),
        "largest": float(np.abs(found - wanted).max()),
    }


def _log_mels(record: Record, ids: list[str], most: int) -> tuple[list[str], np.ndarray]:
    """Ids of at most `most` clips, drawn by their ids, and their log-mels; those without features are left out."""
    corpus = get_corpus(record.config.corpus)
    wanted = set(sorted(ids, key=lambda track_id: draw(track_id, "litert"))[:most])
    tracks = [track for track in corpus.tracks() if track.track_id in wanted]
    if not tracks:
        raise BnetError(f"none of the clips of {record.name} is in the corpus {corpus.name} here; see `bnet corpora`")
    record.check_front_end(corpus.front_end)
    store = jobs.extract(corpus, tracks, record.config.training.clip_seconds)
    kept = sorted(wanted & store.available)
    return kept, store.rows(kept)


def _refused(model: Any, error: Exception) -> BnetError:
    """The converter's words, which name operations by their place (``layer_1/...``), as one that names a layer."""
    text = str(error)
    names = sorted((layer.name for layer in model.layers if re.search(rf"\b{layer.name}(_\d+)?/", text)), key=len)
    operations = ", ".join(dict.fromkeys(re.findall(r"'tf\.(\w+)' op", text)))
    if not names:
        return BnetError(
            f"LiteRT refuses the network {model.name}: {text.strip().splitlines()[0]}; take `--format onnx`"
        )
    kind = type(model.get_layer(names[-1])).__name__
    return BnetError(
        f"LiteRT can't hold the layer {names[-1]} ({kind}) of the network {model.name.replace('_', '-')}: it has no "
        f"{operations or 'such operation'} for clips of any length; take `--format onnx`, or a network without it"
    )
