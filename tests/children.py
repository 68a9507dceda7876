"""A function in a child process, to be killed, interrupted or starved of disk: a fork, which starts at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


@contextlib.contextmanager
def child(function: Callable, *arguments, largest_file: int | None = None) -> Iterator[tuple[BaseProcess, Connection]]:
    """Run a function in a child that ends with the block; its result, or ``<error>: <message>``, comes down the pipe.

    `largest_file` in bytes: writing more fails as on a full disk.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(function, arguments, largest_file, sender))
    process.start()
    try:
        yield process, receiver
    finally:
        process.kill()
        process.join(20)


def answer(receiver: Connection, seconds: float = 300):
    """What came down the pipe."""
    assert receiver.poll(seconds), f"nothing within {seconds} s"
    return receiver.recv()


def _run(function: Callable, arguments: tuple, largest_file: int | None, sender: Connection) -> None:
    try:
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        sender.send(function(*arguments))
    except BaseException as error:
        sender.send(f"{type(error).__name__}: {error}")
