"""Clips for an export in integers: those of the run's own training on which ranges are measured, those that try it."""

from __future__ import annotations

import numpy as np

from bnet.corpora import draw, get_corpus
from bnet.deploy.litert import Network
from bnet.errors import BnetError
from bnet.runs import jobs
from bnet.runs.records import Record
from bnet.statistics.metrics import accuracy

CLIPS = 100
"""Clips that ranges of values are measured on, and at most as many on which the integers are then tried."""


def training_clips(record: Record, most: int = CLIPS) -> np.ndarray:
    """Log-mels [shape=(n, frames, n_mels)] of clips that a run was trained on, drawn from its corpus by their ids.

    Raises
    ------
    BnetError
        If the corpus is not there, or none of its clips can be used.
    """
    config = record.config
    corpus = get_corpus(config.corpus)
    tracks = jobs.selected(corpus, config.training, filter(None, config.exclude.split(",")))
    held = set(record.predictions["track_id"])
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
    network = Network(content)
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
