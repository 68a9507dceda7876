"""Probes: what a trained run does on changed sound, on the sister corpus, and with parts of it taken out.

A probe is a row of `PROBES`. `bnet.audit.probes.running` asks a run what the rows say, once, and keeps the answers as
text beside the run's record, so that the book shows them where the weights are not; `bnet.audit.probes.reading` makes
tables of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bnet.audit.probes import asking, changes, inside
from bnet.audit.probes.asking import log_mels, sound
from bnet.audit.probes.bench import Bench
from bnet.audit.rows import read
from bnet.corpora import CORPORA, get_corpus
from bnet.errors import unknown

Values = Callable[[Bench], tuple]
_BEYOND = float("inf")


@dataclass(frozen=True)
class Probe:
    """One way to stress-test a trained run: a row of ``rows/probes.csv`` (short name, display name, what it changes and
    how, unit of its values), and how it asks a run on the bench about one value.

    `values` gives what is tried of a run that may have no weights here (none: it does not apply to the run); `neutral`
    the value that would change nothing (inf: beyond all numbers; None: values are names). With `answers` its table
    holds class probabilities of every test clip, else what `what` says.
    """

    name: str
    title: str
    what: str
    unit: str
    ask: Callable[[Bench, Any], asking.Answer]
    values: Values
    neutral: Callable[[Bench], float | None] = lambda bench: None
    answers: bool = True


def _always(*values: Any) -> Values:
    return lambda bench: values


def _of_sound(values: Values) -> Values:
    def some(bench: Bench) -> tuple:
        corpus = CORPORA.get(bench.record.config.corpus)
        return values(bench) if corpus is None or corpus.has_sound else ()

    return some


def _of_network(values: Callable[[Any], tuple]) -> Values:
    return lambda bench: values(bench.row) if bench.row else ()


def _sister(bench: Bench) -> tuple[str, ...]:
    sister = changes.SISTERS.get(bench.record.config.corpus)
    return (sister,) if sister else ()


def _lengths(bench: Bench) -> tuple[int, ...]:
    return tuple(value for value in (5, 10, 30) if value != bench.seconds)


def _at(value: float) -> Callable[[Bench], float]:
    return lambda bench: value


_ASKED: dict[str, tuple] = {
    "sister": (sound(lambda corpus, seconds, value: get_corpus(value)), _sister),
    "time-stretch": (
        sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, tempo=1 + value / 100)),
        _of_sound(_always(-12, -6, -4, -2, 2, 4, 6, 12)),
        _at(0),
    ),
    "transposition": (
        sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, semitones=value)),
        _of_sound(_always(-5, -2, -1, 1, 2, 5)),
        _at(0),
    ),
    "level": (asking.louder, _of_sound(_always(-20, -10, 10)), _at(0)),
    "noise": (
        sound(lambda corpus, seconds, value: changes.noisy(corpus, value)),
        _of_sound(_always(30, 20, 10)),
        _at(_BEYOND),
    ),
    "mp3": (
        sound(lambda corpus, seconds, value: changes.through_mp3(corpus, value)),
        _of_sound(_always(64, 32)),
        _at(_BEYOND),
    ),
    "clip-length": (
        sound(lambda corpus, seconds, value: changes.replayed(corpus, seconds, seconds=value), length=True),
        _of_sound(_lengths),
        lambda bench: bench.seconds,
    ),
    "mel-bands": (log_mels(changes.muted), _always(*changes.BANDS)),
    "shuffle": (log_mels(changes.shuffled), _always(1, 0), _at(_BEYOND)),
    "blocks": (asking.taken_out, _of_network(inside.blocks)),
    "looks": (asking.looks, _of_network(lambda row: asking.LOOKS)),
    "branches": (asking.taken_out, _of_network(inside.branches)),
}
"""Name of a probe -> how it asks, what it tries, and what would change nothing."""

PROBES: dict[str, Probe] = {
    row["name"]: Probe(*row.values(), *_ASKED[row["name"]], answers=row["name"] != "looks") for row in read("probes")
}
"""Name -> probe, in the order in which they are run."""


def get_probe(name: str) -> Probe:
    """The probe called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in PROBES:
        raise unknown("probe", name, PROBES)
    return PROBES[name]
