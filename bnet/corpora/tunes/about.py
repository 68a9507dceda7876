"""What the pages say of `tunes` and `tunes-free`: texts and tables computed from the corpus itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pandas as pd

from bnet.corpora.tunes.scores import load_tunes

if TYPE_CHECKING:
    from bnet.corpora.tunes.corpus import Tunes

_ABOUT = """\
Real music that anyone can have: {count} dance tunes from *O'Neill's Music of Ireland* {{cite:p}}`oneill1903` and
*Ryan's Mammoth Collection* {{cite:p}}`ryan1883`. Three Python packages bring scores, sounds and player; `bnet` renders
a clip of each tune on your machine. The class is the tune's **rhythm**, as its score names it.

Only the music tells the class: the header that names the rhythm is taken out before the score is read, one instrument
plays the melody alone, all notes are equally loud, and instrument, key, loudness and the place of the excerpt are drawn
from the tune's id, whatever its class. A tune shorter than a clip is played again.

"""
_TRADITIONAL = """\
**Tempo**: each dance has its traditional tempo, give or take {spread:.0%}. As in real
collections of dance music, tempo alone then gives much of the class away; {{doc}}`tunes-free` takes that away.
"""
_FREE = """\
**Tempo** is random: a bar of any tune lasts {low:g} to {high:g} s, whatever the dance. Scores, instruments, keys
and folds are those of {{doc}}`tunes`, so the difference between the two is what the traditional tempo adds: it gives
much of the class away, and there are fewer tempi to cope with.
"""


def about(corpus: Tunes) -> str:
    """What the corpus is, as MyST."""
    from bnet.corpora.tunes.tables import BAR_SPREAD, FREE_BAR

    tempo = _FREE.format(low=FREE_BAR[0], high=FREE_BAR[1]) if corpus.free else _TRADITIONAL.format(spread=BAR_SPREAD)
    return _ABOUT.format(count=f"{len(load_tunes()):,}".replace(",", " ")) + tempo


def notes(corpus: Tunes) -> str:
    """Sources of the tempi, and of scores and sounds with their licences, as MyST."""
    from bnet.corpora.tunes.tables import BARS, PROGRAMS

    tempi = "\n".join(f"- **{label}**, {bar.seconds:.2f} s: {bar.source}." for label, bar in BARS.items())
    sources = "\n".join(f"- **{s.part}**, {s.maker}. Licence: {s.licence}. From: {s.where}." for s in corpus.sources)
    lasts = "" if corpus.free else f"\n\n:::{{dropdown}} How long a bar lasts, and how we know\n\n{tempi}\n:::"
    classes: dict[str, set[str]] = defaultdict(set)
    for tune in load_tunes().values():
        classes[tune.group].add(tune.label)
    mixed = {group for group, labels in classes.items() if len(labels) > 1}
    clips = sum(tune.group in mixed for tune in load_tunes().values())
    noise = (
        f"The books themselves disagree about some tunes: {len(mixed)} groups ({clips} tunes) hold versions of one "
        "melody under more than one rhythm. No classifier can be right about all of them."
    )
    return (
        f"{noise}\n\nInstruments: {', '.join(PROGRAMS.values())}.{lasts}\n\n"
        f":::{{dropdown}} Scores, sounds and their licences\n\n{sources}\n\nNone of them is part of this project.\n:::"
    )


def class_facts(corpus: Tunes) -> pd.DataFrame:
    """Metres (those of at least one tune in twenty) and length of a bar, by class."""
    from bnet.corpora.tunes.tables import BAR_SPREAD, BARS, FREE_BAR

    rows = {}
    for label, bar in BARS.items():
        metres = Counter(tune.metre for tune in load_tunes().values() if tune.label == label)
        usual = [f"{metre} ({n})" for metre, n in metres.most_common() if n >= 0.05 * metres.total()]
        lasts = f"{FREE_BAR[0]:g} to {FREE_BAR[1]:g}" if corpus.free else f"{bar.seconds:.2f} ± {BAR_SPREAD:.0%}"
        rows[label] = {"Usual metres": ", ".join(usual), "A bar lasts, s": lasts}
    return pd.DataFrame.from_dict(rows, orient="index")


def describe(corpus: Tunes, track_id: str) -> str:
    """A caption for a clip, for people; a title often names the rhythm itself."""
    from bnet.corpora.tunes.tables import TITLES_NOT_SHOWN

    facts = corpus.caption(track_id)
    title = "title not shown" if track_id in TITLES_NOT_SHOWN else facts["title"]
    return (
        f"{title} ({facts['book']}), {facts['instrument']}, {facts['transposition']:+d} semitones, "
        f"{facts['metre']}, a bar in {facts['bar_seconds']:.2f} s"
    )
