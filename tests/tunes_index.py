"""Makes ``bnet/corpora/indexes/tunes.csv`` from the scores that music21 brings (ids, classes, titles, groups), and
``tunes-keys.csv`` from the sound font that pretty_midi brings.

Which scores are the same tune: those that share a title, and those that share a melody under other titles. Both books
print tunes more than once, and Ryan's often one tune under two titles, sometimes as two dances. Titles alone would let
one version into training and the other into the test.

``python tests/tunes_index.py`` writes both again; test_tunes holds that they would be the same.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import bnet
from bnet.corpora.base import join_groups
from bnet.corpora.tunes.rendering import SOUND_FONT
from bnet.corpora.tunes.scores import BOOKS, bare_abc, package_folder, scores

INDEX = Path(bnet.__file__).with_name("corpora") / "indexes" / "tunes.csv"
KEYS = INDEX.with_name("tunes-keys.csv")

RHYTHMS = {
    "reel": "reel",
    "jig": "jig",
    "double jig": "jig",
    "hornpipe": "hornpipe",
    "slip jig": "slip jig",
    "slipjig": "slip jig",
    "strathspey": "strathspey",
    "clog": "clog",
    "air": "air",
}
"""`R:` header in lower case -> class. Rarer ones are left out: 26 flings, waltzes, walkarounds, slides and marches."""

BARS_READ_AS = {
    "ryans-kitty-oneils-champion": "4/4",  # M:2/4 with L:1/8, but eight quavers between the bar lines
    "oneills-1561b": "2/4",  # M:C| with L:1/16, but eight semiquavers between the bar lines
    "oneills-0614": "6/8",  # M:2/4, but six quavers between the bar lines
    "ryans-rising-sun": "4/4",  # 2/4 with four quavers: two written bars are one of a reel
    "ryans-le-petres": "4/4",  # the same, a hornpipe
    "ryans-roys-wife-of-aldivalloch": "4/4",  # the same, a strathspey
}
"""Scores whose `M:` header doesn't tell the length of their dance's bar -> the metre that does."""

TITLES_NOT_SHOWN = {"ryans-n-in-de-wood-pile", "ryans-old-zip-coon", "ryans-old-zip-coon-b"}
"""Tunes whose titles of 1883 are offensive: they are left out."""

STEPS = 12  # compared at a time: about two bars
SHARE = 0.3  # of the shorter melody's passages; see `same_melody`


def index() -> pd.DataFrame:
    """One row per tune of the seven classes, by id."""
    headers = [(prefix, *at, _mend_title(score)) for prefix in BOOKS for at, score in scores(prefix).items()]
    ids = _ids([(prefix, score) for prefix, *_, score in headers])
    kept = [(track_id, *header) for track_id, header in zip(ids, headers, strict=True) if _label(header[-1])]
    titles = [_same_tune_keys(track_id, score) for track_id, *_, score in kept]
    groups = join_groups(titles, same_melody([bare_abc(score) for *_, score in kept]))
    rows = []
    for (track_id, _, file, number, score), group in zip(kept, groups, strict=True):
        metre, title = _fields(score, "M")[0], tidy_title(_fields(score, "T")[0]) * (track_id not in TITLES_NOT_SHOWN)
        bar = _quarters(BARS_READ_AS.get(track_id, metre))
        rows.append([track_id, _label(score), group, title, metre, f"{bar:g}", file, number])
    columns = ["track_id", "label", "group", "title", "metre", "bar_quarters", "file", "number"]
    return pd.DataFrame(rows, columns=columns).sort_values("track_id", ignore_index=True)


def _quarters(metre: str) -> float:
    """Length of a bar in crotchets: 4 for ``C`` and ``C|``, 3 for ``6/8``."""
    over, under = {"C": (4, 4), "C|": (2, 2)}.get(metre) or map(int, metre.split("/"))
    return 4 * over / under


def tidy_title(title: str) -> str:
    """A title for people: ``EMERALD ISLE., THE`` -> ``The Emerald Isle``, ``Sandy -- Reel`` -> ``Sandy Reel``."""
    title = re.sub(r"\s*--?\s+(?=\w)", " ", title).replace('"', "").strip()
    title = re.sub(r"(?<=[A-Z])'(?:S|T|D|LL|VE|RE|M)\b", lambda part: part[0].lower(), title)
    title = re.sub(r"[A-Z]{2,}", lambda word: word[0].capitalize(), title)
    article = re.fullmatch(r"(.*?)\.?,\s*(The|An|A)", title)
    if article:
        title = f"{article[2]} {article[1]}"
    return re.sub(r"\s+", " ", title).rstrip(". ")


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


def _mend_title(score: str) -> str:
    """Undo what e-mail did to *at* in titles: ``Gat:e``."""
    at = r"(?i)(?<=[a-z]at):(?!\s)|(?<=at):(?=[- ])"
    return re.sub(r"(?m)^(T:.*)$", lambda line: re.sub(at, "", line[0]), score)


def _fields(score: str, letter: str) -> list[str]:
    return [value.split("%", 1)[0].strip() for value in re.findall(rf"(?m)^{letter}:(.*)$", score)]


def _label(score: str) -> str | None:
    rhythms = _fields(score, "R")
    return RHYTHMS.get(rhythms[0].lower()) if rhythms else None


def _ids(headers: list[tuple[str, str]]) -> list[str]:
    seen: Counter[str] = Counter()
    ids = []
    for prefix, score in headers:
        if prefix == "oneills":
            name = f"oneills-{int(_fields(score, 'X')[0]):04d}"
        else:
            name = f"ryans-{title_key(_fields(score, 'T')[0]).replace(' ', '-')}"
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}{'' if prefix == 'oneills' else '-'}{chr(96 + seen[name])}")
    return ids


def _same_tune_keys(track_id: str, score: str) -> list[str]:
    keys = [title_key(title) for title in _fields(score, "T")]
    if track_id.startswith("oneills"):
        keys.append(track_id[: len("oneills-0000")])  # two transcriptions of one number, whatever they call it
    return [key for key in keys if key] or [track_id]


_KEY_RANGE, _INSTRUMENT_SAMPLE, _OVERRIDING_ROOT_KEY = 43, 53, 58  # SoundFont 2.01 specification, section 8.1.2


def keys(font: bytes) -> pd.DataFrame:
    """Of a sound font, each sample whose header does not hold the key that its instruments' zones give it (of several
    keys, the one by which most are played), and that key."""
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    headers = np.frombuffer(_chunk(font, b"shdr"), np.uint8).reshape(-1, 46)[:, 40]
    for zone in _instrument_zones(font):
        if _INSTRUMENT_SAMPLE in zone:
            sample = zone[_INSTRUMENT_SAMPLE]
            low, high = divmod(zone.get(_KEY_RANGE, 127 << 8), 256)[::-1]
            votes[sample][zone.get(_OVERRIDING_ROOT_KEY, int(headers[sample]))] += high - low + 1
    found = {sample: max(keys, key=lambda key: (keys[key], key)) for sample, keys in sorted(votes.items())}
    rows = [(sample, key) for sample, key in found.items() if key != headers[sample]]
    return pd.DataFrame(rows, columns=["sample", "key"])


def _instrument_zones(font: bytes) -> Iterator[dict[int, int]]:
    """The generators (operator -> amount) of each instrument's zones, on top of those of its global zone."""
    instruments = np.frombuffer(_chunk(font, b"inst"), [("name", "S20"), ("bag", "<u2")])["bag"]
    bags = np.frombuffer(_chunk(font, b"ibag"), "<u2")[::2]
    generators = np.frombuffer(_chunk(font, b"igen"), "<u2").reshape(-1, 2)
    for first, last in itertools.pairwise(instruments):
        shared: dict[int, int] = {}
        for bag in range(first, last):
            zone = dict(generators[bags[bag] : bags[bag + 1]].tolist())
            if bag == first and _INSTRUMENT_SAMPLE not in zone:
                shared = zone
            yield shared | zone


def _chunk(font: bytes, tag: bytes) -> bytes:
    """The data of a `pdta` chunk."""
    at = font.index(tag, font.index(b"pdta"))
    return font[at + 8 : at + 8 + int.from_bytes(font[at + 4 : at + 8], "little")]


def soundfont() -> bytes:
    """As pretty_midi brings it."""
    return (package_folder("pretty_midi", "") / SOUND_FONT).read_bytes()


if __name__ == "__main__":
    index().to_csv(INDEX, index=False, lineterminator="\n")
    keys(soundfont()).to_csv(KEYS, index=False, lineterminator="\n")
