"""Functions that the tests call in children (`bnet.runs.runner`): found there by this module's name, and light to
import."""

from __future__ import annotations

import os
import sys
import time

from bnet.errors import BnetError


def double(x: int, say) -> int:
    say(f"doubling {x}")
    return 2 * x


def refuse(say) -> None:
    raise BnetError("no, for this reason")


def stumble(say) -> None:
    raise KeyError("nowhere")


def leave(say) -> None:
    print("a last word", file=sys.stderr)
    sys.stderr.flush()
    os._exit(3)


def whereabouts(say) -> list:
    return [sorted(os.sched_getaffinity(0)), os.environ["TF_NUM_INTRAOP_THREADS"]]


def bars(say) -> None:
    from tqdm import tqdm

    with tqdm(total=4, desc="counting") as bar:
        bar.update(3)
        bar.set_postfix_str("three")


def stay(say) -> None:
    say("here")
    time.sleep(600)
