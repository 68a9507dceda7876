"""Extended Ballroom (Marchand & Peeters 2016): 4 180 excerpts of 30 s in thirteen ballroom dances.

Sources: home (anasynth.ircam.fr/home/media/ExtendedBallroom), layout and checks from the dataset's README, script and
``extendedballroom_v1.1.xml``; the counts were computed from that file. The audio belongs to ballroomdancers.com and is
fetched song by song.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd

from bnet.corpora.base import Flaw, Track, index_rows, join_groups
from bnet.corpora.files import FileCorpus, equal, partial
from bnet.corpora.remote import Remote
from bnet.corpora.walk import find_file
from bnet.errors import BnetError

XML = "extendedballroom_v1.1.xml"
METADATA = Remote(
    f"https://raw.githubusercontent.com/GPAD-UFBA/CNNPeDF/d8e08fc4978299cb73c944ec0d8350879409e166/{XML}",
    XML,
    "sha256:a28cdd10086f2872a6bf35dbb68935eed5c507d1ae008c74f0c99e47c8888d08",
)
"""A public copy of the whole XML; the dataset's home has it too, with a script, behind a page."""

RELATIONS = ("exact", "time", "karaoke", "version")
"""How the XML relates songs: the same excerpt; at another tempo; without the voice; another recording of the piece."""

NOBODY = ("various", "various artists", "unknown", "")
"""What stands for an artist without being one."""

_ATTRIBUTES = ("id", "artist", "album", "title", "bpm", "hash")


class ExtendedBallroom(FileCorpus):
    """4 180 clips, known by the six digits of their name.

    A group is what one artist recorded, joined with all that the XML calls the same excerpt, the same at another tempo,
    without its voice, or another version, and with files of equal checksum. 'Various' is nobody's name: such songs are
    joined by the XML's relations only.
    """

    name = "extended-ballroom"
    title = "Extended Ballroom"
    expected = {row["label"]: int(row["clips"]) for row in index_rows("extended-ballroom")}  # noqa: RUF012
    labels = tuple(expected)
    usual_seconds = 25.0
    layout = f"{XML} and <Genre>/<id>.mp3 (or <Genre>/<Genre>.<id>.mp3), 4 180 files in thirteen folders"
    remotes = (METADATA,)
    known_kinds = ("duplicate", "two labels")

    def index(self, folder: Path) -> dict[str, Track]:
        """The songs of the XML."""
        songs = self.songs(folder)
        found = songs["label"].value_counts()
        lacking = {label: n for label, n in self.expected.items() if found.get(label, 0) < n}
        if lacking and not partial():
            some = ", ".join(f"{label} ({found.get(label, 0)} of {n})" for label, n in lacking.items())
            raise BnetError(
                f"the XML below {folder} has {len(songs)} songs in {len(found)} classes, too few in {some}; expected "
                f"4 180 in 13 (there are half copies); delete it and fetch the whole one: bnet corpora get {self.name}"
            )
        artists = songs["artist"].str.casefold().str.split().str.join(" ")
        keys = [
            [*([f"artist {artist}"] if artist not in NOBODY else []), f"song {checksum or own}"]
            for own, artist, checksum in zip(songs.index, artists, songs["hash"], strict=True)
        ]
        groups = join_groups(keys, _pairs(songs, RELATIONS))
        return {
            own: Track(own, label, group, folder / label / f"{own}.mp3")
            for own, label, group in zip(songs.index, songs["label"], groups, strict=True)
        }

    def songs(self, folder: Path | None = None) -> pd.DataFrame:
        """The songs of the XML, sorted by id: ``label, artist, album, title, bpm`` (beats per minute), ``hash`` (MD5 of
        the MP3) and ``related`` (pairs of `RELATIONS` and id). A `BnetError` if it is not there, is cut off, or lacks
        an attribute."""
        folder = folder or self.folder()
        path = find_file(folder, r"extendedballroom.*\.xml")
        if path is None:
            raise self.absent(f"no {XML} below {folder}")
        return _songs(path, path.stat().st_mtime_ns)

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: songs that the XML calls the same excerpt, or whose checksums are equal; the lowest id is
        kept, and none where they stand under two labels (105714 and 105715: one recording as Foxtrot and Quickstep).
        """
        if kind != "duplicates":
            return []
        songs = self.songs()
        keys = [[checksum or own] for own, checksum in songs["hash"].items()]
        group = dict(zip(songs.index, join_groups(keys, _pairs(songs, ("exact",))), strict=True))
        tracks = [Track(own, label, "") for own, label in songs["label"].items()]
        return equal(tracks, lambda track: group[track.track_id], f"Marchand & Peeters (2016), {XML}")

    @property
    def known(self) -> dict[str, str]:
        """The repetitions that the XML tells of."""
        return {flaw.track_id: flaw.reason for flaw in self.flaws("duplicates")}

    def checksums(self) -> dict[str, str]:
        """Track id -> MD5 of its MP3, from the XML."""
        return {own: f"md5:{checksum}" for own, checksum in self.songs()["hash"].items() if checksum}

    def more(self, home: Path) -> list[Remote]:
        """One address per song that does not lie elsewhere below `home`."""
        site, here = "http://media.ballroomdancers.com/mp3", self.by_id(home)
        return [
            Remote(f"{site}/{own}.mp3", f"{label}/{own}.mp3", f"md5:{checksum}" if checksum else "")
            for own, label, checksum in self.songs(home)[["label", "hash"]].itertuples()
            if here.get(own) in (None, home / label / f"{own}.mp3")
        ]

    def track_id(self, path: Path) -> str | None:
        """The six digits of the file's name."""
        match = re.fullmatch(r"(?:[A-Za-z]+\.)?(\d{6})", path.stem)
        return match[1] if match else None

    def describe(self, track: Track) -> str:
        """Title, artist and tempo."""
        song = self.songs().loc[track.track_id]
        return f"{song['title']} ({song['artist']}), {float(song['bpm'] or 'nan'):g} beats per minute"


