"""Probes: what a trained run does on changed sound, on the sister corpus, and with parts of it taken out.

A probe is a row of `PROBES`. `run` asks a run what the rows say, once, and keeps the answers beside its record, as
``RUN/probes/<name>.json`` and ``.csv`` (`bnet.audit.answers`), so that the book shows them where the weights are not:
`bnet.audit.probes.reading` makes tables of them. They are no part of the record: the run keeps its name and its seal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from bnet.audit import answers, rows
from bnet.audit.answers import Answers
from bnet.audit.probes import changes, inside
from bnet.audit.probes.bench import Bench
from bnet.audit.probes.reading import Probed, path_of, read
from bnet.corpora import CORPORA, Corpus, get_corpus
from bnet.errors import BnetError, unknown
from bnet.runs.records import Record

Found = tuple[pd.DataFrame, dict[str, Any]]
"""Rows of a probe's table for one value, and notes on it (clips lost, checksum of features)."""
Ask = Callable[[Bench, Any], Found]
"""How a probe asks a run on the bench about one value."""
_BEYOND = float("inf")


class Probe(NamedTuple):
    """One way to stress-test a trained run: a row of ``rows/probes.csv`` (short name, display name, what it changes and
    how, unit of its values), and how it asks a run on the bench about one value.

    `values` gives what is tried of a run that may have no weights here (none: it does not apply to the run); `neutral`
    is the value that would change nothing (inf: beyond all numbers; None: values are names).
    """

    name: str
    title: str
    what: str
    unit: str
    ask: Ask
    values: Callable[[Bench], Sequence]
    neutral: float | Callable[[Bench], float] | None = None


def _sound(change: Callable[[Corpus, float, Any], Corpus], length: bool = False) -> Ask:
    """Ask about changed sound: `change` maps corpus, seconds and value to a corpus; `length`: the value is a length."""

    def ask(bench: Bench, value: Any) -> Found:
        answer, seconds = bench.predict, float(value) if length else bench.seconds
        ids, log_mels, notes = bench.log_mels(change(bench.corpus, bench.seconds, value), seconds)
        return bench.table(ids, answer(log_mels)), notes

    return ask


def _louder(bench: Bench, decibel: float) -> Found:
    """Ask at another level, with a note on how many clips were clipped."""
    frame, notes = _sound(lambda corpus, seconds, value: changes.louder(corpus, value))(bench, decibel)
    peaks = [np.abs(bench.corpus.audio(track, bench.seconds)).max() for track in bench.tracks()] if decibel > 0 else []
    return frame, {**notes, "clipped": int(sum(peak * 10 ** (decibel / 20) > 1 for peak in peaks))}


def _log_mels(change: Callable) -> Ask:
    """Ask about changed log-mels: `change` maps log-mel, track id, value and front end to a log-mel."""

    def ask(bench: Bench, value: Any) -> Found:
        answer, (ids, log_mels, notes), front_end = bench.predict, bench.unchanged, bench.record.front_end
        changed = [change(one, track_id, value, front_end) for one, track_id in zip(log_mels, ids, strict=True)]
        return bench.table(ids, answer(np.stack(changed))), notes

    return ask


def _taken_out(bench: Bench, place: str) -> Found:
    """Ask with a place's output replaced by its mean over the validation clips."""
    _ = bench.predict  # refuses weights that are not those of the record
    (ids, log_mels, notes), (layer, mean) = bench.unchanged, bench.means[place]
    without = inside.replaced(bench.model, layer, mean)
    return bench.table(ids, bench.answers_of(without)(log_mels)), {**notes, "layer": layer}


def _looks(bench: Bench, kind: str) -> Found:
    """Rows ``track_id, label, predicted, probability, frame, band, drop``, one per patch of a few clips."""
    (ids, truth, probabilities), labels = bench.record.arrays("test"), bench.record.labels
    have, lines = dict(zip(*bench.unchanged[:2], strict=True)), []
    clips = inside.looked_at(truth, probabilities, kind)
    for i in clips:
        said = int(probabilities[i].argmax())
        about = (ids[i], labels[truth[i]], labels[said], round(float(probabilities[i, said]), 6))
        corners, drops = inside.drops(bench.predict, have[ids[i]], said)
        lines += [(*about, *corner, round(float(drop), 5)) for corner, drop in zip(corners, drops, strict=True)]
    columns = ["track_id", "label", "predicted", "probability", "frame", "band", "drop"]
    return pd.DataFrame(lines, columns=columns), {"clips": len(clips), "patch": inside.PATCH}


