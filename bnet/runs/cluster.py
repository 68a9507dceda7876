"""Runs on many machines: the workers of a dask scheduler do them, and the records come here.

Each run is a task; on its worker it is a process of its own, which ends with the worker. If a worker is lost, the
scheduler gives its runs to another, so often as its ``allowed-failures`` says (3). A record is written whole or not at
all, and once. Records are those that this machine would make, where processors are of the same kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import logging
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bnet
from bnet import paths
from bnet.backend import cores
from bnet.corpora import fingerprint, get_corpus
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError, unknown
from bnet.runs import jobs, pool, records
from bnet.runs.child import call
from bnet.runs.jobs import Job, Log
from bnet.training.device import Settings

KEEP = ("auto", "shared", "returned")
"""How records come here: ``shared``: workers write them into the folder, which they must see; ``returned``: they send
the files; ``auto``: a worker writes where it sees the folder, and sends else."""
ANSWER = 5.0
"""Seconds within which a scheduler must answer."""
PACKAGES = ("numpy", "scipy", "scikit-learn", "librosa", "numba", "keras", "tensorflow")
"""Packages of which another version on a worker is told: it may change the last digits of a result."""


@dataclass(frozen=True)
class Order:
    """What a worker must know beside the job: the client's results folder and the name of a file in it (a worker that
    sees it shares the folder), one of `KEEP`, how a run is executed, the size of the client's thread pools, where to
    tell how far a run is, and the client's `bnet_here`."""

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


def spread(
    todo: list[Job], results: Path, log: Log, settings: Settings | None = None, *, address: str, keep: str = "auto"
) -> Iterator[tuple[Job, str]]:
    """The `bnet.runs.jobs.Executor` of clusters: on workers of the scheduler at `address`, records as `KEEP` says.

    Workers that lack the corpus get no run. Where none lacks it, workers that come later are used too.

    Raises
    ------
    BnetError
        Before anything is started: if dask is not installed, the scheduler does not answer, it has no workers, one has
        another version of `bnet`, or none has the corpus.
    """
    if keep not in KEEP:
        raise unknown("way of records", keep, KEEP)
    with _client(address) as client, tempfile.NamedTemporaryFile(dir=results, prefix=".cluster-") as token:
        from distributed import as_completed

        topic = f"bnet-{uuid.uuid4().hex}"
        order = Order(results.absolute(), Path(token.name).name, keep, settings, cores(), topic, bnet_here())
        able = _able(client, address, order, todo[0], log)
        client.subscribe_topic(topic, lambda event: log(event[1]))
        futures = {client.submit(perform, job, order, workers=able, pure=False): job for job in todo}
        try:
            for future in as_completed(futures, loop=client.loop):
                yield futures[future], _receive(future, futures[future], results, log)
        finally:
            with contextlib.suppress(Exception):  # a scheduler that is gone
                client.cancel(list(futures), force=True)


def _client(address: str) -> Any:
    """A connection, without dask's own lines about connections: what matters is said in an error."""
    try:
        import distributed
    except ImportError as error:
        raise BnetError("--cluster needs dask.distributed; install it: pip install 'bnet[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BnetError(
            f"no dask scheduler answers at {address} ({str(error).partition(chr(10))[0] or 'no answer'}); expected "
            "the address that `dask scheduler` prints when it starts, such as tcp://head:8786"
        ) from error


def _able(client: Any, address: str, order: Order, job: Job, log: Log) -> list[str] | None:
    """Addresses of the workers that can do runs of this corpus, or None for all; see `spread` for errors."""
    looks = client.run(look, order, job, on_error="return")
    if not looks:
        raise BnetError(f"the scheduler at {address} has no workers; start some: dask worker {address} --nthreads 1")
    has = {w: f"no such bnet: {seen}" if isinstance(seen, BaseException) else seen["bnet"] for w, seen in looks.items()}
    if strange := [f"worker {worker} has {version}" for worker, version in has.items() if version != order.bnet]:
        raise BnetError(
            f"{'; '.join(strange)}; expected {order.bnet} as here: install the same version on all machines, and "
            "restart their workers"
        )
    for worker, seen in looks.items():
        if other := sorted(seen["packages"] - versions()):
            log(f"worker {worker} has other packages, and may differ in last digits: {', '.join(other)}")
    lacks = {worker: seen["lacks"] for worker, seen in looks.items() if seen["lacks"]}
    if len(lacks) == len(looks):
        reasons = "; ".join(f"{worker}: {reason}" for worker, reason in lacks.items())
        raise BnetError(f"no worker can do these runs: {reasons}")
    for worker, reason in lacks.items():
        log(f"worker {worker} gets no run: {reason}")
    able, shared = [worker for worker in looks if worker not in lacks], sum(seen["shared"] for seen in looks.values())
    log(f"{len(able)} workers at {address}; {shared} write into {order.results}, {len(able) - shared} send records")
    return able if lacks else None


