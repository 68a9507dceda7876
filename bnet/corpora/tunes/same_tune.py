"""Which scores are the same tune: those that share a title, and those that share a melody under other titles.

Both books print tunes more than once, and Ryan's often one tune under two titles, sometimes as two dances. Titles alone
would let one version into training and the other into the test.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

STEPS = 12  # compared at a time: about two bars
SHARE = 0.3  # of the shorter melody's passages; see `same_melody`


def title_key(title: str) -> str:
    """What two spellings of a title have in common: ``GALWAY TOM -- REEL.`` -> ``galway tom``.

    Case, accents, punctuation, articles, rhythm words, settings, numbers and the British *-our* are left out. A title
    of which nothing would remain (``Jig``) keeps its words.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"\([^)]*\)|\b(1st|2nd|3rd|\dth)? ?setting\b|\bno\b\.? ?\d+|['.`]", "", plain)
    plain = re.sub(r"(?<=[mnvb])our", "or", plain)
    words = re.findall(r"[a-z0-9]+", plain)
    rare = [word for word in words if not _COMMON_WORDS.fullmatch(word)]
    return " ".join(rare or words)


def same_melody(abcs: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of scores (by position, lower first, sorted) of which one repeats much of the other's melody.

    A passage is `STEPS` successive steps on the staff, whatever the key and the rhythm; two scores are versions of one
    tune if at least `SHARE` of the passages of the one that has fewer are in the other too. Between .25 and .5 the
    share hardly matters: no group of O'Neill's and Ryan's grows beyond five.
    """
    passages = [_passages(staff_steps(abc)) for abc in abcs]
    holders: dict[bytes, list[int]] = defaultdict(list)
    for position, own in enumerate(passages):
        for passage in own:
            holders[passage].append(position)
    shared: Counter[tuple[int, int]] = Counter()
    for positions in holders.values():
        shared.update(itertools.combinations(positions, 2))
    return sorted(
        pair for pair, count in shared.items() if count >= SHARE * min(len(passages[pair[0]]), len(passages[pair[1]]))
    )


def staff_steps(abc: str) -> list[int]:
    """The steps between successive notes of a score, in staff positions, without grace notes; of a chord, the top note.

    >>> staff_steps("K:C\\nC E{F} [EG] c")
    [2, 2, 3]
    """
    body = re.sub(r"(?m)^[A-Z]:.*$|\{[^}]*\}|\[[A-Z]:[^]]*\]|![^!\n]*!", "", abc)
    body = re.sub(r"\[([^]|:]*)\]", lambda chord: max(_NOTE.findall(chord[1]), key=_position, default=""), body)
    positions = [_position(note) for note in _NOTE.findall(body)]
    return [after - before for before, after in itertools.pairwise(positions)]


_NOTE = re.compile(r"[A-Ga-g][,']*")
_COMMON_WORDS = re.compile("the|an?|reel|(slip ?)?jig|slip|hornpipe|strathspey|clog|air|lancashire")


def _position(note: str) -> int:
    return "CDEFGABcdefgab".index(note[0]) + 7 * (note.count("'") - note.count(","))


def _passages(steps: list[int]) -> set[bytes]:
    line = bytes(step % 256 for step in steps)  # no step is larger than 100, and bytes are hashed faster than tuples
    windows = {line[n : n + STEPS] for n in range(len(line) - STEPS + 1)}
    return {window for window in windows if len(set(window)) > 3}  # a scale or a trill is nobody's melody
