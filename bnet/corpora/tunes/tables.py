"""The embedded corpus as data: how long bars last and how we know, instruments, ranges, and what it is made of."""

from __future__ import annotations

from typing import NamedTuple

from bnet.corpora.base import index_rows


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

TITLES_NOT_SHOWN = {"ryans-n-in-de-wood-pile", "ryans-old-zip-coon", "ryans-old-zip-coon-b"}
"""Tunes whose titles of 1883 are offensive: captions leave them out."""

TRANSPOSITIONS = range(-6, 6)  # semitones: all twelve keys alike
GAIN_DB = (-12.0, -1.0)  # peak level below full scale

SOURCES = index_rows("tunes-sources")
"""What the corpus is made of: each ``part``, its ``maker``, under which ``licence``, and ``where`` it lies."""
