"""Every command of 'Do it yourself' is run as the page prints it, on miniature data in the corpora's real layouts.

A line ``% run`` before a fence runs its commands (``, status 0 or 1`` allows either), ``% file NAME`` writes the fence
to a file, ``% patch`` applies it. `SMALLER` is all that differs from what a reader types.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import minicorpora
import pytest

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ROOT / "book" / "tutorials"
BLOCK = re.compile(r"^% (run|file|patch)([^\n]*)\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SMALLER = {
    "--profile paper": "--profile smoke",
    "--profile laptop": "--profile smoke",
    "profile paper": "profile smoke",
    "bnet train --corpus tunes": "bnet train --set max_per_class=12 --set epochs=1 --corpus tunes",
    "bnet plan": "bnet plan --no-measure",
    "baselines,bbnn,proposed": "majority,svm-timbre",
    "majority,svm-timbre,proposed \\": "majority,svm-timbre \\",  # on a cluster: networks there are test_cluster's
    "majority,svm-timbre,proposed": "majority,1-block",
    "folder/proposed": "folder/1-block",
}


def blocks(name: str) -> list[tuple[str, str, str]]:
    """The marked fences of a tutorial: what to do, with what, and their text."""
    text = (TUTORIALS / name).read_text(encoding="utf-8")
    return [(verb, rest.strip(" ,"), body) for verb, rest, _, body in BLOCK.findall(text)]


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the repository without records and executed pages, but with the kernels that numba has compiled; and a
    home with programs in ``bin``."""
    root = tmp_path / "home" / "bnet"
    made = shutil.ignore_patterns("*.pyc*", "*.tmp.*", "*.ipynb", "_build", "audio", "listen", ".*")
    for name in ("bnet", "book"):
        shutil.copytree(ROOT / name, root / name, ignore=made, symlinks=True)
    for name in ("_toc.yml", "_config.yml", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    program = tmp_path / "home" / "bin" / "bnet"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bnet "$@"\n')
    program.chmod(0o755)
    return root


def follow(name: str, root: Path) -> str:
    """Do what a tutorial says in the checkout `root`; what its commands printed."""
    home, said = root.parent, ""
    environment = {
        **{key: value for key, value in os.environ.items() if key != "BNET_RESULTS"},
        "HOME": str(home),
        "PATH": os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(root),
        "BNET_PARTIAL": "1",
    }
    for verb, rest, body in blocks(name):
        if verb == "file":
            (root / rest).write_text(body, encoding="utf-8")
            continue
        command = ["git", "apply", "-"] if verb == "patch" else ["bash", "-euo", "pipefail"]
        if verb == "run":
            for ours, smaller in SMALLER.items():
                body = body.replace(ours, smaller)
        # files, not pipes: nobody waits for what a command leaves in the background
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            outputs = {"stdout": out, "stderr": err}
            done = subprocess.run(
                command, input=body, cwd=root, env=environment, text=True, check=False, timeout=900, **outputs
            )
            texts = [file.seek(0) or file.read() for file in (out, err)]
        allowed = {int(number) for number in re.findall(r"\d", rest)} or {0}
        assert done.returncode in allowed, "\n".join([body, *texts])
        said += texts[0]
    return said


def test_every_tutorial_has_a_test_and_a_place_in_the_contents():
    names = {path.name for path in TUTORIALS.glob("*.md")}
    assert names == {"gpu.md", "add-a-corpus.md", "classify-a-folder.md", "cluster.md"}
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert all(f"tutorials/{name.removesuffix('.md')}\n" in contents for name in names)
    assert all(blocks(name) for name in names)


def test_gtzan_on_a_gpu(checkout):
    minicorpora.make("gtzan", checkout.parent / "corpora", per_class=10)
    said = follow("gpu.md", checkout)
    assert "gtzan-done.ipynb" not in said
    assert (checkout / "gtzan-done.ipynb").is_file()
    assert len(list((checkout / "gtzan-runs" / "gtzan").glob("*/run.json"))) == 2


def test_add_a_corpus(checkout):
    said = follow("add-a-corpus.md", checkout)
    assert re.search(r"rising +20 +20", said)
    assert len(list((checkout / "whistle-runs" / "whistles").glob("*/run.json"))) == 3
    assert "1 pages executed: corpora/whistles" in said
    assert (checkout / "book" / "corpora" / "whistles.ipynb").is_file()


def test_classify_a_folder(checkout):
    home = checkout.parent
    copy = minicorpora.make("folder", home, per_class=12)
    copy.root.rename(home / "music")
    (home / "new").mkdir()
    for number, path in enumerate(sorted((home / "music").rglob("*.flac"))[:2]):
        shutil.copy(path, home / "new" / f"{number}.flac")
    said = follow("classify-a-folder.md", checkout)
    assert said.count("/new/0.flac: ") == 2
    assert len((checkout / "answers.csv").read_text().splitlines()) == 3
    assert len(list((checkout / "my-runs" / "folder").glob("*/run.json"))) == 2


def test_on_a_cluster(checkout):
    pytest.importorskip("distributed")
    said = follow("cluster.md", checkout)
    assert len(list((checkout / "many-runs" / "tunes").glob("*/run.json"))) == 4
    assert "majority" in said
