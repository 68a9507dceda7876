"""Extended Ballroom (Marchand & Peeters 2016): 4 180 excerpts of 30 s in thirteen ballroom dances.

Sources: home (anasynth.ircam.fr/home/media/ExtendedBallroom), layout and checks from the dataset's README, script and
``extendedballroom_v1.1.xml``; the counts were computed from that file. The audio belongs to ballroomdancers.com and is
fetched song by song.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bnet.corpora.base import Flaw, Track
from bnet.corpora.files import FileCorpus, equal, partial
from bnet.corpora.remote import Remote
from bnet.corpora.tunes.same_tune import join_groups
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

COUNTS = {
    "Chacha": 455,
    "Foxtrot": 507,
    "Jive": 350,
    "Pasodoble": 53,
    "Quickstep": 497,
    "Rumba": 470,
    "Salsa": 47,
    "Samba": 468,
    "Slowwaltz": 65,
    "Tango": 464,
    "Viennesewaltz": 252,
    "Waltz": 529,
    "Wcswing": 23,
}
"""Class -> number of songs; 4 180 in all (counted in the XML)."""

_ATTRIBUTES = ("id", "artist", "album", "title", "bpm", "hash")


@dataclass(frozen=True)
class Song:
    """A row of the XML; `bpm` in beats per minute, `checksum` the MD5 of the MP3, `relations` pairs of kind and id."""

    track_id: str
    label: str
    artist: str
    title: str
    bpm: float
    checksum: str
    relations: tuple[tuple[str, str], ...]


class ExtendedBallroom(FileCorpus):
    """4 180 clips, known by the six digits of their name.

    A group is what one artist recorded, joined with all that the XML calls the same excerpt, the same at another tempo,
    without its voice, or another version, and with files of equal checksum. 'Various' is nobody's name: such songs are
    joined by the XML's relations only.
    """

    name = "extended-ballroom"
    title = "Extended Ballroom"
    expected = COUNTS
    labels = tuple(COUNTS)
    usual_seconds = 25.0
    disk_bytes = 3_000_000_000
    layout = f"{XML} and <Genre>/<id>.mp3 (or <Genre>/<Genre>.<id>.mp3), 4 180 files in thirteen folders"
    remotes = (METADATA,)

    def index(self, folder: Path) -> dict[str, Track]:
        """The songs of the XML."""
        songs = self.songs(folder)
        found = Counter(song.label for song in songs)
        lacking = {label: n for label, n in self.expected.items() if found[label] < n}
        if lacking and not partial():
            some = ", ".join(f"{label} ({found[label]} of {n})" for label, n in lacking.items())
            raise BnetError(
                f"the XML below {folder} has {len(songs)} songs in {len(found)} classes, too few in {some}; expected "
                f"4 180 in 13 (there are half copies); delete it and fetch the whole one: bnet corpora get {self.name}"
            )
        return {
            song.track_id: Track(song.track_id, song.label, group, folder / song.label / f"{song.track_id}.mp3")
            for song, group in zip(songs, _groups(songs), strict=True)
        }

    def songs(self, folder: Path | None = None) -> list[Song]:
        """The rows of the XML, by id; a `BnetError` if it is not there, is cut off, or lacks an attribute."""
        folder = folder or self.folder()
        path = find_file(folder, r"extendedballroom.*\.xml")
        if path is None:
            raise self.absent(f"no {XML} below {folder}")
        return _songs(path, path.stat().st_mtime_ns)

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: songs that the XML calls the same excerpt, or whose checksums are equal; the lowest id is
        kept, and none where they stand under two labels (105714 and 105715: one recording as Foxtrot and Quickstep).
        """
        songs = self.songs() if kind == "duplicates" else []
        keys = [[song.checksum or song.track_id] for song in songs]
        group = dict(zip((song.track_id for song in songs), join_groups(keys, _pairs(songs, ("exact",))), strict=True))
        tracks = [Track(song.track_id, song.label, "") for song in songs]
        return equal(tracks, lambda track: group[track.track_id], f"Marchand & Peeters (2016), {XML}")

    def known(self) -> dict[str, str]:
        """The repetitions that the XML tells of."""
        return {flaw.track_id: flaw.reason for flaw in self.flaws("duplicates")}

    def checksums(self) -> dict[str, str]:
        """Track id -> MD5 of its MP3, from the XML."""
        return {song.track_id: f"md5:{song.checksum}" for song in self.songs() if song.checksum}

    def more(self, home: Path) -> list[Remote]:
        """One address per song."""
        return [
            Remote(
                f"http://media.ballroomdancers.com/mp3/{song.track_id}.mp3",
                f"{song.label}/{song.track_id}.mp3",
                f"md5:{song.checksum}" if song.checksum else "",
            )
            for song in self.songs(home)
        ]

    def track_id(self, path: Path) -> str | None:
        """The six digits of the file's name."""
        match = re.fullmatch(r"(?:[A-Za-z]+\.)?(\d{6})", path.stem)
        return match[1] if match else None

    def describe(self, track: Track) -> str:
        """Title, artist and tempo."""
        song = next(song for song in self.songs() if song.track_id == track.track_id)
        return f"{song.title} ({song.artist}), {song.bpm:g} beats per minute"


@functools.lru_cache(maxsize=4)
def _songs(path: Path, changed: int) -> list[Song]:
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise BnetError(
            f"{path} is no whole XML ({error}); expected the 4 180 songs of Extended Ballroom; "
            "delete it and fetch it again: bnet corpora get extended-ballroom"
        ) from error
    songs = []
    for genre, song in ((parent, child) for parent in root for child in parent):
        if not set(_ATTRIBUTES) <= set(song.attrib) or not re.fullmatch(r"\d{6}", song.get("id", "")):
            raise BnetError(
                f"{path}: a song in <{genre.tag}> has {dict(song.attrib)}; expected the attributes "
                f"{', '.join(_ATTRIBUTES)} and an id of six digits; fetch the file again"
            )
        relations = tuple((other.tag, other.get("id", "")) for other in song if other.tag in RELATIONS)
        bpm = float(song.get("bpm") or "nan")
        about = (song.get("artist").strip(), song.get("title").strip(), bpm, song.get("hash").lower())
        songs.append(Song(song.get("id"), genre.tag, *about, relations))
    double = [own for own, count in Counter(song.track_id for song in songs).items() if count > 1]
    strange = sorted({song.label for song in songs} - set(COUNTS))
    if double or strange or not songs:
        raise BnetError(
            f"{path} has {len(songs)} songs, ids more than once: {double[:3]}, unknown classes: {strange}; "
            f"expected 4 180 songs in {', '.join(COUNTS)}; fetch the file again"
        )
    return sorted(songs, key=lambda song: song.track_id)


def _pairs(songs: list[Song], kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """Positions of songs that the XML relates in one of these ways, in whichever direction."""
    place = {song.track_id: position for position, song in enumerate(songs)}
    related = {
        tuple(sorted((place[song.track_id], place[other])))
        for song in songs
        for kind, other in song.relations
        if kind in kinds and other in place and other != song.track_id
    }
    return sorted(related)


def _groups(songs: list[Song]) -> list[str]:
    artists = [" ".join(song.artist.casefold().split()) for song in songs]
    keys = [
        [*([f"artist {artist}"] if artist not in NOBODY else []), f"song {song.checksum or song.track_id}"]
        for song, artist in zip(songs, artists, strict=True)
    ]
    return join_groups(keys, _pairs(songs, RELATIONS))
