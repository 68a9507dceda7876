"""Classify any audio file with a trained run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnet import audio, records, weights
from bnet.corpora import SR
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant
from bnet.records import Record


@dataclass(frozen=True)
class Prediction:
    """What a network says of one file.

    Parameters
    ----------
    path
        The file.
    labels
        The classes.
    starts
        Start of each window, in seconds [shape=(windows,)].
    probabilities
        Class probabilities of each window [shape=(windows, classes)].
    """

    path: str
    labels: list[str]
    starts: np.ndarray
    probabilities: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Probabilities averaged over the windows [shape=(classes,)]."""
        return self.probabilities.mean(axis=0)

    @property
    def label(self) -> str:
        """The class with the highest average probability."""
        return self.labels[int(self.mean.argmax())]


def find_run(results: Path, name: str | None = None) -> Record:
    """The record of a run with weights: by name, folder or beginning of its name; without a name, the best trained here
    by validation accuracy, or the shipped one. The shipped networks (`bnet.weights`) are ``shipped/<network>``.

    Raises
    ------
    BnetError
        If there is none, several match, or the weights were not kept; says how to train one.
    """
    if name and name.startswith("shipped/"):
        return weights.shipped_run(name.removeprefix("shipped/"))
    if name and (Path(name) / "run.json").is_file():
        found = [records.read(Path(name).resolve())]
    else:
        found = [records.read(folder) for folder in records.folders(results)]
        found = [
            r for r in found if not name or r.name.startswith(name) or f"{r.config.corpus}/{r.name}".startswith(name)
        ]
    networks = [record for record in found if record.config.variant in VARIANTS or record.config.architecture]
    usable = [record for record in networks if record.weights]
    train = "train one with `bnet train --corpus tunes --variant proposed --profile smoke`"
    if not usable and not name:
        return weights.shipped_run()
    if not usable and networks:
        raise BnetError(f"no weights beside the record {networks[0].name} (weights are not committed); {train}")
    if not usable:
        raise BnetError(f"no trained network{f' named {name!r}' if name else ''} below {results}; {train}")
    if name and len(usable) > 1 and name not in {record.name for record in usable}:
        raise BnetError(
            f"{name!r} fits {len(usable)} runs: {', '.join(r.name for r in usable[:5])}; give a longer name"
        )
    return max(usable, key=_validation)


def load_network(record: Record):
    """The Keras network of a run, for clips of any length.

    Raises
    ------
    BnetError
        If the weights do not fit the network and the classes of the record.
    """
    from bnet import backend

    backend.prepare()
    from bnet.models.builder import build

    row = json.loads(record.config.architecture)
    row["branches"] = tuple(row["branches"])
    model = build(Variant(name=record.config.variant, title="", **row), len(record.labels))
    if record.weights is None:
        raise BnetError(f"the run {record.name} has no weights; train it again with `bnet train`")
    try:
        if record.weights.name == records.PLAIN_WEIGHTS:
            weights.load(model, record.weights)
        else:
            model.load_weights(record.weights)
    except (ValueError, OSError, KeyError) as error:
        raise BnetError(
            f"{record.weights} does not hold weights of {record.config.variant} for {len(record.labels)} classes "
            f"({str(error).splitlines()[0]}); move the file away and train the run again"
        ) from error
    return model


def predict_file(model, record: Record, path: str | Path, hop: float = 1.0) -> Prediction:
    """Classify a file by windows of the network's clip length, `hop` seconds apart; a shorter file is padded.

    Raises
    ------
    BnetError
        If the file is not usable sound (see `bnet.audio.load`), or `hop` is not positive.
    """
    if not hop > 0:
        raise BnetError(f"the hop between windows is {hop} s; expected more than 0")
    from bnet.training import predict

    seconds = record.config.clip_seconds
    y = audio.load(path)
    starts = np.arange(0.0, max(len(y) / SR - seconds, 0) + 1e-9, hop)
    windows = (audio.fit(y[round(start * SR) :], seconds) for start in starts)
    batch: list[np.ndarray] = []
    rows = []
    for window in windows:
        batch.append(audio.log_mel(window))
        if len(batch) == 16:
            rows.append(predict(model, np.stack(batch)))
            batch = []
    if batch:
        rows.append(predict(model, np.stack(batch)))
    return Prediction(str(path), record.labels, starts, np.concatenate(rows))


def _validation(record: Record) -> float:
    from bnet.evaluation import accuracy

    _, truth, probabilities = record.arrays("validation")
    return accuracy(truth, probabilities)
