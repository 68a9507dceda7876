"""What is to be fetched, and whether a file is it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bnet.corpora.archives import unsafe
from bnet.errors import BnetError

_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}


@dataclass(frozen=True)
class Remote:
    """One file to fetch.

    Parameters
    ----------
    url
        Address, http or https.
    path
        Where it goes: relative to the target folder, parts divided by '/'.
    checksum
        ``sha256:<hex>``, ``sha1:<hex>`` or ``md5:<hex>``; '' where none is published.
    size
        In bytes; None where it is not published.
    """

    url: str
    path: str
    checksum: str = ""
    size: int | None = None

    def at(self, folder: Path) -> Path:
        """Where it lies below `folder`."""
        return folder.joinpath(*self.path.split("/"))

    def difference(self, path: Path) -> str:
        """In what a file is not the published one; '' if it is."""
        size = path.stat().st_size if path.is_file() else 0
        if self.size is not None and size != self.size:
            return f"{size} bytes, expected {self.size}"
        if not self.checksum:
            return "" if size else "an empty file"
        kind, _, digest = self.checksum.partition(":")
        with open(path, "rb") as stream:
            came = hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
        return "" if came == digest.lower() else f"its {kind} is {came}, expected {digest.lower()}"


def check_remotes(remotes: Sequence[Remote]) -> None:
    """A `BnetError` if one of them can't be fetched: its path, address or checksum is none, or two have one path."""
    seen: set[str] = set()
    for remote in remotes:
        reason = unsafe(remote.path) if remote.path.strip("./") else "is empty"
        if reason:
            raise BnetError(f"the path {remote.path!r} {reason}; expected one below the folder, such as a/b.mp3")
        if remote.path.casefold() in seen:
            raise BnetError(f"two files to fetch are called {remote.path!r}; expected different names")
        seen.add(remote.path.casefold())
        try:
            parts = urlsplit(remote.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1)
        except ValueError:
            good = False
        if not good:
            raise BnetError(f"the address of {remote.path} is none of the web; expected http://... or https://...")
        kind, _, digest = remote.checksum.partition(":")
        if remote.checksum and not re.fullmatch(f"[0-9a-fA-F]{{{_DIGITS.get(kind, 0)}}}", digest or "-"):
            raise BnetError(
                f"the checksum {remote.checksum!r} of {remote.path} can't be read; expected md5:, sha1: or sha256: "
                "and as many hexadecimal digits as that has"
            )
