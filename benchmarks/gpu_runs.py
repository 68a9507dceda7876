"""As many runs as some minutes of a GPU allow, on a machine that may have no network: what they need is packed before.

    python benchmarks/gpu_runs.py pack gpu-kit --data ~/corpora       where there is a network: pictures, lists, wheels
    python3 benchmarks/gpu_runs.py run gpu-kit --minutes 8            on the machine with the GPU, in the same checkout

`run` takes the packages that are there (JAX with CUDA, by default), adds the wheels that are not, and trains run by
run, all folds of a network one after the other: XLA's compiled step is kept in a cache, so that only the first fold of
a network waits for it. A run is begun only while there is time for it; what is done is done, and the same command
resumes. Records lie in ``KIT/results`` and, as one file to bring back, in ``KIT/results.tar.gz``: unpack that into
``results/``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

CORPUS = "gtzan-images"
WHEELS = ("keras", "optree", "namex", "librosa", "audioread", "decorator", "soxr", "soundfile", "cffi", "pycparser")
WHEELS += ("pooch", "platformdirs")
"""What training takes that an image with JAX, PyTorch, pandas, scikit-learn and numba usually lacks."""
ROOT = Path(__file__).resolve().parent.parent


def pack(kit: Path, data: Path, python: str) -> None:
    """Fill `kit` with GTZAN's pictures and lists, and with wheels for `python` on Linux."""
    found = data / CORPUS
    if not found.is_dir():
        sys.exit(f"no folder {found}; expected {CORPUS} there: bnet corpora get {CORPUS} --data {data}")
    shutil.copytree(found, kit / "data" / CORPUS, dirs_exist_ok=True)
    pins = [line.strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    names = [next((pin for pin in pins if pin.startswith(f"{name}==")), name) for name in WHEELS]
    platforms = [word for n in (28, 27, 17) for word in ("--platform", f"manylinux_2_{n}_x86_64")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", python, "--implementation", "cp", *platforms, "--platform", "any"]
    subprocess.run([*command, "-d", str(kit / "wheels"), *names], check=True)
    size = sum(path.stat().st_size for path in kit.rglob("*") if path.is_file())
    print(f"{kit}: {size / 2**20:.1f} MiB")


def packages(kit: Path) -> Path:
    """The folder of the wheels that this Python lacks, unpacked."""
    folder = kit / "packages"
    if not folder.is_dir():
        pip = [sys.executable, "-m", "pip"]
        there = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
        names = {_plain(line.split("==")[0]) for line in there.splitlines()}
        new = [str(wheel) for wheel in (kit / "wheels").glob("*.whl") if _plain(wheel.name.split("-")[0]) not in names]
        command = [*pip, "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder), *new]
        subprocess.run(command, check=True) if new else folder.mkdir()
    return folder


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def train(kit: Path, minutes: float, variants: str, protocol: str, profile: str, settings: dict, device: str) -> None:
    """In the environment: run after run, while the slowest so far still fits."""
    from bnet.runs.jobs import extract, jobs, outcome, run, state
    from bnet.training.config import get_profile
    from bnet.training.device import Settings

    started, slowest = time.monotonic(), 0.0
    todo = jobs(CORPUS, [variants], protocol, get_profile(profile, settings))
    todo = [job for job in sorted(todo, key=lambda job: job.config.variant) if state(job, kit / "results") != "done"]
    if todo:
        extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds)
    for number, job in enumerate(todo, 1):
        left = 60 * minutes - (time.monotonic() - started)
        if left < 1.2 * slowest:
            print(
                f"{len(todo) - number + 1} runs are left for another time: {left:.0f} s left, one takes {slowest:.0f}"
            )
            break
        begun = time.monotonic()
        record = run(job, kit / "results", settings=Settings(device=device))
        slowest = max(slowest, time.monotonic() - begun)
        print(f"[{number}/{len(todo)}] {record.name}: {outcome(record)}", flush=True)
        with tarfile.open(kit / "results.tar.gz.part", "w:gz") as archive:
            for path in sorted((kit / "results").rglob("*")):
                if path.is_file() and path.suffix in (".json", ".csv") and not path.name.startswith("."):
                    archive.add(path, path.relative_to(kit / "results"))
        (kit / "results.tar.gz.part").replace(kit / "results.tar.gz")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("pack", "run", "train"))
    parser.add_argument("kit", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BNET_DATA") or "data"))
    parser.add_argument("--python", default="3.12", help="of the machine with the GPU")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--variants", default="bbnn,proposed,proposed-released")
    parser.add_argument("--protocol", default="holdout")
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="gpu")
    words = parser.parse_args()
    kit = words.kit.resolve()
    if words.action == "pack":
        pack(kit, words.data, words.python)
    elif words.action == "run":
        paths = {"BNET_DATA": kit / "data", "BNET_CACHE": kit / "cache", "PYTHONPATH": f"{ROOT}:{packages(kit)}"}
        values = {"KERAS_BACKEND": "jax", **os.environ, **{name: str(path) for name, path in paths.items()}}
        again = ["train" if word == "run" else word for word in sys.argv[1:]]
        sys.exit(subprocess.run([sys.executable, __file__, *again], env=values, check=False).returncode)
    else:
        settings = dict(word.split("=", 1) for word in words.set)
        train(kit, words.minutes, words.variants, words.protocol, words.profile, settings, words.device)


if __name__ == "__main__":
    main()
