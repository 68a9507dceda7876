"""The record of a run: text files in one folder, written whole or not at all, sealed by checksums.

``<results>/<corpus>/<run name>/`` holds

- ``run.json``: configuration and its hash, classes, checksums of data and split, what was lost, what was found on the
  way, and how the record was made (versions, commit, device, machine, time);
- ``history.csv``: one row per epoch (networks only);
- ``predictions.csv``: class probabilities of every test and validation track, ``part, track_id, label, <class>...``;
- ``model.weights.h5``: the network's best weights; not part of the record, never committed. Beside a shipped run
  (`bnet.deploy.networks`) they are ``weights.npz`` instead.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bnet.errors import BnetError
from bnet.paths import sha256, whole_folder
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.pictures import front_end
from bnet.training.config import Config

FORMAT = 1
WEIGHTS = "model.weights.h5"
PLAIN_WEIGHTS = "weights.npz"
TEXT = ("part", "track_id", "label", "value", "predicted")
"""Columns of text in tables of predictions: read as they are written, a class called ``NA`` too."""


class DamagedRecord(BnetError):
    """A record that is not whole, was changed by hand, or belongs to another version of `bnet`."""


@dataclass(frozen=True)
class Record:
    """A finished run: its folder, and what ``run.json`` holds."""

    folder: Path
    run: dict[str, Any]

    @cached_property
    def config(self) -> Config:
        """The configuration of the run."""
        return Config.from_dict(self.run["config"])

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.name

    @cached_property
    def front_end(self) -> FeatureSettings:
        """What the run's network or baseline takes in; a `BnetError` if this version of `bnet` lacks it."""
        return front_end(self.config.features)

    def check_front_end(self, given: FeatureSettings) -> None:
        """Refuse, by a `BnetError`, another front end than the run's: its corpus may be another one today."""
        if given != self.front_end:
            raise BnetError(
                f"the run {self.name} was trained on {self.front_end.about}, its corpus gives {given.about}: "
                f"{self.config.features} and {given.to_json()}; train it again"
            )

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the probabilities."""
        return self.run["labels"]

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per epoch; empty for a baseline."""
        path = self.folder / "history.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """``part, track_id, label`` and one column of probabilities per class (`class_columns`)."""
        return read_table((self.folder / "predictions.csv").read_bytes())

    def arrays(self, part: str = "test") -> tuple[list[str], np.ndarray, np.ndarray]:
        """Of one part: track ids, true class indices [shape=(n,)] and probabilities [shape=(n, classes)]; read once, so
        not to be written to."""
        if part not in self._parts:
            rows = self.predictions[self.predictions["part"] == part]
            truth = rows["label"].map({label: i for i, label in enumerate(self.labels)}).to_numpy()
            self._parts[part] = rows["track_id"].tolist(), truth, rows[class_columns(self.labels)].to_numpy(float)
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[str, tuple[list[str], np.ndarray, np.ndarray]]:
        return {}

    @property
    def weights(self) -> Path | None:
        """The file of the network's weights, or None where it was not kept."""
        paths = (self.folder / name for name in (WEIGHTS, PLAIN_WEIGHTS))
        return next((path for path in paths if path.is_file()), None)

    def identity(self) -> dict[str, Any]:
        """All of the record but how, when and where it was made: equal for two runs of one configuration."""
        return {key: value for key, value in self.run.items() if key not in ("made", "seal")}


def read_table(csv: bytes) -> pd.DataFrame:
    """A table of predictions as it was written: columns of text to the letter; a gap elsewhere is a missing number."""
    numbers = pd.read_csv(io.BytesIO(csv), nrows=0, lineterminator="\n").columns.difference(TEXT)
    options = {"keep_default_na": False, "na_values": {column: [""] for column in numbers}, "lineterminator": "\n"}
    return pd.read_csv(io.BytesIO(csv), dtype=dict.fromkeys(TEXT, str), **options)


def class_columns(labels: Iterable[str]) -> list[str]:
    """The columns of the classes' probabilities: their names, but for one that is called like a column of text.

    >>> class_columns(["jazz", "label"])
    ['jazz', 'class label']
    """
    columns: list[str] = []
    for label in labels:
        while label in (*TEXT, *columns):
            label = f"class {label}"
        columns.append(label)
    return columns


