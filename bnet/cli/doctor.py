"""``bnet doctor``: what works on this machine, and how to fix what does not."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import typer

import bnet
from bnet import backend, paths
from bnet.cli import options
from bnet.errors import BnetError


def _told(ok: object, text: str) -> str:
    """What was found; as a `BnetError` if it is not `ok`."""
    if not ok:
        raise BnetError(text)
    return text


def _machine() -> str:
    return "{processor}, {cores} cores, {memory_gib} GiB, Python {python}".format(**backend.machine())


def _keras() -> str:
    backend.prepare()
    name, version = backend.name(), importlib.metadata.version
    return f"{name} {version(name)}, keras {version('keras')}"


def _gpu() -> str:
    device, name = backend.device(), backend.name()
    _told(device["kind"] == "GPU", f"{name} sees none; training on {device['name']}")
    _told(name == "jax", f"{device['name']}, seen by {name}: not run on a GPU by us")
    return device["name"]


def _audio() -> str:
    import soundfile

    formats = [name for name in ("WAV", "FLAC", "MP3", "OGG") if name in soundfile.available_formats()]
    return _told(len(formats) == 4, f"{soundfile.__libsndfile_version__}: {', '.join(formats)}")


def _tunes() -> str:
    from bnet.corpora import get_corpus

    corpus = get_corpus("tunes")
    tracks = corpus.tracks()
    corpus.audio(tracks[0], 5.0)
    return f"{len(tracks)} tunes; the first one renders"


def _room(folder: Path) -> str:
    free = shutil.disk_usage(folder).free / 2**30
    return _told(free >= 2, f"{folder}, {free:.0f} GiB free")


def _compiled() -> str:
    lost = "not kept: neither the packages' folders nor the user's cache folder can be written"
    _told(not bnet.NUMBA_FOLDER, lost)
    return "kept for the next process"


def _own() -> str:
    folder = paths.data_dir()
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return _told(inside, f"{folder}: {', '.join(inside) or 'no folder of a corpus'}")


def _chromium() -> str:
    from bnet.book.printing import chromium

    found = chromium()
    return _told(found, str(found or "not found"))


INSTALL = "pip install -r requirements.txt"
CHECKS: tuple[tuple[str, Callable[[], str], str, bool], ...] = (
    ("machine", _machine, "", True),
    ("Keras backend", _keras, INSTALL, True),
    ("GPU", _gpu, "profiles smoke and laptop need none; the backend that was measured on a GPU is JAX: pip install "
     "'jax[cuda12]<0.12', and set KERAS_BACKEND=jax", False),
    ("audio files", _audio, "pip install -U soundfile", True),
    ("embedded corpus", _tunes, INSTALL, True),
    ("cache folder", lambda: _room(paths.writable_dir(paths.cache_dir(), "cache", "BNET_CACHE")),
     "free some space or set BNET_CACHE", True),
    ("results folder", lambda: _room(paths.writable_dir(paths.results_dir(), "results", "BNET_RESULTS")),
     "free some space or set BNET_RESULTS", True),
    ("compiled code", _compiled, "set NUMBA_CACHE_DIR, or each process compiles it again", False),
    ("your own corpora", _own, "needed for the paper's corpora only; set BNET_DATA", False),
    ("book tools", lambda: f"jupyter-book {importlib.metadata.version('jupyter-book')}",
     f"{INSTALL}, to build the book", False),
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
