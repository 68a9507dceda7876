"""Files that can be fetched: addresses and checksums, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from bnet.errors import BnetError


@dataclass(frozen=True)
class Remote:
    """One file to fetch: its address (http or https), where it goes (relative to the target folder, parts divided by
    '/'), and its published checksum (``sha256:<hex>``, ``sha1:<hex>`` or ``md5:<hex>``), or ''."""

    url: str
    path: str
    checksum: str = ""

    def difference(self, path: Path) -> str:
        """How a file differs from the published one; '' if it does not (without a checksum: if it is not empty)."""
        try:
            if not path.is_file() or not path.stat().st_size:
                return "an empty file"
            kind, _, digest = self.checksum.partition(":")
            came = pooch.file_hash(path, kind) if kind else ""
        except OSError as error:
            raise BnetError(f"cannot read {path} ({error.strerror or error}); make it readable, or delete it") from None
        return "" if came == digest.lower() else f"its {kind} is {came}, expected {digest.lower()}"


def public(url: str) -> str:
    """The address without user, password and query, for messages and notes.

    >>> public("https://me:secret@example.org:8080/a.zip?key=secret")
    'https://example.org:8080/a.zip?...'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{'?...' if parts.query else ''}"


def gibibytes(n: int) -> str:
    """A number of bytes, human-readable."""
    return f"{n / 2**30:.2f} GiB" if n >= 2**28 else f"{n / 2**20:.1f} MiB" if n >= 2**20 else f"{n} bytes"