def write(
    folder: Path,
    config: Config,
    labels: list[str],
    predictions: pd.DataFrame,
    history: pd.DataFrame,
    *,
    data: dict[str, Any],
    notes: dict[str, Any],
    made: dict[str, Any],
    model: Any = None,
) -> Record:
    """Write a record (and the weights of `model`) to a temporary folder, and rename it to `folder` last."""
    form = {"index": False, "float_format": "%.6g", "lineterminator": "\n"}
    texts = {"predictions.csv": predictions.to_csv(**form)}
    if len(history):
        texts["history.csv"] = history.to_csv(**form)
    run = {
        "format": FORMAT,
        "hash": config.hash(),
        "config": json.loads(config.to_json()),
        "labels": labels,
        "data": data,
        "notes": notes,
        "files": {name: sha256(text) for name, text in sorted(texts.items())},
        "made": made,
    }
    run["seal"] = seal(run)
    texts["run.json"] = json.dumps(run, indent=1, ensure_ascii=False) + "\n"
    with whole_folder(folder) as temporary:
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8", newline="\n")
        if model is not None:
            model.save_weights(temporary / WEIGHTS)
    return read(folder)


def read(folder: Path) -> Record:
    """Read a record and check that it is whole.

    Raises
    ------
    DamagedRecord
        If a file is missing or was changed, or the record has another format; names the record and the reason.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if run["format"] != FORMAT:
            raise _damaged(folder, f"it has format {run['format']}, this version of bnet reads format {FORMAT}")
        if run["seal"] != seal(run):
            raise _damaged(folder, "run.json does not match its own checksum")
        for name, checksum in run["files"].items():
            if sha256((folder / name).read_bytes()) != checksum:
                raise _damaged(folder, f"{name} does not match the checksum in run.json")
        record = Record(folder, run)
        if record.config.hash() != run["hash"] or record.config.run_name != folder.name:
            raise _damaged(folder, "its configuration does not give the name of its folder")
        return record
    except DamagedRecord:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error


def folders(results: Path, corpus: str | None = None) -> Iterator[Path]:
    """The record folders below `results`, sorted; not temporary ones or those set aside."""
    for path in sorted(results.glob(f"{corpus or '*'}/*")):
        if path.is_dir() and not path.name.startswith(".") and ".damaged" not in path.name:
            yield path


def find(results: Path, corpus: str | None = None, **wanted: Any) -> list[Record]:
    """All records below `results` whose configuration has the `wanted` values, sorted by variant, protocol and fold.

    >>> find(results_dir(), corpus="tunes", profile="laptop", protocol="grouped")  # doctest: +SKIP

    Raises
    ------
    DamagedRecord
        If any record of the corpus is not whole: a table must not quietly lack a run.
    BnetError
        If a record lies in the folder of another corpus.
    """
    found = [read(folder) for folder in folders(results, corpus)]
    for record in found:
        if record.config.corpus != record.folder.parent.name:
            raise BnetError(
                f"{record.folder} is a run of {record.config.corpus}, another corpus than its folder says; move it "
                f"to {results / record.config.corpus}"
            )
    chosen = [r for r in found if all(getattr(r.config, key) == value for key, value in wanted.items())]
    return sorted(chosen, key=lambda r: (r.config.corpus, r.config.variant, r.config.protocol, r.config.fold, r.name))


def set_aside(folder: Path) -> Path:
    """Rename a damaged record to ``<name>.damaged-<k>``, so that nothing is lost, and return the new path."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.damaged-{number}")).exists():
        number += 1
    return folder.rename(aside)


def seal(about: dict[str, Any]) -> str:
    """The checksum of a record's content but its own ``seal``, which is that checksum."""
    return sha256(json.dumps({key: value for key, value in about.items() if key != "seal"}, sort_keys=True))


def _damaged(folder: Path, reason: str) -> DamagedRecord:
    return DamagedRecord(
        f"the record {folder} is damaged or of another version: {reason}; run its `bnet train` command again, "
        "which sets it aside (as NAME.damaged-1) and recomputes it"
    )
