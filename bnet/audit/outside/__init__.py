"""Music from outside: what trained networks answer about corpora that they were not trained on.

An answer to every clip is a committed record, ``<results>/outside/<name>.json`` and ``.csv`` (`bnet.audit.sealed`), so
that the book shows it where neither the weights nor the clips are; `bnet.audit.outside.reading` makes tables of it. The
CSV holds ``track_id, label`` and a column of probabilities per class of the *network*; labels are those of the
*corpus*, which are others.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit import sealed
from bnet.audit.outside.networks import TrainedNetwork, networks
from bnet.audit.sealed import DamagedAnswers
from bnet.corpora import Corpus, Track, fingerprint, select
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.paths import alone, sha256, writable_dir
from bnet.runs.records import class_columns
from bnet.sound.pictures import front_end
from bnet.training.parts import Part

__all__ = ["Heard", "TrainedNetwork", "hear", "networks", "read_all"]

FOLDER = "outside"
"""Below the folder of records. Its records are files, not folders: no run is looked for among them."""


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
    writable_dir(path.parent, "results", "BNET_RESULTS")
    with alone(path.with_name(f".{path.stem}.lock"), f"another process makes {path.name}; waiting for it", say):
        try:
            return read(path)
        except DamagedAnswers as error:
            if path.is_file():
                say(f"{error}; made again")
        more, table = _answers(network, store, tracks, say)
        sealed.write(path, about | more, table)
        return read(path)


def _answers(
    network: TrainedNetwork, store: FeatureStore, tracks: list[Track], say: Callable[[str], Any]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the network answers to each track that can be used, and how that was made."""
    from bnet.runs.execute import made
    from bnet.training.fit import predict

    started, clock = datetime.now(UTC), time.perf_counter()
    lost = store.extract(tracks, jobs=1).failed
    for reason in lost.values():
        say(f"left out: {reason}")
    table = pd.DataFrame(
        [(t.track_id, t.label) for t in tracks if t.track_id not in lost], columns=["track_id", "label"]
    )
    if table.empty:
        raise BnetError(
            f"none of the {len(tracks)} clips of {store.corpus.name} can be used: {next(iter(lost.values()))}"
        )
    rows = store.row_numbers(table["track_id"])
    answers = np.round(predict(network.model, Part(store.array, rows, np.zeros(len(rows), int))).astype(float), 6)
    heard = "".join(f"{track_id} {store.index[track_id]['sha256']}\n" for track_id in table["track_id"])
    about = {
        "clips": len(table),
        "heard": sha256(heard),
        "lost": lost,
        "made": made(started, time.perf_counter() - clock, network=True),
    }
    return about, pd.concat([table, pd.DataFrame(answers, columns=class_columns(network.labels))], axis=1)


def read(path: Path) -> Heard:
    """A record of this kind; `DamagedAnswers` if it is not whole."""
    return Heard(path, *sealed.read(path, "move it away and make it again with `bnet outside`"))


def read_all(results: Path, corpus: str | None = None, trained_on: str | None = None) -> list[Heard]:
    """All records of this kind below `results`, of one corpus or of networks of one corpus, sorted by name."""
    found = [read(path) for path in sorted((results / FOLDER).glob("*.json"))]
    return [
        heard for heard in found if corpus in (None, heard.corpus) and trained_on in (None, heard.network["trained_on"])
    ]
