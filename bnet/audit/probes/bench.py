"""A trained run on the bench: its test clips, its features and what it answers, each made when first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit import settings
from bnet.audit.answers import tabulated, usable
from bnet.audit.probes import inside
from bnet.corpora import Corpus, Track, fingerprint, get_corpus
from bnet.corpora.splits import make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.models import Variant
from bnet.paths import sha256_file
from bnet.runs.execute import parts
from bnet.runs.jobs import selected
from bnet.runs.records import Record, class_columns
from bnet.runs.weights import load_network, variant_of
from bnet.training import baselines
from bnet.training.parts import Part

TOLERANCE = 1e-2
"""Probabilities of unchanged clips may differ by so much from the record's: other devices round otherwise."""

Clips = tuple[list[str], np.ndarray, dict[str, Any]]
"""Track ids, their log-mels [shape=(n, frames, n_mels)], and notes: checksum, clips lost."""


@dataclass
class Bench:
    """What a probe needs of a run (`record`); nothing is read or loaded before it is asked for. `jobs` processes
    extract features (None: one per core)."""

    record: Record
    jobs: int | None = 1

    @property
    def row(self) -> Variant | None:
        """The network's row; None for a baseline."""
        return variant_of(self.record) if self.record.config.architecture else None

    @property
    def seconds(self) -> float:
        """Length of an unchanged clip."""
        return self.record.config.training.clip_seconds

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus of the run; a `BnetError` if its audio or its front end is not that of the run."""
        config, corpus = self.record.config, get_corpus(self.record.config.corpus)
        if corpus.source != config.corpus_source:
            raise BnetError(
                f"the sound of {corpus.name} is made by {corpus.source!r} here, but was made by "
                f"{config.corpus_source!r} for the run {self.record.name}; install those versions, or train again"
            )
        self.record.check_front_end(corpus.front_end)
        return corpus

    @cached_property
    def all_tracks(self) -> list[Track]:
        """The tracks that the run was given; a `BnetError` if the corpus has changed since."""
        config = self.record.config
        tracks = selected(self.corpus, config.training, [config.exclude])
        if fingerprint(tracks) != config.corpus_fingerprint:
            raise BnetError(
                f"the corpus {self.corpus.name} holds other clips here than when the run {self.record.name} was made; "
                "bring back that copy, or train again"
            )
        return tracks

    @cached_property
    def recorded(self) -> pd.DataFrame:
        """What the record says of its test clips, by track id: ``label`` and a column of probabilities per class."""
        table = self.record.predictions
        return table[table["part"] == "test"].set_index("track_id")

    def tracks(self, corpus: Corpus | None = None) -> list[Track]:
        """The test tracks, in the order of the record; of a sister corpus, its own by the same ids."""
        by_id = {track.track_id: track for track in (corpus.tracks() if corpus else self.all_tracks)}
        return [by_id[track_id] for track_id in self.recorded.index]

    def log_mels(self, corpus: Corpus | None = None, seconds: float | None = None) -> Clips:
        """Test clips of a corpus with the same track ids; those that can't be made (a pitch too high for its
        instrument) are left out, and named in the notes."""
        store = FeatureStore(corpus or self.corpus, seconds or self.seconds)
        tracks, lost = usable(store, self.tracks(corpus), self.jobs)
        ids = [track.track_id for track in tracks]
        return ids, store.rows(ids), {"features_checksum": store.checksum(ids), "lost": lost}

    @cached_property
    def unchanged(self) -> Clips:
        """`log_mels` of the unchanged test clips."""
        return self.log_mels()

    @cached_property
    def weights_checksum(self) -> str | None:
        """SHA-256 of the file of the network's weights; None for a baseline, or where they are not here."""
        return sha256_file(self.record.weights) if self.record.weights else None

    @cached_property
    def model(self):
        """The Keras network with its trained weights; a `BnetError` if the run has none here."""
        record = self.record
        if record.weights is None:
            raise BnetError(
                f"the run {record.name} has no weights here (they are not committed); make them: move its folder "
                f"{record.folder.name} away (a run that has a record is not done again), then "
                f"{settings.command(record.config)}"
            )
        return load_network(record)

    @cached_property
    def train_and_validation(self) -> tuple[Part, Part]:
        """The other two parts of the run's split, over the feature store."""
        config, store = self.record.config, FeatureStore(self.corpus, self.seconds)
        _, lost = usable(store, self.all_tracks, self.jobs)
        split = make_split(self.all_tracks, config.protocol, config.fold, config.folds, config.training.seed)
        return parts(store, self.all_tracks, self.record.labels, split.without(set(lost)))[:2]

    @cached_property
    def predict(self) -> Callable[[np.ndarray], np.ndarray]:
        """From log-mels [shape=(n, frames, n_mels)] to class probabilities [shape=(n, classes)]: of a network, by its
        weights; a baseline is fitted again, which gives the same. A `BnetError` if unchanged clips are not answered as
        the record says; and errors of `model`."""
        answer = self.answers_of(self.model) if self.row else self._baseline_answers
        ids, log_mels, _ = self.unchanged
        some = slice(None, None, max(1, len(ids) // 16) if self.row else 1)
        said = self.recorded.loc[ids[some], class_columns(self.record.labels)].to_numpy(float)
        off = float(np.abs(answer(log_mels[some]) - said).max())
        if not off < TOLERANCE:
            raise BnetError(
                f"the run {self.record.name} answers otherwise here than its record says (by up to {off:.3f} of "
                "probability on unchanged clips): weights or packages are not those of the record; train it again"
            )
        return answer

    @cached_property
    def means(self) -> dict[str, tuple[str, np.ndarray]]:
        """Place (`inside.blocks`, `inside.branches`) -> its layer, and that layer's mean over the validation clips."""
        places = inside.blocks(self.row) + inside.branches(self.row)
        layers = {place: inside.last_layer(self.model, place) for place in places}
        means = inside.means(self.model, layers.values(), self.train_and_validation[1].arrays())
        return {place: (layer, means[layer]) for place, layer in layers.items()}

    @staticmethod
    def answers_of(model) -> Callable[[np.ndarray], np.ndarray]:
        """What a network, changed or not, answers to log-mels."""
        from bnet.training.fit import predict

        return lambda log_mels: predict(model, log_mels)

    def _baseline_answers(self, log_mels: np.ndarray) -> np.ndarray:
        n, record = len(log_mels), self.record
        test = Part(log_mels, np.arange(n), np.zeros(n, int))  # a baseline never sees the labels of the test part
        known = (*self.train_and_validation, test, len(record.labels), record.front_end)
        return baselines.fit(record.config.variant, *known).test

    def table(self, ids: list[str], probabilities: np.ndarray) -> pd.DataFrame:
        """Answers as a probe's table: ``track_id, label, <class>...`` (`answers.tabulated`)."""
        return tabulated(self.recorded.loc[ids, "label"].items(), probabilities, self.record.labels)
