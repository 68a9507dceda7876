"""bnet: broadcast networks for music genre classification, reproduced.

A small package behind a reproducible paper, in rooms that import from left to right only: `bnet.sound`, `bnet.corpora`,
`bnet.models`, `bnet.statistics`, `bnet.training`, `bnet.runs`, `bnet.deploy`, `bnet.audit`, `bnet.book`, `bnet.cli`.
The command line is `bnet --help`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

__version__ = "0.1.0"


def _numba_folder() -> str | None:
    """A folder for numba, of which librosa's functions and ours want one to keep what they compile: None where numba
    finds one itself, else one for this process and its children, which goes with it."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return None
    installed = [Path(spec.origin).parent for name in ("bnet", "librosa") if (spec := importlib.util.find_spec(name))]
    own = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "numba")
    with contextlib.suppress(OSError):
        if all(os.access(folder, os.W_OK) for folder in installed):
            return None
        own.mkdir(parents=True, exist_ok=True)
        if os.access(own, os.W_OK):
            return None
    folder = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="bnet-numba-")
    process = os.getpid()
    atexit.register(lambda: os.getpid() == process and shutil.rmtree(folder, ignore_errors=True))
    return folder


NUMBA_FOLDER = _numba_folder()
"""Where compiled functions lie while this process lasts: nothing else can be written; None otherwise."""