@functools.lru_cache(maxsize=4)
def _songs(path: Path, changed: int) -> pd.DataFrame:
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise BnetError(
            f"{path} can't be read as a whole XML ({error}); expected the 4 180 songs of Extended Ballroom; "
            "delete it and fetch it again: bnet corpora get extended-ballroom"
        ) from error
    rows = []
    for genre, song in ((parent, child) for parent in root for child in parent):
        if not set(_ATTRIBUTES) <= set(song.attrib) or not re.fullmatch(r"\d{6}", song.get("id", "")):
            raise BnetError(
                f"{path}: a song in <{genre.tag}> has {dict(song.attrib)}; expected the attributes "
                f"{', '.join(_ATTRIBUTES)} and an id of six digits; fetch the file again"
            )
        related = [(other.tag, other.get("id", "")) for other in song if other.tag in RELATIONS]
        rows.append([genre.tag, related, *(song.get(name).strip() for name in _ATTRIBUTES)])
    songs = pd.DataFrame(rows, columns=["label", "related", *_ATTRIBUTES]).set_index("id").sort_index()
    songs["hash"] = songs["hash"].str.lower()
    double = sorted(set(songs.index[songs.index.duplicated()]))
    strange = sorted(set(songs["label"]) - set(ExtendedBallroom.labels))
    if double or strange or songs.empty:
        raise BnetError(
            f"{path} has {len(songs)} songs, ids more than once: {double[:3]}, unknown classes: {strange}; "
            f"expected 4 180 songs in {', '.join(ExtendedBallroom.labels)}; fetch the file again"
        )
    return songs


def _pairs(songs: pd.DataFrame, kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """Positions of songs that the XML relates in one of these ways, in whichever direction."""
    place = {own: position for position, own in enumerate(songs.index)}
    return [
        (place[own], place[other])
        for own, related in songs["related"].items()
        for kind, other in related
        if kind in kinds and other in place
    ]
