"""Anybody's own music: a folder for each class, sound files below it, at any depth."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.corpora.base import Track
from bnet.corpora.files import FileCorpus, partial
from bnet.corpora.walk import UNREADABLE, files, linked, plain, sounds
from bnet.errors import BnetError, log
from bnet.paths import sha256
from bnet.sound import decode, log_mel, streams


class Folder(FileCorpus):
    """``DIR/<label>/**/*.{wav,mp3,flac,ogg,...}``: a clip from the middle of each file; the folder's name is its class.

    ``DIR/groups.csv`` with the columns ``file`` (relative to DIR) and ``group`` tells what must not straddle a split:
    the artist, say. Without it, files that share a folder below the class (an album) are one group, and files that lie
    in the class's folder itself are each their own.
    """

    name = "folder"
    title = "Your own folder"
    layout = "DIR/<label>/.../<file>.wav (mp3, flac, ogg, ...), two labels or more"
    how_to_get = "name the folder of your music with --data DIR"

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the folders that hold sound; none where there is no folder."""
        try:
            return tuple(sorted({label for label, _ in self._files()}))
        except BnetError:
            return ()

    @property
    def source(self) -> str:
        """A digest of the folder's place, so that two folders never share a feature store."""
        return f"folder {sha256(os.fsencode(self.folder().resolve()))[:12]}" if self.labels else ""

    def steps(self) -> list[str]:
        """Name the folder."""
        return ["export BNET_DATA=~/music", "bnet corpora check folder"]

    def tracks(self) -> list[Track]:
        """All files that can be read, as tracks; files of other formats are logged. Also if a class holds nothing but
        such files."""
        folder = self.folder()
        other = [path.relative_to(folder) for path in sounds(folder, UNREADABLE) if path.parent != folder]
        lost = sorted({plain(path.parts[0]) for path in other} - set(self.labels))
        suffixes = ", ".join(f"{n} {suffix}" for suffix, n in sorted(Counter(p.suffix.lower() for p in other).items()))
        convert = f"files in formats that can't be read ({suffixes}), such as {other[0]}: convert them" if other else ""
        if lost and self.labels and not partial():
            raise BnetError(
                f"of the classes below {folder}, {', '.join(lost)} hold only {convert} (ffmpeg -i FILE FILE.flac), or "
                "move those folders away, or leave them out with --partial"
            )
        if other:
            log(f"{len(other)} {convert}")
        return super().tracks()

    def track_id(self, path: Path) -> str:
        """The path below DIR, ``__`` for ``/``."""
        return plain(path.relative_to(self.folder()).as_posix()).replace("/", "__")

    def index(self, folder: Path) -> dict[str, Track]:
        """A track for each file."""
        groups, ids, tracks = self._groups(folder), {}, []
        for label, path in self._files():
            inside = path.relative_to(folder)
            name, album = plain(inside.as_posix()), plain(inside.parent.as_posix())
            own = self.track_id(path)
            if (other := ids.setdefault(own.casefold(), path)) != path:
                raise BnetError(f"{other} and {path} would have the same id; rename one of them")
            tracks.append(Track(own, label, groups.get(name, album if "/" in album else name), path))
        return {track.track_id: track for track in sorted(tracks)}

    def read(self, folder: Path) -> list[Track]:
        """A track for each file."""
        return [*self.index(folder).values()]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """`seconds` from the middle of the file: introductions tell little. Where the middle is silent it is
        the beginning. A shorter file is padded.

        Its end is read too: a file that is cut has no features, as `bnet corpora check` says (but for an MP3 whose
        middle is there).
        """
        length, n = streams.duration(track.path), round(seconds * log_mel.SR)
        if length is None:  # as a pipe leaves a FLAC
            y = decode.load(track.path)
            return self.fit(y[max(0, len(y) - n) // 2 :], seconds)
        try:
            y = decode.load(track.path, seconds=seconds, offset=max(0.0, (length - seconds) / 2))
            if track.path.suffix.lower() != ".mp3":  # which would be decoded from its start
                decode.load(track.path, offset=max(0.0, length - 1), min_seconds=0, allow_silent=True)
        except BnetError:  # an MP3's own length can be wrong; a cut file is refused here too
            decode.load(track.path)
            y = decode.load(track.path, seconds=seconds)
        return self.fit(y, seconds)

    def _files(self) -> list[tuple[str, Path]]:
        folder = self.folder()
        return [(plain(path.relative_to(folder).parts[0]), path) for path in sounds(folder) if path.parent != folder]

    def _groups(self, folder: Path) -> dict[str, str]:
        path = linked(folder / "groups.csv")
        if not path.is_file():
            return {}
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")
        except (OSError, ValueError) as error:
            raise BnetError(
                f"{path} can't be read ({error}); expected a CSV with the columns file and group"
            ) from error
        named = {"file", "group"} <= set(table.columns)
        if not named or (table[["file", "group"]].fillna("") == "").any(axis=None):
            raise BnetError(
                f"{path} has the columns {', '.join(map(str, table.columns))}, or gaps; expected a file (relative to "
                f"{folder}) and a group in every row"
            )
        there = {plain(path.relative_to(folder).as_posix()) for path in files(folder)}
        table["file"] = [plain(Path(name.strip()).as_posix()) for name in table["file"]]
        strange = [name for name in table["file"] if name not in there]
        if strange:
            raise BnetError(f"{path} names {len(strange)} files that are not below {folder}, such as {strange[0]!r}")
        return {name: f"group {plain(group)}" for name, group in zip(table["file"], table["group"], strict=True)}
