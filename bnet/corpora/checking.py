"""``bnet corpora check``: counts, and every clip of a copy that is missing, extra, damaged or double."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd
from joblib.externals import loky
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
    """What was found in a copy: `counts`, one row per class (``label, expected, found``; `expected` is missing where
    nothing is published), and `problems`, one row each (``kind`` of `KINDS`, ``clip``, ``detail``, and ``known``:
    whether the corpus is known for it)."""

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
        Worker processes; None: one per core.

    Raises
    ------
    BnetError
        If the corpus renders its own sound, there is none of it, or a worker process is killed.
    """
    if not isinstance(corpus, FileCorpus):
        raise BnetError(f"{corpus.name} has no files to check: its sound is rendered when it is needed")
    if jobs is not None and jobs < 1:
        raise BnetError(f"{jobs} worker processes; expected 1 or more")
    folder = corpus.folder()
    tracks = corpus.read(folder)
    here, published = corpus.present(tracks, folder), corpus.checksums()
    looks = joblib.Parallel(n_jobs=jobs or -1, return_as="generator")(
        joblib.delayed(_look)(corpus, track, published.get(track.track_id, ""), decode) for track in here
    )
    bar = tqdm(looks, total=len(here), desc=f"checking {corpus.name}", unit="clip", disable=None)
    rows, first = [*_strays(corpus, folder, tracks, here)], {}
    try:
        for track, (content, faults) in zip(here, bar, strict=True):
            rows += faults
            other = first.setdefault(content or track.track_id, track)
            if other is not track:
                kind = "duplicate" if track.label == other.label else "two labels"
                rows.append((kind, track.track_id, f"same content as {other.track_id} ({other.label})"))
    except loky.BrokenProcessPool as error:
        raise BnetError(
            f"a worker process died while {corpus.name} was checked (was memory short?); run the same command again, "
            "with fewer jobs"
        ) from error
    found, labels = Counter(track.label for track in here), list(corpus.labels)
    expected = pd.array([corpus.expected.get(label) for label in labels], dtype="Int64")
    counts = pd.DataFrame({"label": labels, "expected": expected, "found": [found[label] for label in labels]})
    lacking = Counter(track.label for track in tracks) - found
    rows += [
        ("count", row.label, f"{row.found} clips, expected {row.expected}")
        for row in counts[counts["expected"].notna()].itertuples()
        if row.found + lacking[row.label] != row.expected  # what is missing by name stands there already
    ]
    problems = pd.DataFrame(rows, columns=["kind", "clip", "detail"])
    known, kinds = corpus.known, corpus.known_kinds or KINDS.keys() - {"count"}
    problems["known"] = pd.Series([kind in kinds and clip in known for kind, clip, _ in rows], dtype=bool)
    return Check(counts, problems.sort_values(["known", "kind", "clip"], ignore_index=True))


def _look(corpus: FileCorpus, track: Track, published: str, decode: bool) -> tuple[str, list[tuple[str, str, str]]]:
    """The digest of a file ('': it can't be read), and (kind, clip, detail) of what is wrong with its content."""
    own, digest, checksum, rows = track.track_id, "", "", []
    try:
        digest, checksum = corpus.digests(track.path, published)
        seconds = corpus.length(track.path) if decode else corpus.usual_seconds
        if seconds < corpus.usual_seconds:
            rows.append(("too short", own, f"{seconds:.2f} s; expected {corpus.usual_seconds:g} s or more"))
    except (BnetError, OSError) as error:
        rows.append(("corrupt", own, str(error)))
    except Exception as error:  # whatever one clip does, the others are looked at
        rows.append(("corrupt", own, f"{type(error).__name__}: {error}"))
    if published and checksum not in ("", published):
        rows.append(("checksum", own, f"{checksum}; expected {published}"))
    return digest, rows


def _strays(corpus: FileCorpus, folder: Path, tracks: list[Track], here: list[Track]) -> Iterator[tuple[str, str, str]]:
    """(kind, clip, detail) of clips without a file and of files without a clip."""
    for track in sorted(set(tracks) - set(here)):
        what = f"a link to {os.readlink(track.path)}, which is missing" if track.path.is_symlink() else "no file"
        yield "missing", track.track_id, f"{what}; expected about {_inside(track.path, folder)}"
    for path in sorted(set(sounds(folder, corpus.suffixes)) - {track.path for track in tracks}):
        yield "extra", _inside(path, folder), "belongs to no clip"
    for path in sounds(folder, UNREADABLE):
        yield "format", _inside(path, folder), f"{path.suffix} can't be read: convert it (ffmpeg -i FILE FILE.flac)"


def _inside(path: Path | None, folder: Path) -> str:
    return plain(path.relative_to(folder).as_posix() if path and path.is_relative_to(folder) else str(path))
