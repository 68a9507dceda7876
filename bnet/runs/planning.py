"""Make a plan: what is there, what is done, and how fast this machine is. Nothing is written.

A corpus that is not here is planned from the number of clips that its publication gives, as if every clip were a group
of its own.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bnet import backend, paths
from bnet.corpora import CORPORA, Corpus, Track, get_corpus, select
from bnet.corpora.splits import PARTS, PROTOCOLS, make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, unknown
from bnet.models import VARIANTS
from bnet.models.shapes import check
from bnet.runs import jobs, plan, records, speed
from bnet.runs.plan import Plan, Store, Task
from bnet.training.baselines import BASELINES
from bnet.training.config import Config, Profile

CLASSES = 10
"""Of the networks that are measured: their last layer is too small to matter."""
BUDGET, QUICK = 15.0, 3.0
"""Seconds of training steps that are timed, after the first step; with `quick`."""


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
    found = [get_corpus(name) for name in names]
    for kind, chosen, known in (("network", networks, [*VARIANTS, *BASELINES]), ("protocol", ways, PROTOCOLS)):
        for name in chosen:
            if name not in known:
                raise unknown(kind, name, known)
    if not (names and networks and ways):
        raise BnetError("nothing to plan; name a corpus, a network and a protocol, or leave the options out")
    tasks, stores, notes, fetched = [], [], [], set()
    for corpus in found:
        try:
            tracks, absent = _tracks(corpus, profile, exclude)
        except BnetError as error:
            if corpus.name in wanted:
                raise
            notes.append(f"{corpus.name} is left out: {error}")
            continue
        if absent:
            notes.append(f"planned from its published number of clips: {absent}")
        seconds = jobs.clip_seconds(corpus, profile)
        for name in networks:
            if name in VARIANTS:
                check(VARIANTS[name], corpus.front_end.frames(seconds))
        stores.append(_store(corpus, tracks, not absent, profile, fetched))
        done = _done_elsewhere if absent else _done_here
        for protocol in ways:
            if protocol not in corpus.protocols:
                notes.append(f"{corpus.name} has no protocol {protocol}; it has {', '.join(corpus.protocols)}")
                continue
            counts, damaged = done(corpus, networks, protocol, profile, results, sorted(set(exclude)))
            notes += [f"{name} is damaged and will be made anew" for name in damaged]
            tasks += _tasks(corpus, tracks, protocol, profile, counts)
    if not tasks:
        raise BnetError(f"nothing to plan: {'; '.join(notes)}")
    if profile.stop_patience:
        notes.append("hours are an upper bound: early stopping may end a run before its last epoch")
    made = Plan(profile, tuple(tasks), tuple(stores), backend.machine(), tuple(notes))
    return dataclasses.replace(made, notes=(*made.notes, *_full_disks(made, results)))


def measure(made: Plan, *, quick: bool = False, say: Callable[[str], None] = print) -> Plan:
    """The plan with hours and memory, from measurements on this machine.

    Each network that has runs to do is timed at its longest clip, and reckoned from that at shorter ones
    (`bnet.runs.speed.reckon`). With `quick` only the first is timed, for fewer steps, and all others are reckoned from
    it.

    Raises
    ------
    BnetError
        If a network can't be measured (memory); names it and what to do.
    """
    todo = [task for task in made.tasks if task.to_do and task.variant not in BASELINES]
    longest: dict[str, int] = {}
    for task in todo:
        longest[task.variant] = max(task.frames, longest.get(task.variant, 0))
    timed = list(longest.items())[: 1 if quick else None]
    speeds = {}
    for number, (variant, length) in enumerate(timed, 1):
        say(f"measuring {variant} at {length} frames ({number} of {len(timed)}), for half a minute or so")
        batch = made.profile.batch_size
        speeds[variant, length] = speed.network(variant, CLASSES, length, batch, QUICK if quick else BUDGET)
    pairs = list(dict.fromkeys((task.variant, task.frames) for task in todo))
    weights = speed.weigh(pairs, CLASSES, made.profile.batch_size) if set(pairs) - set(speeds) else {}
    for variant, length in pairs:
        known = speeds.get((variant, longest[variant])) or speeds[timed[0]]
        if (variant, length) not in speeds:
            speeds[variant, length] = speed.reckon(variant, length, weights, known)
    say("measuring the extraction of a few clips")
    stores = tuple(_timed(store, made.profile) for store in made.stores)
    return dataclasses.replace(
        made, stores=stores, speeds=tuple(speeds[pair] for pair in pairs), process_memory=speed.peak_memory()
    )


def _words(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word.strip() for item in names for word in item.split(",") if word.strip()))


def _tracks(corpus: Corpus, profile: Profile, exclude: Iterable[str]) -> tuple[list[Track], str]:
    """The tracks that the profile uses, or stand-ins and the reason why the true ones are not here.

    Stand-ins have the published counts, a group each, and parts of their own in the shares 8 : 1 : 1.
    """
    try:
        return jobs.selected(corpus, profile, exclude), ""
    except BnetError as error:
        if not corpus.expected:
            raise
        reason = str(error).split("; expected", 1)[0]
    parts = [PARTS[0]] * 8 + list(PARTS[1:])
    tracks = [
        Track(name, label, name, split=parts[i % 10])
        for label, count in corpus.expected.items()
        for i, name in enumerate(f"{label}-{i:06d}" for i in range(count))
    ]
    return select(tracks, profile.max_per_class or None, seed=profile.seed), reason


def _store(corpus: Corpus, tracks: list[Track], here: bool, profile: Profile, fetched: set[str]) -> Store:
    """`fetched` holds the folders that are counted already: two corpora may share one."""
    seconds = jobs.clip_seconds(corpus, profile)
    there = FeatureStore(corpus, seconds).available
    folder = getattr(corpus, "data_name", "") or corpus.name
    download = 0 if here or folder in fetched else getattr(corpus, "disk_bytes", None)
    fetched.add(folder)
    extracted = len(there & {track.track_id for track in tracks}) if here else min(len(there), len(tracks))
    return Store(corpus.name, here, len(tracks), extracted, plan.row_bytes(seconds, corpus.front_end), download)


def _tasks(corpus: Corpus, tracks: list[Track], protocol: str, profile: Profile, done: dict[str, int]) -> list[Task]:
    split = make_split(tracks, protocol, 0, profile.folds(protocol), profile.seed)
    sizes = {part: len(getattr(split, part)) for part in PARTS}
    seconds, classes = jobs.clip_seconds(corpus, profile), len({track.label for track in tracks})
    frames = corpus.front_end.frames(seconds)
    total = len(profile.folds_to_run(protocol))
    return [
        Task(corpus.name, protocol, variant, seconds, frames, classes, **sizes, runs=total, done=count)
        for variant, count in done.items()
    ]


def _done_here(
    corpus: Corpus, networks: list[str], protocol: str, profile: Profile, results: Path, exclude: list[str]
) -> tuple[dict[str, int], list[str]]:
    """Network -> number of its runs that have a record, and the names of damaged records."""
    done, damaged = dict.fromkeys(networks, 0), []
    for job in jobs.jobs(corpus.name, networks, protocol, profile, exclude=exclude):
        state = jobs.state(job, results)
        done[job.config.variant] += state == "done"
        damaged += [job.config.run_name] if state == "damaged" else []
    return done, damaged


def _done_elsewhere(
    corpus: Corpus, networks: list[str], protocol: str, profile: Profile, results: Path, exclude: list[str]
) -> tuple[dict[str, int], list[str]]:
    """As `_done_here` where the data is not here: records that agree in all but the tracks, which can't be known."""
    done, damaged = dict.fromkeys(networks, 0), []
    profile = dataclasses.replace(profile, clip_seconds=jobs.clip_seconds(corpus, profile))
    names = {field.name for field in dataclasses.fields(Config)} & {field.name for field in dataclasses.fields(Profile)}
    wanted = {name: getattr(profile, name) for name in names} | {
        "features": corpus.front_end.to_json(),
        "protocol": protocol,
        "folds": profile.folds(protocol),
        "profile": profile.name,
        "exclude": ",".join(exclude),
    }
    for folder in records.folders(results, corpus.name):
        try:
            config = records.read(folder).config
        except records.DamagedRecord:
            damaged.append(folder.name)
            continue
        row = VARIANTS.get(config.variant)
        same = config.architecture == (row.architecture() if row else "")
        same = same and config.fold in profile.folds_to_run(protocol)
        if config.variant in done and same and all(getattr(config, key) == value for key, value in wanted.items()):
            done[config.variant] += 1
    return done, damaged


def _timed(store: Store, profile: Profile) -> Store:
    """With seconds a clip: of the corpus's own clips, or of an MP3 made on the spot where it is not here."""
    corpus = get_corpus(store.corpus)
    seconds, how = jobs.clip_seconds(corpus, profile), "measured on an MP3 made on the spot"
    if store.here:
        try:
            return dataclasses.replace(store, clip_s=speed.clips(corpus, corpus.tracks(), seconds), how="measured")
        except BnetError as error:
            how = f"{how}, for a clip failed: {error}"
    return dataclasses.replace(store, clip_s=speed.mp3(seconds), how=how)


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
