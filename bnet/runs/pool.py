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
from concurrent.futures import ThreadPoolExecutor, as_completed
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
    free, threads = shares(min(jobs, len(todo), cores())), cores()
    starting, leaving, running = threading.Lock(), threading.Event(), set()
    largest, started = 0, 0.0

    def do(job: Job) -> str:
        nonlocal largest, started
        name = job.config.run_name
        with starting:
            while running and not (time.monotonic() - started > SETTLE and available_bytes() > largest):
                largest = max(largest, _largest_child())
                if leaving.wait(0.5):
                    return ""
            running.add(name)
            started = time.monotonic()
        tell = lambda line: log(named(name, line))  # noqa: E731
        try:
            call(perform, job, results, settings, tell=tell, stop=leaving.is_set, threads=threads)
        except BnetError as error:
            return str(error)
        finally:
            running.remove(name)
        return ""

    with ThreadPoolExecutor(len(free), initializer=lambda: bind(free.pop())) as pool:
        futures = {pool.submit(do, job): job for job in todo}
        try:
            for ended in as_completed(futures):
                yield futures[ended], ended.result()
        finally:
            leaving.set()
            pool.shutdown(cancel_futures=True)


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


def bind(share: Sequence[int]) -> None:
    """Bind this thread, and the processes that it starts, to some cores; to none where there are none to choose."""
    if share:
        os.sched_setaffinity(0, share)


def shares(jobs: int) -> list[list[int]]:
    """The cores that this process may use, cut into `jobs` disjoint shares of equal size, at least one core; what is
    left over is nobody's. Empty shares where the system does not tell."""
    numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    size = len(numbers) // jobs
    return [numbers[i * size : (i + 1) * size] for i in range(jobs)]
