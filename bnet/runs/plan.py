"""What a full execution will do: runs, clips and bytes are counted; hours are one measured training step times the
number of steps. Nothing is written.

A corpus that is not here is planned from its published number of clips, as if every clip were a group of its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from bnet import backend
from bnet.corpora import CORPORA, FLAWS, Corpus, Track, get_corpus, select
from bnet.corpora.splits import PARTS, PROTOCOLS, make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, unknown
from bnet.models import get_variant
from bnet.models.cost import cost
from bnet.models.shapes import N_MELS
from bnet.runs import jobs
from bnet.runs.child import call
from bnet.training.config import Profile
from bnet.training.device import Settings, take
from bnet.training.parts import Part

LIMIT = 60.0
"""Seconds after which a measurement is given up."""
MOST_STEPS, STEPS_S = 30, 5.0
"""Training steps that are timed after the first: at most so many, in about so many seconds, but at least two."""
TASK = ("corpus", "protocol", "network", "runs", "done", "to_do", *PARTS, "frames", "steps_a_run", "macs", "hours")
TASK += ("record_bytes",)
"""Columns of `Plan.tasks`."""
CLASSES = 10
"""Of the network that is measured: its last layer is too small to matter."""


@dataclass(frozen=True)
class Plan:
    """What is to be done under one profile.

    Parameters
    ----------
    tasks
        One row per corpus, protocol and network: ``runs, done, to_do``, clips of the first fold's ``train, validation,
        test``, ``frames`` of a clip, ``steps_a_run``, ``macs`` of one step's clip (missing for a baseline), ``hours``
        of training still to do (missing until measured) and ``record_bytes`` of the weights still to be written.
    features
        One row per corpus: ``data`` (here or absent), ``clips, extracted``, ``store_bytes``.
    measured
        What `timed` found: ``network, frames, step_s``, the most ``memory`` that its process held at the end of a step,
        in bytes, ``backend, device, step``; None where nothing was measured.
    """

    profile: Profile
    tasks: pd.DataFrame
    features: pd.DataFrame
    measured: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def total(self) -> dict[str, Any]:
        """Sums over the tables, of what is known; None where nothing is. Training hours are those of networks."""
        new = self.features.eval("store_bytes // clips * (clips - extracted)", engine="python").sum()  # numexpr: no //
        hours = self.tasks["hours"].sum(min_count=1)
        return {
            **{key: int(self.tasks[key].sum()) for key in ("runs", "done", "to_do", "record_bytes")},
            "new_store_bytes": int(new),
            "training_hours": None if np.isnan(hours) else float(hours),
            "training_memory": self.measured and self.measured["memory"],
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values for JSON; what is not known is None."""
        tables = {key: json.loads(getattr(self, key).to_json(orient="records")) for key in ("tasks", "features")}
        more = {"measured": self.measured, "total": self.total(), "notes": list(self.notes)}
        return {"profile": self.profile.to_dict(), "machine": backend.machine(), **tables, **more}


def make(
    corpora: Iterable[str],
    variants: Iterable[str],
    protocols: Iterable[str],
    profile: Profile,
    results: Path,
    exclude: Iterable[str] = (),
) -> Plan:
    """Count what is to be done.

    Names are comma-separated; ``all`` corpora, ``all`` networks, all ``baselines``. A protocol that a corpus does not
    have is left out for it, with a note; with ``all``, so is a corpus of which nothing is known. The rest is as for
    `bnet.runs.jobs.jobs`.

    Raises
    ------
    BnetError
        If a name is unknown, a named corpus is neither here nor has a published number of clips, a clip is too short
        for a network, or nothing is left.
    """
    wanted, rows, protocols = jobs.words(corpora), jobs.variants(variants), jobs.words(protocols)
    kinds = "kind of clips to exclude", jobs.words(exclude), FLAWS
    for what, given, known in (("protocol", protocols, PROTOCOLS), kinds):
        if strange := [name for name in given if name not in known]:
            raise unknown(what, strange[0], known)
    names = dict.fromkeys(name for item in wanted for name in (CORPORA if item == "all" else [item]))
    training, tasks, features, notes = profile.training, [], [], []
    for corpus in [get_corpus(name) for name in names]:
        try:
            tracks, absent = _tracks(corpus, profile, exclude)
        except BnetError as error:
            if corpus.name in wanted:
                raise
            notes.append(f"{corpus.name} is left out: {error}")
            continue
        if absent:
            notes.append(f"planned from its published number of clips, as if nothing were done: {absent}")
        seconds = jobs.clip_seconds(corpus, training)
        frames, there = corpus.front_end.frames(seconds), FeatureStore(corpus, seconds).available
        features.append(
            {
                "corpus": corpus.name,
                "data": "absent" if absent else "here",
                "clips": len(tracks),
                "extracted": len(there & {track.track_id for track in tracks}),
                "store_bytes": len(tracks) * 4 * frames * corpus.front_end.n_mels,  # float32
            }
        )
        for protocol in protocols:
            if protocol not in corpus.protocols:
                notes.append(f"{corpus.name} has no protocol {protocol}; it has {', '.join(corpus.protocols)}")
                continue
            todo = [] if absent else jobs.jobs(corpus.name, rows, protocol, profile, exclude=exclude)
            runs = len(profile.folds_to_run(protocol))
            split = make_split(tracks, protocol, 0, profile.folds(protocol), training.seed)
            sizes = [len(getattr(split, part)) for part in PARTS]
            for name, row in rows.items():
                done = sum(jobs.state(job, results) == "done" for job in todo if job.config.variant == name)
                counted = cost(row, len(corpus.labels), frames) if row else None
                steps = training.epochs * math.ceil(sizes[0] / training.batch_size) if row else 0
                # a weight and Adam's two moments, float32; all else of a record is small beside them
                size = (runs - done) * 12 * counted.parameters if row else 0
                counts = runs, done, runs - done, *sizes, frames, steps
                tasks.append((corpus.name, protocol, name, *counts, counted.macs if row else math.nan, math.nan, size))
    if not tasks:
        raise BnetError(f"nothing to plan: {'; '.join(notes) or 'name a corpus, a network and a protocol'}")
    return Plan(profile, pd.DataFrame(tasks, columns=TASK), pd.DataFrame(features), notes=tuple(notes))


