"""``bnet corpora check``: is a copy whole and intact? Counts, and every clip that is missing, extra, damaged,
double."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd
from tqdm import tqdm

from bnet.corpora.base import Corpus, Track
from bnet.corpora.files import FileCorpus
from bnet.corpora.walk import UNREADABLE, plain, sounds
from bnet.errors import BnetError

KINDS = {
    "missing": "named by the corpus, no file",
    "extra": "a file that belongs to no clip",
    "format": "music in a format that can't be read: convert it",
    "corrupt": "can't be decoded, or is cut off",
    "too short": "decodes, but holds less than a whole clip",
    "checksum": "its content is not what was published",
    "duplicate": "the same content as another clip",
    "two labels": "the same content as a clip of another class",
    "count": "a class has more or fewer clips than published",
}
"""Kind of problem -> what it means."""


@dataclass(frozen=True)
class Check:
    """What was found in a copy.

    Parameters
    ----------
    counts
        One row per class: ``label, expected, found``; `expected` is missing where nothing is published.
    problems
        One row per problem: ``kind`` (of `KINDS`), ``clip``, ``detail``, ``known`` (the corpus is known for it).
    """

    counts: pd.DataFrame
    problems: pd.DataFrame

    @property
    def sound(self) -> bool:
        """Whether there is no problem but those that the corpus is known for."""
        return bool(self.problems["known"].all())


def check(corpus: Corpus, *, decode: bool = True, jobs: int | None = None) -> Check:
    """Look at every file of a copy.

    Parameters
    ----------
    corpus
        Which; half a copy is looked at too.
    decode
        Decode each file to its end; without it only names, counts, bytes and checksums are looked at.
    jobs
        Worker processes; None: one a core.

    Raises
    ------
    BnetError
        If the corpus renders its own sound, or there is none of it.
    """
    if not isinstance(corpus, FileCorpus):
        raise BnetError(f"{corpus.name} has no files to check: its sound is rendered when it is needed")
    if jobs is not None and jobs < 1:
        raise BnetError(f"{jobs} worker processes; expected 1 or more")
    folder = corpus.folder()
    tracks = corpus.read(folder)
    here = [track for track in tracks if track.path and track.path.is_file()]
    if not here:
        raise corpus.absent(f"no clips of it below {folder}")
    published = corpus.checksums()
    looks = joblib.Parallel(n_jobs=jobs or -1, return_as="generator")(
        joblib.delayed(_look)(corpus, track.path, published.get(track.track_id, ""), decode) for track in here
    )
    bar = tqdm(looks, total=len(here), desc=f"checking {corpus.name}", unit="clip", disable=None)
    seen = dict(zip((track.track_id for track in here), bar, strict=True))
    known = corpus.known()
    rows = [
        {"kind": kind, "clip": clip, "detail": detail, "known": clip in known}
        for kind, clip, detail in _problems(corpus, folder, tracks, here, seen, published)
    ]
    counts = _counts(corpus, here)
    lacking = Counter(track.label for track in tracks) - Counter(track.label for track in here)
    rows += [
        {"kind": "count", "clip": row.label, "detail": f"{row.found} clips, expected {row.expected}", "known": False}
        for row in counts[counts["expected"].notna()].itertuples()
        if row.found + lacking[row.label] != row.expected  # what is missing by name stands there already
    ]
    problems = pd.DataFrame(rows, columns=["kind", "clip", "detail", "known"]).astype({"known": bool})
    return Check(counts, problems.sort_values(["known", "kind", "clip"], ignore_index=True))


@dataclass(frozen=True)
class _Seen:
    sha256: str
    checksum: str
    seconds: float
    error: str


def _look(corpus: FileCorpus, path: Path, published: str, decode: bool) -> _Seen:
    """What one file is: its digests, its length in s (nan: not decoded), and what is wrong with its content."""
    try:
        names = corpus.digests(path, published)
    except OSError as error:
        return _Seen("", "", float("nan"), f"can't be read ({error.strerror or error})")
    except BnetError as error:
        return _Seen("", "", float("nan"), str(error))
    if not decode:
        return _Seen(*names, float("nan"), "")
    try:
        return _Seen(*names, corpus.length(path), "")
    except BnetError as error:
        return _Seen(*names, float("nan"), str(error))


def _problems(
    corpus: FileCorpus,
    folder: Path,
    tracks: list[Track],
    here: list[Track],
    seen: dict[str, _Seen],
    published: dict[str, str],
) -> Iterator[tuple[str, str, str]]:
    """(kind, clip, detail) of all that is wrong."""
    there = {track.track_id for track in here}
    for track in tracks:
        if track.track_id not in there:
            yield "missing", track.track_id, f"no file; expected about {_inside(track.path, folder)}"
    for path in sorted(set(sounds(folder, corpus.suffixes)) - {track.path for track in here}):
        yield "extra", _inside(path, folder), "belongs to no clip"
    for path in sounds(folder, UNREADABLE):
        yield "format", _inside(path, folder), f"{path.suffix} can't be read: convert it (ffmpeg -i FILE FILE.flac)"
    same: dict[str, list[Track]] = defaultdict(list)
    for track in here:
        found = seen[track.track_id]
        same[found.sha256].append(track)
        if found.error:
            yield "corrupt", track.track_id, found.error
        elif found.seconds < corpus.usual_seconds:
            yield "too short", track.track_id, f"{found.seconds:.2f} s; expected {corpus.usual_seconds:g} s or more"
        wanted = published.get(track.track_id)
        if wanted and found.checksum and found.checksum != wanted:
            yield "checksum", track.track_id, f"{found.checksum}; expected {wanted}"
    for members in same.values():
        first, *others = members
        for track in others if seen[first.track_id].sha256 else ():
            kind = "duplicate" if track.label == first.label else "two labels"
            yield kind, track.track_id, f"same content as {first.track_id} ({first.label})"


def _counts(corpus: FileCorpus, here: list[Track]) -> pd.DataFrame:
    found = Counter(track.label for track in here)
    labels = list(corpus.labels)
    frame = pd.DataFrame({"label": labels, "found": [found[label] for label in labels]})
    frame.insert(1, "expected", pd.array([corpus.expected.get(label) for label in labels], dtype="Int64"))
    return frame


def _inside(path: Path | None, folder: Path) -> str:
    return plain(path.relative_to(folder).as_posix() if path and path.is_relative_to(folder) else str(path))
