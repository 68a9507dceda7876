"""FMA-small (Defferrard et al. 2017): 8 000 excerpts of 30 s from the Free Music Archive, eight balanced genres.

Sources: addresses, checksums, layout and split from `mdeff/fma` (README.md, creation.py, utils.py, analysis.ipynb);
the six bad clips as its issues and users list them.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pandas as pd

from bnet.corpora.base import Flaw, Track
from bnet.corpora.files import FileCorpus
from bnet.corpora.remote import Remote
from bnet.corpora.walk import find_file
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

TABLES = {
    "tracks.csv": ("", "set / split", "track / genre_top", "artist / id", "set / subset"),
    "split_artist.csv": ("track_id", "split", "genre", "artist_id"),
}
"""Table -> its columns of track, part, genre and artist. FMA's own has two rows of heads, a row that names the index,
and all of FMA; the other one has the subset 'small' alone, and '' for an artist that is not known."""

PARTS = {"training": "train", "validation": "validation", "test": "test"}


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
    layout = "fma_small/000/000002.mp3 and fma_metadata/tracks.csv, 8 000 files"
    remotes = REMOTES
    tables = REMOTES[:1]
    known = BAD
    archive_checksums = {remote.path: remote.checksum for remote in REMOTES}  # noqa: RUF012

    def index(self, folder: Path) -> dict[str, Track]:
        """The rows of one of the `TABLES`; of ``tracks.csv`` those whose subset is 'small'."""
        table = next(filter(None, (find_file(folder, re.escape(name)) for name in TABLES)), None)
        if table is None:
            raise self.absent(f"no tracks.csv below {folder}")
        rows = _rows(table, table.stat().st_mtime_ns)
        strange = sorted(set(rows["label"]) - set(self.labels))
        if strange or not set(rows["split"]) <= set(PARTS):
            raise BnetError(
                f"{table} has genres {strange} and splits {sorted(set(rows['split']))}; expected the genres "
                f"{', '.join(self.labels)} and the splits {', '.join(PARTS)}; get {table.name} again"
            )
        tracks = {}
        for own, label, split, artist in rows.sort_index().itertuples():
            group, path = f"artist {artist}" if artist else own, folder / "fma_small" / own[:3] / f"{own}.mp3"
            tracks[own] = Track(own, label, group, path, PARTS[split])
        return tracks

    def faults(self, folder: Path) -> list[Flaw]:
        """The six bad clips."""
        return [Flaw(own, "faults", why, "mdeff/fma, known issues") for own, why in BAD.items()]

    def track_id(self, path: Path) -> str | None:
        """The six digits of the file's name."""
        return path.stem if re.fullmatch(r"\d{6}", path.stem) else None

    def checksums(self) -> dict[str, str]:
        """Track id -> SHA-1 of its file, from ``fma_small/checksums``; empty where that is not there."""
        path = find_file(self.folder(), "checksums")
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
        except OSError as error:
            raise BnetError(f"{path} can't be read ({error.strerror}); make it readable, or move it away") from error
        pairs = (line.split("  ", 1) for line in lines if "  " in line)
        return {Path(name.strip()).stem: f"sha1:{checksum.strip().lower()}" for checksum, name in pairs}


@functools.lru_cache(maxsize=4)
def _rows(path: Path, changed: int) -> pd.DataFrame:
    """``label, split, artist`` by track id, of the subset 'small'; of FMA's 52 columns only these are read."""
    wanted = TABLES[path.name.lower()]
    heads, skipped = (2, 3) if len(wanted) == 5 else (1, 1)
    expected = f"expected one row per clip of FMA-small with {', '.join(filter(None, wanted))}; get the table again"
    read = functools.partial(pd.read_csv, path, header=None, dtype=str, keep_default_na=False)
    try:
        names = [" / ".join(filter(None, column)) for column in read(nrows=heads).T.values.tolist()]
        missing = [name for name in wanted if name not in names]
        if missing:
            raise BnetError(f"{path} has no column {', '.join(missing)}; {expected}")
        places = [names.index(name) for name in wanted]
        rows = read(skiprows=skipped, usecols=places)[places]
        rows.columns = ["track_id", "split", "label", "artist", "subset"][: len(places)]
        rows = rows[rows["subset"] == "small"] if "subset" in rows else rows
        rows.index = rows["track_id"].astype(int).map("{:06d}".format)
    except BnetError:
        raise
    except (OSError, ValueError) as error:
        raise BnetError(f"{path} can't be read ({error}); {expected}") from error
    twice = sorted(set(rows.index[rows.index.duplicated()]))
    if twice or not len(rows):
        raise BnetError(f"{path} has {len(rows)} rows, and {len(twice)} ids twice, such as {twice[:3]}; {expected}")
    return rows[["label", "split", "artist"]]
