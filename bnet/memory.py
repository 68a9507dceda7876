"""How much memory there is still to be had."""

from __future__ import annotations

import contextlib
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
