"""A worker of a cluster: what it is asked before runs, and how it does one. `bnet.runs.cluster` is the client's
side."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bnet
from bnet import paths
from bnet.backend import cores
from bnet.corpora import fingerprint, get_corpus
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.runs import jobs, pool
from bnet.runs.child import Message, call
from bnet.runs.jobs import Job
from bnet.runs.pool import named, shares
from bnet.training.device import Settings

PACKAGES = ("numpy", "scipy", "scikit-learn", "librosa", "numba", "keras", "tensorflow")
"""Packages of which another version on a worker is told: it may change the last digits of a result."""


@dataclass(frozen=True)
class Order:
    """What a worker must know beside the job.

    Parameters
    ----------
    results, token
        The results folder of the client, and the name of a file in it: a worker that sees it shares the folder.
    keep
        ``shared``: the worker writes the record into the folder; ``returned``: it sends the record's files; ``auto``:
        it writes where it sees the folder, and sends else.
    settings
        How a run is executed; ``auto`` is resolved on the worker.
    threads
        Of the client's TensorFlow (`bnet.runs.child.Child`).
    topic
        Where to tell how far a run is.
    bnet
        The client's `bnet_here`: a worker must have the same.
    """

    results: Path
    token: str
    keep: str
    settings: Settings | None
    threads: int
    topic: str
    bnet: str

    def shared(self) -> bool:
        """Whether this machine writes into the client's folder.

        Raises
        ------
        BnetError
            If it must, but does not see it.
        """
        sees = (self.results / self.token).is_file()
        if self.keep == "shared" and not sees:
            raise BnetError(
                f"it does not see the results folder {self.results}; expected a folder that all machines share under "
                "one name (--results), or take --records returned"
            )
        return sees and self.keep != "returned"


def bnet_here() -> str:
    """The version of `bnet` on this machine, and ten digits of a hash over its Python files."""
    root = Path(bnet.__file__).parent
    files = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*.py"))
    code = paths.sha256("".join(f"{name} {paths.sha256_file(path)}\n" for name, path in files))
    return f"bnet {bnet.__version__}, code {code[:10]}"


async def look(order: Order, job: Job) -> dict[str, Any]:
    """On a worker: which `bnet` it has, whether it sees the folder, and what it lacks for runs such as `job`."""
    return await asyncio.to_thread(_look, order, job)  # reading a corpus must not stop the worker's event loop


def _look(order: Order, job: Job) -> dict[str, Any]:
    answer = {"bnet": bnet_here(), "packages": versions(), "shared": False, "lacks": ""}
    try:
        at_home(job)
        answer["shared"] = order.shared()
    except BnetError as error:
        answer["lacks"] = str(error)
    return answer


def versions() -> dict[str, str]:
    """Of `PACKAGES`, as installed here."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return {name: found.get(name, "not there") for name in PACKAGES}


def at_home(job: Job) -> tuple[Job, bool]:
    """The job with this machine's own copy of the corpus, and whether there is one.

    Without one, the job is as it was, if the feature store here has all of its tracks.

    Raises
    ------
    BnetError
        If there is neither, or the copy is not the same as the client's.
    """
    config = job.config
    mend = f"set BNET_DATA on that machine to a folder with {config.corpus}, or BNET_CACHE to one with its features"
    try:
        corpus = get_corpus(config.corpus)
        tracks = tuple(jobs.selected(corpus, config.training, filter(None, config.exclude.split(","))))
    except BnetError as error:
        known = FeatureStore(job.corpus, config.training.clip_seconds).index
        if all(track.track_id in known for track in job.tracks):
            return job, False
        raise BnetError(f"it has no data of {config.corpus} ({error}); {mend}") from error
    if fingerprint(tracks) != config.corpus_fingerprint or corpus.source != config.corpus_source:
        raise BnetError(
            f"its copy of {config.corpus} is another one ({len(tracks)} tracks; expected {len(job.tracks)} with the "
            f"ids, classes and groups of the client's); {mend}"
        )
    return dataclasses.replace(job, corpus=corpus, tracks=tracks), True


def perform(job: Job, order: Order) -> dict[str, bytes] | None:
    """On a worker, as a dask task: do a run in a child; the files of its record, or None where they are in the folder.

    Raises
    ------
    BnetError
        If the run fails; names the worker.
    """
    from distributed import get_worker

    worker = get_worker()
    key, name = worker.get_current_task(), job.config.run_name

    def tell(message: Message) -> None:
        if message.line:
            worker.log_event(order.topic, named(name, message.line))
        if getattr(worker.state.tasks.get(key), "state", "") != "executing":
            raise BnetError("cancelled: nobody waits for it any more")

    try:
        if order.bnet != bnet_here():
            raise BnetError(f"it has {bnet_here()}; expected {order.bnet}")
        (job, here), shared = at_home(job), order.shared()
        with _share(worker.state.nthreads) as share, tempfile.TemporaryDirectory(prefix="bnet-") as own:
            results = order.results if shared else Path(own)
            words = job, results, order.settings, here
            call(pool.perform, *words, tell=tell, cores=share, threads=order.threads)
            folder = job.folder(results)
            return None if shared else {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    except BnetError as error:
        raise BnetError(f"worker {worker.address}: {error}") from error


_lock = threading.Lock()
_free: list[list[int]] | None = None


@contextlib.contextmanager
def _share(threads: int) -> Iterator[list[int]]:
    """A share of this worker's cores, of as many as it does runs at once (``--nthreads``); empty: any of them."""
    global _free
    with _lock:
        if _free is None:
            _free = shares(threads) if threads <= cores() else []
        share = _free.pop() if _free else []
    try:
        yield share
    finally:
        if share:
            _free.append(share)
