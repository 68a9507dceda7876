"""Probes: what a trained run does on changed sound, on the sister corpus, and with parts of it taken out.

A probe is a row of `PROBES`. `bnet.audit.probes.running` asks a run what the rows say, once, and keeps the answers as
text beside the run's record, so that the book shows them where the weights are not; `bnet.audit.probes.reading` makes
tables of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit.probes import changes, inside
from bnet.audit.probes.bench import Bench
from bnet.audit.rows import read
from bnet.corpora import CORPORA, get_corpus

Answer = tuple[pd.DataFrame, dict[str, Any]]
"""Rows of a probe's table for one value, and notes on it (clips lost, checksum of features)."""
_BEYOND = float("inf")


def _sound(change: Callable, length: bool = False) -> Callable[[Bench, Any], Answer]:
    """Ask about changed sound: `change` maps corpus, seconds and value to a corpus; `length`: the value is a length."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer, seconds = bench.predict, float(value) if length else bench.seconds
        ids, log_mels, notes = bench.log_mels(change(bench.corpus, bench.seconds, value), seconds)
        return bench.table(ids, answer(log_mels)), notes

    return ask


def _louder(bench: Bench, decibel: float) -> Answer:
    """Ask at another level, with a note on how many clips were clipped."""
    frame, notes = _sound(lambda corpus, _, value: changes.louder(corpus, value))(bench, decibel)
    peaks = [np.abs(bench.corpus.audio(track, bench.seconds)).max() for track in bench.tracks()] if decibel > 0 else []
    return frame, {**notes, "clipped": int(sum(peak * 10 ** (decibel / 20) > 1 for peak in peaks))}


def _log_mels(change: Callable) -> Callable[[Bench, Any], Answer]:
    """Ask about changed log-mels: `change` maps log-mel, track id, value and front end to a log-mel."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer, (ids, log_mels, notes), front_end = bench.predict, bench.unchanged, bench.record.front_end
        changed = [change(one, track_id, value, front_end) for one, track_id in zip(log_mels, ids, strict=True)]
        return bench.table(ids, answer(np.stack(changed))), notes

    return ask


def _taken_out(bench: Bench, place: str) -> Answer:
    """Ask with a place's output replaced by its mean over the validation clips."""
    _ = bench.predict  # refuses weights that are not those of the record
    (ids, log_mels, notes), (layer, mean) = bench.unchanged, bench.means[place]
    answer = bench.answers_of(inside.replaced(bench.model, layer, mean))
    return bench.table(ids, answer(log_mels)), {**notes, "layer": layer}


def _looks(bench: Bench, kind: str) -> Answer:
    """Rows ``track_id, label, predicted, probability, frame, band, drop``, one per patch of a few clips."""
    (ids, truth, probabilities), labels = bench.record.arrays("test"), bench.record.labels
    have, frames = dict(zip(*bench.unchanged[:2], strict=True)), []
    columns = ["track_id", "label", "predicted", "probability", "frame", "band", "drop"]
    for i in inside.looked_at(truth, probabilities, kind):
        said = int(probabilities[i].argmax())
        corners, drops = inside.drops(bench.predict, have[ids[i]], said)
        about = (ids[i], labels[truth[i]], labels[said], round(float(probabilities[i, said]), 6))
        rows = [(*about, *corner, drop) for corner, drop in zip(corners, np.round(drops.astype(float), 5), strict=True)]
        frames.append(pd.DataFrame(rows, columns=columns))
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return table, {"clips": len(frames), "patch": inside.PATCH}


def _heard(*values: float) -> Callable[[Bench], tuple]:
    """Values for a run whose corpus has sound to change."""

    def tried(bench: Bench) -> tuple:
        corpus = CORPORA.get(bench.record.config.corpus)
        return values if corpus is None or corpus.has_sound else ()

    return tried


_ASKED: dict[str, tuple] = {
    "sister": (
        _sound(lambda corpus, seconds, value: get_corpus(value)),
        lambda bench: changes.SISTERS.get(bench.record.config.corpus, ()),
    ),
    "time-stretch": (
        _sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, tempo=1 + value / 100)),
        _heard(-12, -6, -4, -2, 2, 4, 6, 12),
        0,
    ),
    "transposition": (
        _sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, semitones=value)),
        _heard(-5, -2, -1, 1, 2, 5),
        0,
    ),
    "level": (_louder, _heard(-20, -10, 10), 0),
    "noise": (_sound(lambda corpus, seconds, value: changes.noisy(corpus, value)), _heard(30, 20, 10), _BEYOND),
    "mp3": (_sound(lambda corpus, seconds, value: changes.through_mp3(corpus, value)), _heard(64, 32), _BEYOND),
    "clip-length": (
        _sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, seconds=value), length=True),
        lambda bench: tuple(value for value in _heard(5, 10, 30)(bench) if value != bench.seconds),
        lambda bench: bench.seconds,
    ),
    "mel-bands": (_log_mels(changes.muted), lambda bench: changes.BANDS),
    "shuffle": (_log_mels(changes.shuffled), lambda bench: (1, 0), _BEYOND),
    "blocks": (_taken_out, lambda bench: inside.blocks(bench.row) if bench.row else ()),
    "looks": (_looks, lambda bench: inside.LOOKS if bench.row else ()),
    "branches": (_taken_out, lambda bench: inside.branches(bench.row) if bench.row else ()),
}
"""Name of a probe -> how it asks, what it tries, and what would change nothing."""


@dataclass(frozen=True)
class Probe:
    """One way to stress-test a trained run: a row of ``rows/probes.csv`` (short name, display name, what it changes and
    how, unit of its values), and how it asks a run on the bench about one value.

    `values` gives what is tried of a run that may have no weights here (none: it does not apply to the run); `neutral`
    is the value that would change nothing (inf: beyond all numbers; None: values are names). With `answers` its table
    holds class probabilities of every test clip, else what `what` says.
    """

    name: str
    title: str
    what: str
    unit: str
    ask: Callable[[Bench, Any], Answer]
    values: Callable[[Bench], tuple]
    neutral: float | Callable[[Bench], float] | None = None
    answers: bool = True


PROBES: dict[str, Probe] = {
    row["name"]: Probe(*row.values(), *_ASKED[row["name"]], answers=row["name"] != "looks") for row in read("probes")
}
"""Name -> probe, in the order in which they are run."""
