"""Runs on many machines: the workers of a dask scheduler do them, and the records come here.

Each run is a task; on its worker (`bnet.runs.worker`) it is a process of its own, which ends with the worker. If a
worker is lost, the scheduler gives its runs to another, so often as its ``allowed-failures`` says (3). A record is
written whole or not at all, and once. Records are those that this machine would make, where processors are of the same
kind.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import pickle
import queue
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bnet import paths
from bnet.backend import cores
from bnet.errors import BnetError, unknown
from bnet.runs import jobs, records
from bnet.runs.jobs import Job, Log
from bnet.runs.worker import Order, bnet_here, look, perform, versions
from bnet.training.device import Settings

KEEP = ("auto", "shared", "returned")
"""How records come here: ``shared``: workers write them into the folder, which they must see; ``returned``: they send
the files; ``auto``: a worker writes where it sees the folder, and sends else."""
ANSWER, LOOK = 5.0, 5.0
"""Seconds within which a scheduler must answer; between two looks whether there are workers."""


def spread(
    todo: list[Job], results: Path, log: Log, settings: Settings | None = None, *, address: str, keep: str = "auto"
) -> Iterator[tuple[Job, str]]:
    """The `bnet.runs.jobs.Executor` of clusters: on workers of the scheduler at `address`, records as `KEEP` says.

    Workers that lack the corpus get no run. Workers that come later are used too.

    Raises
    ------
    BnetError
        Before anything is started: if dask is not installed, the scheduler does not answer, it has no workers, one has
        another version of `bnet`, or none has the corpus.
    """
    if keep not in KEEP:
        raise unknown("way of records", keep, KEEP)
    with _client(address) as client, tempfile.NamedTemporaryFile(dir=results, prefix=".cluster-") as token:
        name = f"bnet-{uuid.uuid4().hex}"
        order = Order(results.absolute(), Path(token.name).name, keep, settings, cores(), name, bnet_here())
        able = _able(client, address, order, todo[0], log)
        client.subscribe_topic(name, lambda event: log(event[1]))
        unpack = lambda packed: __import__("pickle").loads(packed)()  # noqa: E731 by value: a scheduler may lack bnet
        ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        jobs_of, futures, left = {job.config.run_name: job for job in todo}, {}, True
        try:
            for run, job in jobs_of.items():
                task = pickle.dumps(functools.partial(perform, job, order))
                futures[run] = client.submit(unpack, task, key=f"{run}-{name}", workers=able, pure=False)
                futures[run].add_done_callback(lambda _, run=run: ended.put(run))
            while futures:
                try:
                    run = ended.get(timeout=LOOK)
                except queue.Empty:
                    before = left
                    with contextlib.suppress(OSError):  # a scheduler that is gone: its tasks are cancelled
                        left = bool(client.scheduler_info()["workers"])
                    if before and not left:
                        log(f"no worker is left at {address}; waiting for one")
                else:
                    yield jobs_of[run], _receive(futures.pop(run), jobs_of[run], results, log)
        finally:
            with contextlib.suppress(Exception):  # a scheduler that is gone
                client.cancel(list(futures.values()), force=True)


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection, without dask's own lines about connections: what matters is said in an error."""
    try:
        import distributed
    except ImportError as error:
        raise BnetError("--cluster needs dask.distributed; install it: pip install 'bnet[cluster]'") from error
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        try:
            client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise BnetError(
                f"no dask scheduler answers at {address} ({str(error).partition(chr(10))[0] or 'no answer'}); expected "
                "the address that `dask scheduler` prints when it starts, such as tcp://head:8786"
            ) from error
        with client:
            yield client
    finally:
        logger.setLevel(level)


def _able(client: Any, address: str, order: Order, job: Job, log: Log) -> list[str] | None:
    """Addresses of the workers that can do runs of this corpus, or None for all; see `spread` for errors."""
    looks = client.run(look, order, job, on_error="return")
    if not looks:
        raise BnetError(f"the scheduler at {address} has no workers; start some: dask worker {address} --nthreads 1")
    strange = [
        f"worker {worker} has {'no such bnet: ' + str(seen) if isinstance(seen, BaseException) else seen['bnet']}"
        for worker, seen in looks.items()
        if isinstance(seen, BaseException) or seen["bnet"] != order.bnet
    ]
    if strange:
        raise BnetError(
            f"{'; '.join(strange)}; expected {order.bnet} as here: install the same version on all machines, and "
            "restart their workers"
        )
    ours = versions()
    for worker, seen in looks.items():
        if other := [f"{name} {v}" for name, v in seen["packages"].items() if v != ours.get(name)]:
            log(f"worker {worker} has other packages, and may differ in last digits: {', '.join(other)}")
        if seen["lacks"]:
            log(f"worker {worker} gets no run: {seen['lacks']}")
    able = [worker for worker, seen in looks.items() if not seen["lacks"]]
    if not able:
        reasons = "; ".join(f"{worker}: {seen['lacks']}" for worker, seen in looks.items())
        raise BnetError(f"no worker can do these runs: {reasons}")
    shared = sum(looks[worker]["shared"] for worker in able)
    log(f"{len(able)} workers at {address}; {shared} write into {order.results}, {len(able) - shared} send records")
    return able if len(able) < len(looks) else None


def _receive(future: Any, job: Job, results: Path, log: Log) -> str:
    """Write what a worker sent, whole, unless the record is there; why the run failed, or ''."""
    try:
        files = future.result()
    except BnetError as error:
        return str(error)
    except Exception as error:  # workers lost too often, a scheduler that is gone
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no reason given')}"
    folder = job.folder(results)
    with paths.alone(folder.parent / f".{folder.name}.lock", f"another process writes {folder.name}; waiting", log):
        if files and jobs.state(job, results) == "damaged":
            log(f"a damaged record is set aside as {records.set_aside(folder).name}")
        if files and not folder.exists():
            with paths.whole_folder(folder) as temporary:
                for name, data in files.items():
                    (temporary / name).write_bytes(data)
    return "" if jobs.state(job, results) == "done" else f"its record did not come whole into {folder.parent}"
