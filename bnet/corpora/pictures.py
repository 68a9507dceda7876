"""GTZAN and FMA-small from published pictures of their mel spectrograms: two rows of one class.

The sound of GTZAN may not be passed on and its home is offline, and FMA-small is 7 GiB; but both lie on GitHub as
pictures that authors of student projects drew with librosa and matplotlib. What they hold is known exactly
(`bnet.sound.pictures`): the same clips, in decibels below each clip's maximum, at fewer frames per second than the
paper's. A result on them is called that, never the paper's own input.

``indexes/NAME.csv`` lists every published picture with the first ten digits of its pixels' checksum (`digest`),
computed once from the repositories at the commits that `Pictures` names. Equal checksums are equal clips.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bnet.corpora.base import Flaw, Lacking, Track, draw, index_rows, join_groups
from bnet.corpora.files import FileCorpus, equal
from bnet.corpora.fma import FmaSmall
from bnet.corpora.gtzan import Gtzan
from bnet.corpora.remote import Remote
from bnet.corpora.walk import find_file, sounds
from bnet.errors import BnetError
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.pictures import PictureSettings, digest, pixels

DIGITS = 10
"""Hexadecimal digits of a checksum that the index keeps: against accidents, not against forgers."""


class Pictures(FileCorpus):
    """The clips of another corpus, from pictures of their mel spectrograms.

    Tracks are those that were published; labels, splits and groups are the other corpus's, from its own tables; clips
    with equal pictures are one group.

    Parameters
    ----------
    of
        The corpus whose clips they are.
    repository, commit, inside
        Where the pictures were published: ``owner/name`` on GitHub, and the folder in it.
    front_end
        How they were drawn.
    expected
        Class -> number of published pictures.
    """

    medium = "pictures"
    suffixes = (".png",)
    has_sound = False
    known_kinds = ("duplicate", "two labels")
    protocols = ("official", "holdout", "grouped", "kfold")

    def __init__(
        self,
        of: Gtzan | FmaSmall,
        repository: str,
        commit: str,
        inside: str,
        front_end: PictureSettings,
        expected: Mapping[str, int],
    ) -> None:
        self.of, self.front_end, self.expected = of, front_end, expected
        self.repository, self.commit, self.inside = repository, commit, inside
        self.name, self.title, self.labels = f"{of.name}-images", f"{of.title} (pictures)", of.labels
        self.source = f"pictures {repository}@{commit}"
        self.clip_seconds = front_end.seconds
        self.licence = f"github.com/{repository} states no licence for these pictures: do not redistribute them"
        self.layout = f"{inside}/<genre>/<clip>.png, {sum(expected.values())} pictures, as in github.com/{repository}"

    @property
    def remotes(self) -> tuple[Remote, ...]:
        """The repository's archive, and what the other corpus has besides sound, unless a table of it is there."""
        name = self.repository.split("/")[1]
        url = f"https://codeload.github.com/{self.repository}/zip/{self.commit}"
        tables = () if find_file(self.home, r"split_artist\.csv|tracks\.csv") else self.of.tables
        return Remote(url, f"{name}-{self.commit}.zip"), *tables

    def wanted(self, name: str) -> bool:
        """Pictures, and the table of splits and artists."""
        picture = rf"([^/]+/)?{re.escape(self.inside)}/[^/]+/[^/]+\.png"
        return bool(re.fullmatch(rf"{picture}|(.+/)?tracks\.csv", name))

    def verify(self, folder: Path) -> None:
        """Compare the pixels of all pictures with the index; a `BnetError` if one that was published is missing,
        unreadable or another."""
        here = self.by_id(folder)
        for own, published in self.checksums().items() if here else ():
            came = self.digests(here[own], published)[1] if own in here else "missing"
            if came != published:
                raise BnetError(
                    f"these are not the pictures that were published: {own} is {came}, expected {published}; nothing "
                    f"was kept; delete the archive, and get that of github.com/{self.repository} at {self.commit}"
                )

    @functools.cached_property
    def published(self) -> dict[str, str]:
        """Track id -> checksum of its picture, of all that were published."""
        return {row["track_id"]: row["pixels"] for row in index_rows(self.name)}

    def __getstate__(self) -> dict[str, Any]:
        """Without `published`, which is large: a corpus goes to workers with every few clips."""
        return {name: value for name, value in vars(self).items() if name != "published"}

    def track_id(self, path: Path) -> str | None:
        """As of the other corpus."""
        return self.of.track_id(path)

    def read(self, folder: Path) -> list[Track]:
        """The published pictures, with their files as far as they are there."""
        found = sounds(folder, self.suffixes)
        if found and not any(map(self.track_id, found)):
            raise self.absent(
                f"{len(found)} pictures below {folder}, none called like one of its clips ({found[0].name})"
            )
        return super().read(folder)

    def index(self, folder: Path) -> dict[str, Track]:
        """The published pictures, with labels, groups and parts from the other corpus's tables."""
        try:
            index = self.of.index(folder)
        except Lacking:  # that corpus need not be here
            raise self.absent(f"no table of its clips ({self.of.name}'s) below {folder}") from None
        unknown = [own for own in self.published if own not in index]
        if unknown:
            raise BnetError(
                f"the tables of {self.of.name} below {folder} lack {len(unknown)} of {len(self.published)} clips, such "
                f"as {unknown[0]}; expected all of them; get the tables again"
            )
        groups = join_groups([[index[own].group, f"pixels {pixels}"] for own, pixels in self.published.items()])
        folders = folder / "spectrograms"
        return {
            own: dataclasses.replace(index[own], group=group, path=folders / index[own].label / f"{own}.png")
            for own, group in zip(self.published, groups, strict=True)
        }

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """Refused: a picture can't be played."""
        raise BnetError(f"{self.name} has pictures, no sound to play or change; take {self.of.name} for that")

    def log_mel(self, track: Track, seconds: float, front_end: FeatureSettings) -> tuple[np.ndarray, str]:
        """The log-mel of a picture, and its pixels' checksum; of less than `front_end.seconds`, a cut that the id
        draws. A `BnetError` if the picture is missing, damaged or none of these."""
        rgb = pixels(track.path, front_end)
        whole, frames = front_end.read(rgb, track.path), front_end.frames(seconds)
        start = int(draw(track.track_id, "cut") * (len(whole) - frames + 1))
        return whole[start : start + frames], digest(rgb)

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: clips with equal pictures, all but the first, or all where their classes differ; ``faults``:
        as of the other corpus."""
        folder = self.folder()
        if kind == "faults":
            return [flaw for flaw in self.of.faults(folder) if flaw.track_id in self.published]
        tracks = self.read(folder)
        return equal(tracks, lambda track: self.published[track.track_id], "equal pixels in the published pictures")

    @property
    def known(self) -> dict[str, str]:
        """The clips whose picture is that of a clip with a lower id."""
        first: dict[str, str] = {}
        twins = {own: first.setdefault(pixels, own) for own, pixels in self.published.items()}
        return {own: f"same picture as {twin}" for own, twin in twins.items() if own != twin}

    def checksums(self) -> dict[str, str]:
        """Track id -> checksum of its picture's pixels."""
        return {own: f"pixels:{checksum}" for own, checksum in self.published.items()}

    def digests(self, path: Path, published: str) -> tuple[str, str]:
        """The checksum of a picture's pixels, whole and as far as it is published; errors of `pixels`."""
        whole = digest(pixels(path, self.front_end))
        return whole, f"pixels:{whole[:DIGITS]}"

    def length(self, path: Path) -> float:
        """Decode a whole picture: the length of what it shows in s; the errors of `log_mel`."""
        self.front_end.read(pixels(path, self.front_end), path)
        return self.front_end.seconds


GTZAN_IMAGES = Pictures(
    Gtzan(),
    "TanmayEL/music_genre_classification",
    "738f33d",
    "data/spectrograms",
    PictureSettings(cmap="magma", columns=387, rows=385),
    {**Gtzan.expected, "jazz": 99},
)
FMA_SMALL_IMAGES = Pictures(
    FmaSmall(),
    "Solarleaf/GenreWave",
    "22ab844",
    "spectrograms",
    PictureSettings(cmap="viridis", columns=128, rows=128, sr=44_100, fmax=22_050.0),
    {**FmaSmall.expected, "Electronic": 999, "Experimental": 999, "Hip-Hop": 997, "Rock": 999},
)
