"""FMA-small (Defferrard et al. 2017): 8 000 excerpts of 30 s from the Free Music Archive, eight balanced genres.

Sources: addresses, checksums, layout and split from `mdeff/fma` (README.md, creation.py, utils.py, analysis.ipynb);
the six bad clips as its issues and users list them.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from bnet.corpora.base import Flaw, Track
from bnet.corpora.download import Remote
from bnet.corpora.files import FileCorpus, by_id, repeated
from bnet.corpora.walk import find_file, sounds
from bnet.errors import BnetError

BAD = {
    "099134": "no audio",
    "108925": "no audio",
    "133297": "no audio",
    "098565": "1.6 s of sound",
    "098567": "0.5 s of sound",
    "098569": "1.5 s of sound",
}
"""Clip -> what is wrong with it, although its checksum is right."""

_HOME = "https://os.unil.cloud.switch.ch/fma"
REMOTES = (
    Remote(f"{_HOME}/fma_metadata.zip", "fma_metadata.zip", "sha1:f0df49ffe5f2a6008d7dc83c6915b31835dfe733"),
    Remote(f"{_HOME}/fma_small.zip", "fma_small.zip", "sha1:ade154f733639d52e35e32f5593efe5be76c6d70"),
)
"""342 MiB and 7.2 GiB; the second archive's members are packed with bzip2."""

COLUMNS = (("set", "split"), ("set", "subset"), ("track", "genre_top"), ("artist", "id"))
PARTS = {"training": "train", "validation": "validation", "test": "test"}

_ABOUT = """\
A part of the Free Music Archive that was made for such studies {cite:p}`defferrard2017`: 30 s from the middle of 8 000
songs, 1 000 of each of eight genres, free to copy under the artists' licences. It is the one corpus of the paper with
a split of its own, and by far the hardest.
"""
_NOTES = """\
**What is wrong with it.** Three clips hold no sound (99134, 108925, 133297) and three hardly any (98565, 98567,
98569), although their checksums are right. They are left out of every run, named in its record; `--exclude faults`
leaves them out beforehand. A genre is what one artist's page said, and 'Experimental' or 'International' are hardly a
sound.

**What we do about it.** `official` is the corpus's own split of 6 400, 800 and 800 clips, in which an artist is in one
part only. `grouped` groups by artist too. The paper's ten random draws mix artists.

**Getting it.** `bnet corpora get fma-small` fetches sound (7.2 GiB) and tables (342 MiB), resumes after an
interruption, checks both archives and unpacks them; archives that you have already go into the folder `fma-small`.
"""


class FmaSmall(FileCorpus):
    """8 000 clips, 1 000 of each genre, known by the six digits of their name; a group is an artist.

    Its own split (``official``) has 6 400 / 800 / 800 clips; no artist stands in two parts.
    """

    name = "fma-small"
    title = "FMA-small"
    labels = ("Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental", "International", "Pop", "Rock")
    expected = dict.fromkeys(labels, 1000)
    protocols = ("official", "holdout", "grouped", "kfold")
    min_seconds = 2.0
    usual_seconds = 25.0
    disk_bytes = 8_100_000_000
    layout = "fma_small/000/000002.mp3 and fma_metadata/tracks.csv, 8 000 files"
    remotes = REMOTES
    tables = REMOTES[:1]
    archive_checksums = MappingProxyType({remote.path: remote.checksum for remote in REMOTES})

    about = _ABOUT
    notes = _NOTES

    def read(self, folder: Path) -> list[Track]:
        """The rows of ``tracks.csv`` whose subset is 'small', with their files as far as they are there."""
        here = by_id(sounds(folder), self.track_id, self.name)
        return [
            dataclasses.replace(track, path=here.get(own, _usual(folder, own)))
            for own, track in self.index(folder).items()
        ]

    def index(self, folder: Path) -> dict[str, Track]:
        """Track id -> track without a file, of the 8 000 in ``tracks.csv`` or ``split_artist.csv``; sorted.

        Raises
        ------
        BnetError
            If neither table is below `folder`, or it is not what it should be.
        """
        readers = {"tracks.csv": _small, "split_artist.csv": _split_artist}
        table = next(filter(None, (find_file(folder, re.escape(name)) for name in readers)), None)
        if table is None:
            raise self.absent(f"no tracks.csv below {folder}")
        rows = readers[table.name.lower()](table, table.stat().st_mtime_ns)
        strange = sorted(set(rows["label"]) - set(self.labels))
        if strange or not set(rows["split"]) <= set(PARTS):
            raise BnetError(
                f"{table} has genres {strange} and splits {sorted(set(rows['split']))}; expected the genres "
                f"{', '.join(self.labels)} and the splits {', '.join(PARTS)}; get {table.name} again"
            )
        return {
            row.Index: Track(
                row.Index, row.label, f"artist {row.artist}" if row.artist else row.Index, split=PARTS[row.split]
            )
            for row in rows.sort_index().itertuples()
        }

    def flaws(self, kind: str) -> list[Flaw]:
        """``faults``: the six bad clips, by name. ``duplicates``: files that are equal byte for byte."""
        folder = self.folder()
        return repeated(self.read(folder)) if kind == "duplicates" else self.faults(folder)

    def faults(self, folder: Path) -> list[Flaw]:
        """The six bad clips."""
        return [Flaw(own, "faults", why, "mdeff/fma, known issues") for own, why in self.known().items()]

    def known(self) -> dict[str, str]:
        """`BAD`."""
        return BAD

    def track_id(self, path: Path) -> str | None:
        """The id that a file's name holds, if it is one of the corpus."""
        return path.stem if re.fullmatch(r"\d{6}", path.stem) else None

    def checksums(self) -> dict[str, str]:
        """Track id -> SHA-1 of its file, from ``fma_small/checksums``; empty where that is not there."""
        path = find_file(self.folder(), "checksums")
        if path is None:
            return {}
        pairs = (line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines() if "  " in line)
        return {Path(name.strip()).stem: f"sha1:{checksum.strip().lower()}" for checksum, name in pairs}


