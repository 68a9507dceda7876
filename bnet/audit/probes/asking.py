"""How a run is asked about one value of a probe: by changed sound, changed log-mels or a changed network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit.probes import changes, inside
from bnet.audit.probes.bench import Bench

Answer = tuple[pd.DataFrame, dict[str, Any]]
"""Rows of a probe's table for one value, and notes on it (clips lost, checksum of features)."""
LOOKS = ("right, most certain", "right, least certain", "wrong, most certain", "wrong, least certain")
CLIPS = 2
"""So many clips of each of `LOOKS`."""


def sound(change: Callable, length: bool = False) -> Callable[[Bench, Any], Answer]:
    """Ask about changed sound: `change` maps corpus, seconds and value to a corpus; `length`: the value is a length."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer, seconds = bench.predict, float(value) if length else bench.seconds
        ids, log_mels, notes = bench.log_mels(change(bench.corpus, bench.seconds, value), seconds)
        return bench.answers(ids, answer(log_mels), value), notes

    return ask


def log_mels(change: Callable) -> Callable[[Bench, Any], Answer]:
    """Ask about changed log-mels: `change` maps log-mel, track id, value and front end to a log-mel."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer, (ids, log_mels, notes), front_end = bench.predict, bench.unchanged, bench.record.front_end
        changed = [change(one, track_id, value, front_end) for one, track_id in zip(log_mels, ids, strict=True)]
        return bench.answers(ids, answer(np.stack(changed)), value), notes

    return ask


def louder(bench: Bench, decibel: float) -> Answer:
    """Ask at another level, with a note on how many clips were clipped."""
    frame, notes = sound(lambda corpus, _, value: changes.louder(corpus, value))(bench, decibel)
    peaks = [np.abs(bench.corpus.audio(track, bench.seconds)).max() for track in bench.tracks()] if decibel > 0 else []
    return frame, {**notes, "clipped": int(sum(peak * 10 ** (decibel / 20) > 1 for peak in peaks))}


def taken_out(bench: Bench, place: str) -> Answer:
    """Ask with a place's output replaced by its mean over the validation clips."""
    _ = bench.predict  # refuses weights that are not those of the record
    (ids, log_mels, notes), (layer, mean) = bench.unchanged, bench.means[place]
    answer = bench.answers_of(inside.replaced(bench.model, layer, mean))
    return bench.answers(ids, answer(log_mels), place), {**notes, "layer": layer}


def looked_at(truth: np.ndarray, probabilities: np.ndarray, kind: str) -> np.ndarray:
    """Rows of the clips of one of `LOOKS`; certainty is the highest probability, of equals the first comes first."""
    verdict, certainty = kind.split(", ")
    right = probabilities.argmax(axis=1) == truth
    rows = np.flatnonzero(right if verdict == "right" else ~right)
    certain = probabilities[rows].max(axis=1)
    return rows[np.argsort(-certain if certainty.startswith("most") else certain, kind="stable")[:CLIPS]]


def looks(bench: Bench, kind: str) -> Answer:
    """Rows ``track_id, label, value, predicted, probability, frame, band, drop``, one per patch."""
    (ids, truth, probabilities), labels = bench.test, bench.record.labels
    have = dict(zip(*bench.unchanged[:2], strict=True))
    columns = ["track_id", "label", "value", "predicted", "probability", "frame", "band", "drop"]
    frames = [pd.DataFrame(columns=columns)]
    for i in looked_at(truth, probabilities, kind):
        said = int(probabilities[i].argmax())
        corners, drops = inside.drops(bench.predict, have[ids[i]], said)
        frame = pd.DataFrame(corners, columns=["frame", "band"]).assign(drop=np.round(drops.astype(float), 5))
        about = (ids[i], labels[truth[i]], kind, labels[said], round(float(probabilities[i, said]), 6))
        frames.append(frame.assign(**dict(zip(columns[:5], about, strict=True)))[columns])
    table = pd.concat(frames[1:], ignore_index=True) if frames[1:] else frames[0]
    return table, {"clips": len(frames) - 1, "patch": inside.PATCH}
