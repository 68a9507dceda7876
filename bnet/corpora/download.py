"""Fetching files (being written)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """One file to fetch."""

    url: str
    path: str
    checksum: str = ""
    size: int | None = None
