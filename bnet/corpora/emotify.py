"""Emotify (Aljanaki, Wiering & Veltkamp 2016): 400 songs of Magnatune in four genres; music from outside.

Sources: layout and counts from the data set's own page (`memotion/emotifydata` of Utrecht University), which publishes
no checksums.
"""

from __future__ import annotations

import re
from pathlib import Path

from bnet.corpora.base import Track
from bnet.corpora.files import FileCorpus, in_labels
from bnet.corpora.remote import Remote


class Emotify(FileCorpus):
    """400 songs, known by folder and number: ``<genre>/<number>.mp3`` (or ``.ogg``), numbers from 1 to 100.

    The originals are MP3s of about a minute; a clip is their beginning.
    """

    name = "emotify"
    title = "Emotify, music from outside"
    labels = ("classical", "electronic", "pop", "rock")
    expected = dict.fromkeys(labels, 100)
    protocols = ("holdout", "kfold")
    usual_seconds = 29.5
    layout = "<genre>/<number>.mp3 (or .ogg), 100 files in each of four genres"
    remotes = (Remote("https://www2.projects.science.uu.nl/memotion/emotifydata/emotifymusic.zip", "emotifymusic.zip"),)

    def index(self, folder: Path) -> dict[str, Track]:
        """The 400 tracks; ids are ``<genre>-<number>`` with three digits."""
        names = [(label, number, f"{label}-{number:03d}") for label in self.labels for number in range(1, 101)]
        return {own: Track(own, label, own, folder / label / f"{number}.mp3") for label, number, own in names}

    def tracks(self) -> list[Track]:
        """The songs that are here, however few; errors of `FileCorpus.present`."""
        folder = self.folder()
        return self.present(self.read(folder), folder)

    def track_id(self, path: Path) -> str | None:
        """The genre that the file's folder is called like, and its number."""
        label = in_labels(path.parent.name, self.labels)
        number = int(path.stem) if re.fullmatch(r"\d{1,3}", path.stem, re.ASCII) else 0
        return f"{label}-{number:03d}" if label and 1 <= number <= 100 else None
