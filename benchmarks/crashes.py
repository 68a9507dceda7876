"""Kill what writes at every point of its writing, and run it again: is all as if nothing had happened?

    python benchmarks/crashes.py             every point, kept
    python benchmarks/crashes.py --quick     every third point

A child does some work in a new folder and is killed (SIGKILL) when it is about to open its n-th file for writing, or to
make, rename or remove its n-th file or folder, for every n that there is. Then the same work is done again. It has
survived if what lies there is what lies there after work that nobody has disturbed: no other bytes, no other file.
`tests/test_crashes.py` does the same.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bnet import corpora
from bnet.corpora import SR, Corpus, Track
from bnet.corpora.archives import unpack
from bnet.corpora.store import FeatureStore
from bnet.paths import sha256
from bnet.sound import log_mel

PASSED_OVER = (".lock",)
"""Ends of names that do not count: a lock stays, empty."""


class Tones(Corpus):
    """Three classes of six steady tones, each half a second."""

    name, title, labels, source = "crash-tones", "Tones", ("a", "b", "c"), "crash tones 1"

    def tracks(self) -> list[Track]:
        """Eighteen, each a group of its own."""
        return [Track(f"{label}-{i}", label, f"{label}-{i}") for label in self.labels for i in range(6)]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """A tone, higher for later labels."""
        hertz = 200 * (1 + self.labels.index(track.label)) + 9 * int(track.track_id[-1])
        return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SR)) / SR)).astype("float32")

    def checksum(self, track: Track, y: np.ndarray) -> str:
        """Of the samples."""
        return sha256(y.tobytes())


def extract(folder: Path) -> None:
    """The feature store of a corpus."""
    corpus = Tones()
    FeatureStore(corpus, 0.5, root=folder).extract(corpus.tracks(), jobs=1, progress=False)


def train(folder: Path) -> None:
    """A baseline on one fold, from the features to the record."""
    from bnet.runs.jobs import jobs, run_all
    from bnet.training.config import get_profile

    os.environ["BNET_CACHE"] = str(folder / "cache")
    corpora.CORPORA[Tones.name] = Tones()
    profile = get_profile("smoke", {"clip_seconds": "0.5", "groups": "3"})
    todo = jobs(Tones.name, ["svm-timbre"], "grouped", profile, [0])
    run_all(todo, folder / "results", workers=1, log=lambda text: None)


def unpack_archive(folder: Path) -> None:
    """An archive of five files in three folders."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for i in range(5):
            data, info = np.random.default_rng(i).bytes(3000), tarfile.TarInfo(f"set/{'abc'[i % 3]}/{i}.wav")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    source = folder.parent / "archive.tar.gz"
    source.write_bytes(stream.getvalue())
    if not (folder / "corpus").exists():
        unpack(source, folder / "corpus")


def execute_page(folder: Path) -> None:
    """A page that has been executed moves into the book."""
    import nbformat

    from bnet.book import execution
    from bnet.book.notebooks import notebook
    from bnet.book.pages import Book, Page

    kernel = "#     display_name: Python 3\n#     language: python\n#     name: python3\n"
    header = f"# ---\n# jupyter:\n#   kernelspec:\n{kernel}"
    book = Book(folder, folder / "results", pages=(Page("index", "index.py"),))
    (folder / "book").mkdir(exist_ok=True)
    (folder / "book" / "index.py").write_text(f"{header}# ---\n\n# %% [markdown]\n# # Page\n\n# %%\nprint(1)\n")
    page = book.pages[0]
    node = notebook(book, page)
    node.metadata["bnet"] = {**node.metadata["bnet"], "reads": [], "started": 0.0, "seconds": 0.0}
    with tempfile.TemporaryDirectory() as scratch:
        nbformat.write(node, Path(scratch, "index.ipynb"))
        execution._result(book, page, Path(scratch, "index"), {"commit": None, "machine": "0"})


WORK: dict[str, Callable[[Path], None]] = {
    "features extracted": extract,
    "a run, from features to record": train,
    "an archive unpacked": unpack_archive,
    "an executed page moved into the book": execute_page,
}


def survived(work: Callable[[Path], None], step: int = 1) -> tuple[int, int]:
    """At how many points a kill was survived, and at how many the work was killed (every `step`-th)."""
    from bnet.runs import jobs  # noqa: F401  what children need is imported once, before the fork

    log_mel.log_mel(np.ones(SR, "float32"))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        points = _points(work, place / "undisturbed")
        expected, good, tried = _content(place / "undisturbed"), 0, 0
        for n in range(1, points + 1, step):
            folder = place / str(n) / "x"
            folder.mkdir(parents=True)
            if _in_child(work, folder, n) != -signal.SIGKILL:
                raise RuntimeError(f"it was not killed at point {n} of {points}")
            tried += 1
            for path in folder.rglob(".*"):  # an hour passes: younger ones might be somebody's who is still writing
                os.utime(path, (0, 0))
            if _in_child(work, folder, 0) == 0 and _content(folder) == expected:
                good += 1
            else:
                print(
                    f"not as it was, after a kill at point {n}: {_difference(_content(folder), expected)}", flush=True
                )
            shutil.rmtree(place / str(n))
        return good, tried


def _points(work: Callable[[Path], None], folder: Path) -> int:
    folder.mkdir()
    if _in_child(work, folder, -1):
        raise RuntimeError("the work failed")
    counted = folder / ".points"
    points = int(counted.read_text())
    counted.unlink()
    return points


def _in_child(work: Callable[[Path], None], folder: Path, n: int) -> int:
    """The exit status of a child that does the work and is killed at its n-th point; -1 counts points, 0: neither."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, folder, n))
    process.start()
    process.join(600)
    return process.exitcode


def _work(work: Callable[[Path], None], folder: Path, n: int) -> None:
    count = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink"):
            path = arguments[0]
        else:
            return
        with contextlib.suppress(TypeError):
            if os.fsdecode(path).startswith(str(folder)):
                count += 1
        if count == n:
            os.kill(os.getpid(), signal.SIGKILL)

    if n:
        sys.addaudithook(watch)
    work(folder)
    if n < 0:
        (folder / ".points").write_text(str(count))


def _content(folder: Path) -> dict[str, bytes]:
    """Name -> bytes of all files; of records and pages but what tells when they were made."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name.endswith(PASSED_OVER):
            continue
        found[name] = path.read_bytes()
        if path.name == "run.json":
            run = json.loads(found[name])
            found[name] = json.dumps({key: value for key, value in run.items() if key not in ("made", "seal")}).encode()
    return found


def _difference(content: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    names = sorted({*content, *expected})
    return [name for name in names if content.get(name) != expected.get(name)][:5]


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Every third point, into a scratch folder.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder of the record.")] = None,
) -> None:
    """Kill, run again and look; print one line per kind of work, and keep the table."""
    from common import about, write

    started, rows = about(quick), []
    for what, work in WORK.items():
        clock = time.monotonic()
        good, tried = survived(work, 3 if quick else 1)
        rows.append({"what": what, "killed": tried, "survived": good, "seconds": round(time.monotonic() - clock, 1)})
        print(f"{what:38} {good} of {tried} kills survived")
    write("crashes", started, rows, output)
    if any(row["survived"] != row["killed"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