def _tracks(corpus: Corpus, profile: Profile, exclude: Iterable[str]) -> tuple[list[Track], str]:
    """The tracks that the profile uses, or stand-ins and the reason why the true ones are not here. Stand-ins have the
    published counts, a group each, and parts of their own in the shares 8 : 1 : 1."""
    try:
        return jobs.selected(corpus, profile.training, exclude), ""
    except BnetError as error:
        if not corpus.expected:
            raise
        reason = str(error).split("; expected", 1)[0]
    parts = [PARTS[0]] * 8 + list(PARTS[1:])
    tracks = [
        Track(name, label, name, split=parts[i % 10])
        for label, number in corpus.expected.items()
        for i, name in enumerate(f"{label}-{i:06d}" for i in range(number))
    ]
    return select(tracks, profile.training.max_per_class or None, seed=profile.training.seed), reason


def timed(plan: Plan, log: Callable[[str], None] = print) -> Plan:
    """The plan with hours, from the first network that has runs to do: its training steps on noise, on this machine,
    in a process of its own, whose memory is then its own too.

    The hours of other networks are in proportion to their multiply-adds, which may be off by half: a step is bound by
    memory, too. Validation, some per cent of training, is not counted. What takes longer than `LIMIT` is not known.

    Raises
    ------
    BnetError
        If the network can't be measured (memory); names it and what to do.
    """
    training, tasks, notes = plan.profile.training, plan.tasks.copy(), list(plan.notes)
    networks = tasks[(tasks["to_do"] > 0) & tasks["macs"].notna()]
    if networks.empty:
        return plan
    first = networks.iloc[0]
    name, frames, end = first["network"], int(first["frames"]), time.monotonic() + LIMIT
    log(f"measuring {name} at {frames} frames, for at most {LIMIT:.0f} s")
    try:
        measured = call(
            _measure, name, frames, training.batch_size, training.precision, stop=lambda: time.monotonic() > end
        )
    except BnetError as error:
        if time.monotonic() > end:
            notes.append(f"hours are not known: measuring {name} takes over {LIMIT:.0f} s here")
            return dataclasses.replace(plan, notes=tuple(notes))
        raise BnetError(
            f"measuring {name} with {training.batch_size} clips of {frames} frames a step: {error}; take less with "
            "--set batch_size=..., or plan without measuring: --no-measure"
        ) from error
    if training.stop_patience:
        notes.append("hours are an upper bound: early stopping may end a run before its last epoch")
    hours = networks["to_do"] * networks["steps_a_run"] * measured["step_s"] * networks["macs"] / first["macs"] / 3600
    tasks.loc[networks.index, "hours"] = hours
    return dataclasses.replace(plan, tasks=tasks, measured=measured, notes=tuple(notes))


def _measure(name: str, frames: int, batch_size: int, precision: str) -> dict[str, Any]:
    """In a child: as `bnet.training.fit.fit` builds, compiles and feeds the network, on noise; see `Plan.measured`."""
    from bnet.training import assembly, fit

    times, memory = [], []

    class Clock(fit.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # wait for the device
            times.append(time.perf_counter())
            memory.append(psutil.Process().memory_info().rss)
            if batch >= 2 and times[-1] - times[0] > STEPS_S:
                self.model.stop_training = True

    noise = np.random.default_rng(0).uniform(-80, 0, (batch_size, frames, N_MELS)).astype("float32")
    rows, execution = np.tile(np.arange(batch_size), 1 + MOST_STEPS), take(Settings(), precision)
    assembly.seed_everything(0, execution)
    with backend.precision(precision), assembly.memory_errors("a step"):
        execution = dataclasses.replace(execution, steps_per_execution=1)  # for a clock at every step
        made = assembly.Trainer(get_variant(name), (CLASSES, frames, N_MELS), execution, 1e-4, noise)
        places = rows.astype("int32") if made.execution.resident else None
        batches = fit.Batches(Part(noise, rows, rows % CLASSES), CLASSES, batch_size, places=places)
        made.model.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[Clock()])
    return {
        "network": name,
        "frames": frames,
        "step_s": float(np.median(np.diff(times))),
        "memory": max(memory),
        "backend": made.execution.backend,
        "device": backend.device()["name"],
        "step": made.execution.step,
    }
