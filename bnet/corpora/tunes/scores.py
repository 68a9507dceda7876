"""The scores of the embedded corpus: ABC files of two printed tune books, as music21 ships them.

O'Neill's *Music of Ireland* (1903) and *Ryan's Mammoth Collection* (1883) lie in music21's corpus. They are read where
they are: music21 itself is not imported (it is slow and not needed), and nothing is copied.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bnet.corpora.base import join_groups
from bnet.corpora.tunes.same_tune import same_melody, title_key
from bnet.errors import BnetError

BOOKS = {
    "oneills": ("oneills1850", "O'Neill's Music of Ireland (Chicago, 1903)"),
    "ryans": ("ryansMammoth", "Ryan's Mammoth Collection (Boston, 1883)"),
}
"""Id prefix -> folder in music21's corpus, and the printed book."""

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


@dataclass(frozen=True)
class Tune:
    """One score.

    Parameters
    ----------
    track_id
        ``oneills-`` and the number in the book (``b`` follows where a second transcription exists), or ``ryans-`` and
        the title without its rhythm word.
    label
        The class: the `R:` header by way of `RHYTHMS`.
    group
        A normalised title, shared by all scores of the same tune (see `bnet.corpora.tunes.same_tune`).
    title, book
        As printed, for people.
    metre, key
        The first `M:` and `K:` headers, as written (``C|``, ``6/8``; ``G``, ``Ador``).
    abc
        The score for the ABC reader, stripped of all that isn't notes (see `bare_abc`).
    """

    track_id: str
    label: str
    group: str
    title: str
    book: str
    metre: str
    key: str
    abc: str

    @property
    def bar_quarters(self) -> float:
        """Length of a bar in crotchets: 4 for ``C`` and ``C|``, 3 for ``6/8``."""
        written = BARS_READ_AS.get(self.track_id, self.metre)
        over, under = {"C": (4, 4), "C|": (2, 2)}.get(written) or map(int, written.split("/"))
        return 4 * over / under


@functools.cache
def load_tunes() -> dict[str, Tune]:
    """All scores of the seven classes by track id, sorted by id: 1 907 of them with music21 10.5.1. A `BnetError` if
    music21 or its corpus is not installed."""
    headers = [(prefix, score) for prefix in BOOKS for score in _scores(prefix)]
    ids = _ids(headers)
    kept = [(track_id, *header) for track_id, header in zip(ids, headers, strict=True) if _label(header[1])]
    titles = [_same_tune_keys(track_id, score) for track_id, _, score in kept]
    scores = [bare_abc(score) for _, _, score in kept]
    tunes = [
        Tune(
            track_id=track_id,
            label=_label(score),
            group=group,
            title=tidy_title(_fields(score, "T")[0]),
            book=BOOKS[prefix][1],
            metre=_fields(score, "M")[0],
            key=_fields(score, "K")[0],
            abc=abc,
        )
        for (track_id, prefix, score), abc, group in zip(
            kept, scores, join_groups(titles, same_melody(scores)), strict=True
        )
    ]
    return {tune.track_id: tune for tune in sorted(tunes, key=lambda tune: tune.track_id)}


def package_folder(package: str, needed_for: str) -> Path:
    """The folder of an installed package, without importing it. A `BnetError` if it isn't installed; says what it is
    `needed_for` and how to get it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise BnetError(f"the package {package} is not installed; {needed_for}; run: pip install {package}")
    return Path(next(iter(spec.submodule_search_locations)))


def bare_abc(score: str) -> str:
    """A score with nothing in it but notes, ornaments, bar lines, repeats, key, metre and unit length.

    Left out: `R:` and `Q:` (by them abc2midi plays the dotted pairs of hornpipes 2:1 instead of 3:1, and sets the
    tempo) and all other headers, also within the tune; text in double quotes (chord symbols become an accompaniment);
    comments and directives; bow marks (``u``, ``v``), fermatas (``H``), segni (``S``) and string marks (``k``). The
    empty chord ``[|]``, Ryan's transcribers' thin bar line, becomes a bar line: abc2midi would read all that follows
    as one chord. An ornament before a slur goes inside of it.
    """
    head, key, body = re.match(r"(?s)(.*?^)(K:[^\n]*\n)(.*)", score, re.MULTILINE).groups()
    lines = ["X:1", "T:tune", *re.findall(r"(?m)^[ML]:[^\n%]*", head), _no_comment(key)]
    for line in map(_no_comment, body.split("\n")):
        if re.match(r"[A-Za-z]:(?![|:])", line):
            lines += [line] if line[0] in "KLM" else []
            continue
        line = re.sub(r'"[^"]*"?|\[[A-JN-Za-z]:[^]]*\]', "", line)
        line = re.sub(r"\[\|\]\s*(?=[|:[])", "", re.sub(r"[uvkHS]", "", line)).replace("[|]", "|")
        line = re.sub(r"([T~])(\(+)(?!\d)", r"\2\1", line)
        lines += [line] if line.strip() else []
    return "\n".join(lines) + "\n"


def tidy_title(title: str) -> str:
    """A title for people: ``EMERALD ISLE., THE`` -> ``The Emerald Isle``, ``Sandy -- Reel`` -> ``Sandy Reel``."""
    title = re.sub(r"\s*--?\s+(?=\w)", " ", title).replace('"', "").strip()
    title = re.sub(r"(?<=[A-Z])'(?:S|T|D|LL|VE|RE|M)\b", lambda part: part[0].lower(), title)
    title = re.sub(r"[A-Z]{2,}", lambda word: word[0].capitalize(), title)
    article = re.fullmatch(r"(.*?)\.?,\s*(The|An|A)", title)
    if article:
        title = f"{article[2]} {article[1]}"
    return re.sub(r"\s+", " ", title).rstrip(". ")


def _scores(prefix: str) -> Iterator[str]:
    folder = package_folder("music21", "the scores of the corpus 'tunes' lie in it") / "corpus" / BOOKS[prefix][0]
    files = sorted(folder.glob("*.abc"), key=lambda path: path.name)
    if not files:
        raise BnetError(
            f"no scores in {folder}; music21 is here without its corpus; run: pip install --force-reinstall music21"
        )
    for path in files:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
        yield from map(_mend, re.split(r"(?m)^(?=X:)", text)[1:])


def _mend(score: str) -> str:
    """Undo what e-mail did to some files (``=3D``, ``=20``, lines ending in ``=``; a colon after *at*: ``Gat:e``) and a
    slip in number 745 (``K:Bn`` for B minor)."""
    score = re.sub(r"=\n", "", score).replace("=3D", "=").replace("=20", " ")
    score = re.sub(
        r"(?m)^(T:.*)$", lambda line: re.sub(r"(?i)(?<=[a-z]at):(?!\s)|(?<=at):(?=[- ])", "", line[0]), score
    )
    return re.sub(r"(?m)^K: *Bn\b", "K:Bm", score)


def _fields(score: str, letter: str) -> list[str]:
    return [_no_comment(value).strip() for value in re.findall(rf"(?m)^{letter}:(.*)$", score)]


def _no_comment(line: str) -> str:
    return line.split("%", 1)[0].rstrip()


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
