"""Tables of data, one CSV each: what the paper prints, its claims, the sources' differences, other systems, probes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd


def read(name: str, gaps: Iterable[str] = ()) -> pd.DataFrame:
    """A table: text, '' where a cell is empty, and numbers; nan where a cell of the columns `gaps` is empty."""
    missing = {column: [""] for column in gaps}
    return pd.read_csv(Path(__file__).parent / f"{name}.csv", keep_default_na=False, na_values=missing)
