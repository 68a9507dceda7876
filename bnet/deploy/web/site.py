"""The files of the page, and the page: for the book, and as a folder for any static host.

Two scripts, of the page and of its worker, are put together from the parts in ``static``, which share one scope.
Everything that is loaded later is a classic script that hands over one base64 text, for scripts are all that a page
opened from a folder (``file://``) may load. They are called ``.mjs``: Jupyter Book puts every ``.js`` on every page.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bnet.deploy.export import onnx_of
from bnet.deploy.web.content import choose_clips, describe, flac
from bnet.deploy.web.kernels import kernels, mel_filters
from bnet.models.shapes import PATCH
from bnet.runs.records import Record
from bnet.sound import decode, log_mel

HOP = 1.0
"""Seconds from one window to the next: the default of `bnet.deploy.predict.predict_files`."""

LONGEST = 180.0
"""How much of a long sound the page listens to, in s."""

HERE = Path(__file__).parent
RUNTIME = HERE / "onnxruntime"
"""What executes a network in the browser, onnxruntime-web in single-threaded WebAssembly; it lies here so that a fresh
clone or an installed package needs no Node and no internet."""

WORKER = ("logmel.mjs", "frontends.mjs", "resample.mjs", "worker.mjs")
PAGE = (
    "page.mjs", "headers.mjs", "loading.mjs", "decoding.mjs", "pictures.mjs", "cards.mjs", "saliency.mjs",
    "microphone.mjs", "listen.mjs",
)  # fmt: skip
"""The parts of the two scripts, in the order in which they share one scope."""


def write_files(records: Sequence[Record], folder: Path) -> dict[str, Any]:
    """Write all that the page loads into `folder`, and return what the page has to know from the start.

    Returns
    -------
    dict
        ``settings``, ``networks`` (`bnet.deploy.web.content.describe`), ``clips`` (``id, title, label, about``),
        ``sizes``: the bytes of each file.
    """
    sizes = {}

    def write(name: str, text: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        sizes[name] = path.stat().st_size

    write("listen.css", static("listen.css"))
    write("listen.mjs", f"const bnetListen = (() => {{\n{_script(PAGE)}\nreturn {{ arrived, state, cards }};\n}})();\n")
    write("engine.mjs", _arrival("engine", engine({record.front_end.sr for record in records})))
    described = [describe(record) for record in records]
    for record, about in zip(records, described, strict=True):
        name = f"network-{about['id']}"
        write(f"{name}.mjs", _arrival(name, [_packed(onnx_of(record)), mel_filters(record.front_end)]))
    corpus, tracks = choose_clips(records)
    listed = []
    for number, track in enumerate(tracks, 1):
        about = {"id": f"clip-{number}", "title": f"Clip {number}", "label": track.label}
        write(f"{about['id']}.mjs", _arrival(about["id"], base64.b64encode(flac(corpus, track)).decode()))
        listed.append(about | {"about": corpus.describe(track)})
    write("LICENSE-onnxruntime.txt", (RUNTIME / "LICENSE").read_text(encoding="utf-8"))
    return {"settings": settings(), "networks": described, "clips": listed, "sizes": sizes}


def engine(rates: Iterable[int] = ()) -> dict[str, Any]:
    """The worker's script, the filters to the sample rates of the page and of its networks (`rates`, in Hz), those of
    the spectrogram on show, the runtime's two scripts and its WebAssembly (gzipped, base64).
    """
    scripts = {"ort": "ort.wasm.min.js", "glue": "ort-wasm-simd-threaded.mjs"}
    return {
        "worker": _script(WORKER),
        "kernels": {str(sr): kernels(sr) for sr in sorted({log_mel.SR, *rates})},
        "filters": mel_filters(log_mel.FeatureSettings()),
        "scripts": {key: runtime(name).decode() for key, name in scripts.items()},
        "wasm": _packed(runtime("ort-wasm-simd-threaded.wasm")),
    }


def settings() -> dict[str, Any]:
    """The numbers that page and Python share; ``features`` are the paper's: those of the spectrogram on show."""
    return {
        "features": asdict(log_mel.FeatureSettings()),
        "hop": HOP,
        "longest": LONGEST,
        "min_seconds": decode.MIN_SECONDS,
        "silence": decode.SILENCE,
        "cancelled": decode.CANCELLED,
        "patch": list(PATCH),
    }


def fragment(description: dict[str, Any], base: str) -> str:
    """The page's HTML, to stand in any page; its files lie at the address `base`, which ends with a slash."""
    known, sizes = description["networks"], description["sizes"]
    first = sum(size for name, size in sizes.items() if name.startswith(("engine", "network")))
    each = [sizes[f"{clip['id']}.mjs"] for clip in description["clips"]]
    words = {
        "data": json.dumps(description, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "classes": _listed(label for network in known for label in network["labels"]),
        "about": _listed(network["corpus_title"] for network in known),
        "longest": f"{LONGEST / 60:g}",
        "megabytes": f"{first / 1e6:.1f}",
        "each": f" and each clip at most {max(each) / 1e6:.1f} MB" if each else "",
        "script": html.escape(f"{base}listen.mjs"),
        "clips_hidden": "" if each else "hidden",
    }
    text = static("listen.html")
    for word, value in words.items():
        text = text.replace(f"{{{{ {word} }}}}", value)
    return text


def write_page(records: Sequence[Record], folder: Path) -> Path:
    """Write the page for these networks, ready for any static host or none, into `folder`; give ``index.html``. A
    `BnetError` if a run has no weights, a package is missing, or `folder` can't be written."""
    description = write_files(records, folder / "listen")
    title = "Listen" if len(records) > 1 else f"Listen: {description['networks'][0]['title']}"
    page = static("page.html").replace("{{ title }}", html.escape(title))
    page = page.replace("{{ fragment }}", fragment(description, "listen/"))
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
    return folder / "index.html"


def static(name: str) -> str:
    """The text of a file in ``bnet/deploy/web/static``."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


def runtime(name: str) -> bytes:
    """A file of `RUNTIME`, uncompressed."""
    path = RUNTIME / name
    return path.read_bytes() if path.exists() else gzip.decompress(path.with_name(f"{name}.gz").read_bytes())


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def _script(names: Sequence[str]) -> str:
    return "\n".join(['"use strict";', *(static(name) for name in names)])


def _arrival(name: str, content: Any) -> str:
    return f"bnetListen.arrived({json.dumps(name)}, {json.dumps(content, ensure_ascii=False)});\n"


def _listed(words: Iterable[str]) -> str:
    *most, last = dict.fromkeys(map(html.escape, words))
    return f"{', '.join(most)} and {last}" if most else last
