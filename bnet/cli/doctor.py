"""What works on this machine, and how to mend what does not."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bnet import backend, paths
from bnet.errors import BnetError


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: `ok` True (works), None (optional, not there) or False (must be mended)."""

    what: str
    ok: bool | None
    found: str
    mend: str = ""


def _python() -> Finding:
    version = sys.version_info
    ok = (3, 11) <= version[:2] <= (3, 12)
    return Finding("Python", ok, ".".join(map(str, version[:3])), "use Python 3.11 or 3.12")


def _keras() -> Finding:
    backend.prepare()
    try:
        name = backend.name()
        version = importlib.metadata.version(backend.PACKAGES[name])
        return Finding("Keras backend", True, f"{name} {version}, keras {importlib.metadata.version('keras')}")
    except Exception as error:  # a broken installation may raise anything
        return Finding("Keras backend", False, f"{type(error).__name__}: {error}", "pip install -r requirements.txt")


def _gpu() -> Finding:
    try:
        device = backend.device()
    except Exception as error:
        return Finding("GPU", None, f"{type(error).__name__}: {error}", "set KERAS_BACKEND to an installed backend")
    if device["kind"] == "GPU":
        return Finding("GPU", True, device["name"])
    return Finding("GPU", None, f"none; training on {device['name']}", "profiles smoke and laptop need none")


def _sound() -> Finding:
    try:
        import soundfile

        formats = [name for name in ("WAV", "FLAC", "MP3", "OGG") if name in soundfile.available_formats()]
        ok = len(formats) == 4
        return Finding(
            "sound files", ok, f"{soundfile.__libsndfile_version__}: {', '.join(formats)}", "pip install -U soundfile"
        )
    except (ImportError, OSError) as error:
        return Finding("sound files", False, str(error), "pip install soundfile")


def _tunes() -> Finding:
    from bnet.corpora import get_corpus

    try:
        corpus = get_corpus("tunes")
        tracks = corpus.tracks()
        corpus.audio(tracks[0], 5.0)
        return Finding("embedded corpus", True, f"{len(tracks)} tunes; the first one renders")
    except BnetError as error:
        return Finding("embedded corpus", False, str(error), "pip install -r requirements.txt")


def _folder(what: str, folder: Path, variable: str) -> Finding:
    try:
        paths.writable_dir(folder, what, variable)
    except BnetError as error:
        return Finding(f"{what} folder", False, str(error), f"set {variable}")
    free = shutil.disk_usage(folder).free / 2**30
    return Finding(f"{what} folder", free > 2, f"{folder}, {free:.0f} GiB free", f"free some space or set {variable}")


def _temporary() -> Finding:
    free = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    return Finding("temporary folder", free > 1, f"{tempfile.gettempdir()}, {free:.0f} GiB free", "set TMPDIR")


def _data() -> Finding:
    folder = paths.data_dir()
    inside = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    found = f"{folder}: {', '.join(inside) or 'empty'}" if folder.is_dir() else f"{folder}: not there"
    return Finding(
        "your own corpora", bool(inside) or None, found, "needed for the paper's corpora only; set BNET_DATA"
    )


def _chromium() -> Finding:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Finding("Chromium", bool(found) or None, found or "not found", "needed by the browser tests only")


def _kernel() -> Finding:
    try:
        import jupyter_book  # noqa: F401
        import papermill  # noqa: F401

        return Finding("book tools", True, f"jupyter-book {importlib.metadata.version('jupyter-book')}")
    except ImportError as error:
        return Finding("book tools", None, str(error), "pip install -r requirements.txt, to build the book")


def examine() -> list[Finding]:
    """Look at everything that `bnet` needs; never raises."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _keras,
        _gpu,
        _sound,
        _tunes,
        lambda: _folder("cache", paths.cache_dir(), "BNET_CACHE"),
        lambda: _folder("results", paths.results_dir(), "BNET_RESULTS"),
        _temporary,
        _data,
        _kernel,
        _chromium,
    ]
    cores = os.cpu_count()
    machine = backend.machine()
    first = Finding("machine", True, f"{machine['processor']}, {cores} cores, {machine['memory_gib']} GiB")
    return [first, *(check() for check in checks)]
