"""Tables of data, one CSV each: what the paper prints, its claims, the sources' differences, other systems, probes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def read(name: str, **kinds: Callable[[str], Any]) -> Iterator[dict[str, Any]]:
    """The rows of a table: column -> text, '' where a cell is empty; of the columns in `kinds`, what these make of the
    text, None where a cell is empty."""
    with (Path(__file__).parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row | {column: kind(row[column]) if row[column] else None for column, kind in kinds.items()}
