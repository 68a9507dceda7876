"""Quiet for the decoder of MP3s."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_quiet_lock = threading.Lock()
_quiet_state: dict[str, int] = {"depth": 0, "stderr": -1}


@contextlib.contextmanager
def quiet_mpg123() -> Iterator[None]:
    """Keep mpg123's notes, which it prints on file descriptor 2, off the screen: what matters is raised."""
    with _quiet_lock:
        _quiet_state["depth"] += 1
        if _quiet_state["depth"] == 1:
            _redirect_stderr()
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state["depth"] -= 1
            if _quiet_state["depth"] == 0 and _quiet_state["stderr"] >= 0:
                os.dup2(_quiet_state["stderr"], 2)
                os.close(_quiet_state["stderr"])


def _redirect_stderr() -> None:
    _quiet_state["stderr"] = -1
    if sys.__stderr__ is None:  # closed when Python started: the descriptor may be that of a sound file by now
        return
    with contextlib.suppress(OSError):  # no file descriptor 2
        _quiet_state["stderr"] = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
