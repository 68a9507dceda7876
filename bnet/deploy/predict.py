"""Classify any audio file with a trained run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from bnet.deploy import weights
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant
from bnet.runs import records
from bnet.runs.records import Record
from bnet.sound import log_mel
from bnet.sound.front_end import FrontEnd
from bnet.sound.log_mel import FeatureSettings


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
    silent
        Windows of silence, which have no vote: they are not among those above.
    """

    path: str
    labels: list[str]
    starts: np.ndarray
    probabilities: np.ndarray
    silent: int = 0

    @property
    def mean(self) -> np.ndarray:
        """Probabilities averaged over the windows [shape=(classes,)]."""
        return self.probabilities.mean(axis=0)

    @property
    def label(self) -> str:
        """The class with the highest average probability."""
        return self.labels[int(self.mean.argmax())]


def find_run(results: Path, name: str | None = None) -> Record:
    """The record of a run with weights: by name, folder or beginning of its name. The networks that come with the
    package (`bnet.deploy.weights`) are ``shipped/<name>``; without a name it is the one for genres, whatever was
    trained here: accuracies of different corpora can't be compared.

    Raises
    ------
    BnetError
        If there is none, several match, or the weights were not kept; says how to train one.
    """
    if not name:
        return weights.shipped_run()
    if name.startswith("shipped/"):
        return weights.shipped_run(name.removeprefix("shipped/"))
    if (Path(name) / "run.json").is_file():
        found = [records.read(Path(name).resolve())]
    else:
        found = [records.read(folder) for folder in records.folders(results)]
        found = [r for r in found if r.name.startswith(name) or f"{r.config.corpus}/{r.name}".startswith(name)]
    networks = [record for record in found if record.config.variant in VARIANTS or record.config.architecture]
    usable = [record for record in networks if record.weights]
    train = "train one with `bnet train --corpus tunes --variant proposed --profile smoke`"
    if not usable and networks:
        raise BnetError(f"no weights beside the record {networks[0].name} (weights are not committed); {train}")
    if not usable:
        raise BnetError(f"no trained network named {name!r} below {results}; {train}")
    exact = [record for record in usable if record.name == name]
    if len(usable) > 1 and len(exact) != 1:
        raise BnetError(
            f"{name!r} fits {len(usable)} runs: {', '.join(r.name for r in usable[:5])}; give a longer name"
        )
    return (exact or usable)[0]


def variant_of(record: Record) -> Variant:
    """The row of a run's network, as it was trained."""
    return Variant.from_architecture(record.config.variant, record.config.architecture)


def load_network(record: Record, frames: int | None = None):
    """The Keras network of a run, for clips of so many frames; None: of any length.

    Raises
    ------
    BnetError
        If the weights do not fit the network and the classes of the record.
    """
    from bnet import backend

    backend.prepare()
    from bnet.models.builder import build

    model = build(variant_of(record), len(record.labels), frames)
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


def windows(
    path: str | Path, seconds: float, hop: float = 1.0, front_end: FrontEnd | None = None
) -> Iterator[np.ndarray | None]:
    """Log-mels [shape=(frames, n_mels)] of windows of a sound file, the k-th from ``k * hop`` s on; None: a silent one.

    Windows are `seconds` long and end within the file; a shorter file gives one, lengthened by `front_end` (None:
    the paper's, which pads). Memory does not grow with the length of the file.

    Raises
    ------
    BnetError
        If `hop` is not positive, or the file is not usable sound: see `bnet.sound.log_mel.blocks`; perhaps at its end
        only. If all windows are silent.
    """
    if not 0 < hop < math.inf:
        raise BnetError(f"the hop between windows is {hop} s; expected more than 0")
    front_end = front_end or FeatureSettings()
    sr = front_end.sr
    length, held, dropped, number, voices = round(seconds * sr), np.zeros(0, np.float32), 0, 0, 0

    def fitting() -> int:
        """How many windows what was read so far has."""
        return math.ceil((max((dropped + len(held)) / sr - seconds, 0) + 1e-9) / hop)

    def heard(y: np.ndarray) -> np.ndarray | None:
        nonlocal voices
        if np.abs(y).max(initial=0.0) < log_mel.SILENCE:
            return None
        voices += 1
        return front_end(front_end.fit(y, seconds))

    for block in log_mel.blocks(path, sr=sr):
        held = np.concatenate([held, block])
        while True:
            cut = min(round(number * hop * sr) - dropped, len(held))
            held, dropped = held[cut:], dropped + cut
            if len(held) < length or number >= fitting():
                break
            yield heard(held[:length])
            number += 1
    for last in range(number, fitting()):
        yield heard(held[round(last * hop * sr) - dropped :])
    if not voices:
        raise BnetError(
            f"all windows of {path} are silent; expected sound in some; use a shorter --hop, or leave it out"
        )


def predict_file(model, record: Record, path: str | Path, hop: float = 1.0) -> Prediction:
    """Classify one file by `windows` of the network's clip length, through the front end that its record names.

    For many files there is `bnet.deploy.streaming`.

    Raises
    ------
    BnetError
        As `windows` does.
    """
    from bnet.training.fit import predict

    found, rows, votes = windows(path, record.config.training.clip_seconds, hop, record.front_end), [], []
    while part := list(islice(found, 16)):
        votes += [log_mel is not None for log_mel in part]
        if heard := [log_mel for log_mel in part if log_mel is not None]:
            rows.append(predict(model, np.stack(heard)))
    return Prediction(str(path), record.labels, np.flatnonzero(votes) * hop, np.concatenate(rows), votes.count(False))
