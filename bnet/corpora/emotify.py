"""Emotify (Aljanaki, Wiering & Veltkamp 2016): 400 songs of Magnatune in four genres; music from outside.

Sources: layout and counts from the data set's own page (`memotion/emotifydata` of Utrecht University), which publishes
no checksums.
"""

from __future__ import annotations

import re
from pathlib import Path

from bnet.corpora.base import Flaw, Track
from bnet.corpora.download import Remote
from bnet.corpora.files import FileCorpus, by_id, in_labels, repeated
from bnet.corpora.walk import sounds

SONGS = 100
"""Songs of each genre, numbered from 1."""

_ABOUT = """\
400 songs of the label Magnatune, 100 each of classical, electronic, pop and rock, gathered for a study of the emotions
that music induces {cite:p}`aljanaki2016`. It is none of the paper's corpora: here it is **music from outside**, on
which networks that were trained on another corpus are evaluated.
"""
_NOTES = """\
**Groups.** The songs come without a list of artists, so every song is a group of its own.

**An incomplete copy** is used as it is, since a song more or less changes nothing for a network that was not trained on
any; every record names how many songs it heard. `bnet corpora check emotify` lists those that are missing.

**Licence.** Magnatune's songs are under CC BY-NC-SA; no audio of them is in this book.

**Getting it.** `bnet corpora get emotify` fetches `emotifymusic.zip` (363 MB) from Utrecht University and unpacks it.
"""


class Emotify(FileCorpus):
    """400 songs, known by folder and number: ``<genre>/<number>.mp3`` (or ``.ogg``), numbers from 1 to 100.

    The originals are MP3s of about a minute; a clip is their beginning.
    """

    name = "emotify"
    title = "Emotify, music from outside"
    labels = ("classical", "electronic", "pop", "rock")
    expected = dict.fromkeys(labels, SONGS)
    protocols = ("holdout", "kfold")
    usual_seconds = 29.5
    disk_bytes = 363_000_000
    layout = "<genre>/<number>.mp3 (or .ogg), 100 files in each of four genres"
    remotes = (Remote("https://www2.projects.science.uu.nl/memotion/emotifydata/emotifymusic.zip", "emotifymusic.zip"),)

    about = _ABOUT
    notes = _NOTES

    def read(self, folder: Path) -> list[Track]:
        """The 400 tracks, also those whose file is missing; ids are ``<genre>-<number>`` with three digits."""
        here = by_id(sounds(folder), self._track_id, self.name)
        tracks = []
        for label in self.labels:
            for number in range(1, SONGS + 1):
                own = f"{label}-{number:03d}"
                tracks.append(Track(own, label, own, here.get(own, folder / label / f"{number}.mp3")))
        return tracks

    def tracks(self) -> list[Track]:
        """The songs that are here, however few.

        Raises
        ------
        BnetError
            If there is none.
        """
        folder = self.folder()
        here = [track for track in self.read(folder) if track.path.is_file()]
        if not here:
            raise self.absent(f"no clips of it below {folder}")
        return here

    def flaws(self, kind: str) -> list[Flaw]:
        """``duplicates``: files that are equal byte for byte; no faults have been published."""
        return repeated(self.tracks()) if kind == "duplicates" else []

    def _track_id(self, path: Path) -> str | None:
        label = in_labels(path.parent.name, self.labels)
        if label and re.fullmatch(r"\d{1,3}", path.stem) and 1 <= int(path.stem) <= SONGS:
            return f"{label}-{int(path.stem):03d}"
        return None