def _receive(future: Any, job: Job, results: Path, log: Log) -> str:
    """Write what a worker sent, whole, unless the record is there; why the run failed, or ''."""

    def unpack(folder: Path) -> records.Record:
        with paths.whole_folder(folder) as temporary:
            for name, data in files.items():
                (temporary / name).write_bytes(data)
        return records.read(folder)

    try:
        if files := future.result():
            jobs.run(job, results, log, make=unpack)
    except BnetError as error:
        return str(error)
    except Exception as error:  # workers lost too often, a scheduler that is gone
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no reason given')}"
    return "" if jobs.state(job, results) == "done" else f"its record did not come whole into {results}"


# ---- on a worker


def bnet_here() -> str:
    """The version of `bnet` on this machine, and ten digits of a hash over its Python files."""
    root = Path(bnet.__file__).parent
    files = sorted((path.relative_to(root).as_posix(), path) for path in root.rglob("*.py"))
    code = paths.sha256("".join(f"{name} {paths.sha256_file(path)}\n" for name, path in files))
    return f"bnet {bnet.__version__}, code {code[:10]}"


def versions() -> set[str]:
    """Names and versions of `PACKAGES`, as far as they are installed here."""
    return {f"{d.name} {d.version}" for d in importlib.metadata.distributions() if d.name in PACKAGES}


async def look(order: Order, job: Job) -> dict[str, Any]:
    """On a worker: which `bnet` and packages it has, whether it sees the folder, what it lacks for runs as `job`."""

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
        tracks = tuple(jobs.selected(corpus, config.training, [config.exclude]))
    except BnetError as error:
        if {track.track_id for track in job.tracks} <= set(
            FeatureStore(job.corpus, config.training.clip_seconds).index
        ):
            return job, False
        raise BnetError(f"it has no data of {config.corpus} ({error}); {remedy}") from error
    if fingerprint(tracks) != config.corpus_fingerprint or corpus.source != config.corpus_source:
        raise BnetError(
            f"its copy of {config.corpus} is another one ({len(tracks)} tracks; expected {len(job.tracks)} with the "
            f"ids, classes and groups of the client's); {remedy}"
        )
    return dataclasses.replace(job, corpus=corpus, tracks=tracks), True


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
_free = list(_CORES)
"""Cores of this worker, and those of them on which no run is."""


def perform(job: Job, order: Order) -> dict[str, bytes] | None:
    """On a worker, as a dask task: do a run in a child; the files of its record, or None where they are in the folder.
    A `BnetError` that names the worker if the run fails."""
    from distributed import get_worker

    worker = get_worker()
    key, name = worker.get_current_task(), job.config.run_name
    tell = lambda line: worker.log_event(order.topic, pool.named(name, line))  # noqa: E731
    cancelled = lambda: getattr(worker.state.tasks.get(key), "state", "") != "executing"  # noqa: E731
    share = [_free.pop() for _ in range(len(_CORES) // worker.state.nthreads)]  # none: any core
    pool.bind(share)
    try:
        if order.bnet != bnet_here():
            raise BnetError(f"it has {bnet_here()}; expected {order.bnet}")
        (job, here), shared = at_home(job), order.shared()
        with tempfile.TemporaryDirectory(prefix="bnet-") as own:
            results = order.results if shared else Path(own)
            arguments = job, results, order.settings, here
            call(pool.perform, *arguments, tell=tell, stop=cancelled, threads=order.threads)
            return None if shared else {p.name: p.read_bytes() for p in job.folder(results).iterdir() if p.is_file()}
    except BnetError as error:
        raise BnetError(f"worker {worker.address}: {error}") from error
    finally:
        _free.extend(share)
