"""What a GPU is wanted for, in as many minutes as there are, on a machine that may have no network: `make gpu`.

    python benchmarks/gpu_runs.py pack gpu-kit --data ~/corpora       where there is a network: pictures, lists, wheels
    python3 benchmarks/gpu_runs.py run gpu-kit --minutes 10           on the machine with the GPU, in the same checkout
    python benchmarks/gpu_runs.py run gpu-try --minutes 5 --rehearse  on any machine with JAX: a tiny network, tunes

`run` takes the packages that are there (JAX with CUDA, by default), adds the wheels that are not, checks and measures
the training step (`gpu_step.py`, at most `--measure` of the minutes), and trains run by run, all folds of a network one
after the other in one process, which compiles its step once. A run is begun only while there is time for it; what is
done is done, and the same command resumes. What is brought back is one file, ``KIT/results.tar.gz``: records of runs
and of the benchmark; unpack it at the root of a checkout.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

CORPUS = "gtzan-images"
WHEELS = (
    *("keras", "optree", "namex", "h5py", "tqdm", "psutil", "filelock", "joblib"),
    *("librosa", "audioread", "decorator", "soxr", "soundfile", "cffi", "pycparser", "pooch", "platformdirs"),
    *("typer", "click", "shellingham", "rich", "markdown-it-py", "mdurl", "pygments", "annotated-doc"),
    *("pillow", "matplotlib", "contourpy", "cycler", "kiwisolver", "fonttools", "pyparsing", "python-dateutil", "six"),
    *("requests", "certifi", "charset-normalizer", "idna", "urllib3", "lazy-loader", "msgpack", "packaging"),
    *("threadpoolctl", "narwhals", "typing-extensions", "absl-py", "pyyaml"),
)
"""What training and measuring take that an image with JAX, pandas and scikit-learn may lack."""
ROOT = Path(__file__).resolve().parent.parent
FIRST = 60.0
"""Seconds that the first fold of a network is expected to take, before one was seen."""
FOLDS = 5
"""Folds of each network before the further ones of any."""
REHEARSAL = {"corpus": "tunes", "variants": "1-block", "profile": "smoke", "device": "cpu"}
REHEARSED_SETTINGS = ["epochs=1", "max_per_class=10", "clip_seconds=5", "run_folds=2"]


def pack(kit: Path, data: Path, python: str) -> None:
    """Fill `kit` with GTZAN's pictures and lists, and with wheels for `python` on Linux."""
    found = data / CORPUS
    if not found.is_dir():
        sys.exit(f"no folder {found}; expected {CORPUS} there: bnet corpora get {CORPUS} --data {data}")
    shutil.copytree(found, kit / "data" / CORPUS, dirs_exist_ok=True)
    shutil.rmtree(kit / "wheels", ignore_errors=True)  # of two versions pip takes none
    pins = [line.strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    names = [next((pin for pin in pins if pin.lower().startswith(f"{name}==")), name) for name in WHEELS]
    platforms = [word for n in (28, 27, 17) for word in ("--platform", f"manylinux_2_{n}_x86_64")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", python, "--implementation", "cp", *platforms, "--platform", "any"]
    subprocess.run([*command, "-d", str(kit / "wheels"), *names], check=True)
    size = sum(path.stat().st_size for path in kit.rglob("*") if path.is_file())
    print(f"{kit}: {size / 2**20:.1f} MiB")


def packages(kit: Path) -> Path:
    """The folder of the wheels that this Python lacks, unpacked: all of them, or none."""
    folder = kit / f"packages-{platform.node()}-{sys.implementation.cache_tag}"
    if not folder.is_dir():
        pip = [sys.executable, "-m", "pip"]
        there = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
        names = {_plain(line.split("==")[0]) for line in there.splitlines()}
        new = [str(wheel) for wheel in (kit / "wheels").glob("*.whl") if _plain(wheel.name.split("-")[0]) not in names]
        part = kit / "packages.part"
        shutil.rmtree(part, ignore_errors=True)  # pip adds nothing to what is there
        part.mkdir()
        command = [*pip, "install", "--quiet", "--no-index", "--no-deps", "--target", str(part), *new]
        if new:
            subprocess.run(command, check=True)
        part.rename(folder)
    return folder


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def measure(kit: Path, minutes: float, rehearse: bool) -> None:
    """Check and measure the training step, in processes of their own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu_step.py"), "--minutes", f"{minutes:g}"]
    command += ["--output", "benchmarks/results", *(["--quick", "--allow-cpu"] if rehearse else [])]
    subprocess.run(command, check=False, cwd=kit)
    bring(kit)


def bring(kit: Path) -> None:
    """Put all that is to be brought back into one file, whole or not at all."""
    found = [path for folder in ("results", "benchmarks") for path in sorted((kit / folder).rglob("*"))]
    with tarfile.open(kit / "results.tar.gz.part", "w:gz") as archive:
        for path in found:
            if path.is_file() and path.suffix in (".json", ".csv") and not path.name.startswith("."):
                archive.add(path, path.relative_to(kit))
    (kit / "results.tar.gz.part").replace(kit / "results.tar.gz")


def step_of(kit: Path) -> str:
    """The step to train with: the plain one where the lean one was found to be further off than is allowed."""
    try:
        record = json.loads((kit / "benchmarks" / "results" / "gpu_equality.json").read_text())
    except FileNotFoundError:
        return "auto"
    lean = record["steps"]["lean"]
    return "auto" if lean and lean["kept"] else "plain"


def planned(words: argparse.Namespace) -> list:
    """In the environment: the runs that these words of the command line ask for, in order."""
    from bnet.models import TABLE_3
    from bnet.runs.jobs import jobs
    from bnet.training.config import get_profile

    named = [name for name in words.variants.split(",") if name != "table-3"]
    names = list(dict.fromkeys([*named, *(TABLE_3 if "table-3" in words.variants.split(",") else ())]))
    profile = get_profile(words.profile, dict(word.split("=", 1) for word in words.set))

    def turn(job) -> tuple:
        fold, name = job.config.fold, job.config.variant
        return name not in named, fold // FOLDS, names.index(name), fold

    todo = jobs(words.corpus, names, words.protocol, profile)
    return sorted((job for job in todo if job.config.variant in named or job.config.fold < FOLDS), key=turn)


def made(job, results: Path, settings):
    """The record of a run. One that fails is tried once more with the plain step; None where that fails too: whatever
    one run does, the others go on."""
    from bnet.runs.jobs import run

    for step in dict.fromkeys([settings.step, "plain"]):
        try:
            return run(job, results, settings=dataclasses.replace(settings, step=step))
        except Exception as error:
            print(f"{job.config.variant}, fold {job.config.fold}, step {step}: {error}", flush=True)
    return None


def train(kit: Path, minutes: float, words: argparse.Namespace) -> None:
    """In the environment: run after run, while one fits: as long as the slowest so far of its kind, a network's first
    fold, for which its step is compiled, or a further one."""
    from bnet.errors import BnetError
    from bnet.runs.jobs import extract, outcome, state
    from bnet.training.device import Settings

    started, slowest, failed, last = time.monotonic(), {True: FIRST, False: 0.0}, 0, ""
    try:
        todo = [job for job in planned(words) if state(job, kit / "results") != "done"]
    except BnetError as error:
        sys.exit(str(error))
    if todo:
        extract(todo[0].corpus, todo[0].tracks, todo[0].config.training.clip_seconds)
    settings = Settings(device=words.device, step=step_of(kit))
    for number, job in enumerate(todo, 1):
        left = 60 * minutes - (time.monotonic() - started)
        fresh = bool(job.config.architecture) and job.config.variant != last
        if left < 1.2 * slowest[fresh]:
            print(f"{len(todo) - number + 1} runs are left for another time: {left:.0f} s are left", flush=True)
            break
        begun, last = time.monotonic(), job.config.variant
        if (record := made(job, kit / "results", settings)) is None:
            failed += 1
            continue
        slowest[fresh] = max(slowest[fresh], time.monotonic() - begun)
        print(f"[{number}/{len(todo)}] {record.name}: {outcome(record)}", flush=True)
        bring(kit)
    if failed:
        sys.exit(f"{failed} runs failed; their reasons stand above")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("pack", "run", "train"))
    parser.add_argument("kit", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BNET_DATA") or "data"))
    parser.add_argument("--python", default="3.12", help="of the machine with the GPU")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--measure", type=float, default=0.5, help="share of the minutes; 0: train only")
    parser.add_argument("--corpus", default=CORPUS)
    parser.add_argument("--variants", default="majority,bbnn,proposed,proposed-released,table-3")
    parser.add_argument("--protocol", default="holdout")
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="gpu")
    parser.add_argument("--rehearse", action="store_true", help="on a CPU, with a tiny network and embedded tunes")
    words = parser.parse_args()
    kit = words.kit.resolve()
    if words.rehearse:
        vars(words).update(REHEARSAL, set=REHEARSED_SETTINGS)
    if words.action == "pack":
        pack(kit, words.data.expanduser(), words.python)
    elif words.action == "run":
        started = time.monotonic()
        kit.mkdir(parents=True, exist_ok=True)
        paths = {"BNET_DATA": kit / "data", "BNET_CACHE": kit / "cache"}
        places = [str(ROOT), str(packages(kit)), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ |= {"KERAS_BACKEND": "jax", **os.environ, **{name: str(path) for name, path in paths.items()}}
        os.environ["PYTHONPATH"] = os.pathsep.join(places)
        if words.measure:
            measure(kit, words.measure * words.minutes, words.rehearse)
        left = words.minutes - (time.monotonic() - started) / 60
        again = ["train", *sys.argv[2:], "--minutes", f"{left:.2f}"]  # the last --minutes counts
        sys.exit(subprocess.run([sys.executable, __file__, *again], check=False).returncode)
    else:
        train(kit, words.minutes, words)


if __name__ == "__main__":
    main()
