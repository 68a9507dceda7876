"""A plan: what a full execution will do. Hours are one measured step times the number of steps; `bnet.runs.planning`
counts."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.runs import speed
from bnet.runs.speed import Speed
from bnet.training.baselines import BASELINES
from bnet.training.config import Profile

CLASSES = 10
"""Of the networks that are measured: their last layer is too small to matter."""
BUDGET, QUICK = 15.0, 3.0
"""Seconds of training steps that are timed, after the first step; with `quick`."""
BYTES_A_PARAMETER = 13.5
"""Of a run's weights file: a float32 weight, Adam's two moments, and an eighth more for the file's own structure."""


@dataclass(frozen=True)
class Plan:
    """What is to be done under one profile.

    Parameters
    ----------
    tasks
        One row per corpus, protocol and network: ``runs, done, to_do``, clips of the first fold's ``train, validation,
        test``, ``steps_a_run``, and what follows from the speed: ``hours_a_run, hours, record_bytes, how``.
    features
        One row per corpus: ``data`` (here or absent), ``clips, extracted``, ``hours`` of extraction on all cores, bytes
        of the store and to download (missing where nobody has published the size), ``how``.
    machine
        `bnet.backend.machine()`, where it is planned.
    notes
        What a reader of the figures must know.
    speeds, process_memory
        Of the networks, and the peak memory in bytes of one process that extracts features; empty and None until
        they have been measured.
    """

    profile: Profile
    tasks: pd.DataFrame
    features: pd.DataFrame
    machine: dict[str, Any]
    notes: tuple[str, ...] = ()
    speeds: tuple[Speed, ...] = ()
    process_memory: int | None = None

    def networks(self) -> pd.DataFrame:
        """One row per network and clip length: seconds, memory, size, and how each was found."""
        columns = [field.name for field in dataclasses.fields(Speed)]
        return pd.DataFrame([dataclasses.asdict(s) for s in self.speeds], columns=columns)

    def total(self) -> dict[str, Any]:
        """Sums over the tables, of what is known; None where nothing is. Training hours are those of networks."""
        tasks, features = self.tasks, self.features
        networks = tasks[~tasks["network"].isin([*BASELINES]) & (tasks["to_do"] > 0)]
        new = features["store_bytes"] // features["clips"] * (features["clips"] - features["extracted"])
        return {
            **{key: int(tasks[key].sum()) for key in ("runs", "done", "to_do")},
            "training_hours": _sum(networks["hours"]),
            "feature_hours": _sum(features["hours"]),
            "new_store_bytes": int(new.sum()),
            "record_bytes": int(tasks["record_bytes"].sum()),
            "download_bytes": _sum(features["download_bytes"]),
            "training_memory": max((s.memory for s in self.speeds if s.memory), default=None),
            "device_memory": max((s.device_memory for s in self.speeds if s.device_memory), default=None),
            "feature_memory": self.process_memory and (1 + self.machine["cores"]) * self.process_memory,
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values for JSON; what is not known is None."""
        tasks = self.tasks.drop(columns="frames")
        tables = {"tasks": tasks, "features": self.features.drop(columns="seconds"), "networks": self.networks()}
        return {
            "profile": self.profile.to_dict(),
            "machine": self.machine,
            **{name: json.loads(table.to_json(orient="records")) for name, table in tables.items()},
            "total": self.total(),
            "notes": list(self.notes),
        }


def measure(made: Plan, *, quick: bool = False, say: Callable[[str], None] = print) -> Plan:
    """The plan with hours and memory, from measurements on this machine.

    Each network that has runs to do is timed at each length of its clips; with `quick` only the first, for fewer steps,
    and the times of all others are in proportion to their multiply-adds.

    Raises
    ------
    BnetError
        If a network can't be measured (memory); names it and what to do.
    """
    todo = made.tasks[(made.tasks["to_do"] > 0) & ~made.tasks["network"].isin([*BASELINES])]
    pairs = list(dict.fromkeys(zip(todo["network"], todo["frames"], strict=True)))
    timed, speeds, training = pairs[: 1 if quick else None], {}, made.profile.training
    for number, (variant, length) in enumerate(timed, 1):
        say(f"measuring {variant} at {length} frames ({number} of {len(timed)}), for half a minute or so")
        words = variant, CLASSES, length, training.batch_size, training.precision, QUICK if quick else BUDGET
        speeds[variant, length] = speed.network(*words)
    for variant, length in pairs[len(timed) :]:
        speeds[variant, length] = speed.scaled(speeds[pairs[0]], variant, CLASSES, length)
    say("measuring the extraction of a few clips")
    features = made.features.copy()
    for i, row in features.iterrows():
        clip_s, features.loc[i, "how"] = _clip_speed(row["corpus"], row["data"] == "here", row["seconds"])
        features.loc[i, "hours"] = (row["clips"] - row["extracted"]) * clip_s / made.machine["cores"] / 3600
    made = dataclasses.replace(made, features=features, process_memory=speed.peak_memory())
    return with_speeds(made, speeds)


def with_speeds(made: Plan, speeds: dict[tuple[str, int], Speed]) -> Plan:
    """The plan with the columns that follow from what a step and a clip take, and from the size of a network."""
    tasks, epochs, columns = made.tasks.copy(), made.profile.training.epochs, []
    for row in tasks.itertuples():
        known, hours, size = speeds.get((row.network, row.frames)), math.nan, 0.0
        if known:
            clips = (epochs + 1) * row.validation + row.test  # validation after each epoch, prediction at the end
            hours = (known.start_s + row.steps_a_run * known.step_s + clips * known.clip_s) / 3600
            size = BYTES_A_PARAMETER * known.parameters
        classes = len(get_corpus(row.corpus).labels)
        lines = (row.validation + row.test) * (32 + 10 * classes) + 60 * epochs
        record = round(2500 + lines + size)  # a line of probabilities per clip, one per epoch, and the weights
        columns.append((hours, row.to_do * hours, row.to_do * record, known.how if known else "not measured"))
    tasks[["hours_a_run", "hours", "record_bytes", "how"]] = columns
    return dataclasses.replace(made, tasks=tasks, speeds=tuple(speeds.values()))


def _clip_speed(corpus: str, here: bool, seconds: float) -> tuple[float, str]:
    """Seconds a clip, and how they were found: on the corpus's own clips, or on an MP3 where it is not here."""
    found, how = get_corpus(corpus), "measured on an MP3 made on the spot"
    if here:
        try:
            return speed.clips(found, found.tracks(), seconds), "measured"
        except BnetError as error:
            how = f"{how}, for a clip failed: {error}"
    return speed.mp3(seconds), how


def _sum(column: pd.Series) -> float | None:
    """The sum of what is known; None if nothing is."""
    return float(column.sum()) if column.notna().any() else None
