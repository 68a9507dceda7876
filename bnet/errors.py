"""What a user of `bnet` is meant to read, the one exception and lines on standard error, and what nobody is."""

from __future__ import annotations

import contextlib
import difflib
import os
import resource
import sys
import threading
from collections.abc import Iterable, Iterator

OUT_OF_MEMORY = (
    "memory ran out; expected more of it; allow the process more (ulimit -v), close other programs, or ask for less at "
    "once (fewer --jobs)"
)
"""What is said of a `MemoryError`."""


_SHORT = ("out of memory", "oom", "allocat", "resource", "map segment", "shared object", "could not create a primitive")


def memory_ran_out(error: BaseException) -> bool:
    """Whether an error tells that memory is short: a `MemoryError`, or, of a process whose memory is limited
    (``ulimit -v``), one of a library that could not get or load what it needs."""
    if isinstance(error, MemoryError):
        return True
    limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    return limited and any(word in f"{type(error).__name__}: {error}".lower() for word in _SHORT)


class BnetError(ValueError):
    """Something the user can mend.

    Its message says what came, what was expected and what to do. The command line prints it without a traceback and
    exits with status 2.
    """

    def __init__(self, *arguments: object) -> None:
        # a file's name may hold bytes that are no text: they are shown with escapes, on a terminal and in records
        super().__init__(*(str(text).encode(errors="backslashreplace").decode() for text in arguments))


def unknown(kind: str, name: object, known: Iterable[str]) -> BnetError:
    """The error for a name that is not in a table: it lists the known ones and the nearest.

    >>> str(unknown("corpus", "tune", ["tunes", "gtzan"]))
    "unknown corpus 'tune' (did you mean 'tunes'?); known: gtzan, tunes"
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return BnetError(f"unknown {kind} {str(name)!r}{hint}; known: {', '.join(names)}")


def say(text: str) -> None:
    """Print a line to standard error, so that standard output stays clean for results."""
    print(text, file=sys.stderr, flush=True)


def log(text: str) -> None:
    """Print a line to standard error that begins with the program's name."""
    say(f"bnet: {text}")


_quiet_lock = threading.Lock()
_quiet: dict[str, int] = {"depth": 0, "stderr": -1}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries (mpg123, TensorFlow) print on file descriptor 2 off the screen: what matters is raised. Such
    blocks may lie within each other or overlap, in several threads."""
    with _quiet_lock:
        _quiet["depth"] += 1
        if _quiet["depth"] == 1:
            _shut_stderr()
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet["depth"] -= 1
            if _quiet["depth"] == 0 and _quiet["stderr"] >= 0:
                os.dup2(_quiet["stderr"], 2)
                os.close(_quiet["stderr"])


def _shut_stderr() -> None:
    _quiet["stderr"] = -1
    if sys.__stderr__ is None:  # closed when Python started: the descriptor may be that of a sound file by now
        return
    with contextlib.suppress(OSError):  # no file descriptor 2
        sys.__stderr__.flush()
        _quiet["stderr"] = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
