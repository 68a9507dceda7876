"""The embedded corpus `tunes` and its twin `tunes-free`: real dance tunes, played by rule; nothing to download."""

from __future__ import annotations

import importlib.metadata
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bnet.corpora.base import Corpus, Track, draw, index_rows
from bnet.corpora.tunes import rendering
from bnet.corpora.tunes.scores import Tune, load_tunes
from bnet.errors import BnetError


class Bar(NamedTuple):
    """How long a bar of a dance lasts, in s; how many beats it has; and where the length comes from.

    A bar with another number of beats lasts as much longer or shorter (24 of Ryan's jigs are in 9/8: their beats are as
    fast as a jig's). None where any bar lasts the same.
    """

    seconds: float
    beats: int | None
    source: str


BARS = {
    row["label"]: Bar(float(row["seconds"]), int(row["beats"]) if row["beats"] else None, row["source"])
    for row in index_rows("tunes-bars")
}
"""Class -> bar, in the order of every table."""

BAR_SPREAD = 0.06  # `tunes`: a tune's own tempo lies within this part of its dance's
FREE_BAR = (1.0, 2.2)  # `tunes-free`: seconds, the range from which any tune's bar is drawn

PROGRAMS = {int(row["program"]): row["instrument"] for row in index_rows("tunes-instruments")}
"""General MIDI program (from 0) -> instrument: such as the sound font plays in tune, and of which no two share a sample
at a pitch that is played. symusic keeps a sample by its place in the font and its pitch, with the level of the
instrument that played it first; of two instruments that share it (accordion and concertina, harmonica and concertina,
violin and fiddle) the second would sound different in every order of clips."""

TRANSPOSITIONS = range(-6, 6)  # semitones: all twelve keys alike
GAIN_DB = (-12.0, -1.0)  # peak level below full scale

SOURCES = index_rows("tunes-sources")
"""What the corpus is made of: each ``part``, its ``maker``, under which ``licence``, and ``where`` it lies."""

_TRADITIONAL = f"""\
**Tempo**: each dance has its traditional tempo, give or take {100 * BAR_SPREAD:.0f} %. As in real
collections of dance music, tempo alone then gives much of the class away; {{doc}}`tunes-free` takes that away."""
_FREE = f"""\
**Tempo** is random: a bar of any tune lasts {FREE_BAR[0]:g} to {FREE_BAR[1]:g} s, whatever the dance. Scores,
instruments, keys and folds are those of {{doc}}`tunes`, so the difference between the two is what the traditional tempo
adds: it gives much of the class away, and there are fewer tempi to cope with."""


@dataclass(frozen=True)
class Performance:
    """How a tune is played: all drawn from its id, `bar_seconds` in `tunes` from its class too.

    Parameters
    ----------
    bar_seconds
        Length of a bar.
    program
        One of `PROGRAMS`.
    transposition
        Semitones, one of `TRANSPOSITIONS`.
    place
        Where the clip begins, as a part of what can be, in [0, 1).
    gain_db
        Peak level, within `GAIN_DB`.
    """

    bar_seconds: float
    program: int
    transposition: int
    place: float
    gain_db: float


