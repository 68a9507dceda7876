"""A function called in a process of its own: killed without harm, gone with its parent, heard while it works.

Not a pool of `concurrent.futures`: there, one process that is killed takes the others' work with it. The parent sends a
pickle down the child's standard input and keeps that pipe open: when it closes, however the parent ended, the child
ends at once. The child's standard error is what it says, its answer a pickle on standard output.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bnet.errors import OUT_OF_MEMORY, BnetError, memory_ran_out


def call(
    function: Callable,
    *arguments: Any,
    tell: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
    threads: int | None = None,
) -> Any:
    """Call a function in another process, wait, and return what it returns.

    The process is bound to the cores of the calling thread.

    Parameters
    ----------
    function, arguments
        Picklable; the function by its module and name.
    tell
        Is given every line that the child prints.
    stop
        Asked once a second, in another thread: when it is true, the child is killed.
    threads
        Size of TensorFlow's thread pools: its sums are cut by that number, not by how many cores there are, so that
        equal `threads` give equal results.

    Raises
    ------
    BnetError
        If it fails or is killed.
    """
    pools = {f"TF_NUM_{kind}_THREADS": str(threads) for kind in ("INTRAOP", "INTEROP")} if threads else {}
    environment = {**os.environ, **pools, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-m", "bnet.runs.child"], env=environment, **pipes)
    last, ended = "it said nothing", threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            if stop():
                process.kill()

    threading.Thread(target=watch, daemon=True).start()
    with contextlib.suppress(BrokenPipeError), process:  # a child that ended early did not read all of its input
        try:
            with contextlib.suppress(BrokenPipeError):
                pickle.dump((function, arguments), process.stdin)
                process.stdin.flush()
            answers = ThreadPoolExecutor(1).submit(process.stdout.read)  # at once: a pipe holds little
            for line in process.stderr:
                if text := line.decode(errors="replace").rstrip():
                    last = text
                    tell(text)
            answer, status = answers.result(), process.wait()
        finally:
            ended.set()
            process.kill()
    if not answer and status < 0:
        raise BnetError(f"its process was killed ({signal.Signals(-status).name}); is memory short?")
    reason, value = pickle.loads(answer) if answer else (f"its process ended with status {status}: {last}", None)
    if reason:
        raise BnetError(reason)
    return value


def main() -> None:
    """The child's side: ``python -m bnet.runs.child``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print must not stand before the answer
        function, arguments = pickle.load(sys.stdin.buffer)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            answer = "", function(*arguments)
        except Exception as error:
            told = OUT_OF_MEMORY if memory_ran_out(error) else f"{type(error).__name__}: {error}"
            answer = str(error) if isinstance(error, BnetError) else told, None
        pickle.dump(answer, answers)


def _end_with_parent() -> None:
    os.read(0, 1)  # nothing ever comes but the end; not through the buffer, whose lock would outlive the program
    os._exit(1)


if __name__ == "__main__":
    main()
