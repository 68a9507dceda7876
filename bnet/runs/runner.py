"""A function called in a process of its own: killed without harm, gone with its parent, heard while it works.

The parent sends one pickle down the child's standard input and keeps that pipe open: when it closes, however the
parent ended, the child ends at once. The child answers on its standard output, a JSON object a line. Bars of tqdm are
not drawn in a child but told to the parent.
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
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from bnet.errors import BnetError

Message = dict[str, Any]
"""``{"said": text}``; ``{"bar": {"n", "total", "title", "note"}}``; last of all ``{"ended": value}``, or ``{"failed":
reason}``."""


class Child:
    """A call of `function` in another process.

    Parameters
    ----------
    function, arguments
        What to call: picklable, the function by its module and name. A last argument is added: a function that says a
        line to people. What it returns must go into JSON.
    tell
        Is given every `Message`, from a thread of its own; the last is always ``ended`` or ``failed``.
    cores
        Numbers of the cores that the process is bound to, where the system can do that; empty: all of this one's.
    threads
        Size of TensorFlow's pools of threads. Its sums are cut by that number and not by how many cores there are, so
        that processes with equal `threads` give equal results.
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
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 it is read when the process has ended
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bnet.runs.runner", json.dumps(list(cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
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
        last = None
        with contextlib.suppress(BrokenPipeError):  # it has ended already: why stands below
            self.process.stdin.write(self._order)
            self.process.stdin.flush()
        for line in self.process.stdout:
            message = json.loads(line)
            if "ended" in message or "failed" in message:
                last = message
            else:
                self._tell(message)
        status = self.process.wait()
        for pipe in (self.process.stdout, self.process.stdin):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._tell(last or {"failed": self._died(status)})

    def _died(self, status: int) -> str:
        """Why a child ended that did not say so itself."""
        if status < 0:
            return f"its process was killed ({signal.Signals(-status).name}); is memory short?"
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip().splitlines()
        return f"its process ended with status {status}: {said[-1] if said else 'it said nothing'}"


def call(what: str, function: Callable, *arguments: Any) -> Any:
    """Call `function` in a `Child`, wait, and return what it returns.

    Raises
    ------
    BnetError
        If it fails or is killed; the message begins with `what`.
    """
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    child = Child(function, arguments, messages.put)
    try:
        while not {"ended", "failed"} & (message := messages.get()).keys():
            pass
    finally:
        child.kill()
    if "failed" in message:
        raise BnetError(f"{what}: {message['failed']}")
    return message["ended"]


def main() -> None:
    """The child's side: ``python -m bnet.runs.runner '[cores]'``, with a pickled (function, arguments) on standard
    input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    cores = json.loads(sys.argv[1])
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)  # before any library counts cores
    answers, lock = os.fdopen(os.dup(1), "w", encoding="utf-8"), threading.Lock()
    os.dup2(2, 1)  # what libraries print must not stand between the answers

    def tell(**message: Any) -> None:
        with lock:
            print(json.dumps(message), file=answers, flush=True)

    _tell_bars(tell)
    function, arguments = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        value = function(*arguments, lambda text: tell(said=text))
    except BnetError as error:
        tell(failed=str(error))
    except Exception as error:
        tell(failed=f"{type(error).__name__}: {error}")
    else:
        tell(ended=value)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # nothing ever comes but the end
    os._exit(1)


def _tell_bars(tell: Callable) -> None:
    """Let every bar of this process be told instead of drawn; twice a second, and whenever its note changes."""
    import tqdm

    class Bar(tqdm.tqdm):
        def __init__(self, *args: Any, **options: Any):
            super().__init__(*args, **{**options, "disable": False, "mininterval": 0.5})

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            if msg is None:
                tell(bar={"n": self.n, "total": self.total, "title": self.desc, "note": self.postfix or ""})

        def close(self) -> None:
            self.disable = True

    tqdm.tqdm = Bar


if __name__ == "__main__":
    main()
