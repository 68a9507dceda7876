"""What a full execution will do: runs, clips and bytes, counted. Nothing is written; `bnet.runs.speed` adds the hours.

A corpus that is not here is planned from its published number of clips, as if every clip were a group of its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bnet import backend, paths
from bnet.corpora import CORPORA, Corpus, Track, get_corpus, select
from bnet.corpora.splits import PARTS, PROTOCOLS, make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, unknown
from bnet.models import Variant
from bnet.models.cost import cost
from bnet.runs import jobs, records
from bnet.training.baselines import BASELINES
from bnet.training.config import Config, Profile

BYTES_PER_PARAMETER = 13.5
"""Of a run's weights file: a float32 weight, Adam's two moments, and an eighth more for the file's structure."""


@dataclass(frozen=True)
class Plan:
    """What is to be done under one profile.

    Parameters
    ----------
    tasks
        One row per corpus, protocol and network: ``runs, done, to_do``, clips of the first fold's ``train, validation,
        test``, ``steps_a_run``, ``frames``, ``hours_a_run``, ``hours``, ``record_bytes`` and ``how`` hours are known.
    features
        One row per corpus: ``data`` (here or absent), ``clips, extracted``, ``hours`` of extraction on all cores, bytes
        of the store and to download (missing where nobody has published the size), ``how``, ``seconds`` of a clip.
    networks
        One row per network and clip length, as `bnet.runs.speed.network` gives it; empty until they are measured.
    process_memory
        Peak memory in bytes of one process that extracts features; None until measured.
    """

    profile: Profile
    machine: dict[str, Any]
    tasks: pd.DataFrame
    features: pd.DataFrame
    networks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["memory", "device_memory"]))
    process_memory: int | None = None
    notes: tuple[str, ...] = ()

    def waiting(self) -> pd.Series:
        """Which tasks are networks that have runs to do."""
        return (self.tasks["to_do"] > 0) & ~self.tasks["network"].isin([*BASELINES])

    def total(self) -> dict[str, Any]:
        """Sums over the tables, of what is known; None where nothing is. Training hours are those of networks."""
        tasks, features, networks = self.tasks, self.features, self.networks
        new = features["store_bytes"] // features["clips"] * (features["clips"] - features["extracted"])
        return {
            **{key: int(tasks[key].sum()) for key in ("runs", "done", "to_do")},
            "training_hours": _known(tasks["hours"][self.waiting()].sum(min_count=1)),
            "feature_hours": _known(features["hours"].sum(min_count=1)),
            "new_store_bytes": int(new.sum()),
            "record_bytes": int(tasks["record_bytes"].sum()),
            "download_bytes": _known(features["download_bytes"].sum(min_count=1)),
            "training_memory": _known(networks["memory"].max()),
            "device_memory": _known(networks["device_memory"].max()),
            "feature_memory": self.process_memory and (1 + self.machine["cores"]) * self.process_memory,
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values for JSON; what is not known is None."""
        tables = {"tasks": self.tasks.drop(columns="frames"), "features": self.features.drop(columns="seconds")}
        tables["networks"] = self.networks
        return {
            "profile": self.profile.to_dict(),
            "machine": self.machine,
            **{name: json.loads(table.to_json(orient="records")) for name, table in tables.items()},
            "total": self.total(),
            "notes": list(self.notes),
        }


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
    for name in protocols:
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
    names = dict.fromkeys(name for item in wanted for name in (CORPORA if item == "all" else [item]))
    tasks, features, notes = [], [], []
    for corpus in [get_corpus(name) for name in names]:
        try:
            tracks, absent = _tracks(corpus, profile, exclude)
        except BnetError as error:
            if corpus.name in wanted:
                raise
            notes.append(f"{corpus.name} is left out: {error}")
            continue
        if absent:
            notes.append(f"planned from its published number of clips: {absent}")
        features.append(_features(corpus, tracks, absent, profile))
        done = set()
        for folder in records.folders(results, corpus.name):
            try:
                done.add(_trackless(records.read(folder).config, absent))
            except records.DamagedRecord:
                notes.append(f"{folder.name} is damaged and will be recomputed")
        for protocol in protocols:
            if protocol not in corpus.protocols:
                notes.append(f"{corpus.name} has no protocol {protocol}; it has {', '.join(corpus.protocols)}")
                continue
            todo = jobs.of_tracks(corpus, tracks, rows, protocol, profile, exclude=exclude)
            split = make_split(tracks, protocol, 0, profile.folds(protocol), profile.training.seed)
            sizes = {part: len(getattr(split, part)) for part in PARTS}
            for name, row in rows.items():
                own = [job.config for job in todo if job.config.variant == name]
                to_do = sum(_trackless(config, absent) not in done for config in own)
                tasks.append(_task(own, row, sizes, to_do, corpus))
    if not tasks:
        raise BnetError(f"nothing to plan: {'; '.join(notes) or 'name a corpus, a network and a protocol'}")
    if profile.training.stop_patience:
        notes.append("hours are an upper bound: early stopping may end a run before its last epoch")
    stores = pd.DataFrame(features)
    stores.loc[stores.pop("folder").duplicated(), "download_bytes"] = 0.0  # two corpora may share one
    made = Plan(profile, backend.machine(), pd.DataFrame(tasks), stores)
    return dataclasses.replace(made, notes=(*notes, *_full_disks(made.total(), results)))


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


def _features(corpus: Corpus, tracks: list[Track], absent: str, profile: Profile) -> dict[str, Any]:
    """A row of `Plan.features`, and the folder of the corpus."""
    seconds = jobs.clip_seconds(corpus, profile.training)
    there = FeatureStore(corpus, seconds).available
    return {
        "corpus": corpus.name,
        "data": "absent" if absent else "here",
        "clips": len(tracks),
        "extracted": min(len(there), len(tracks)) if absent else len(there & {t.track_id for t in tracks}),
        "hours": math.nan,
        "store_bytes": len(tracks) * 4 * corpus.front_end.frames(seconds) * corpus.front_end.n_mels,  # float32
        "download_bytes": float(getattr(corpus, "disk_bytes", None) or math.nan) if absent else 0.0,
        "how": "not measured",
        "seconds": seconds,
        "folder": corpus.family or corpus.name,
    }


def _trackless(config: Config, absent: str) -> Config:
    """A configuration without its tracks, where they can't be known."""
    return dataclasses.replace(config, corpus_fingerprint="", corpus_source="") if absent else config


def _task(own: list[Config], row: Variant | None, sizes: dict[str, int], to_do: int, corpus: Corpus) -> dict[str, Any]:
    """A row of `Plan.tasks`: a network (or baseline, without a `row`) under one protocol, `sizes` those of a fold."""
    first, training = own[0], own[0].training
    # of a record: a line of probabilities per clip, one per epoch, and the weights
    text = 2500 + (sizes["validation"] + sizes["test"]) * (32 + 10 * len(corpus.labels)) + 60 * training.epochs
    weights = BYTES_PER_PARAMETER * cost(row, len(corpus.labels)).parameters if row else 0
    return {
        "corpus": first.corpus,
        "protocol": first.protocol,
        "network": first.variant,
        "runs": len(own),
        "done": len(own) - to_do,
        "to_do": to_do,
        **sizes,
        "steps_a_run": training.epochs * math.ceil(sizes["train"] / training.batch_size) if row else 0,
        "frames": corpus.front_end.frames(training.clip_seconds),
        "hours_a_run": math.nan,
        "hours": math.nan,
        "record_bytes": to_do * round(text + weights),
        "how": "not measured",
    }


def _full_disks(total: dict[str, Any], results: Path) -> list[str]:
    """A note for each folder that has less room than the plan wants to put there."""
    notes = []
    needs = (
        (paths.cache_dir(), total["new_store_bytes"], "features", "BNET_CACHE"),
        (results, total["record_bytes"], "records", "BNET_RESULTS"),
        (paths.data_dir(), total["download_bytes"] or 0, "downloads, before unpacking", "BNET_DATA"),
    )
    for folder, size, what, variable in needs:
        there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir())
        free = shutil.disk_usage(there).free
        if size > free:
            notes.append(
                f"{what} need {size / 2**30:.1f} GiB, but {folder} has {free / 2**30:.1f} GiB free; "
                f"set {variable} to a larger disk"
            )
    return notes


def _known(value: float) -> float | None:
    return float(value) if pd.notna(value) else None
