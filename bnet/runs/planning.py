"""Count what a full execution will do: runs, clips and bytes. Nothing is measured, nothing is written.

A corpus that is not here is planned from the number of clips that its publication gives, as if every clip were a group
of its own.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from bnet import backend, paths
from bnet.corpora import CORPORA, Corpus, Track, get_corpus, select
from bnet.corpora.splits import PARTS, PROTOCOLS, make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, unknown
from bnet.models import VARIANTS
from bnet.runs import jobs, records
from bnet.runs.plan import Plan, with_speeds
from bnet.training.baselines import BASELINES
from bnet.training.config import Config, Profile


def make(
    corpora: Iterable[str],
    variants: Iterable[str],
    protocols: Iterable[str],
    profile: Profile,
    results: Path,
    exclude: Iterable[str] = (),
) -> Plan:
    """Count what is to be done: nothing is measured yet.

    Parameters
    ----------
    corpora, variants, protocols
        Names, with commas split; ``all`` corpora, ``all`` networks, all ``baselines``. A protocol that a corpus does
        not have is left out for it, with a note; with ``all``, so is a corpus of which nothing is known.
    profile, results, exclude
        How much work, the folder of records, and kinds of clips to leave out, as for `bnet.runs.jobs.jobs`.

    Raises
    ------
    BnetError
        If a name is unknown, a named corpus is neither here nor has a published number of clips, a clip is too short
        for a network, or nothing is left.
    """
    wanted, networks, ways = _words(corpora), jobs.variants(variants), _words(protocols)
    names = list(dict.fromkeys(name for item in wanted for name in (CORPORA if item == "all" else [item])))
    corpora = [get_corpus(name) for name in names]
    for kind, chosen, known in (("network", networks, [*VARIANTS, *BASELINES]), ("protocol", ways, PROTOCOLS)):
        for name in chosen:
            if name not in known:
                raise unknown(kind, name, known)
    tasks, features, notes, fetched = [], [], [], set()
    for corpus in corpora:
        try:
            tracks, absent = _tracks(corpus, profile, exclude)
        except BnetError as error:
            if corpus.name in wanted:
                raise
            notes.append(f"{corpus.name} is left out: {error}")
            continue
        if absent:
            notes.append(f"planned from its published number of clips: {absent}")
        features.append(_features(corpus, tracks, not absent, profile, fetched))
        done, damaged = _records(results, corpus.name)
        notes += [f"{name} is damaged and will be made anew" for name in damaged]
        for protocol in ways:
            if protocol not in corpus.protocols:
                notes.append(f"{corpus.name} has no protocol {protocol}; it has {', '.join(corpus.protocols)}")
                continue
            rows = {name: VARIANTS.get(name) for name in networks}
            todo = jobs.of_tracks(corpus, tracks, rows, protocol, profile, exclude=exclude)
            tasks += _tasks(todo, profile, {_known(c, absent) for c in done}, absent)
    if not tasks:
        raise BnetError(f"nothing to plan: {'; '.join(notes) or 'name a corpus, a network and a protocol'}")
    if profile.training.stop_patience:
        notes.append("hours are an upper bound: early stopping may end a run before its last epoch")
    made = Plan(profile, pd.DataFrame(tasks), pd.DataFrame(features), backend.machine(), tuple(notes))
    made = with_speeds(made, {})
    return dataclasses.replace(made, notes=(*made.notes, *_full_disks(made, results)))


def _words(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word.strip() for item in names for word in item.split(",") if word.strip()))


def _tracks(corpus: Corpus, profile: Profile, exclude: Iterable[str]) -> tuple[list[Track], str]:
    """The tracks that the profile uses, or stand-ins and the reason why the true ones are not here.

    Stand-ins have the published counts, a group each, and parts of their own in the shares 8 : 1 : 1.
    """
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


def _features(corpus: Corpus, tracks: list[Track], here: bool, profile: Profile, fetched: set[str]) -> dict[str, Any]:
    """A row of `Plan.features`; `fetched` holds the folders that are counted already: two corpora may share one."""
    seconds = jobs.clip_seconds(corpus, profile.training)
    there = FeatureStore(corpus, seconds).available
    folder = getattr(corpus, "data_name", "") or corpus.name
    download = 0.0 if here or folder in fetched else float(getattr(corpus, "disk_bytes", None) or math.nan)
    fetched.add(folder)
    return {
        "corpus": corpus.name,
        "data": "here" if here else "absent",
        "clips": len(tracks),
        "extracted": len(there & {t.track_id for t in tracks}) if here else min(len(there), len(tracks)),
        "hours": math.nan,
        "store_bytes": len(tracks) * 4 * corpus.front_end.frames(seconds) * corpus.front_end.n_mels,  # float32
        "download_bytes": download,
        "how": "not measured",
        "seconds": seconds,
    }


def _records(results: Path, corpus: str) -> tuple[list[Config], list[str]]:
    """Configurations of the records of a corpus, and the names of damaged ones."""
    done, damaged = [], []
    for folder in records.folders(results, corpus):
        try:
            done.append(records.read(folder).config)
        except records.DamagedRecord:
            damaged.append(folder.name)
    return done, damaged


def _known(config: Config, absent: str) -> Config:
    """A configuration without its tracks, where they can't be known."""
    return dataclasses.replace(config, corpus_fingerprint="", corpus_source="") if absent else config


def _tasks(todo: list[jobs.Job], profile: Profile, done: set[Config], absent: str) -> list[dict[str, Any]]:
    """Rows of `Plan.tasks`, without what follows from the speed."""
    first = todo[0].config
    split = make_split(todo[0].tracks, first.protocol, 0, first.folds, first.training.seed)
    sizes = {part: len(getattr(split, part)) for part in PARTS}
    rows = []
    for variant in dict.fromkeys(job.config.variant for job in todo):
        own = [job.config for job in todo if job.config.variant == variant]
        found = sum(_known(config, absent) in done for config in own)
        steps = profile.training.epochs * math.ceil(sizes["train"] / profile.training.batch_size)
        rows.append(
            {
                "corpus": first.corpus,
                "protocol": first.protocol,
                "network": variant,
                "runs": len(own),
                "done": found,
                "to_do": len(own) - found,
                **sizes,
                "steps_a_run": 0 if variant in BASELINES else steps,
                "frames": todo[0].corpus.front_end.frames(first.training.clip_seconds),
            }
        )
    return rows


def _full_disks(made: Plan, results: Path) -> list[str]:
    """A note for each folder that has less room than the plan wants to put there."""
    total, notes = made.total(), []
    needs = (
        (paths.cache_dir(), total["new_store_bytes"], "features", "BNET_CACHE"),
        (results, total["record_bytes"], "records", "BNET_RESULTS"),
        (paths.data_dir(), total["download_bytes"] or 0, "downloads, before unpacking", "BNET_DATA"),
    )
    for folder, size, what, variable in needs:
        place = next((p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir()), Path("/"))
        free = shutil.disk_usage(place).free
        if size > free:
            notes.append(
                f"{what} need {size / 2**30:.1f} GiB, but {folder} has {free / 2**30:.1f} GiB free; "
                f"set {variable} to a larger disk"
            )
    return notes