def _heard(*values: float) -> Callable[[Bench], tuple]:
    """Values for a run whose corpus has sound to change."""

    def tried(bench: Bench) -> tuple:
        corpus = CORPORA.get(bench.record.config.corpus)
        return values if corpus is None or corpus.has_sound else ()

    return tried


def _inside(places: Callable) -> Callable[[Bench], tuple]:
    """Values for a run of a network: places in its row."""
    return lambda bench: places(bench.row) if bench.row else ()


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
        lambda bench: [value for value in _heard(5, 10, 30)(bench) if value != bench.seconds],
        lambda bench: bench.seconds,
    ),
    "mel-bands": (_log_mels(changes.muted), lambda bench: changes.BANDS),
    "shuffle": (_log_mels(changes.shuffled), lambda bench: (1, 0), _BEYOND),
    "blocks": (_taken_out, _inside(inside.blocks)),
    "looks": (_looks, _inside(lambda row: inside.LOOKS)),
    "branches": (_taken_out, _inside(inside.branches)),
}
"""Name of a probe -> how it asks, what it tries, and what would change nothing."""

PROBES = {row[0]: Probe(*row, *_ASKED[row[0]]) for row in rows.read("probes").itertuples(index=False)}
"""Name -> probe, in the order in which they are run. All but ``looks`` tell the probabilities of every test clip."""


def chosen(bench: Bench, names: Sequence[str] = ()) -> list[Probe]:
    """The probes called `names`; without names, all that apply to the run. A `BnetError` if a name is unknown, or the
    probe does not apply to the run."""
    fits = {name: probe for name, probe in PROBES.items() if probe.values(bench)}
    for name in names:
        if name not in PROBES:
            raise unknown("probe", name, PROBES)
        if name not in fits:
            raise BnetError(
                f"the probe {name!r} does not apply to {bench.record.config.corpus}/{bench.record.name}; "
                f"those that do: {', '.join(fits)}"
            )
    return [fits[name] for name in dict.fromkeys(names)] or [*fits.values()]


def done(bench: Bench, probe: Probe) -> bool:
    """Whether the probe asked this run for the same values, of the weights that are here (or, where there are none
    here, of whatever weights). Damaged files count as not there."""
    return answers.known(path_of(bench.record, probe.name), lambda about: _fits(bench, probe, about))


def _fits(bench: Bench, probe: Probe, about: dict[str, Any]) -> bool:
    same = about["run"] == bench.record.run["hash"] and [*about["values"]] == [*map(text, probe.values(bench))]
    return same and bench.weights_checksum in (None, about["weights"])


def text(value: Any) -> str:
    """A value as the files hold it.

    >>> text(4), text(0.5), text("low")
    ('4', '0.5', 'low')
    """
    return value if isinstance(value, str) else f"{value:g}"


def run(
    record: Record, names: Sequence[str] = (), *, jobs: int | None = 1, say: Callable[[str], Any] = print
) -> list[Probed]:
    """Do the probes of one run that have not been done, and read the others; `names` as in `chosen`.

    Stop it whenever you like: a finished probe is kept, and so are the log-mels of changed sound.

    Raises
    ------
    BnetError
        If the weights, the corpus or the features of the run are not at hand, or the folder can't be written to.
    """
    bench = Bench(record, jobs)
    probes = chosen(bench, names)
    todo = [probe for probe in probes if not done(bench, probe)]
    say(f"{record.config.corpus}/{record.name}: {len(probes) - len(todo)} of {len(probes)} probes done")
    for number, probe in enumerate(todo, 1):
        say(f"[{number}/{len(todo)}] {probe.name}: {len(probe.values(bench))} values")
        fits, ask = partial(_fits, bench, probe), partial(_ask, bench, probe)
        answers.keep(path_of(record, probe.name), fits, ask, network=bench.row is not None, say=say)
    return [read(record, probe.name) for probe in probes]


def _ask(bench: Bench, probe: Probe) -> Answers:
    """Ask about all values."""
    tables, notes = [], {}
    for value in tqdm(
        probe.values(bench), f"{bench.record.name} {probe.name}", unit="value", disable=None, leave=False
    ):
        table, notes[text(value)] = probe.ask(bench, value)
        table.insert(2, "value", text(value))
        tables.append(table)
    neutral = probe.neutral(bench) if callable(probe.neutral) else probe.neutral
    about = {
        "probe": {key: getattr(probe, key) for key in ("name", "title", "what", "unit")},
        "neutral": None if neutral is None else text(neutral),
        "run": bench.record.run["hash"],
        "weights": bench.weights_checksum,
        "clips": len(bench.recorded),
        "values": notes,
    }
    return about, pd.concat(tables, ignore_index=True)
