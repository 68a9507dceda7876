"""Music from outside: what trained networks answer about corpora that they were not trained on.

A network is a trained run, a shipped one, or a file of the weights that BBNN's authors published. An answer to every
clip is a committed record, ``<results>/outside/<name>.json`` and ``.csv`` (`bnet.audit.answers`), so that the book
shows it where neither the weights nor the clips are; `bnet.audit.outside.reading` makes tables of it. The CSV holds
``track_id, label`` and a column of probabilities per class of the *network*; labels are those of the *corpus*, which
are others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bnet import backend
from bnet.audit import answers
from bnet.audit.answers import Answers
from bnet.corpora import CORPORA, Corpus, Track, fingerprint, select
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.paths import sha256, sha256_file
from bnet.runs.records import class_columns
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.pictures import front_end
from bnet.training.parts import Part

if TYPE_CHECKING:
    import keras

FOLDER = "outside"
"""Below the folder of records. Its records are files, not folders: no run is looked for among them."""
PUBLISHED = ("gtzan", "extended-ballroom")
"""Corpora on which the baseline's authors trained the networks that they published; a file tells which by its number of
classes, which are the corpus's in alphabetical order."""
SUFFIX = ".hdf5"
"""Of the files that they published."""
SECONDS = 30.0
"""Length of the clips that they trained on: 647 frames."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, whatever it comes from: name of its run or file; `source` (``published``, or ``run``); network
    of the table; the corpus whose classes it names, and these in the order of its output; SHA-256 of its weights; its
    front end, as `FeatureSettings.to_json` has it; length of the clips that it was trained on; and the model, from
    log-mels [shape=(n, frames, n_mels, 1)] to class probabilities."""

    name: str
    source: str
    variant: str
    trained_on: str
    labels: tuple[str, ...]
    weights: str
    features: str
    seconds: float
    model: keras.Model = field(repr=False, compare=False)

    def about(self) -> dict[str, Any]:
        """All but the model, as a record holds it."""
        return {key: value for key, value in vars(self).items() if key != "model"} | {"labels": list(self.labels)}


@dataclass(frozen=True)
class Heard:
    """A network's answers to the clips of a corpus: the JSON file, its content and that of the CSV file."""

    path: Path
    about: dict[str, Any]
    table: pd.DataFrame

    @property
    def network(self) -> dict[str, Any]:
        """Which network: the fields of `TrainedNetwork` but its model."""
        return self.about["network"]

    @property
    def corpus(self) -> str:
        """Name of the corpus that was heard."""
        return self.about["corpus"]["name"]

    @property
    def labels(self) -> list[str]:
        """The network's classes, in the order of `probabilities`."""
        return self.network["labels"]

    @property
    def probabilities(self) -> np.ndarray:
        """Of each class [shape=(n, classes)]."""
        return self.table[class_columns(self.labels)].to_numpy(float)

    @property
    def named(self) -> pd.Series:
        """The class of the highest probability, by track id."""
        rows = [self.labels[i] for i in self.probabilities.argmax(axis=1)]
        return pd.Series(rows, index=self.table["track_id"].tolist(), dtype=str)


def networks(names: Iterable[str], results: Path) -> Iterator[TrainedNetwork]:
    """The networks that a user names: runs below `results` (a name, its beginning or its folder) or ``shipped/...``
    (`bnet.deploy.networks.find_run`), files that end with `SUFFIX`, or folders of those. A `BnetError` if there is no
    such run or file, its weights are not here, or they are of another network."""
    for name in names:
        path = Path(name)
        if path.suffix == SUFFIX:
            yield _published(path)
        elif path.is_dir() and not (path / "run.json").is_file():
            files = sorted(path.glob(f"*{SUFFIX}"))
            if not files:
                raise BnetError(
                    f"no weights in {path}; expected files that BBNN's authors published, such as "
                    f"0_fold_GTZAN_model{SUFFIX}, or the folder of a run (with run.json)"
                )
            yield from map(_published, files)
        else:
            yield _trained(name, results)


