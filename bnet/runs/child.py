"""A function called in a process of its own: killed without harm, gone with its parent, heard while it works.

Not a pool of `concurrent.futures`: there, one process that is killed takes the others' work with it, and none is bound
to cores before NumPy counts them. The parent sends a pickle down the child's standard input and keeps that pipe open:
when it closes, however the parent ended, the child ends at once. The child's standard error is what it says, its answer
a pickle on standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from bnet.errors import BnetError


def call(
    function: Callable,
    *arguments: Any,
    tell: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
    cores: Sequence[int] = (),
    threads: int | None = None,
) -> Any:
    """Call a function in another process, wait, and return what it returns.

    Parameters
    ----------
    function, arguments
        Picklable; the function by its module and name.
    tell
        Is given every line that the child prints.
    stop
        Asked once a second, in another thread: when it is true, the child is killed.
    cores
        Numbers of those to which the process is bound where the system can do that; empty: all of this one's.
    threads
        Size of TensorFlow's thread pools: its sums are cut by that number, not by how many cores there are, so that
        equal `threads` give equal results.

    Raises
    ------
    BnetError
        If it fails or is killed.
    """
    pools = {f"TF_NUM_{kind}_THREADS": str(threads) for kind in ("INTRAOP", "INTEROP")} if threads else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "bnet.runs.child", json.dumps(list(cores))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **pools, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    last, ended = "it said nothing", threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            if stop():
                process.kill()

    threading.Thread(target=watch, daemon=True).start()
    try:
        with contextlib.suppress(BrokenPipeError):  # it has ended already: why stands below
            pickle.dump((function, arguments), process.stdin)
            process.stdin.flush()
        for line in process.stderr:
            if text := line.decode(errors="replace").rstrip():
                last = text
                tell(text)
        answer, status = process.stdout.read(), process.wait()
    finally:
        ended.set()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    if not answer and status < 0:
        raise BnetError(f"its process was killed ({signal.Signals(-status).name}); is memory short?")
    if not answer:
        raise BnetError(f"its process ended with status {status}: {last}")
    reason, value = pickle.loads(answer)
    if reason:
        raise BnetError(reason)
    return value


def main() -> None:
    """The child's side: ``python -m bnet.runs.child '[cores]'``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    cores = json.loads(sys.argv[1])
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)  # before any library counts cores
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print must not stand before the answer
        function, arguments = pickle.load(sys.stdin.buffer)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            answer = "", function(*arguments)
        except BnetError as error:
            answer = str(error), None
        except Exception as error:
            answer = f"{type(error).__name__}: {error}", None
        pickle.dump(answer, answers)


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing ever comes but the end; not through the buffer, whose lock would outlive the program
    os._exit(1)


if __name__ == "__main__":
    main()
