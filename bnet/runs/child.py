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
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psutil

from bnet.errors import BnetError


class Message(NamedTuple):
    """What a child tells: a `line`, or that it has `ended`: with a `value`, or with the `reason` why it failed."""

    line: str = ""
    ended: bool = False
    reason: str = ""
    value: Any = None


class Child:
    """A call of `function` with `arguments` in another process: picklable, the function by its module and name.

    `tell` is given every `Message`, from a thread of its own; the last has ``ended``. The process is bound to `cores`
    (their numbers; empty: all of this one's) where the system can do that. `threads` is the size of TensorFlow's thread
    pools: its sums are cut by that number, not by how many cores there are, so that equal `threads` give equal results.
    """

    def __init__(
        self,
        function: Callable,
        arguments: tuple,
        tell: Callable[[Message], None],
        *,
        cores: Sequence[int] = (),
        threads: int | None = None,
    ):
        pools = {f"TF_NUM_{kind}_THREADS": str(threads) for kind in ("INTRAOP", "INTEROP")} if threads else {}
        self._tell, self._order = tell, pickle.dumps((function, arguments))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bnet.runs.child", json.dumps(list(cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **pools, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def memory(self) -> int:
        """Bytes that the process and its own children hold now; 0 when it has ended."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.process.pid)
            return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        return 0

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        self.process.kill()
        self._thread.join()

    def _listen(self) -> None:
        last, process = "it said nothing", self.process
        with contextlib.suppress(BrokenPipeError):  # it has ended already: why stands below
            process.stdin.write(self._order)
            process.stdin.flush()
        for line in process.stderr:
            if text := line.decode(errors="replace").rstrip():
                last = text
                self._tell(Message(text))
        answer, status = process.stdout.read(), process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        if answer:
            reason, value = pickle.loads(answer)
        elif status < 0:
            reason, value = f"its process was killed ({signal.Signals(-status).name}); is memory short?", None
        else:
            reason, value = f"its process ended with status {status}: {last}", None
        self._tell(Message(ended=True, reason=reason, value=value))


def call(function: Callable, *arguments: Any, tell: Callable[[Message], None] = lambda _: None, **options: Any) -> Any:
    """Call `function` in a `Child` (with its `options`), wait, and return what it returns.

    `tell` is given every line, and an empty message once a second; it may raise to end the child.

    Raises
    ------
    BnetError
        If it fails or is killed.
    """
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    child, message = Child(function, arguments, messages.put, **options), Message()
    try:
        while not message.ended:
            try:
                message = messages.get(timeout=1)
            except queue.Empty:
                message = Message()
            tell(message)
    finally:
        child.kill()
    if message.reason:
        raise BnetError(message.reason)
    return message.value


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
