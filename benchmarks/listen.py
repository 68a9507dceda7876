"""The page 'Listen' in Chromium: how far it is from Python, how soon it answers, what it loads and keeps.

    python benchmarks/listen.py [--quick]

The page with the shipped networks is put into a temporary folder and served on this machine.
Beside the usual, the record holds `differences` (`visit.Difference`, by browser),
`first` (seconds from choosing a 10 s file to the first probabilities, with all loading and without), `loaded` (bytes),
`memory` (bytes of Chromium's processes, by number of files heard) and `longest_task` (seconds for which the page's
thread was busy at a time).
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import common
import psutil
import typer
import visit

from bnet.book.printing import browsing, chromium
from bnet.deploy.networks import shipped
from bnet.deploy.predict import Classifier
from bnet.deploy.web import content, site

FILES = 10
SECONDS = 10.0
WATCH = """(globalThis.longest = 0, new PerformanceObserver(list => {
    for (const one of list.getEntries()) longest = Math.max(longest, one.duration);
}).observe({entryTypes: ["longtask"]}))"""


def main(quick: common.Quick = False, output: common.Output = None) -> None:
    """Measure all, and write the record."""
    if chromium() is None:
        print("no Chromium here")
        sys.exit(2)
    started = common.about(quick)
    networks = {record.config.variant: Classifier(record) for record in shipped("tunes")}
    corpus, tracks = content.choose_clips(shipped("tunes"))
    with tempfile.TemporaryDirectory(prefix="bnet-") as name:
        folder = Path(name)
        index = site.write_page(shipped("tunes"), folder)
        sizes = {path.name: path.stat().st_size for path in sorted((folder / "listen").iterdir())}
        short = visit.write_sound(folder / "ten.wav", corpus.audio(tracks[0], SECONDS), 44_100, "16-bit.wav")
        tune = corpus.audio(tracks[5], 11.5)
        differences = []
        with browsing(folder) as (browser, address):
            page = browser.new_page()
            first = {"Chromium": _first(page, address + index.name, short, 1 if quick else 5)}
            version = f"Chrome/{browser.version}"
            for kind in list(visit.FORMATS)[: 1 if quick else None]:
                for rate in visit.RATES:
                    path = visit.write_sound(folder / f"tune.{kind}", tune, rate, kind)
                    one = visit.difference(page, path, kind, networks)
                    print(visit.line(one, "Chromium"))
                    differences.append({"browser": "Chromium", "version": version, **asdict(one)})
            page.goto(address + index.name)
            page.evaluate(WATCH)
            memory = _memory(page, short)
            longest = page.evaluate("longest") / 1000
    times = first["Chromium"]
    print(f"first result after {times['cold']} s, again {times['again']} s")
    print(f"memory of Chromium after so many files: { {n: round(m / common.MIB) for n, m in memory.items()} } MiB")
    loaded = {
        "before": sizes["listen.mjs"] + sizes["listen.css"],
        "first": sum(size for file, size in sizes.items() if file.startswith(("engine", "network"))),
        "clip": max(size for file, size in sizes.items() if file.startswith("clip")),
    }
    print(f"loaded: {loaded} bytes; the page's thread was busy for at most {longest:.2f} s")
    more = {"differences": differences, "first": first, "loaded": loaded, "memory": memory, "longest_task": longest}
    common.write("listen", started, [], output, **more)


def _first(page: Any, address: str, path: Path, times: int) -> dict[str, list[float]]:
    """Seconds to the first result: of a page just opened, and of the next file."""
    cold, again = [], []
    for _ in range(times):
        page.goto(address)
        for kept in (cold, again):
            error = visit.give(page, path)
            if error:
                sys.exit(f"the page refuses {path.name}: {error}")
            kept.append(round(page.evaluate("bnetListen.state.times.first") / 1000, 3))
    return {"cold": cold, "again": again}


def _memory(page: Any, path: Path) -> dict[str, int]:
    """Bytes of all processes of Chromium, shared pages counted once, after none, one and all files."""
    kept = {"0": _used()}
    for number in range(1, FILES + 1):
        visit.give(page, path)
        if number in {1, FILES}:
            kept[str(number)] = _used()
    return kept


def _used() -> int:
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "chrom" in process.name():
                total += process.memory_full_info().pss
    return total


if __name__ == "__main__":
    typer.run(main)
