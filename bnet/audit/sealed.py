"""Answers of trained networks as text: a CSV with a row per clip, and a JSON that says what was asked of which network
with which weights, and how, when and where. The JSON is sealed, and written last: a CSV without it counts for nothing.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from bnet.errors import BnetError
from bnet.paths import sha256, write_text
from bnet.runs.records import read_table, seal

FORMAT = 1


class DamagedAnswers(BnetError):
    """Files that are not whole, were changed by hand, or belong to another run or version."""


def write(path: Path, about: dict[str, Any], table: pd.DataFrame) -> None:
    """Write `about` as the JSON `path` and `table` as the CSV beside it, each by way of a temporary file."""
    stream = io.StringIO()
    table.to_csv(stream, index=False, lineterminator="\n")
    about = {"format": FORMAT, **about, "file": sha256(stream.getvalue())}
    about["seal"] = seal(about)
    write_text(path.with_suffix(".csv"), stream.getvalue())
    write_text(path, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def read(path: Path, again: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """What `write` wrote: the content of the JSON and the table; if the files are not whole or were changed,
    `DamagedAnswers`, which ends with `again` (what to do)."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        text = path.with_suffix(".csv").read_bytes()
        if about["format"] != FORMAT:
            raise ValueError(f"it has format {about['format']}, this version of bnet reads format {FORMAT}")
        if about["seal"] != seal(about):
            raise ValueError("it does not match its own checksum")
        if about["file"] != sha256(text):
            raise ValueError(f"{path.stem}.csv does not match its checksum")
        return about, read_table(text)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedAnswers(f"{path} is damaged: {error}; {again}") from error