def _published(path: Path) -> TrainedNetwork:
    """A network from the weights that its authors published; a `BnetError` if the file is missing, holds something
    else, or has another number of classes than theirs."""
    backend.prepare()
    from bnet.models import load_published_bbnn

    model = load_published_bbnn(path)
    found, classes = {len(CORPORA[name].labels): CORPORA[name] for name in PUBLISHED}, model.output_shape[-1]
    if classes not in found:
        known = ", ".join(f"{corpus.name} ({n})" for n, corpus in found.items())
        raise BnetError(f"{path} is a BBNN for {classes} classes; those that were published are for {known}")
    corpus, features = found[classes], FeatureSettings().to_json()
    about = ("published", "bbnn", corpus.name, tuple(corpus.labels), sha256_file(path), features, SECONDS)
    return TrainedNetwork(path.name.removesuffix(SUFFIX), *about, model)


def _trained(name: str, results: Path) -> TrainedNetwork:
    """The network of a run; errors are those of `bnet.deploy.networks.find_run` and `load_network`."""
    from bnet.deploy.networks import find_run
    from bnet.runs.weights import load_network

    record = find_run(results, name)
    config, weights = record.config, sha256_file(record.weights)
    about = ("run", config.variant, config.corpus, tuple(record.labels), weights, config.features)
    return TrainedNetwork(record.name, *about, config.training.clip_seconds, load_network(record))


def hear(
    network: TrainedNetwork,
    corpus: Corpus,
    results: Path,
    *,
    per_class: int | None = None,
    say: Callable[[str], Any] = print,
) -> Heard:
    """Let a network hear the clips of a corpus that are here, or read what it answered before.

    Each clip is of the network's length, and its log-mel made by the network's front end (`FeatureStore` keeps it);
    `per_class` takes at most so many clips of each class, by the corpus's seeded order (`bnet.corpora.select`). The
    record lies below `results`; `say` is told what is done.

    Raises
    ------
    BnetError
        If the corpus is not there, none of its clips can be used, the corpus can't give what the front end takes in, or
        the folder can't be written to.
    """
    store = FeatureStore(corpus, network.seconds, front_end(network.features))
    tracks = select(corpus.tracks(), per_class)
    about = {
        "network": network.about(),
        "corpus": {
            "name": corpus.name,
            "source": corpus.source,
            "labels": list(corpus.labels),
            "fingerprint": fingerprint(tracks),
            "tracks": len(tracks),
            "whole": sum(corpus.expected.values()) or None,
            "per_class": per_class,
        },
    }
    name = f"{corpus.name}-{re.sub(r'[^A-Za-z0-9_.-]', '_', network.name)}"
    path = results / FOLDER / f"{name}-{sha256(json.dumps(about, sort_keys=True))[:10]}.json"
    answers.keep(path, lambda known: True, partial(_ask, about, network.model, store, tracks, say), say=say)
    return read(path)


def _ask(about: dict[str, Any], model: keras.Model, store: FeatureStore, tracks: list[Track], say: Callable) -> Answers:
    """What a network answers to each track that can be used."""
    from bnet.training.fit import predict

    used, lost = answers.usable(store, tracks)
    for reason in lost.values():
        say(f"left out: {reason}")
    rows = store.row_numbers(track.track_id for track in used)
    probabilities = predict(model, Part(store.array, rows, np.zeros(len(rows), int)))
    heard = "".join(f"{track.track_id} {store.index[track.track_id]['sha256']}\n" for track in used)
    clips = ((track.track_id, track.label) for track in used)
    found = {"clips": len(used), "heard": sha256(heard), "lost": lost}
    return about | found, answers.tabulated(clips, probabilities, about["network"]["labels"])


def read(path: Path) -> Heard:
    """A record of this kind; `DamagedAnswers` if it is not whole."""
    return Heard(path, *answers.read(path, "move it away and make it again with `bnet outside`"))


def read_all(results: Path, corpus: str | None = None, trained_on: str | None = None) -> list[Heard]:
    """All records of this kind below `results`, of one corpus or of networks of one corpus, sorted by name."""
    found = [read(path) for path in sorted((results / FOLDER).glob("*.json"))]
    return [
        heard for heard in found if corpus in (None, heard.corpus) and trained_on in (None, heard.network["trained_on"])
    ]
