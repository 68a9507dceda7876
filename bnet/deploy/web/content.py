"""What the page 'Listen' holds: its networks, all from their records, and clips of test tracks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import librosa
import pandas as pd
import soundfile

from bnet.corpora import CORPORA, SR, Corpus, Track, draw
from bnet.deploy.networks import GENRES, SHIPPED
from bnet.models import VARIANTS
from bnet.runs.records import Record
from bnet.statistics.metrics import accuracy

NUMBER = 12
SECONDS = 20.0
"""Twice the length of the networks' windows, so that there is something to follow."""


def describe(record: Record) -> dict[str, Any]:
    """What the page tells of a network: all from its record.

    Returns
    -------
    dict
        ``id, title, run, corpus, corpus_title, profile, commit, seconds`` and ``frames`` (of a window),
        ``features`` (its front end), ``frame_rate``, ``hertz`` (the middles of the bands), ``labels``, and of its test
        tracks their number ``tested`` and the ``accuracy``.
    """
    _, truth, probabilities = record.arrays("test")
    config, front_end = record.config, record.front_end
    edges = librosa.mel_frequencies(front_end.n_mels + 2, fmin=front_end.fmin, fmax=front_end.fmax)
    variant, corpus = VARIANTS.get(config.variant), CORPORA.get(config.corpus)
    name = record.folder.parent.name if record.folder.is_relative_to(SHIPPED) else config.variant
    return {
        "id": name,
        "title": "Genres" if name == GENRES else variant.title if variant else config.variant,
        "run": record.name,
        "corpus": config.corpus,
        "corpus_title": corpus.title if corpus else config.corpus,  # somebody's own, not declared here
        "profile": config.profile,
        "commit": record.run["made"].get("commit") or "",
        "seconds": config.training.clip_seconds,
        "frames": front_end.frames(config.training.clip_seconds),
        "features": asdict(front_end),
        "frame_rate": front_end.frame_rate,
        "hertz": [round(f) for f in edges[1:-1]],
        "labels": record.labels,
        "tested": len(truth),
        "accuracy": round(float(accuracy(truth, probabilities)), 4),
    }


def choose_clips(records: Sequence[Record]) -> tuple[Corpus | None, list[Track]]:
    """`NUMBER` test tracks that all networks of one corpus share, of each class about equally many, drawn by their ids;
    and it.

    Networks of corpora whose audio cannot be redistributed do not count. None are chosen, and the corpus is None,
    unless the others were trained on one corpus. Neither choice nor order knows what any network says of them.
    """
    records = [record for record in records if getattr(CORPORA.get(record.config.corpus), "may_share", False)]
    if len({record.config.corpus for record in records}) != 1:
        return None, []
    corpus = CORPORA[records[0].config.corpus]
    shared = set.intersection(*(set(record.arrays("test")[0]) for record in records))
    ranked = sorted((t for t in corpus.tracks() if t.track_id in shared), key=lambda t: draw(t.track_id, "listen"))
    labels = pd.Series([track.label for track in ranked])
    rounds = labels.groupby(labels).cumcount().sort_values(kind="stable")  # first one track of each class, then another
    chosen = [ranked[i] for i in rounds.index[:NUMBER]]
    return corpus, sorted(chosen, key=lambda t: draw(t.track_id, "place in the list"))


def flac(corpus: Corpus, track: Track) -> bytes:
    """`SECONDS` of a track as FLAC: the very samples that the corpus makes."""
    stream = io.BytesIO()
    soundfile.write(stream, corpus.audio(track, SECONDS), SR, format="FLAC")
    return stream.getvalue()
