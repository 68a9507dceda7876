"""How a run is asked about one value of a probe: by changed sound, changed log-mels or a changed network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit.probes import sound
from bnet.audit.probes.bench import Bench
from bnet.corpora import Corpus
from bnet.sound.front_end import FrontEnd

Answer = tuple[pd.DataFrame, dict[str, Any]]
"""Rows of a probe's table for one value, and notes on it (clips lost, checksum of features)."""


def heard(changed: Callable[[Corpus, float, Any], Corpus], length: bool = False) -> Callable[[Bench, Any], Answer]:
    """Ask about changed sound: `changed` maps corpus, seconds and value to a corpus; `length`: value is a length."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer = bench.predict
        seconds = float(value) if length else bench.seconds
        ids, log_mels, notes = bench.log_mels(changed(bench.corpus, bench.seconds, value), seconds)
        return bench.answers(ids, answer(log_mels), value), notes

    return ask


def seen(changed: Callable[[np.ndarray, str, Any, FrontEnd], np.ndarray]) -> Callable[[Bench, Any], Answer]:
    """Ask about changed log-mels: `changed` maps log-mel, track id, value and front end to a log-mel."""

    def ask(bench: Bench, value: Any) -> Answer:
        answer = bench.predict
        ids, log_mels, notes = bench.unchanged
        front_end = bench.record.front_end
        log_mels = [changed(one, track_id, value, front_end) for one, track_id in zip(log_mels, ids, strict=True)]
        return bench.answers(ids, answer(np.stack(log_mels)), value), notes

    return ask


def louder(bench: Bench, decibel: float) -> Answer:
    """`sound.louder`, with a note on how many clips were clipped."""
    frame, notes = heard(lambda corpus, _, value: sound.louder(corpus, value))(bench, decibel)
    peaks = [np.abs(bench.corpus.audio(track, bench.seconds)).max() for track in bench.tracks()] if decibel > 0 else []
    return frame, {**notes, "clipped": int(sum(peak * 10 ** (decibel / 20) > 1 for peak in peaks))}


def taken_out(bench: Bench, place: str) -> Answer:
    """A place's output replaced by its mean over the validation clips."""
    from bnet.audit.probes import inside

    bench.check()
    ids, log_mels, notes = bench.unchanged
    layer, mean = bench.means[place]
    probabilities = bench.answers_of(inside.replaced(bench.model, layer, mean))(log_mels)
    return bench.answers(ids, probabilities, place), {**notes, "layer": layer}


LOOKS = ("right, most certain", "right, least certain", "wrong, most certain", "wrong, least certain")
CLIPS = 2
"""So many clips of each of `LOOKS`."""


def looked_at(truth: np.ndarray, probabilities: np.ndarray, kind: str) -> np.ndarray:
    """Rows of the clips of one of `LOOKS`; certainty is the highest probability, of equals the first comes first."""
    verdict, certainty = kind.split(", ")
    right = probabilities.argmax(axis=1) == truth
    rows = np.flatnonzero(right if verdict == "right" else ~right)
    certain = probabilities[rows].max(axis=1)
    return rows[np.argsort(-certain if certainty.startswith("most") else certain, kind="stable")[:CLIPS]]


def looks(bench: Bench, kind: str) -> Answer:
    """Rows ``track_id, label, value, predicted, probability, frame, band, drop``, one a patch."""
    from bnet.audit.probes import inside

    ids, truth, probabilities = bench.test
    have = dict(zip(bench.unchanged[0], bench.unchanged[1], strict=True))
    frames = []
    for i in looked_at(truth, probabilities, kind):
        said = int(probabilities[i].argmax())
        corners, drops = inside.drops(bench.predict, have[ids[i]], said)
        frame = pd.DataFrame(corners, columns=["frame", "band"]).assign(drop=np.round(drops.astype(float), 5))
        about = {
            "track_id": ids[i],
            "label": bench.record.labels[truth[i]],
            "value": kind,
            "predicted": bench.record.labels[said],
            "probability": round(float(probabilities[i, said]), 6),
        }
        frames.append(frame.assign(**about)[[*about, "frame", "band", "drop"]])
    empty = pd.DataFrame(columns=["track_id", "label", "value", "predicted", "probability", "frame", "band", "drop"])
    return pd.concat(frames, ignore_index=True) if frames else empty, {"clips": len(frames), "patch": inside.PATCH}
