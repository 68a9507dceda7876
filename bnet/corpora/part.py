"""What has come of a download that is not whole yet, and what of its address may be told."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit


class Part:
    """What has come of a file: ``<name>.part``, and beside it a hidden note on the version that it is part of."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")

    @property
    def size(self) -> int:
        """In bytes; 0 if there is none."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self, url: str) -> str:
        """What `url` called the version of the file (its ETag or date); '' if that is not known."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == public(url) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def note(self, url: str, validator: str) -> None:
        """Remember the version; '' forgets it. Half a note, of a process that was killed, is as good as none."""
        if validator:
            note = json.dumps({"url": public(url), "validator": validator})
            self._note.write_text(note + "\n", encoding="utf-8")
        else:
            self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove it."""
        for path in (self.path, self._note):
            path.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Give it its final name."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def public(url: str) -> str:
    """The address without user, password and query, for messages and notes.

    >>> public("https://me:secret@example.org:8080/a.zip?key=secret")
    'https://example.org:8080/a.zip?...'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{'?...' if parts.query else ''}"


def gibibytes(n: int) -> str:
    """A number of bytes, for people."""
    return f"{n / 2**30:.2f} GiB" if n >= 2**28 else f"{n / 2**20:.1f} MiB" if n >= 2**20 else f"{n} bytes"
