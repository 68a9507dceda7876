"""Runs: from (corpus, variant, protocol, fold, profile) to a record, once, whatever happens on the way."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from bnet.corpora import Corpus, Track, fingerprint, get_corpus, select, without
from bnet.corpora.splits import make_split
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, say, unknown
from bnet.models import VARIANTS, Variant
from bnet.models.shapes import sections
from bnet.paths import alone, writable_dir
from bnet.runs import records
from bnet.runs.execute import execute
from bnet.runs.records import Record
from bnet.statistics.metrics import accuracy
from bnet.training.baselines import BASELINES
from bnet.training.config import Config, Profile, Training
from bnet.training.device import Settings, take

Log = Callable[[str], None]
"""Prints a human-readable line."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A run that can be started: its configuration, with the corpus and tracks that it names."""

    config: Config
    corpus: Corpus
    tracks: tuple[Track, ...]

    def folder(self, results: Path) -> Path:
        """Where its record lies, or will lie."""
        return results / self.config.corpus / self.config.run_name


Executor = Callable[[list[Job], Path, Log, Settings | None], Iterable[tuple[Job, str]]]
"""How several runs of one corpus are done: is given those without a record, the results folder, a `Log` and settings;
yields each as it ends, with the reason why it failed, or '' if it has a record now. `one_by_one`, `bnet.runs.pool`,
`bnet.runs.cluster`."""


def title(variant: str) -> str:
    """The display name of a network or baseline; of a network that is not in the table, its name."""
    return BASELINES[variant][0] if variant in BASELINES else getattr(VARIANTS.get(variant), "title", variant)


def words(names: Iterable[str]) -> list[str]:
    """Comma-separated names, each once."""
    return list(dict.fromkeys(word.strip() for item in names for word in item.split(",") if word.strip()))


def variants(names: Iterable[str], own: Mapping[str, Variant] | None = None) -> dict[str, Variant | None]:
    """Networks and baselines (None), by comma-separated `names`; ``all`` and ``baselines`` are groups, and one's `own`
    networks count beside those of the table. A `BnetError` names one that is unknown."""
    known = {**VARIANTS, **(own or {}), **dict.fromkeys(BASELINES)}
    groups = {"all": [*VARIANTS], "baselines": [*BASELINES]}
    chosen = [name for item in words(names) for name in groups.get(item, [item])]
    for name in chosen:
        if name not in known:
            raise unknown("network", name, known)
    return {name: known[name] for name in chosen}


def selected(corpus: Corpus, training: Training, exclude: Iterable[str] = ()) -> list[Track]:
    """The tracks of `corpus` that a profile or a run uses, less those with a flaw of a kind in `exclude`
    (comma-separated names)."""
    return select(without(corpus, words(exclude)), training.max_per_class or None, seed=training.seed)


def clip_seconds(corpus: Corpus, training: Training) -> float:
    """How long a clip is: as the profile wants it, but no longer than the corpus allows."""
    return min(training.clip_seconds, corpus.clip_seconds or training.clip_seconds)


def jobs(
    corpus: str,
    names: Iterable[str],
    protocol: str,
    profile: Profile,
    folds: Iterable[int] | None = None,
    exclude: Iterable[str] = (),
    own: Mapping[str, Variant] | None = None,
) -> list[Job]:
    """The runs of some networks and baselines on some folds (None: those that the profile runs), fold by fold; networks
    of one's `own` (`bnet.models.variants.load`) count beside those of the table.

    Raises
    ------
    BnetError
        If a name is unknown, the data is not there, a fold is out of range, or the clips are too short for a network.
    """
    found, rows = get_corpus(corpus), variants(names, own)
    tracks = tuple(selected(found, profile.training, exclude))
    training = dataclasses.replace(profile.training, clip_seconds=clip_seconds(found, profile.training))
    for row in filter(None, rows.values()):
        sections(row, found.front_end.frames(training.clip_seconds))
    shared = {
        "corpus": found.name,
        "corpus_fingerprint": fingerprint(tracks),
        "corpus_source": found.source,
        "features": found.front_end.to_json(),
        "protocol": protocol,
        "folds": profile.folds(protocol),
        "profile": profile.name,
        "training": training,
        "exclude": ",".join(sorted(words(exclude))),
    }
    if protocol == "grouped" and len({track.group for track in tracks}) == len(tracks):
        say(
            f"{found.name}: each clip is a group of its own, so that `grouped` keeps no artists or recordings apart; "
            f"there are the protocols {', '.join(found.protocols)}"
        )
    folds = [*dict.fromkeys(profile.folds_to_run(protocol) if folds is None else folds)]
    for fold in folds:
        make_split(tracks, protocol, fold, shared["folds"], training.seed)
    return [
        Job(Config(**shared, variant=name, architecture=row.architecture() if row else "", fold=fold), found, tracks)
        for fold in folds
        for name, row in rows.items()
    ]


