"""The corpora: a registry, one row each."""

from __future__ import annotations

from bnet.corpora.base import SR, Corpus, Track, draw, fingerprint, select
from bnet.corpora.tunes import Tunes
from bnet.errors import unknown

_ROWS = (Tunes(free=False), Tunes(free=True))

CORPORA: dict[str, Corpus] = {corpus.name: corpus for corpus in _ROWS}
"""Name -> corpus."""


def get_corpus(name: str) -> Corpus:
    """The corpus called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    return CORPORA[name]


__all__ = ["CORPORA", "SR", "Corpus", "Track", "draw", "fingerprint", "get_corpus", "select"]
