"""A trained network as the page knows it: a description, and ONNX."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import librosa

from bnet.corpora import get_corpus
from bnet.deploy.weights import GENRES, SHIPPED
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs.records import Record
from bnet.statistics.metrics import accuracy, confusion


def describe(record: Record) -> dict[str, Any]:
    """What the page tells of a network: all from its record.

    Returns
    -------
    dict
        ``id, title, run, corpus, corpus_title, profile, protocol, commit, seconds`` and ``frames`` (of a window),
        ``features`` (its front end), ``frame_rate``, ``hertz`` (the middles of the bands), ``labels``, and of its test
        tracks their number ``tested``, the ``accuracy`` and the ``confusion`` matrix of counts (true class by
        row).
    """
    _, truth, probabilities = record.arrays("test")
    config, front_end = record.config, record.front_end
    edges = librosa.mel_frequencies(front_end.n_mels + 2, fmin=front_end.fmin, fmax=front_end.fmax)
    variant = VARIANTS.get(config.variant)
    name = record.folder.parent.name if record.folder.is_relative_to(SHIPPED) else config.variant
    return {
        "id": name,
        "title": "Genres" if name == GENRES else variant.title if variant else config.variant,
        "run": record.name,
        "corpus": config.corpus,
        "corpus_title": _title(config.corpus),
        "profile": config.profile,
        "protocol": config.protocol,
        "commit": record.run["made"].get("commit") or "",
        "seconds": config.training.clip_seconds,
        "frames": front_end.frames(config.training.clip_seconds),
        "features": asdict(front_end),
        "frame_rate": front_end.frame_rate,
        "hertz": [round(f) for f in edges[1:-1]],
        "labels": record.labels,
        "tested": len(truth),
        "accuracy": round(float(accuracy(truth, probabilities)), 4),
        "confusion": confusion(truth, probabilities).tolist(),
    }


def _title(corpus: str) -> str:
    try:
        return get_corpus(corpus).title
    except BnetError:  # somebody's own, not declared here
        return corpus


def to_onnx(model: Any) -> bytes:
    """A Keras network as ONNX: log-mels of any length in, class probabilities out.

    Raises
    ------
    BnetError
        If a package that it takes is missing.
    """
    import keras

    signature = [keras.InputSpec(shape=(None, None, model.input_shape[2], 1), dtype="float32", name="log_mel")]
    with tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        path = Path(folder, "network.onnx")
        try:
            model.export(str(path), format="onnx", verbose=False, input_signature=signature)
        except ImportError as error:
            raise BnetError(
                f"cannot write ONNX: {error}; install what is missing: pip install tf2onnx==1.17.0 onnx==1.23.2"
            ) from error
        return path.read_bytes()
