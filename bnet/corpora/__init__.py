"""The corpora: a registry, one row each."""

from __future__ import annotations

from bnet.corpora.base import SR, Corpus, Track, draw, fingerprint, select
from bnet.errors import unknown

CORPORA: dict[str, Corpus] = {}
"""Name -> corpus."""


def get_corpus(name: str) -> Corpus:
    """The corpus called `name`; a `BnetError` that lists the known ones otherwise."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    return CORPORA[name]


__all__ = ["CORPORA", "SR", "Corpus", "Track", "draw", "fingerprint", "get_corpus", "select"]
