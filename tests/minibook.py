"""A miniature book: one page with a figure, sound and a table, and one template that serves two pages."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from bnet.book.pages import Book, Page

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---
"""

INDEX = (
    HEADER
    + """
# %% [markdown]
# # A miniature book
#
# See {numref}`fig-index-line`, {numref}`tab-corpora-one`, {doc}`status`, {cite:t}`somebody2020`.
# Half is $\\frac{1}{2}$.
#
# $$ e = m c^2 $$

# %% tags=["hide-input"]
import warnings

import matplotlib.pyplot as plt
import numpy as np
import soundfile

from bnet.book import myst

warnings.warn("noise on standard error")
soundfile.write(myst.static_file("audio/tone.mp3"), 0.1 * np.sin(np.arange(22050) * 0.1), 22050)
myst.audio([("audio/tone.mp3", "A tone of one second")])

# %% tags=["hide-input"]
for kind in ("line", "dots"):
    fig, ax = plt.subplots(figsize=(4, 2))
    ax.plot([0, 1], [0, 1], {"line": "-", "dots": "o"}[kind])
    myst.figure(fig, f"From 0 to 1 ({kind}).", f"fig-index-{kind}", f"One {kind} rising from 0 to 1.")

# %% tags=["hide-cell"]
import pandas as pd

myst.table(pd.DataFrame({"n": [1]}), "A table that is folded.", "tab-index-folded")
"""
)

CORPUS = (
    HEADER
    + """
# %% [markdown]
# # Corpus {{ corpus }}

# %% tags=["parameters"]
corpus = "none"  # whose page this is
profile = "laptop"
scale = 1.0

# %% tags=["hide-input"]
import json
import os
import sys
from pathlib import Path

import pandas as pd

from bnet.audit import measured
from bnet.book import myst

sys.path.insert(0, "code")
import module

paths = sorted(Path(os.environ["BNET_RESULTS"]).glob(f"{corpus}/*/run.json"))
records = [json.loads(path.read_text()) for path in paths]
measured.read("speed", Path("benchmarks/results")) if scale != 1 else None
frame = pd.DataFrame({"what": ["records", "scale"], "value": [len(records), scale], "n": [190826, None]})
myst.table(frame, f"Facts of {corpus}.", "tab-{{ slug }}", cards=True)
"""
)

PAGES = (
    Page("index", "index.py"),
    Page("corpora/one", "corpora/corpus.py", {"corpus": "one"}),
    Page("corpora/two", "corpora/corpus.py", {"corpus": "two", "scale": 2.5}),
)

TOC = {
    "format": "jb-book",
    "root": "index",
    "chapters": [{"file": name} for name in ("corpora/one", "corpora/two", "status", "references")],
}
BIB = "@book{somebody2020,\n  author = {Body, Some},\n  title = {A Book},\n  publisher = {P},\n  year = {2020}\n}\n"


def write_sources(root: Path) -> Book:
    """The sources of the miniature book below `root`, with one record of each corpus."""
    files = {
        "book/index.py": INDEX,
        "book/corpora/corpus.py": CORPUS,
        "book/references.bib": BIB,
        "book/references.md": "# References\n\n```{bibliography}\n```\n",
        "_toc.yml": yaml.safe_dump(TOC),
        "_config.yml": (ROOT / "_config.yml").read_text(encoding="utf-8"),
        "results/one/run-a/run.json": "{}",
        "results/two/run-b/run.json": "{}",
        "benchmarks/results/speed.json": "{}",
        "code/module.py": "answer = 42\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("_config.yml", "_toc.yml"):
        (root / "book" / name).symlink_to(Path("..") / name)
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static", ignore=shutil.ignore_patterns("audio"))
    shutil.copytree(ROOT / "book" / "_templates", root / "book" / "_templates")
    return at(root)


def at(root: Path) -> Book:
    """The miniature book that lies in `root`."""
    return Book(root.resolve(), (root / "results").resolve(), "smoke", PAGES)


@functools.cache
def executed() -> Path:
    """The root of a miniature book whose pages are executed, made once; copy it before changing it."""
    from bnet.book.build import update

    root = _folder()
    update(write_sources(root))
    return root


@functools.cache
def built() -> Path:
    """The HTML folder of the miniature book, built once as plain ``jupyter-book build book`` builds it."""
    root = _folder() / "checkout"
    shutil.copytree(executed(), root, symlinks=True)
    (root / "book" / "corpora" / "two.ipynb").unlink()
    done = jupyter_book(root, "-W", "-n", "--keep-going")
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "book" / "_build" / "html"


def jupyter_book(root: Path, *options: str) -> subprocess.CompletedProcess:
    """Run ``jupyter-book build`` on the miniature book in `root`, in a process of its own.

    (sphinx_external_toc looks at every object of its process, and stumbles over what TensorFlow leaves behind.)
    """
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "import minibook\n"
        "from bnet.book import sphinx_extension\n"
        "from jupyter_book.cli.main import main\n"
        f"sphinx_extension.this_book = lambda: minibook.at(Path({str(root)!r}))\n"
        f"main(['build', {str(root / 'book')!r}, *{list(options)!r}])\n"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def _folder() -> Path:
    """A folder that lasts as long as the tests."""
    folder = Path(tempfile.mkdtemp(prefix="bnet-minibook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
