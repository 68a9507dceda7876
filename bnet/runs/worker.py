"""A worker of a cluster: what it is asked before runs, and how it does one. The client is `bnet.runs.cluster`."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.metadata
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bnet
from bnet import paths
from bnet.corpora import fingerprint, get_corpus
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.runs import jobs, pool
from bnet.runs.child import call
from bnet.runs.jobs import Job
from bnet.training.device import Settings

PACKAGES = ("numpy", "scipy", "scikit-learn", "librosa", "numba", "keras", "tensorflow")
"""Packages of which another version on a worker is told: it may change the last digits of a result."""
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
_free = list(_CORES)
"""Cores of this worker, and those of them on which no run is."""


@dataclass(frozen=True)
class Order:
    """What a worker must know beside the job: the client's results folder and the name of a file in it (a worker that
    sees it shares the folder), one of `bnet.runs.cluster.KEEP`, how a run is executed, the size of the client's thread
    pools, where to tell how far a run is, and the client's `bnet_here`."""

    results: Path
    token: str
    keep: str
    settings: Settings | None
    threads: int
    topic: str
    bnet: str

    def shared(self) -> bool:
        """Whether this machine writes into the client's folder; a `BnetError` if it must, but does not see it."""
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


def versions() -> dict[str, str]:
    """Of `PACKAGES`, as far as they are installed here."""
    return {d.name: d.version for d in importlib.metadata.distributions() if d.name in PACKAGES}


async def look(order: Order, job: Job) -> dict[str, Any]:
    """On a worker: which `bnet` it has, whether it sees the folder, and what it lacks for runs such as `job`."""

    def answer() -> dict[str, Any]:
        seen = {"bnet": bnet_here(), "packages": versions(), "shared": False, "lacks": ""}
        try:
            at_home(job)
            return seen | {"shared": order.shared()}
        except BnetError as error:
            return seen | {"lacks": str(error)}

    return await asyncio.to_thread(answer)  # reading a corpus must not stop the worker's event loop


def at_home(job: Job) -> tuple[Job, bool]:
    """The job with this machine's own copy of the corpus, and whether there is one; without one, the job as it was, if
    the feature store here has all of its tracks. A `BnetError` if there is neither, or the copy is another one."""
    config = job.config
    remedy = f"set BNET_DATA on that machine to a folder with {config.corpus}, or BNET_CACHE to one with its features"
    try:
        corpus = get_corpus(config.corpus)
        tracks = tuple(jobs.selected(corpus, config.training, filter(None, config.exclude.split(","))))
    except BnetError as error:
        known = FeatureStore(job.corpus, config.training.clip_seconds).index
        if all(track.track_id in known for track in job.tracks):
            return job, False
        raise BnetError(f"it has no data of {config.corpus} ({error}); {remedy}") from error
    if fingerprint(tracks) != config.corpus_fingerprint or corpus.source != config.corpus_source:
        raise BnetError(
            f"its copy of {config.corpus} is another one ({len(tracks)} tracks; expected {len(job.tracks)} with the "
            f"ids, classes and groups of the client's); {remedy}"
        )
    return dataclasses.replace(job, corpus=corpus, tracks=tracks), True


def perform(job: Job, order: Order) -> dict[str, bytes] | None:
    """On a worker, as a dask task: do a run in a child; the files of its record, or None where they are in the folder.
    A `BnetError` that names the worker if the run fails."""
    from distributed import get_worker

    worker = get_worker()
    key, name = worker.get_current_task(), job.config.run_name
    tell = lambda line: worker.log_event(order.topic, pool.named(name, line))  # noqa: E731
    cancelled = lambda: getattr(worker.state.tasks.get(key), "state", "") != "executing"  # noqa: E731
    share = [_free.pop() for _ in range(len(_CORES) // worker.state.nthreads)]  # none: any core
    try:
        if order.bnet != bnet_here():
            raise BnetError(f"it has {bnet_here()}; expected {order.bnet}")
        (job, here), shared = at_home(job), order.shared()
        with tempfile.TemporaryDirectory(prefix="bnet-") as own:
            results = order.results if shared else Path(own)
            arguments = job, results, order.settings, here
            call(pool.perform, *arguments, tell=tell, stop=cancelled, cores=share, threads=order.threads)
            return None if shared else {p.name: p.read_bytes() for p in job.folder(results).iterdir() if p.is_file()}
    except BnetError as error:
        raise BnetError(f"worker {worker.address}: {error}") from error
    finally:
        _free.extend(share)
