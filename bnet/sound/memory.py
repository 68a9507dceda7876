"""How much memory there is still to be had, and how this process holds on to what it has."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

import psutil


def available_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process can still get: what the machine has free, or less where its container is limited."""
    free = psutil.virtual_memory().available
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # no such file, or 'max': no limit
            free = min(free, int((cgroup / limit).read_text()) - int((cgroup / used).read_text()))
    return free


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Of glibc's ``mallopt``."""


def keep_freed() -> bool:
    """Let this process keep freed memory for its next arrays, where the C library can; whether it does now.

    By default glibc fetches each array of some MB (sound, a log-mel) anew: a third of the time of extraction where
    several processes do so at once.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 25) and mallopt(_TRIM_THRESHOLD, 1 << 29))
