"""Clips for the page to listen to: of test tracks, which none of its networks was trained on."""

from __future__ import annotations

import io
from collections.abc import Sequence

import soundfile

from bnet.corpora import CORPORA, SR, get_corpus
from bnet.corpora.base import Corpus, Track, draw
from bnet.errors import BnetError
from bnet.runs.records import Record

NUMBER = 12
SECONDS = 20.0
"""Twice the length of the networks' windows, so that there is something to follow."""


def choose(records: Sequence[Record], number: int = NUMBER) -> tuple[Corpus | None, list[Track]]:
    """Test tracks that all networks of one corpus share, of each class about equally many, drawn by their ids; and it.

    Networks of corpora whose sound may not be passed on do not count. None are chosen, and the corpus is None, where
    the others were trained on several corpora, or on one that isn't here. Neither choice nor order knows what any
    network says of them.
    """
    records = [record for record in records if getattr(CORPORA.get(record.config.corpus), "may_share", True)]
    names = {record.config.corpus for record in records}
    try:
        corpus = get_corpus(names.pop())
    except (BnetError, KeyError):
        return None, []
    if names or not corpus.may_share:
        return None, []
    shared = set.intersection(*(set(record.arrays("test")[0]) for record in records))
    ranked = sorted((t for t in corpus.tracks() if t.track_id in shared), key=lambda t: draw(t.track_id, "listen"))
    turn: dict[str, int] = {}
    rounds = []
    for track in ranked:
        turn[track.label] = turn.get(track.label, 0) + 1
        rounds.append((turn[track.label], len(rounds), track))
    chosen = [track for *_, track in sorted(rounds, key=lambda row: row[:2])[:number]]
    return corpus, sorted(chosen, key=lambda t: draw(t.track_id, "place in the list"))


def flac(corpus: Corpus, track: Track, seconds: float = SECONDS) -> bytes:
    """`seconds` of a track as FLAC: the very samples that the corpus makes."""
    stream = io.BytesIO()
    soundfile.write(stream, corpus.audio(track, seconds), SR, format="FLAC")
    return stream.getvalue()
