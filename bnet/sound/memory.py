"""How much memory there is still to be had, and how this process holds on to what it has."""

from __future__ import annotations

import contextlib
import ctypes
import re
from pathlib import Path

import psutil


def available_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process can still get: what the machine has free, or less where its container is limited."""
    free = psutil.virtual_memory().available
    for folder, limit, used in (
        (cgroup, "memory.max", "memory.current"),
        (cgroup / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # no such file, or 'max': no limit
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
            free = min(free, left + _file_cache(folder / "memory.stat"))
    return free


def _file_cache(stat: Path) -> int:
    """Bytes of a container's memory that only hold files read or written a while ago: the system gives them up."""
    with contextlib.suppress(OSError):
        return max(map(int, re.findall(r"^(?:total_)?inactive_file (\d+)", stat.read_text(), re.MULTILINE)), default=0)
    return 0


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
