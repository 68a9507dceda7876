"""Runs side by side on one machine: each in a process of its own, on its share of the cores.

One run alone uses all cores, yet two runs on half of them each are done sooner where a step has parts that run on one
core only. Records are the same as those of runs one after the other: a process is bound to its share of the cores, but
TensorFlow cuts its sums for as many threads as there would be without company (`bnet.runs.child.call`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import psutil

from bnet.backend import cores
from bnet.errors import BnetError
from bnet.runs.child import call
from bnet.runs.jobs import Job, Log, extract, run
from bnet.sound.memory import available_bytes
from bnet.training.device import Settings

SETTLE = 10.0
"""Seconds from the start of a run to that of the next: time to take its memory, which is then measured."""


def side_by_side(
    todo: list[Job], results: Path, log: Log, settings: Settings | None = None, *, jobs: int
) -> Iterator[tuple[Job, str]]:
    """The `bnet.runs.jobs.Executor` of one machine: up to `jobs` processes, never more than cores; features come first.

    A run starts beside others when the machine has as much memory left as the largest so far was seen to hold; what
    fails, or is killed, does not stop the others.

    Raises
    ------
    BnetError
        If features can't be extracted.
    """
    extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds, jobs, log)
    if jobs > cores():
        log(f"{jobs} jobs on {cores()} cores: {cores()} at a time")
    free = shares(min(jobs, len(todo), cores()))
    waiting, running, largest, started = list(todo), {}, 0, 0.0
    leaving = threading.Event()

    def do(job: Job, share: list[int]) -> str:
        tell = lambda line: log(named(job.config.run_name, line))  # noqa: E731
        try:
            call(perform, job, results, settings, tell=tell, stop=leaving.is_set, cores=share, threads=cores())
        except BnetError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(free)) as threads:  # one for each process
        try:
            while waiting or running:
                largest = max(largest, _largest_child())
                settled = not running or (time.monotonic() - started > SETTLE and available_bytes() > largest)
                if waiting and free and settled:
                    job, share, started = waiting.pop(0), free.pop(), time.monotonic()
                    running[threads.submit(do, job, share)] = job, share
                for ended in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                    job, share = running.pop(ended)
                    free.append(share)
                    yield job, ended.result()
        finally:
            leaving.set()


def _largest_child() -> int:
    """Bytes that the largest child of this process holds now."""
    with contextlib.suppress(psutil.Error):  # one that has just ended
        return max((child.memory_info().rss for child in psutil.Process().children()), default=0)
    return 0


def perform(job: Job, results: Path, settings: Settings | None, features: bool = False) -> None:
    """In a child, here or on a worker of a cluster: do one run; before, extract what `features` it lacks."""
    if features:
        extract(job.corpus, job.tracks, job.config.training.clip_seconds)
    run(job, results, settings=settings)


def named(run: str, line: str) -> str:
    """A line that a run says, with the run's name before it."""
    return line if line.startswith(run) else f"{run}: {line}"


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
