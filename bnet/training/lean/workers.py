"""Runs a kernel on all cores, with sums that don't depend on how many there are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bnet.backend import cores

RANGES = 16
"""Parts that threads cut the rows into; fixed, since sums are made range by range."""


class Workers:
    """Threads (None: one per core) that take ranges of rows from a common list."""

    def __init__(self, threads: int | None = None):
        self.threads, self.ranges = threads or cores(), RANGES
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="lean")

    def run(
        self,
        kernel: Callable,
        total: int,
        unit: int,
        arguments: tuple,
        sums: Sequence[int] = (),
        products: Sequence[int] = (),
    ) -> list[np.ndarray]:
        """Call ``kernel(lo, hi, *arguments, *products, *sums)`` for ranges of ``range(total)`` in steps of `unit`.

        Parameters
        ----------
        sums, products
            Lengths of the arrays that the kernel adds to: float64, and float32 for products of matrices.

        Returns
        -------
        list
            Products, then sums, over all ranges in their order [each float64, shape=(length,)].
        """
        units, n = -(-total // unit), self.ranges
        edges = [min(total, units * i // n * unit) for i in range(n + 1)]
        parts = [np.zeros((n, length), np.float32) for length in products]
        parts += [np.zeros((n, length)) for length in sums]
        todo = iter(range(n))

        def work():
            for i in todo:
                if edges[i] < edges[i + 1]:
                    kernel(edges[i], edges[i + 1], *arguments, *(part[i] for part in parts))

        self.start(work)
        return [part.sum(axis=0, dtype=np.float64) for part in parts]

    def start(self, work: Callable[[], None]) -> None:
        """Let every thread do `work`, and wait until all have done it."""
        for future in [self.pool.submit(work) for _ in range(self.threads)]:
            future.result()


class Alone(Workers):
    """The thread that asks, which takes all rows at once."""

    def __init__(self):
        self.ranges = 1

    def start(self, work: Callable[[], None]) -> None:
        """Do it here."""
        work()


class Idle:
    """Runs nothing and finds zeros: to see which maps a step wants when."""

    def run(self, kernel, total, unit, arguments, sums=(), products=()) -> list[np.ndarray]:
        """As `Workers.run`, at once."""
        return [np.zeros(length) for length in (*products, *sums)]


@functools.cache
def shared() -> Workers:
    """The workers of this process, one thread per core."""
    return Workers()
