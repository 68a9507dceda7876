"""The answers of a probe as text, beside the run's record: ``RUN/probes/<name>.csv`` and ``<name>.json``.

The CSV holds ``track_id, label, value`` and one column of probabilities a class. The JSON says what was asked of which
run with which weights, and how, when and where it was made; it is sealed, and written last, so that a CSV without its
JSON counts for nothing. They are not part of the record: the run keeps its name and its seal.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bnet.errors import BnetError
from bnet.paths import sha256, write_text
from bnet.runs.records import Record, read_table

FORMAT = 1


class DamagedProbe(BnetError):
    """Files of a probe that are not whole, were changed by hand, or belong to another run or version."""


@dataclass(frozen=True)
class Probed:
    """What a probe found.

    Parameters
    ----------
    record
        The run that was asked.
    about
        Content of the JSON file.
    table
        Content of the CSV file.
    """

    record: Record
    about: dict[str, Any]
    table: pd.DataFrame

    @property
    def name(self) -> str:
        """The probe's name."""
        return self.about["probe"]["name"]

    @property
    def values(self) -> list[str]:
        """What was tried, as text, in the order of the probe."""
        return list(self.about["values"])

    def lost(self, value: str) -> list[str]:
        """Clips that could not be made for a value."""
        return list(self.about["values"][value].get("lost", {}))


def folder(record: Record) -> Path:
    """Where the probes of a run lie, or will lie."""
    return record.folder / "probes"


def write(record: Record, name: str, about: dict[str, Any], table: pd.DataFrame) -> Probed:
    """Write the two files of a probe, each by way of a temporary one, the JSON last."""
    write_sealed(folder(record) / f"{name}.json", about, table)
    return read(record, name)


def write_sealed(path: Path, about: dict[str, Any], table: pd.DataFrame) -> None:
    """Write `table` as the CSV beside `path`, and `about`, sealed, as the JSON `path`; each by way of a temporary file,
    the JSON last."""
    stream = io.StringIO()
    table.to_csv(stream, index=False, lineterminator="\n")
    about = {"format": FORMAT, **about, "file": sha256(stream.getvalue())}
    about["seal"] = _seal(about)
    write_text(path.with_suffix(".csv"), stream.getvalue())
    write_text(path, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def read(record: Record, name: str) -> Probed | None:
    """What a probe found, or None where it has not been run.

    Raises
    ------
    DamagedProbe
        If the files are not whole, or were made of another run than `record`.
    """
    path = folder(record) / f"{name}.json"
    if not path.is_file():
        return None
    again = f"make it again: bnet probe {record.config.corpus}/{record.name} --probe {name}"
    about, table = read_sealed(path, again)
    if about.get("run") != record.run["hash"]:
        raise DamagedProbe(f"{path} is damaged: it was made of another run; {again}")
    return Probed(record, about, table)


def read_sealed(path: Path, again: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """What `write_sealed` wrote: the content of the JSON and the table.

    Raises
    ------
    DamagedProbe
        If the files are not whole or were changed; ends with `again`, what to do.
    """
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        text = path.with_suffix(".csv").read_bytes()
        if about["format"] != FORMAT:
            raise ValueError(f"it has format {about['format']}, this version of bnet reads format {FORMAT}")
        if about["seal"] != _seal(about):
            raise ValueError("it does not match its own checksum")
        if about["file"] != sha256(text):
            raise ValueError(f"{path.stem}.csv does not match its checksum")
        return about, read_table(text)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedProbe(f"{path} is damaged: {error}; {again}") from error


def _seal(about: dict[str, Any]) -> str:
    return sha256(json.dumps({key: value for key, value in about.items() if key != "seal"}, sort_keys=True))