def state(job: Job, results: Path) -> str:
    """``done``, ``damaged`` or ``to do``."""
    try:
        records.read(job.folder(results))
        return "done"
    except records.DamagedRecord:
        return "damaged" if job.folder(results).exists() else "to do"


def run(
    job: Job,
    results: Path,
    log: Log = say,
    settings: Settings | None = None,
    make: Callable[[Path], Record] | None = None,
) -> Record:
    """Do a run, or read its record if it has been done: the same command again does nothing.

    How it is done (`settings`; None: chosen for the device) stands in the record, but is no part of its identity;
    `make` writes the record into its folder (None: trains). A damaged record is set aside and recomputed. Of two
    processes the second waits for the first, and then finds its record. A killed run restarts from its first epoch.

    Raises
    ------
    BnetError
        If the results folder can't be written, features are missing, or training fails; no record is left then.
    """
    folder = job.folder(results)
    writable_dir(folder.parent, "results", "BNET_RESULTS")
    waiting = f"another process is doing the run {folder.name}; waiting for it"
    with alone(folder.parent / f".{folder.name}.lock", waiting, log):
        if folder.exists():
            try:
                return records.read(folder)
            except records.DamagedRecord as error:
                log(f"{error}\nset aside as {records.set_aside(folder).name}")
        for left in folder.parent.glob(f".{folder.name}.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        return make(folder) if make else execute(job.config, job.corpus, job.tracks, folder, settings)


def extract(
    corpus: Corpus, tracks: Iterable[Track], seconds: float, workers: int | None = None, log: Log = say
) -> FeatureStore:
    """Extract what features the tracks still lack, and name those that failed.

    Raises
    ------
    BnetError
        If no track at all could be used.
    """
    store = FeatureStore(corpus, seconds)
    done = store.extract(list(tracks), jobs=workers)
    for track_id, reason in sorted(done.failed.items()):
        log(f"no features of {track_id}: {reason}")
    log(f"features of {corpus.name}, {seconds:g} s: {done.done} new, {done.reused} kept, {len(done.failed)} failed")
    if done.failed and not (done.done or done.reused):
        raise BnetError(f"none of the {len(done.failed)} tracks of {corpus.name} could be used; see the reasons above")
    return store


def run_all(
    todo: list[Job],
    results: Path,
    workers: int | None = None,
    log: Log = say,
    settings: Settings | None = None,
    executor: Executor | None = None,
) -> list[Record]:
    """Do all jobs of one corpus that have no record yet, and return the records of all.

    `workers` processes extract features (None: one per core); `executor` does the runs (None: `one_by_one`).

    Raises
    ------
    BnetError
        If runs failed: names each, when the others have ended. Of runs in this process the first that fails ends it.
    """
    waiting, failed = [job for job in todo if state(job, results) != "done"], []
    log(f"{len(todo)} runs: {len(todo) - len(waiting)} done, {len(waiting)} to do, into {results}")
    if waiting:
        writable_dir(results, "results", "BNET_RESULTS")
        ended = (executor or functools.partial(one_by_one, workers=workers))(waiting, results, log, settings)
        for number, (job, reason) in enumerate(ended, 1):
            failed += [f"{job.config.run_name}: {reason}"] if reason else []
            told = f"failed: {reason}" if reason else outcome(records.read(job.folder(results)))
            log(f"[{number}/{len(waiting)}] {job.config.run_name}: {told}")
    if failed:
        what = f"{len(failed)} of {len(waiting)} runs failed, the others are recorded; the same command retries them"
        raise BnetError("\n".join([f"{what}:", *failed]))
    return [records.read(job.folder(results)) for job in todo]


def one_by_one(
    todo: list[Job], results: Path, log: Log, settings: Settings | None = None, *, workers: int | None = None
) -> Iterator[tuple[Job, str]]:
    """The plain `Executor`: extract what features are lacking, then do each run in this process, with all cores."""
    if settings and settings.device == "gpu" and any(job.config.architecture for job in todo):
        take(settings)  # before anything is extracted for a GPU that is not there
    extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds, workers, log)
    for job in todo:
        run(job, results, log, settings)
        yield job, ""


def outcome(record: Record) -> str:
    """A line on a record: test and validation accuracy, and time."""
    told = [f"{part} {accuracy(*record.arrays(part)[1:]):.3f}" for part in ("test", "validation")]
    return f"{', '.join(told)}, {record.run['made']['wall_s']:.0f} s"
