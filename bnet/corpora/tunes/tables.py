"""The embedded corpus as data: how long bars last and how we know, instruments, ranges, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """How long a bar of a dance lasts.

    Parameters
    ----------
    seconds
        Of the dance's usual bar.
    beats
        Of that bar. A bar with another number of beats lasts as much longer or shorter (24 of Ryan's jigs are in 9/8:
        their beats are as fast as a jig's). None where any bar lasts the same.
    source
        Where `seconds` comes from.
    """

    seconds: float
    beats: int | None
    source: str


BARS = {
    "reel": Bar(
        1.07,
        2,
        "224 crotchets a minute: Breathnach, Ceol Rince na hÉireann 1, p. ix, as quoted at "
        "chiffboard.mati.ca/viewtopic.php?p=210144; "
        "0.97-1.03 s in sydneyirishceilidancers.com.au/dance-music-1",
    ),
    "jig": Bar(
        1.02,
        2,
        "58-62 bars a minute (0.97-1.03 s): sydneyirishceilidancers.com.au/dance-music-1; "
        "58 (1.03 s): scottish-country-dancing-dictionary.com/quick-tempo.html; 0.94 s in Breathnach as above",
    ),
    "hornpipe": Bar(
        1.50,
        2,
        "152-160 crotchets a minute (1.50-1.58 s): mudcat.org message 2438330; "
        "1.33 s in Breathnach as above, and slower for step dancers: thesession.org/discussions/26748",
    ),
    "slip jig": Bar(
        1.55,
        3,
        "our choice of 116 beats a minute, between 113 (1.59 s; en.wikipedia.org/wiki/Slip_jig) and 144 (1.25 s; "
        "Breathnach as above)",
    ),
    "strathspey": Bar(
        2.00,
        2,
        "120 beats a minute, four to a bar: Ian Price, trillian.mit.edu/~jc/music/abc/Scotland/doc/IanPrice.html; "
        "1.88 s in nanaimoscd.com/cms/content/scottish-country-dance-music",
    ),
    "clog": Bar(
        1.58,
        2,
        "our choice, the slower end of the hornpipe's 152-160 crotchets: a clog goes 'at about hornpipe tempo', "
        "concertina.net/forums topic 878",
    ),
    "air": Bar(2.40, None, "our choice: an air has no dance; 100 crotchets a minute in C, 75 in 3/4"),
}
"""Class -> bar, in the order of every table."""

BAR_SPREAD = 0.06  # `tunes`: a tune's own tempo lies within this part of its dance's
FREE_BAR = (1.0, 2.2)  # `tunes-free`: seconds, the range from which any tune's bar is drawn

PROGRAMS = {
    0: "piano",
    6: "harpsichord",
    24: "nylon-string guitar",
    25: "steel-string guitar",
    42: "cello",
    46: "harp",
    56: "trumpet",
    64: "soprano saxophone",
    68: "oboe",
    71: "clarinet",
    73: "flute",
    74: "recorder",
    79: "ocarina",
    105: "banjo",
    107: "koto",
    109: "bagpipe",
}
"""General MIDI program (from 0) -> instrument: such as the sound font plays in tune, and of which no two share a sample
at a pitch that is played. symusic keeps a sample by its place in the font and its pitch, with the level of the
instrument that played it first; of two instruments that share it (accordion and concertina, harmonica and concertina,
violin and fiddle) the second would sound different in every order of clips."""

TITLES_NOT_SHOWN = {"ryans-n-in-de-wood-pile", "ryans-old-zip-coon", "ryans-old-zip-coon-b"}
"""Tunes whose titles of 1883 are offensive: captions leave them out."""

TRANSPOSITIONS = range(-6, 6)  # semitones: all twelve keys alike
GAIN_DB = (-12.0, -1.0)  # peak level below full scale


@dataclass(frozen=True)
class Source:
    """What the corpus is made of: a `part`, who made it, under which terms, and where it lies."""

    part: str
    maker: str
    licence: str
    where: str


SOURCES = (
    Source(
        "O'Neill's Music of Ireland",
        "Francis O'Neill (Chicago, 1903); ABC by volunteers named in each tune",
        "the book is in the public domain; music21 distributes the encodings 'with the permission of the encoders' "
        "(corpus/license.txt), whose files carry no restriction",
        "music21, corpus/oneills1850",
    ),
    Source(
        "Ryan's Mammoth Collection",
        "William Bradbury Ryan (Boston, 1883); ABC by volunteers named in each tune",
        "as above",
        "music21, corpus/ryansMammoth",
    ),
    Source(
        "TimGM6mb.sf2",
        "Tim Brechbill (2004), David Bolton (2010)",
        "GPL-2.0, as projects that distribute it state (Debian's timgm6mb-soundfont among them); pretty_midi says "
        "nothing",
        "pretty_midi",
    ),
    Source("abc2midi", "James Allwright, Seymour Shlien", "GPL-2 or later (its readme)", "symusic, bin/"),
    Source("symusic", "Yikai Liao", "MIT", "PyPI"),
)
