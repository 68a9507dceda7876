"""The probes, one row each: what is changed, by how much, and how a run on the bench is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bnet.audit.probes import asking, parts, picture, sound
from bnet.audit.probes.bench import Bench
from bnet.corpora import CORPORA, get_corpus
from bnet.errors import unknown
from bnet.models import Variant


@dataclass(frozen=True)
class Probe:
    """One way to question a trained run.

    Parameters
    ----------
    name, title
        Short name for commands and files, and name for people.
    what
        What it changes, and how, in a sentence or two.
    unit
        Of the values; '' where they are names.
    ask
        Asks a run on the bench about one value.
    values
        What is tried, from a run (`Bench`) that may have no weights here; none: the probe does not apply to it.
    neutral
        The value that would change nothing, from a run: inf where it lies beyond all numbers; None where values are
        names.
    answers
        Whether its table holds class probabilities of every test clip (else it is described by `what`).
    """

    name: str
    title: str
    what: str
    unit: str
    ask: Callable[[Bench, Any], asking.Answer]
    values: Callable[[Bench], tuple]
    neutral: Callable[[Bench], float | None] = lambda bench: None
    answers: bool = True


def _always(*values: Any) -> Callable[[Bench], tuple]:
    return lambda bench: values


def _of_sound(values: Callable[[Bench], tuple]) -> Callable[[Bench], tuple]:
    def some(bench: Bench) -> tuple:
        corpus = CORPORA.get(bench.record.config.corpus)
        return values(bench) if corpus is None or corpus.has_sound else ()

    return some


def _neutral(value: float) -> Callable[[Bench], float]:
    return lambda bench: value


def _of_network(values: Callable[[Variant], tuple]) -> Callable[[Bench], tuple]:
    return lambda bench: values(bench.row) if bench.row else ()


def _sister(bench: Bench) -> tuple[str, ...]:
    corpus = bench.record.config.corpus
    return (sound.SISTERS[corpus],) if corpus in sound.SISTERS else ()


_ROWS = (
    Probe(
        "sister",
        "On the sister corpus",
        "The same tunes in the same places of the split, from the corpus with the other tempi: what is learnt on "
        "`tunes` is tested on `tunes-free`, and the other way round.",
        "",
        asking.heard(lambda corpus, seconds, value: get_corpus(value)),
        _sister,
    ),
    Probe(
        "time-stretch",
        "Tempo",
        "Faster (+) or slower (-), at the same pitch. What is rendered from a score is rendered again at the other "
        "tempo, from the same place of the tune, which is exact; sound files are stretched by a phase vocoder.",
        "%",
        asking.heard(lambda corpus, seconds, value: sound.replayed(corpus, seconds, tempo=1 + value / 100)),
        _of_sound(_always(-12, -6, -4, -2, 2, 4, 6, 12)),
        _neutral(0),
    ),
    Probe(
        "transposition",
        "Pitch",
        "Higher (+) or lower (-), at the same tempo. What is rendered from a score is rendered again; sound files are "
        "shifted by a phase vocoder. Clips with notes beyond what the synthesizer plays are left out.",
        "semitones",
        asking.heard(lambda corpus, seconds, value: sound.replayed(corpus, seconds, semitones=value)),
        _of_sound(_always(-5, -2, -1, 1, 2, 5)),
        _neutral(0),
    ),
    Probe(
        "level",
        "Level",
        "Louder (+) or softer (-). What exceeds full scale is clipped; the records say how many clips that concerns.",
        "dB",
        asking.louder,
        _of_sound(_always(-20, -10, 10)),
        _neutral(0),
    ),
    Probe(
        "noise",
        "White noise",
        "White Gaussian noise over the whole clip, so many dB below its mean power; the same noise for every run.",
        "dB SNR",
        asking.heard(lambda corpus, seconds, value: sound.noisy(corpus, value)),
        _of_sound(_always(30, 20, 10)),
        _neutral(float("inf")),
    ),
    Probe(
        "mp3",
        "MP3",
        "Encoded as MP3 at a constant bit rate by LAME, mono at 22 050 Hz, and decoded again, less the delay of the "
        "codec.",
        "kbit/s",
        asking.heard(lambda corpus, seconds, value: sound.through_mp3(corpus, value)),
        _of_sound(_always(64, 32)),
        _neutral(float("inf")),
    ),
    Probe(
        "clip-length",
        "Length of the clip",
        "Shorter or longer clips than those that the run learnt from; what is rendered begins at the same place.",
        "s",
        asking.heard(lambda corpus, seconds, value: sound.replayed(corpus, seconds, seconds=value), length=True),
        _of_sound(lambda bench: tuple(value for value in (5, 10, 30) if value != bench.seconds)),
        lambda bench: bench.seconds,
    ),
    Probe(
        "mel-bands",
        "Bands muted",
        "A third of the mel bands lowered to the quietest value of the clip.",
        "",
        asking.seen(picture.muted),
        _always(*picture.BANDS),
    ),
    Probe(
        "shuffle",
        "Order of time",
        "The log-mel cut into pieces of so many seconds (0: single frames), which are put together in a random order: "
        "timbre stays, rhythm over longer times is lost.",
        "s",
        asking.seen(picture.shuffled),
        _always(1, 0),
        _neutral(float("inf")),
    ),
    Probe(
        "blocks",
        "Blocks taken out",
        "After training, the output of the stem or of one block is replaced by its mean over the validation clips and "
        "over time, in each band and channel: all later layers see the same for every clip.",
        "",
        asking.taken_out,
        _of_network(parts.blocks),
    ),
    Probe(
        "looks",
        "Where it looks",
        "The surest and the least sure of the right and of the wrong test clips; patches of the log-mel are covered "
        "one at a time, and the fall of the probability of the class that the network names is noted.",
        "",
        asking.looks,
        _of_network(lambda row: asking.LOOKS),
        answers=False,
    ),
    Probe(
        "branches",
        "Branches taken out",
        "As the blocks, for one branch of one block at a time.",
        "",
        asking.taken_out,
        _of_network(parts.branches),
    ),
)

PROBES: dict[str, Probe] = {probe.name: probe for probe in _ROWS}
"""Name -> probe, in the order in which they are run."""


def get_probe(name: str) -> Probe:
    """The probe called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in PROBES:
        raise unknown("probe", name, PROBES)
    return PROBES[name]
