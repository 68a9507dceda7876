"""The corpora: a registry, one row each."""

from __future__ import annotations

from bnet.corpora.base import FLAWS, SR, Corpus, Flaw, Track, draw, fingerprint, select, without
from bnet.corpora.drums import Drums
from bnet.corpora.emotify import Emotify
from bnet.corpora.extended_ballroom import ExtendedBallroom
from bnet.corpora.files import FileCorpus
from bnet.corpora.fma import FmaSmall
from bnet.corpora.folder import Folder
from bnet.corpora.gtzan import Gtzan
from bnet.corpora.homburg import Homburg
from bnet.corpora.pictures import FMA_SMALL_IMAGES, GTZAN_IMAGES
from bnet.corpora.tunes.corpus import Tunes
from bnet.corpora.walk import HOMES
from bnet.errors import unknown

_ROWS = (
    Tunes(free=False),
    Tunes(free=True),
    Gtzan(),
    GTZAN_IMAGES,
    ExtendedBallroom(),
    Homburg("pad"),
    Homburg("loop"),
    Homburg("keep"),
    FmaSmall(),
    Emotify(),
    Drums(),
    FMA_SMALL_IMAGES,
    Folder(),
)

CORPORA: dict[str, Corpus] = {corpus.name: corpus for corpus in _ROWS}
"""Name -> corpus."""

HOMES |= {corpus.home.name for corpus in _ROWS if isinstance(corpus, FileCorpus)}


def get_corpus(name: str) -> Corpus:
    """The corpus called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    return CORPORA[name]


def other_forms(name: str) -> list[Corpus]:
    """The corpora that hold the clips of the corpus `name` in another form."""
    return [corpus for corpus in CORPORA.values() if corpus.of and corpus.of.name == name]


__all__ = [
    "CORPORA",
    "FLAWS",
    "SR",
    "Corpus",
    "Flaw",
    "Track",
    "draw",
    "fingerprint",
    "get_corpus",
    "other_forms",
    "select",
    "without",
]
