"""Drum patterns of our own at tempi from 60 to 220 beats per minute: only tempo, metre and pattern vary.

Three plain patterns, each in four-four and in three-four, of a kick, a snare and a hi-hat that are computed here;
alone, and with a bass and a chord. They are hardly music: they ask a network that was trained on dances what it makes
of a tempo.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import scipy.signal

from bnet.corpora.base import SR, Corpus, Track
from bnet.errors import BnetError

TEMPI = tuple(range(60, 221, 20))
"""Beats (quarter notes) per minute."""


@dataclass(frozen=True)
class Pattern:
    """A bar in eighth notes, two characters per beat: ``x`` is a hit, ``.`` none; its twin in the other metre has the
    same name."""

    name: str
    metre: str
    kick: str
    snare: str
    hat: str


PATTERNS = (
    Pattern("rock", "four-four", kick="x...x...", snare="..x...x.", hat="xxxxxxxx"),
    Pattern("rock", "three-four", kick="x.....", snare="....x.", hat="xxxxxx"),
    Pattern("house", "four-four", kick="x.x.x.x.", snare="..x...x.", hat=".x.x.x.x"),
    Pattern("house", "three-four", kick="x.x.x.", snare="....x.", hat=".x.x.x"),
    Pattern("oompah", "four-four", kick="x...x...", snare="..x...x.", hat="........"),
    Pattern("oompah", "three-four", kick="x.....", snare="..x.x.", hat="......"),
)

PLAYERS = {"drums": (("kick", "kick"), ("snare", "snare"), ("hat", "hat"))}
PLAYERS["band"] = (*PLAYERS["drums"], ("bass", "kick"), ("chord", "snare"))
"""Who plays: instruments, each with the part that it plays."""


class Drums(Corpus):
    """Each of `PATTERNS` at each of `TEMPI` by each of `PLAYERS`: 108 clips, whose label is the metre."""

    name = "drums"
    title = "Drum patterns at many tempi"
    labels = ("four-four", "three-four")
    source = "drums 1"
    protocols = ("kfold",)
    may_share = True

    def tracks(self) -> list[Track]:
        """All clips; ids are ``<metre>-<pattern>-<players>-<tempo>``, a group is a pattern in both metres."""
        return sorted(Track(own, pattern.metre, pattern.name) for own, (pattern, _, _) in _clips().items())

    def performance(self, track_id: str) -> tuple[Pattern, str, int]:
        """Of a clip: its pattern, who plays it (of `PLAYERS`), and its tempo in beats per minute. A `BnetError` if
        there is no such clip."""
        if track_id not in _clips():
            raise BnetError(f"no clip {track_id!r} in {self.name}; ids look like 'four-four-rock-drums-120'")
        return _clips()[track_id]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """The pattern over and over from its first beat on; samples are whole multiples of 1/32768."""
        pattern, players, tempo = self.performance(track.track_id)
        n, eighth = round(seconds * SR), 30 / tempo
        y = np.zeros(n + SR)
        for instrument, part in PLAYERS[players]:
            hit, steps = _hits()[instrument], getattr(pattern, part)
            for k in range(int(seconds / eighth) + 1):
                at = round(k * eighth * SR)
                if steps[k % len(steps)] == "x" and at < n:
                    y[at : at + len(hit)] += hit
        return (np.round(y[:n] * 0.5 * 32767) / 32768).astype(np.float32)


@functools.cache
def _clips() -> dict[str, tuple[Pattern, str, int]]:
    return {
        f"{pattern.metre}-{pattern.name}-{players}-{tempo:03d}": (pattern, players, tempo)
        for pattern in PATTERNS
        for players in PLAYERS
        for tempo in TEMPI
    }


@functools.cache
def _hits() -> dict[str, np.ndarray]:
    """Instrument -> one hit, half a second long at most."""
    t = np.arange(SR // 2) / SR
    noise = np.random.default_rng(0).uniform(-1, 1, len(t))
    high = scipy.signal.sosfilt(scipy.signal.butter(4, 7000, "highpass", fs=SR, output="sos"), noise)
    glide = 50 * t + 3 * (1 - np.exp(-30 * t))  # cycles of a tone that falls from 140 to 50 Hz

    def note(hertz: float) -> np.ndarray:
        return sum(np.sin(2 * np.pi * k * hertz * t) / k**1.5 for k in range(1, 9))

    return {
        "kick": 0.8 * np.sin(2 * np.pi * glide) * np.exp(-14 * t),
        "snare": (0.4 * noise + 0.3 * np.sin(2 * np.pi * 190 * t)) * np.exp(-22 * t),
        "hat": 0.4 * high * np.exp(-70 * t),
        "bass": 0.3 * note(110.0) * np.exp(-4 * t),
        "chord": 0.1 * sum(map(note, (220.0, 277.2, 329.6))) * np.exp(-5 * t),  # A major
    }
