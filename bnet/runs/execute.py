"""One run: a network or baseline trained on one fold of a corpus, and its record."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bnet
from bnet import backend, paths
from bnet.corpora import Corpus, Track
from bnet.corpora.splits import PARTS, Split, make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.models import Variant
from bnet.runs import records
from bnet.runs.records import Record, class_columns
from bnet.training import baselines
from bnet.training.baselines import BASELINES
from bnet.training.config import Config
from bnet.training.device import Settings
from bnet.training.parts import Outcome, Part


def execute(
    config: Config, corpus: Corpus, tracks: tuple[Track, ...], folder: Path, settings: Settings | None = None
) -> Record:
    """Train on one fold of a corpus, predict, and write the record to `folder`: whole, or not at all.

    Raises
    ------
    BnetError
        If features are missing, or training fails.
    """
    labels = list(corpus.labels)
    started, clock = datetime.now(UTC), time.perf_counter()
    store = FeatureStore(corpus, config.training.clip_seconds)
    whole = make_split(tracks, config.protocol, config.fold, config.folds, config.training.seed)
    failures = store.failures
    lost = {track.track_id: failures[track.track_id] for track in tracks if track.track_id in failures}
    split = whole.without(set(lost))
    _check_classes(tracks, whole, split)
    train, validation, test = parts(store, tracks, labels, split)
    if config.variant in BASELINES:
        outcome = baselines.fit(config.variant, train, validation, test, len(labels), corpus.front_end)
    else:
        from bnet.training import fit

        row, seed = Variant.from_architecture(config.variant, config.architecture), config.training_seed
        outcome = fit.fit(row, config.training, train, validation, test, len(labels), seed, config.run_name, settings)
    used = [track_id for part in PARTS for track_id in getattr(split, part)]
    return records.write(
        folder,
        config,
        labels,
        _predictions(tracks, labels, split, outcome),
        outcome.history,
        data={
            "features_checksum": store.checksum(used),
            "split_checksum": split.checksum(),
            "tracks": {part: len(getattr(split, part)) for part in PARTS},
            "lost": lost,
        },
        notes=outcome.notes,
        made=made(started, time.perf_counter() - clock, bool(config.architecture), outcome.execution),
        model=outcome.model,
    )


def _check_classes(tracks: Iterable[Track], whole: Split, split: Split) -> None:
    """Refuse a fold of which features that are lacking took a class from training or validation."""
    label_of = {track.track_id: track.label for track in tracks}
    for part in ("train", "validation"):
        before, after = ({label_of[track_id] for track_id in getattr(of, part)} for of in (whole, split))
        if gone := sorted(before - after):
            raise BnetError(
                f"the {part} part of this fold has no track of {', '.join(gone)} with features; expected one or more "
                "of every class; `bnet features` says what is wrong with the files"
            )


def parts(store: FeatureStore, tracks: Iterable[Track], labels: list[str], split: Split) -> tuple[Part, Part, Part]:
    """The three parts of a split, over the store's memory-mapped log-mels.

    Raises
    ------
    BnetError
        If a part is empty, or features of a track have not been extracted.
    """
    index = {label: i for i, label in enumerate(labels)}
    label_of = {track.track_id: index[track.label] for track in tracks}
    result = []
    for part in PARTS:
        ids = getattr(split, part)
        if not ids:
            raise BnetError(f"the {part} part of this fold has no track with features; see `bnet features`")
        result.append(Part(store.array, store.row_numbers(ids), np.array([label_of[track_id] for track_id in ids])))
    return tuple(result)


def _predictions(tracks: Iterable[Track], labels: list[str], split: Split, outcome: Outcome) -> pd.DataFrame:
    label_of = {track.track_id: track.label for track in tracks}
    frames = []
    for part in ("validation", "test"):
        ids = list(getattr(split, part))
        frame = pd.DataFrame({"part": part, "track_id": ids, "label": [label_of[track_id] for track_id in ids]})
        frames.append(pd.concat([frame, pd.DataFrame(getattr(outcome, part), columns=class_columns(labels))], axis=1))
    return pd.concat(frames, ignore_index=True)


def made(started: datetime, seconds: float, network: bool, execution: dict[str, Any] | None = None) -> dict[str, Any]:
    """How a record was made: what may differ between two runs of one configuration. `network`: a Keras network computed
    it; `execution`: how its training was executed."""
    return {
        "bnet": bnet.__version__,
        **commit(),
        "backend": backend.name() if network else "scikit-learn",
        "device": backend.device() if network else {"kind": "CPU", "name": backend.processor()},
        **({"execution": execution} if execution else {}),
        "machine": backend.machine(),
        "versions": backend.versions(network),
        "started": started.isoformat(timespec="seconds"),
        "wall_s": round(seconds, 1),
    }


def commit() -> dict[str, Any]:
    """The commit of the code that runs, and whether ``bnet/`` was changed since; None where there is no git."""
    return dict(zip(("commit", "changed"), paths.commit(Path(__file__).resolve().parents[1], "."), strict=True))
