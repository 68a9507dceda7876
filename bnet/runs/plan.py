"""A plan: what a full execution will do, as arithmetic. Runs and bytes are counted, hours follow from measured speeds.

`bnet.runs.planning` makes plans; this module knows neither folders nor machines.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bnet.errors import BnetError
from bnet.runs.speed import Speed
from bnet.sound.front_end import FrontEnd
from bnet.sound.log_mel import FeatureSettings
from bnet.training.baselines import BASELINES
from bnet.training.config import Profile

BYTES_A_PARAMETER = 13.5
"""Of a run's weights file: a float32 weight, Adam's two moments, and an eighth more for the file's own structure."""


@dataclass(frozen=True)
class Task:
    """All folds of one network on one corpus under one protocol.

    Parameters
    ----------
    corpus, protocol, variant
        Names; `variant` may be a baseline.
    clip_seconds, frames, classes
        Of the corpus under this profile.
    train, validation, test
        Clips in the parts of the first fold.
    runs, done
        Folds that the profile runs, and those that have a good record.
    """

    corpus: str
    protocol: str
    variant: str
    clip_seconds: float
    frames: int
    classes: int
    train: int
    validation: int
    test: int
    runs: int
    done: int

    @property
    def to_do(self) -> int:
        """Runs without a record."""
        return self.runs - self.done

    def steps(self, profile: Profile) -> int:
        """Training steps of a run that goes through all its epochs."""
        return profile.epochs * math.ceil(self.train / profile.batch_size)

    def run_hours(self, profile: Profile, of: Speed) -> float:
        """Hours of a run that goes through all its epochs, with validation after each, and prediction at the end."""
        looked_at = profile.epochs * self.validation + self.validation + self.test
        return (of.start_s + self.steps(profile) * of.step_s + looked_at * of.clip_s) / 3600

    def record_bytes(self, profile: Profile, parameters: int) -> int:
        """Bytes of one record: a row of probabilities a clip, a row an epoch, and the weights."""
        rows = (self.validation + self.test) * (32 + 10 * self.classes)
        return round(2500 + rows + 60 * profile.epochs + BYTES_A_PARAMETER * parameters)


@dataclass(frozen=True)
class Store:
    """The features of one corpus.

    Parameters
    ----------
    corpus, here
        Its name, and whether its data is on this machine.
    clips, extracted
        Clips that the profile uses, and those whose log-mels are there.
    row_bytes
        Of a clip's log-mel.
    download
        Bytes to fetch, 0 if the data is here, None where nobody has published the size.
    clip_s
        Seconds that one process takes for a clip; None if not measured.
    how
        How `clip_s` was found.
    """

    corpus: str
    here: bool
    clips: int
    extracted: int
    row_bytes: int
    download: int | None
    clip_s: float | None = None
    how: str = "not measured"

    @property
    def to_do(self) -> int:
        """Clips without a log-mel."""
        return self.clips - self.extracted

    def hours(self, jobs: int) -> float | None:
        """Hours of extraction by so many processes."""
        return None if self.clip_s is None else self.to_do * self.clip_s / jobs / 3600


