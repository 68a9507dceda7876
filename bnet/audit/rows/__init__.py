"""Tables of data, one CSV each: what the paper prints, its claims, the sources' differences, other systems, probes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


def read(name: str) -> Iterator[dict[str, str]]:
    """The rows of a table: column -> text, '' where a cell is empty."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