def _usual(folder: Path, own: str) -> Path:
    return folder / "fma_small" / own[:3] / f"{own}.mp3"


@functools.lru_cache(maxsize=4)
def _small(path: Path, changed: int) -> pd.DataFrame:
    """``label, split, artist`` by track id, of the subset 'small'.

    The table has two rows of heads and a row that names the index; only four of its 52 columns are read.
    """
    try:
        heads = pd.read_csv(path, header=[0, 1], index_col=0, nrows=0).columns
        missing = [" / ".join(column) for column in COLUMNS if column not in heads]
        if missing:
            raise BnetError(
                f"{path} has no column {', '.join(missing)}; expected FMA's tracks.csv with its two rows of heads; "
                "get fma_metadata.zip again"
            )
        places = [0, *(1 + heads.get_loc(column) for column in COLUMNS)]
        rows = pd.read_csv(path, header=None, skiprows=3, usecols=places, dtype=str)[places]
        rows.columns = ["track_id", "split", "subset", "label", "artist"]
        rows = rows[rows["subset"] == "small"]
        rows.index = rows["track_id"].astype(int).map("{:06d}".format)
    except (ValueError, KeyError, UnicodeDecodeError, pd.errors.ParserError) as error:
        if isinstance(error, BnetError):
            raise
        raise BnetError(
            f"{path} can't be read ({error}); expected FMA's tracks.csv; get fma_metadata.zip again"
        ) from error
    if not len(rows) or rows[["split", "label", "artist"]].isna().any(axis=None) or rows.index.has_duplicates:
        raise BnetError(
            f"{path} has {len(rows)} rows of the subset 'small', some without split, genre or artist, or twice; "
            "expected 8 000; get fma_metadata.zip again"
        )
    return rows[["label", "split", "artist"]]


@functools.lru_cache(maxsize=4)
def _split_artist(path: Path, changed: int) -> pd.DataFrame:
    """``label, split, artist`` by track id, of a table of the subset 'small' alone; '' for an artist that is not
    known."""
    wanted = ["track_id", "genre", "split", "artist_id"]
    expected = f"expected one row per clip of FMA-small with {', '.join(wanted)}; get the table again"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [name for name in wanted if name not in table.columns]
        if missing:
            raise BnetError(f"{path} has no column {', '.join(missing)}; {expected}")
        rows = table[wanted].set_axis(["track_id", "label", "split", "artist"], axis=1)
        rows.index = rows.pop("track_id").astype(int).map("{:06d}".format)
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        if isinstance(error, BnetError):
            raise
        raise BnetError(f"{path} can't be read ({error}); {expected}") from error
    twice = sorted(set(rows.index[rows.index.duplicated()]))
    if twice or not len(rows):
        raise BnetError(f"{path} has {len(rows)} rows, and {len(twice)} ids twice, such as {twice[:3]}; {expected}")
    return rows