@dataclass(frozen=True)
class Plan:
    """What is to be done under one profile.

    Parameters
    ----------
    tasks, stores
        Runs, and features.
    machine
        `bnet.backend.machine()`, where it is planned.
    notes
        What a reader of the figures must know.
    speeds, process_memory
        Of the networks, and the peak memory in bytes of one process that extracts features; empty and None until
        they have been measured.
    """

    profile: Profile
    tasks: tuple[Task, ...]
    stores: tuple[Store, ...]
    machine: dict[str, Any]
    notes: tuple[str, ...] = ()
    speeds: tuple[Speed, ...] = ()
    process_memory: int | None = None

    def speed_of(self, task: Task) -> Speed | None:
        """What is known of a task's network at its clip length."""
        return next((s for s in self.speeds if (s.variant, s.frames) == (task.variant, task.frames)), None)

    def task_table(self) -> pd.DataFrame:
        """One row a task: runs, done, to do, clips a fold, steps and hours a run, hours of all that is to do."""
        rows = []
        for task in self.tasks:
            known = self.speed_of(task)
            hours = task.run_hours(self.profile, known) if known else None
            rows.append(
                {
                    "corpus": task.corpus,
                    "protocol": task.protocol,
                    "network": task.variant,
                    "runs": task.runs,
                    "done": task.done,
                    "to_do": task.to_do,
                    "train": task.train,
                    "validation": task.validation,
                    "test": task.test,
                    "steps_a_run": task.steps(self.profile) if task.variant not in BASELINES else 0,
                    "hours_a_run": hours,
                    "hours": task.to_do * hours if known else None,
                    "record_bytes": task.to_do * task.record_bytes(self.profile, known.parameters if known else 0),
                    "how": known.how if known else "not measured",
                }
            )
        return pd.DataFrame(rows).astype({"hours_a_run": float, "hours": float})

    def store_table(self) -> pd.DataFrame:
        """One row a corpus: clips, extracted, hours of extraction on all cores, bytes of the store and to download."""
        rows = [
            {
                "corpus": store.corpus,
                "data": "here" if store.here else "absent",
                "clips": store.clips,
                "extracted": store.extracted,
                "hours": store.hours(self.machine["cores"]),
                "store_bytes": store.clips * store.row_bytes,
                "download_bytes": store.download,
                "how": store.how,
            }
            for store in self.stores
        ]
        return pd.DataFrame(rows).astype({"hours": float, "download_bytes": float})

    def speed_table(self) -> pd.DataFrame:
        """One row a network and clip length: seconds, memory, size, and how each was found."""
        columns = [field.name for field in dataclasses.fields(Speed)]
        return pd.DataFrame([dataclasses.asdict(s) for s in self.speeds], columns=columns)

    def total(self) -> dict[str, Any]:
        """Sums over the tables, of what is known; None where nothing is. Training hours are those of networks."""
        tasks, stores = self.task_table(), self.store_table()
        networks = tasks[~tasks["network"].isin([*BASELINES]) & (tasks["to_do"] > 0)]
        new = sum(store.to_do * store.row_bytes for store in self.stores)
        memory = [s.memory for s in self.speeds if s.memory]
        device = [s.device_memory for s in self.speeds if s.device_memory]
        workers = 1 + self.machine["cores"]
        return {
            "runs": int(tasks["runs"].sum()),
            "done": int(tasks["done"].sum()),
            "to_do": int(tasks["to_do"].sum()),
            "training_hours": _sum(networks["hours"]),
            "feature_hours": _sum(stores["hours"]),
            "new_store_bytes": new,
            "record_bytes": int(tasks["record_bytes"].sum()),
            "download_bytes": _sum(stores["download_bytes"]),
            "training_memory": max(memory, default=None),
            "device_memory": max(device, default=None),
            "feature_memory": self.process_memory and workers * self.process_memory,
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values for JSON; what is not known is None."""
        tables = {"tasks": self.task_table(), "features": self.store_table(), "networks": self.speed_table()}
        plain = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
        return {
            "profile": dataclasses.asdict(self.profile),
            "machine": self.machine,
            **plain,
            "total": self.total(),
            "notes": list(self.notes),
        }


def row_bytes(seconds: float, front_end: FrontEnd | None = None) -> int:
    """Bytes of a clip's log-mel in the feature store: float32 [shape=(frames, n_mels)]; None: the paper's front end."""
    front_end = front_end or FeatureSettings()
    return 4 * front_end.frames(seconds) * front_end.n_mels


def estimate(
    clips: int,
    *,
    steps_per_s: float,
    clips_per_s: float,
    machines: int = 1,
    clip_seconds: float = 30.0,
    batch_size: int = 8,
    epochs: int = 100,
    runs: int = 10,
    train_share: float = 0.8,
    sound_bytes: float | None = None,
    parent_bytes: tuple[float, float] | None = None,
    training_bytes: float | None = None,
) -> pd.DataFrame:
    """What a corpus of `clips` clips would take on one machine such as was measured, and on several.

    Pure arithmetic on measured figures, for a corpus that nobody has run: a forecast.

    Parameters
    ----------
    clips
        Number of clips (FMA-full and FMA-large: 106 574).
    steps_per_s, clips_per_s
        Measured: training steps of `batch_size` clips, and clips whose log-mels are extracted, a second on a machine.
    machines
        How many machines share the work.
    clip_seconds, batch_size, epochs, runs, train_share
        Of the clips and the training; `runs` are the folds of one network.
    sound_bytes
        Size of the download.
    parent_bytes
        Measured memory of the extracting process: (fixed, for each clip), as ``benchmarks/features_scale.py`` fits it.
    training_bytes
        Measured memory of a training process, which does not depend on the number of clips.

    Returns
    -------
    pandas.DataFrame
        One row a quantity: ``what, unit, one_machine, several`` (the most that one of `machines` has to bear, or the
        hours until all have ended) and ``needs`` (what makes `several` possible; '' where sharing changes nothing).

    Raises
    ------
    BnetError
        If a number is not above 0.
    """
    given = {
        "clips": clips,
        "steps_per_s": steps_per_s,
        "clips_per_s": clips_per_s,
        "machines": machines,
        "clip_seconds": clip_seconds,
        "batch_size": batch_size,
        "epochs": epochs,
        "runs": runs,
        "train_share": train_share,
    }
    for name, value in given.items():
        if not value > 0:
            raise BnetError(f"{name} is {value}; expected more than 0")
    shard = math.ceil(clips / machines)
    steps = epochs * math.ceil(clips * train_share / batch_size)
    run_hours = steps / steps_per_s / 3600
    size = row_bytes(clip_seconds)
    reading = steps_per_s * batch_size * size
    apart = "a sharded store: every machine extracts clips of its own into a store of its own"
    rows = [
        ("features on disk", "GiB", clips * size / 2**30, shard * size / 2**30, apart),
        ("feature extraction", "hours", clips / clips_per_s / 3600, shard / clips_per_s / 3600, apart),
        ("training steps of a run", "steps", steps, steps, ""),
        ("one run, all epochs", "hours", run_hours, run_hours, ""),
        (
            f"{runs} runs, all epochs",
            "hours",
            runs * run_hours,
            math.ceil(runs / machines) * run_hours,
            "many machines: runs do not depend on each other, and records are folders that are copied together; each "
            "machine needs the whole store, or to read it over a network",
        ),
        ("features read while training", "MiB/s", reading / 2**20, reading / 2**20, ""),
    ]
    if sound_bytes is not None:
        rows.insert(0, ("sound to fetch", "GiB", sound_bytes / 2**30, sound_bytes / machines / 2**30, apart))
    if parent_bytes is not None:
        fixed, each = parent_bytes
        whole, part = ((fixed + each * n) / 2**30 for n in (clips, shard))
        rows.append(("memory of the extracting process", "GiB", whole, part, apart))
    if training_bytes is not None:
        rows.append(("memory of a training process", "GiB", training_bytes / 2**30, training_bytes / 2**30, ""))
    table = pd.DataFrame(rows, columns=["what", "unit", "one_machine", "several", "needs"])
    return table.astype({"one_machine": float, "several": float})


def _sum(column: pd.Series) -> float | None:
    """The sum of what is known; None if nothing is."""
    return float(column.sum()) if column.notna().any() else None
