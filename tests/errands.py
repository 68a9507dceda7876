"""Functions that the tests call in children (`bnet.runs.child`): found there by this module's name, and light to
import."""

from __future__ import annotations

import os
import sys
import time

from bnet.errors import BnetError


def double(x: int) -> int:
    print(f"doubling {x}")
    return 2 * x


def refuse() -> None:
    raise BnetError("no, for this reason")


def stumble() -> None:
    raise KeyError("nowhere")


def starve() -> None:
    raise MemoryError


def leave() -> None:
    print("a last word", file=sys.stderr)
    sys.stderr.flush()
    os._exit(3)


def whereabouts() -> list:
    return [sorted(os.sched_getaffinity(0)), os.environ["TF_NUM_INTRAOP_THREADS"]]


def stay() -> None:
    print(os.getpid(), flush=True)
    time.sleep(600)
