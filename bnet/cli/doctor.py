"""``bnet doctor``: what works on this machine, and how to fix what does not."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

import bnet
from bnet import backend, paths
from bnet.cli import options
from bnet.errors import BnetError


def _machine() -> str:
    machine = backend.machine()
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        raise BnetError(version)
    return version


def _keras() -> str:
    backend.prepare()
    name = backend.name()
    version = importlib.metadata.version(backend.PACKAGES[name])
    return f"{name} {version}, keras {importlib.metadata.version('keras')}"


def _gpu() -> str:
    device, name = backend.device(), backend.name()
    if device["kind"] != "GPU":
        raise BnetError(f"{name} sees none; training on {device['name']}")
    if name != "jax":
        raise BnetError(f"{device['name']}, seen by {name}: not run on a GPU by us")
    return device["name"]


def _audio() -> str:
    import soundfile

    formats = [name for name in ("WAV", "FLAC", "MP3", "OGG") if name in soundfile.available_formats()]
    told = f"{soundfile.__libsndfile_version__}: {', '.join(formats)}"
    if len(formats) < 4:
        raise BnetError(told)
    return told


def _tunes() -> str:
    from bnet.corpora import get_corpus

    corpus = get_corpus("tunes")
    tracks = corpus.tracks()
    corpus.audio(tracks[0], 5.0)
    return f"{len(tracks)} tunes; the first one renders"


def _room(folder: Path, least: int) -> str:
    """The folder and its free space; a `BnetError` if that is less than `least` GiB."""
    free = shutil.disk_usage(folder).free / 2**30
    if free < least:
        raise BnetError(f"{folder}, {free:.0f} GiB free")
    return f"{folder}, {free:.0f} GiB free"


def _compiled() -> str:
    if bnet.NUMBA_FOLDER:
        raise BnetError("not kept: neither the packages' folders nor the user's cache folder can be written")
    return "kept for the next process"


def _own() -> str:
    folder = paths.data_dir()
    if not folder.is_dir():
        raise BnetError(f"{folder}: not there")
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not inside:
        raise BnetError(f"{folder}: empty")
    return f"{folder}: {', '.join(inside)}"


def _book() -> str:
    import jupyter_book  # noqa: F401
    import papermill  # noqa: F401

    return f"jupyter-book {importlib.metadata.version('jupyter-book')}"


def _chromium() -> str:
    from bnet.book.printing import chromium

    found = chromium()
    if not found:
        raise BnetError("not found")
    return found


INSTALL = "pip install -r requirements.txt"
CHECKS: tuple[tuple[str, Callable[[], str], str, bool], ...] = (
    ("machine", _machine, "", True),
    ("Python", _python, "use Python 3.11 or 3.12", True),
    ("Keras backend", _keras, INSTALL, True),
    ("GPU", _gpu, "profiles smoke and laptop need none; the backend that was measured on a GPU is JAX: pip install "
     "'jax[cuda12]', and set KERAS_BACKEND=jax", False),
    ("audio files", _audio, "pip install -U soundfile", True),
    ("embedded corpus", _tunes, INSTALL, True),
    ("cache folder", lambda: _room(paths.writable_dir(paths.cache_dir(), "cache", "BNET_CACHE"), 2),
     "free some space or set BNET_CACHE", True),
    ("results folder", lambda: _room(paths.writable_dir(paths.results_dir(), "results", "BNET_RESULTS"), 2),
     "free some space or set BNET_RESULTS", True),
    ("temporary folder", lambda: _room(Path(tempfile.gettempdir()), 1), "set TMPDIR", True),
    ("compiled code", _compiled, "set NUMBA_CACHE_DIR, or each process compiles it again", False),
    ("your own corpora", _own, "needed for the paper's corpora only; set BNET_DATA", False),
    ("book tools", _book, f"{INSTALL}, to build the book", False),
    ("Chromium", _chromium, "needed for the PDF of the book and the browser tests only", False),
)  # fmt: skip
"""What is checked, how (a function that says what it found, or raises), how to fix it, and whether all need it."""


def doctor(as_json: options.Json = False) -> None:
    """Say what works on this machine, and how to fix what does not; exit status 1 if something must be fixed."""
    findings = []
    for what, check, mend, needed in CHECKS:
        try:
            ok, found = True, check()
        except Exception as error:  # a broken installation may raise anything
            ok = False if needed else None
            found = str(error) if isinstance(error, BnetError) else f"{type(error).__name__}: {error}"
        findings.append({"what": what, "ok": ok, "found": found, "mend": "" if ok else mend})
    if as_json:
        print(json.dumps(findings, indent=1))
    else:
        for one in findings:
            print(f"{ {True: 'ok', None: '--', False: 'FAIL'}[one['ok']]:4} {one['what']:18} {one['found']}")
            if one["mend"]:
                print(f"     {'':18} -> {one['mend']}")
    if any(one["ok"] is False for one in findings):
        raise typer.Exit(1)
