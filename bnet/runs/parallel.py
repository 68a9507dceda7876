"""Runs side by side on one machine: each in a process of its own, on its share of the cores, if memory allows.

One run alone uses all cores, yet two runs on half of them each are done sooner where a step has parts that run on one
core only. Records are the same as those of runs one after the other: a process is bound to its share of the cores, but
TensorFlow cuts its sums for as many threads as there would be without company (`bnet.runs.runner.Child`).
"""

from __future__ import annotations

import math
import os
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnet import backend
from bnet.backend import cores
from bnet.corpora.store import FeatureStore
from bnet.models import Variant
from bnet.runs.board import Board
from bnet.runs.jobs import Job, Say, extract, run
from bnet.runs.runner import Child, Message, call
from bnet.sound.memory import available_bytes
from bnet.training.device import Settings

GIB = 2**30
BASELINE = 1.0
"""GiB of a process that fits a baseline, beside three copies of the fold's log-mels."""
PAUSE = 1.0
"""Seconds between two looks at the memory, while a run waits for it."""


def side_by_side(
    todo: list[Job], results: Path, say: Say, settings: Settings | None = None, *, jobs: int
) -> Iterator[tuple[Job, str]]:
    """Do runs of one corpus in up to `jobs` processes, after extracting what features they lack.

    Never more than there are cores. A run starts when its expected memory fits into what the machine has left, so that
    a later one may overtake; what fails, or is killed, does not stop the others.

    Yields
    ------
    tuple
        Each job as it ends, and why it failed: '' if it has a record now.

    Raises
    ------
    BnetError
        If features can't be extracted, or the networks can't be built.
    """
    extract(todo[0].corpus, todo[0].tracks, todo[0].config.clip_seconds, jobs, say)
    if jobs > cores():
        say(f"{jobs} jobs on {cores()} cores: {cores()} at a time")
    jobs = min(jobs, len(todo), cores())
    events: queue.SimpleQueue[tuple[str, Message]] = queue.SimpleQueue()
    free, waiting = shares(jobs), list(zip(todo, memory(todo, settings), strict=True))
    running: dict[str, _Running] = {}
    with Board(say) as board:
        try:
            while waiting or running:
                available = available_bytes()
                held = [(run.needs, run.child.memory()) for run in running.values()]
                chosen = startable([needs for _, needs in waiting], held, available, jobs)
                if chosen is not None:
                    run = _start(*waiting.pop(chosen), free.pop(), results, settings, events.put)
                    running[run.job.config.run_name] = run
                elif not running:
                    job, needs = waiting.pop(0)
                    yield job, too_large(needs, available)
                elif ended := listen(board, events):
                    run = running.pop(ended[0])
                    free.append(run.cores)
                    yield run.job, ended[1]
        finally:
            for run in running.values():
                run.child.kill()


@dataclass(frozen=True)
class _Running:
    job: Job
    child: Child
    needs: int
    cores: list[int]


def _start(job: Job, needs: int, share: list[int], results: Path, settings: Settings | None, put: Callable) -> _Running:
    name = job.config.run_name
    child = Child(
        perform,
        (job, results, settings),
        lambda message: put((name, message)),
        cores=share,
        threads=cores(),
    )
    return _Running(job, child, needs, share)


def perform(job: Job, results: Path, settings: Settings | None, say: Say) -> None:
    """In a child: do one run."""
    run(job, results, say, settings)


def listen(board: Board, events: queue.SimpleQueue[tuple[str, Message]]) -> tuple[str, str] | None:
    """Wait for what a run says, and show it; the run that has ended, and why it failed or ''; None: none has."""
    try:
        name, message = events.get(timeout=PAUSE)
    except queue.Empty:
        return None
    if "bar" in message:
        board.show(name, **message["bar"])
    elif "said" in message:
        board.say(f"{name}: {message['said']}")
    else:
        board.end(name)
        return name, message.get("failed", "")
    return None


def memory(todo: list[Job], settings: Settings | None = None) -> list[int]:
    """Bytes that each run is expected to need, of a process of its own; counted in one, for Keras is large.

    Raises
    ------
    BnetError
        If a network can't be built.
    """
    keys = [
        (
            job.config.architecture,
            len(job.corpus.labels),
            job.corpus.front_end.frames(job.config.clip_seconds),
            job.profile.batch_size,
            len(job.tracks),
            job.config.precision,
        )
        for job in todo
    ]
    networks = sorted({key for key in keys if key[0]})
    counted = call("counting memory", _weigh, networks, settings) if networks else []
    known = dict(zip(networks, counted, strict=True))
    return [known[key] if key[0] else _baseline(job) for key, job in zip(keys, todo, strict=True)]


def _weigh(networks: list[tuple], settings: Settings | None, say: Say) -> list[int]:
    """In a child: `bnet.training.assembly.expected_bytes` of networks."""
    backend.prepare()
    from bnet.training.assembly import expected_bytes

    return [
        expected_bytes(Variant.from_architecture("network", architecture), *sizes, settings, precision)
        for architecture, *sizes, precision in networks
    ]


def _baseline(job: Job) -> int:
    store = FeatureStore(job.corpus, job.config.clip_seconds)
    return round(BASELINE * GIB) + 3 * len(job.tracks) * 4 * math.prod(store.shape)


def too_large(needs: int, available: int) -> str:
    """Why a run does not even fit into memory alone."""
    return (
        f"it needs about {needs / GIB:.1f} GiB of memory, of which {available / GIB:.1f} GiB can be had; end other "
        "programs, or take fewer or shorter clips a step (`--set batch_size=...`, `--set clip_seconds=...`)"
    )


def startable(waiting: Sequence[int], running: Iterable[tuple[int, int]], available: int, jobs: int) -> int | None:
    """Which of the waiting runs may start now: the first that fits into memory, or None.

    Parameters
    ----------
    waiting
        Bytes that each is expected to need.
    running
        Of each run that has started: bytes that it is expected to need, and that it holds already.
    available
        Bytes that the machine has left now; what running processes will still take is not to be had.
    jobs
        Runs at a time.

    >>> startable([6, 3], [(4, 1)], available=7, jobs=2)
    1
    """
    running = list(running)
    if len(running) >= jobs:
        return None
    left = available - sum(max(0, needs - holds) for needs, holds in running)
    return next((i for i, needs in enumerate(waiting) if needs <= left), None)


def shares(jobs: int, numbers: Sequence[int] | None = None) -> list[list[int]]:
    """Cores cut into `jobs` disjoint shares of equal size, at least one core; what is left over is nobody's.

    `numbers` are the cores; None: those that this process may use, and empty shares where the system does not tell.

    >>> shares(2, [0, 1, 2, 3, 4])
    [[0, 1], [2, 3]]
    """
    if numbers is None:
        numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    size = len(numbers) // jobs
    return [list(numbers[i * size : (i + 1) * size]) for i in range(jobs)]