class Tunes(Corpus):
    """1 907 tunes of seven dances; each is a clip rendered from its score.

    Nothing but the music tells the class: the score is stripped of its rhythm header, all notes are equally loud, one
    instrument plays the melody alone, and instrument, key, place and level are drawn from the tune's id.

    Parameters
    ----------
    free
        False: a bar lasts as long as tradition plays that dance (`BARS`), give or take 6 %. True: it is drawn from
        `FREE_BAR`, whatever the dance, so that metre, rhythm and melody alone are left. All else is the same.

    Notes
    -----
    A bar lasts the same however it is notated: O'Neill prints most hornpipes in C|, Ryan most in 2/4 with notes of half
    the value. A class may contain other metres than its own, as printed: of 514 jigs, 24 are in 9/8 and 13 in duple
    time.
    """

    family = "tunes"
    labels = tuple(BARS)
    may_share = True
    sources = SOURCES

    def __init__(self, *, free: bool) -> None:
        self.free = free
        self.name = "tunes-free" if free else "tunes"
        self.title = "Tunes, at random tempo" if free else "Tunes, at traditional tempo"

    @property
    def source(self) -> str:
        """Versions of all that makes the sound: ``rendering 1, music21 10.5.1, pretty_midi …, symusic …``."""
        packages = ("music21", "pretty_midi", "symusic")
        return ", ".join([f"rendering {rendering.VERSION}", *(f"{name} {_version(name)}" for name in packages)])

    def tracks(self) -> list[Track]:
        """All tunes; see `bnet.corpora.tunes.scores` for ids and groups."""
        return [Track(tune.track_id, tune.label, tune.group) for tune in load_tunes().values()]

    def tune(self, track_id: str) -> Tune:
        """The score of a track; a `BnetError` if there is no such track."""
        if track_id not in load_tunes():
            raise BnetError(f"no tune {track_id!r} in {self.name}; ids look like 'oneills-1200' or 'ryans-acacia'")
        return load_tunes()[track_id]

    def performance(self, track_id: str) -> Performance:
        """How the corpus plays a track."""
        tune, tempo = self.tune(track_id), draw(track_id, "tempo")
        programs = list(PROGRAMS)
        if self.free:
            bar_seconds = FREE_BAR[0] * (FREE_BAR[1] / FREE_BAR[0]) ** tempo
        else:
            bar_seconds = usual_bar_seconds(tune) * (1 + BAR_SPREAD * (2 * tempo - 1))
        return Performance(
            bar_seconds=bar_seconds,
            program=programs[int(draw(track_id, "program") * len(programs))],
            transposition=TRANSPOSITIONS[int(draw(track_id, "transposition") * len(TRANSPOSITIONS))],
            place=draw(track_id, "place"),
            gain_db=GAIN_DB[0] + (GAIN_DB[1] - GAIN_DB[0]) * draw(track_id, "gain"),
        )

    def describe(self, track: Track) -> str:
        """A caption for a clip: title, book, instrument, transposition, metre, tempo; a title often names the rhythm
        itself."""
        tune, played = self.tune(track.track_id), self.performance(track.track_id)
        return (
            f"{tune.title or 'title not shown'} ({tune.book}), {PROGRAMS[played.program]}, "
            f"{played.transposition:+d} semitone{'s' * (abs(played.transposition) != 1)}, {tune.metre}, "
            f"a bar in {round(played.bar_seconds, 2):.2f} s"
        )

    def class_facts(self) -> pd.DataFrame:
        """Metres (those of at least one tune in twenty) and length of a bar, by class."""
        rows = {}
        for label, bar in BARS.items():
            metres = Counter(tune.metre for tune in load_tunes().values() if tune.label == label)
            usual = [f"{metre} ({n})" for metre, n in metres.most_common() if n >= 0.05 * metres.total()]
            lasts = (
                f"{FREE_BAR[0]:g} to {FREE_BAR[1]:g}" if self.free else f"{bar.seconds:.2f} ± {100 * BAR_SPREAD:.0f} %"
            )
            rows[label] = {"Usual metres": ", ".join(usual), "A bar lasts, s": lasts}
        return pd.DataFrame.from_dict(rows, orient="index")

    def words(self) -> dict[str, str]:
        """Counts, tempi, instruments and sources, for its page."""
        tunes, classes = load_tunes().values(), defaultdict(set)
        for tune in tunes:
            classes[tune.group].add(tune.label)
        mixed = {group for group, labels in classes.items() if len(labels) > 1}
        bars = "\n".join(f"- **{label}**, {bar.seconds:.2f} s: {bar.source}." for label, bar in BARS.items())
        source = "- **{part}**, {maker}. Licence: {licence}. From: {where}."
        return {
            "count": f"{len(tunes):,}".replace(",", " "),
            "tempo": _FREE if self.free else _TRADITIONAL,
            "mixed": f"{len(mixed)} groups ({sum(tune.group in mixed for tune in tunes)} tunes)",
            "instruments": ", ".join(PROGRAMS.values()),
            "lasts": "" if self.free else f"\n\n:::{{dropdown}} How long a bar lasts, and how we know\n\n{bars}\n:::",
            "sources": "\n".join(source.format_map(row) for row in self.sources),
        }

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """The clip: an excerpt of the tune, or the whole tune over and over where it is shorter than the clip.

        Samples are whole multiples of 1/32768: what a 16-bit file can hold.
        """
        if not seconds > 0:
            raise BnetError(f"seconds is {seconds}; expected more than 0")
        tune, played = self.tune(track.track_id), self.performance(track.track_id)
        notes = rendering.read_melody(tune.abc, f"{tune.track_id} ({tune.title})")
        quarter = played.bar_seconds / tune.bar_quarters
        period = rendering.whole_bars(notes, tune.bar_quarters) * quarter
        notes[:, :2] *= quarter
        notes[:, 2] += played.transposition
        start = played.place * (period - seconds if period > seconds else period)
        y = rendering.play(notes, period, start, seconds, played.program)
        peak = float(np.abs(y).max())
        if not np.isfinite(peak) or peak < 1e-4:
            raise BnetError(f"{tune.track_id} ({tune.title}): the synthesizer made no sound (peak {peak:g})")
        level = 10 ** (played.gain_db / 20) * 32767 / peak
        return (np.round(y * level) / 32768).astype(np.float32)


def usual_bar_seconds(tune: Tune) -> float:
    """How long a bar of this tune lasts by tradition, in seconds: `BARS`, in proportion to the number of beats."""
    bar = BARS[tune.label]
    beats = 3 if tune.metre == "9/8" else 2
    return bar.seconds * (beats / bar.beats if bar.beats else 1)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
