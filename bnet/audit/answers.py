"""Answers of trained networks as text: a CSV with a row per clip, and a JSON that says what was asked of which network
with which weights, and how, when and where. The JSON is sealed, and written last: a CSV without it counts for nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bnet.corpora import Track
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.paths import alone, sha256, writable_dir, write_text
from bnet.runs.execute import made
from bnet.runs.records import class_columns, read_table, seal

FORMAT = 1
Answers = tuple[dict[str, Any], pd.DataFrame]
"""Content of the JSON, and the table in the CSV."""


class DamagedAnswers(BnetError):
    """Files that are not whole, were changed by hand, or belong to another run or version."""


def read(path: Path, again: str) -> Answers:
    """What `keep` wrote to the JSON `path` and the CSV beside it; if the files are not whole or were changed,
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


def known(path: Path, fits: Callable[[dict[str, Any]], bool], say: Callable[[str], Any] = lambda text: None) -> bool:
    """Whether there are answers at `path`, whole and such that what is said about them `fits`; damaged ones are told to
    `say`, and count as not there."""
    try:
        return path.is_file() and fits(read(path, "made again")[0])
    except DamagedAnswers as error:
        say(str(error))
        return False


def keep(
    path: Path,
    fits: Callable[[dict[str, Any]], bool],
    ask: Callable[[], Answers],
    *,
    network: bool = True,
    say: Callable[[str], Any] = print,
) -> None:
    """Make sure that answers which fit lie at `path` (`known`), by what `ask` gives if need be; of two processes the
    second waits for the first. `network`: whether it is a network that answers, and its backend is to be told.

    Raises
    ------
    BnetError
        If the folder can't be written to, or `ask` fails; nothing is left then.
    """
    if known(path, fits):
        return
    writable_dir(path.parent, "results", "BNET_RESULTS")
    with alone(path.with_name(f".{path.stem}.lock"), f"another process makes {path.name}; waiting for it", say):
        if known(path, fits, say):
            return
        started, clock = datetime.now(UTC), time.perf_counter()
        about, table = ask()
        text = table.to_csv(index=False, lineterminator="\n")
        about = {"format": FORMAT, **about, "made": made(started, time.perf_counter() - clock, network=network)}
        about["file"] = sha256(text)
        about["seal"] = seal(about)
        write_text(path.with_suffix(".csv"), text)
        write_text(path, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def usable(store: FeatureStore, tracks: Sequence[Track], jobs: int | None = 1) -> tuple[list[Track], dict[str, str]]:
    """The tracks whose log-mels the store has, extracted by `jobs` processes if need be, and why the others have none
    (track id -> reason); a `BnetError` if none has."""
    lost = store.extract(tracks, jobs=jobs).failed
    if len(lost) == len(tracks):
        raise BnetError(
            f"none of the {len(tracks)} clips of {store.corpus.name} can be used: {next(iter(lost.values()))}"
        )
    return [track for track in tracks if track.track_id not in lost], lost


def tabulated(clips: Iterable[tuple[str, str]], probabilities: np.ndarray, labels: Iterable[str]) -> pd.DataFrame:
    """A table of answers: ``track_id, label`` of each of the `clips`, and a column per class with its probability,
    rounded to 6 decimals."""
    rounded = pd.DataFrame(np.round(np.asarray(probabilities, float), 6), columns=class_columns(labels))
    return pd.concat([pd.DataFrame(list(clips), columns=["track_id", "label"]), rounded], axis=1)
