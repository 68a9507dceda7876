"""The scores of the embedded corpus: ABC files of two printed tune books, as music21 ships them.

O'Neill's *Music of Ireland* (1903) and *Ryan's Mammoth Collection* (1883) lie in music21's corpus. They are read where
they are: music21 itself is not imported (it is slow and not needed), and no score is copied. ``indexes/tunes.csv`` says
which of them are tunes of the seven classes, and which are versions of one tune: ``tests/tunes_index.py`` makes it.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from bnet.corpora.base import index_rows
from bnet.errors import BnetError

BOOKS = {
    "oneills": ("oneills1850", "O'Neill's Music of Ireland (Chicago, 1903)"),
    "ryans": ("ryansMammoth", "Ryan's Mammoth Collection (Boston, 1883)"),
}
"""Id prefix -> folder in music21's corpus, and the printed book."""


@dataclass(frozen=True)
class Tune:
    """One score.

    Parameters
    ----------
    track_id
        ``oneills-`` and the number in the book (``b`` follows where a second transcription exists), or ``ryans-`` and
        the title without its rhythm word.
    label
        The class, by the score's `R:` header.
    group
        A normalised title, shared by all scores of the same tune.
    title, book
        As printed, for people; '' of three titles of 1883 that are offensive.
    metre
        The first `M:` header, as written: ``C|``, ``6/8``.
    bar_quarters
        Length of a bar in crotchets: 4 for ``C`` and ``C|``, 3 for ``6/8``; of six scores, whose header doesn't tell
        it, that of their dance's bar.
    abc
        The score for the ABC reader, stripped of all that isn't notes (see `bare_abc`).
    """

    track_id: str
    label: str
    group: str
    title: str
    book: str
    metre: str
    bar_quarters: float
    abc: str


@functools.cache
def load_tunes() -> dict[str, Tune]:
    """The 1 907 scores of the index by track id, sorted by id. A `BnetError` if music21 or its corpus is not installed,
    or lacks one of them."""
    there = {prefix: scores(prefix) for prefix in BOOKS}
    tunes = {}
    for row in index_rows("tunes"):
        prefix, place = row["track_id"].split("-")[0], (row.pop("file"), int(row.pop("number")))
        if place not in there[prefix]:
            raise BnetError(f"music21's corpus lacks score {place[1]} of {place[0]}; run: pip install music21==10.5.1")
        bar, abc = float(row.pop("bar_quarters")), bare_abc(there[prefix][place])
        tunes[row["track_id"]] = Tune(**row, book=BOOKS[prefix][1], bar_quarters=bar, abc=abc)
    return tunes


def scores(prefix: str) -> dict[tuple[str, int], str]:
    """The scores of a book by file and number in it (from 0), mended; errors of `load_tunes`."""
    folder = package_folder("music21", "the scores of the corpus 'tunes' lie in it") / "corpus" / BOOKS[prefix][0]
    found = {}
    for path in sorted(folder.glob("*.abc"), key=lambda path: path.name):
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
        for number, score in enumerate(re.split(r"(?m)^(?=X:)", text)[1:]):
            found[path.name, number] = _mend(score)
    if not found:
        raise BnetError(
            f"no scores in {folder}; music21 is here without its corpus; run: pip install --force-reinstall music21"
        )
    return found


def _mend(score: str) -> str:
    """Undo what e-mail did to some files (``=3D``, ``=20``, lines ending in ``=``) and a slip in number 745 (``K:Bn``
    for B minor)."""
    score = re.sub(r"=\n", "", score).replace("=3D", "=").replace("=20", " ")
    return re.sub(r"(?m)^K: *Bn\b", "K:Bm", score)


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


def _no_comment(line: str) -> str:
    return line.split("%", 1)[0].rstrip()
