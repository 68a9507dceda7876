"""What the benchmarks share, and that each can be started; nothing is timed here."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(
    path.stem for path in FOLDER.glob("*.py") if path.stem not in ("common", "gradients", "visit", "__main__")
)
NOT_QUICK = {"gpu_runs"}
NOT_TIMED = {"intervals", "gpu_runs", "fuzz", "crashes"}
"""Scripts that are no row of `make bench`: a simulation, runs, and what injects faults."""


@pytest.fixture(scope="module")
def common():
    sys.path.append(str(FOLDER))
    try:
        import common

        yield common
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def table():
    from benchmarks import __main__

    return __main__


def run(*words: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)


def double(value: int, more: dict) -> dict:
    """For a process of its own."""
    return {"value": 2 * value, **more}


def broken() -> None:
    raise ValueError("as it must")


def test_a_row_is_the_ratio_of_medians(common):
    values = {"new": [2.0, 1.0, 9.0], "old": [8.0, 7.0, 10.0]}
    row = common.row("a thing", "s", values, "new", "old", at_most=0.3, frames=7)
    assert row == {
        "what": "a thing", "unit": "s", "ours": "new", "peer": "old", "repetitions": 3, "frames": 7,
        "ours_median": 2.0, "ours_low": 1.0, "ours_high": 9.0, "peer_median": 8.0, "peer_low": 7.0, "peer_high": 10.0,
        "ratio": 0.25, "at_most": 0.3, "kept": True,
    }  # fmt: skip
    assert common.line(row) == "a thing: 0.250 of old; new 2 s (1 to 9), old 8 s (7 to 10), 3 x; at most 0.30: kept"
    missed = common.row("memory", "bytes", {"a": [2**30], "b": [2**31]}, "a", "b", at_most=0.4)
    assert not missed["kept"]
    assert "a 1 GiB (1 to 1), b 2 GiB" in common.line(missed)
    assert common.line(missed).endswith("at most 0.40: NOT KEPT")
    assert "kept" not in common.row("memory", "bytes", {"a": [1], "b": [1]}, "a", "b")


def test_two_things_take_turns(common):
    order = []
    answers = common.in_turn({name: lambda name=name: order.append(name) or len(order) for name in "ab"}, 3)
    assert order == list("ababab")
    assert answers == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_the_first_call_is_apart(common):
    calls = []
    found = common.clocked(lambda: calls.append(1), 4)
    assert len(calls) == 5
    assert set(found) == {"first_s", "s", "cpu_s"}
    assert all(value >= 0 for value in found.values())


def test_a_function_in_a_process_of_its_own(common):
    assert common.in_child(double, 21, {"text": "ü"}) == {"value": 42, "text": "ü"}
    process = common.start(double, 1, {})
    memory = common.watch(process)
    assert common.answer(process) == {"value": 2}
    assert set(memory) == {"parent", "worker", "total"}
    assert memory["worker"] == 0
    with pytest.raises(SystemExit, match="broken"):
        common.answer(common.start(broken, stderr=subprocess.DEVNULL))


def test_peak_is_the_high_water_mark(common):
    before = common.peak()
    assert before > 2**20
    block = bytearray(64 * 2**20)
    block[:: 2**10] = b"x" * len(block[:: 2**10])
    assert common.peak() >= before
    assert common.peak() >= 64 * 2**20


def test_a_record_is_written_whole_with_its_origin(common, tmp_path, capsys, monkeypatch):
    started = common.about(quick=True)
    assert {"machine", "versions", "commit", "changed", "threads", "load_before", "date", "quick"} == set(started)
    monkeypatch.setattr(sys, "argv", ["thing.py", "--quick"])
    path = common.write("thing", started, [{"what": "x"}], tmp_path / "new", size=3)
    assert path == tmp_path / "new" / "thing.json"
    written = {"name": "thing", **started, "arguments": ["--quick"], "rows": [{"what": "x"}], "size": 3}
    assert json.loads(path.read_text()) == written
    assert str(path) in capsys.readouterr().out
    assert common.SCRATCH != common.RESULTS


def test_the_table_names_every_script(table):
    names = [row.name for row in table.BENCHMARKS]
    assert len(set(names)) == len(names)
    assert set(names) == set(SCRIPTS) - NOT_TIMED, "a benchmark has a row in benchmarks/__main__.py"
    assert all(row.script.is_file() and row.what and row.minutes > 0 for row in table.BENCHMARKS)
    assert names.index("training_step") < names.index("roofline")


def test_choosing(table):
    assert [row.name for row in table.chosen("roofline, features")] == ["features", "roofline"]
    assert table.chosen("") == list(table.BENCHMARKS)
    with pytest.raises(typer.BadParameter, match=r"no benchmark 'feature'; there are features, "):
        table.chosen("feature")


@pytest.mark.parametrize("script", ["", *SCRIPTS])
def test_help(script, common, monkeypatch, capsys):
    path = str(FOLDER / f"{script}.py" if script else FOLDER)
    monkeypatch.setattr(sys, "argv", [path, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(path, run_name="__main__")
    assert not ended.value.code
    assert ("--quick" in capsys.readouterr().out) == (script not in NOT_QUICK)


def test_no_script_hides_a_package():
    """Scripts run with their folder first on the path: none may be called as a package that others import."""
    import importlib.util

    path = [folder for folder in sys.path if Path(folder).resolve() not in (FOLDER, ROOT)]
    for name in (*SCRIPTS, "common"):
        assert importlib.machinery.PathFinder.find_spec(name, path) is None
    assert "coverage" not in SCRIPTS  # numba imports it where it is found


def test_processors_without_avx512_have_records_of_their_own(common, monkeypatch):
    from numba.core import config

    for features, suffix in (("+avx2,+avx512f", ""), ("+avx2,-avx512f,+avx512fp16", "_without_avx512")):
        monkeypatch.setattr(config, "CPU_FEATURES", features)
        assert common.suffix() == suffix
        assert common.suffix(narrow=True) == "_without_avx512"


def test_kernels_are_compiled_without_avx512_where_told(common):
    code = """
from numba.core.registry import cpu_target
from bnet.training.lean import products
features = cpu_target.target_context.codegen().magic_tuple()[2]
print(products.wide(), "+avx512" in features)"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **common.without_avx512()}, capture_output=True, text=True
    )
    assert done.stdout == "False False\n", done.stderr


def test_where_a_step_is_placed(common):
    sys.path.append(str(FOLDER))
    try:
        import roofline
    finally:
        sys.path.remove(str(FOLDER))
    record = {
        "rows": [
            {"variant": "a", "frames": 2, "batch": 4, "measure": "s", "ours_median": 1.0, "peer_median": 3.0},
            {"variant": "a", "frames": 2, "batch": 4, "measure": "bytes", "ours_median": 1.0, "peer_median": 3.0},
        ],
        "plain": [{"variant": "b", "frames": 2, "batch": 4, "s": 5.0}],
    }
    both, plain = roofline.steps_of(record)
    assert both == {"variant": "a", "frames": 2, "batch": 4, "plain_s": 3.0, "lean_s": 1.0}
    assert plain == {"variant": "b", "frames": 2, "batch": 4, "plain_s": 5.0}
    placed = roofline.place(both, {"macs": 100, "map_bytes": 10}, bytes_s=100.0, flops_s=1200.0)
    assert placed == both | {"flops": 2400, "bytes": 200, "intensity": 12.0, "arithmetic_s": 2.0, "memory_s": 2.0}


def test_runs_on_a_gpu_are_rehearsed(tmp_path):
    """What is packed is enough, a run is begun only while there is time, and the same command resumes."""
    data = ROOT.parent / "shared" / "corpora"
    script = ["benchmarks/gpu_runs.py", "train", tmp_path / "kit", "--variants", "majority", "--device", "cpu"]
    if not (data / "gtzan-images").is_dir():
        pytest.skip("../shared/corpora/gtzan-images is absent")
    env = {**os.environ, "BNET_DATA": str(data), "BNET_CACHE": str(tmp_path / "cache")}

    def train(minutes: str) -> subprocess.CompletedProcess:
        command = [sys.executable, *script, "--minutes", minutes, "--profile", "smoke", "--set", "max_per_class=10"]
        command += ["--set", "holdouts=3"]
        command += ["--set", "run_folds=3"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env)

    none = train("-1")
    assert none.returncode == 0, none.stderr
    assert "3 runs are left for another time" in none.stdout
    whole = train("60")
    assert whole.returncode == 0, whole.stderr
    with tarfile.open(tmp_path / "kit" / "results.tar.gz") as archive:
        assert sum(name.endswith("run.json") for name in archive.getnames()) == 3
    assert train("60").stdout == ""


def test_packages_are_unpacked_whole_or_not_at_all(tmp_path, common):
    import gpu_runs

    wheel = tmp_path / "wheels" / "nowhere_to_be_found-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"half of a wheel")
    with pytest.raises(subprocess.CalledProcessError):
        gpu_runs.packages(tmp_path)
    assert not (tmp_path / "packages").exists()
    wheel.unlink()
    assert gpu_runs.packages(tmp_path).is_dir()


def test_a_rehearsal_has_two_folds_of_a_tiny_network(common):
    import gpu_runs

    words = {**gpu_runs.REHEARSAL, "protocol": "holdout", "set": gpu_runs.REHEARSED_SETTINGS}
    planned = gpu_runs.planned(argparse.Namespace(**words))
    assert [(job.config.variant, job.config.fold) for job in planned] == [("1-block", 0), ("1-block", 1)]


def test_a_lean_step_that_is_wrong_is_not_trained_with(tmp_path, common):
    import gpu_runs

    assert gpu_runs.step_of(tmp_path) == "auto"
    file = tmp_path / "benchmarks" / "results" / "gpu_equality.json"
    file.parent.mkdir(parents=True)
    for lean, step in (({"kept": True}, "auto"), ({"kept": False}, "plain"), (None, "plain")):
        file.write_text(json.dumps({"steps": {"lean": lean}}))
        assert gpu_runs.step_of(tmp_path) == step


def test_the_least_that_a_step_moves(common):
    """Blocks of the proposed network read 1, 5, 9 and 13 maps, the transition 17; 17 are written; and the stem."""
    import gpu_step

    pixels = (1 + 5 + 9 + 13 + 17 + 17) * 161 * 128 + 646 * 128
    assert gpu_step.least_bytes("proposed", 646, "bfloat16") == 4 * 8 * 32 * 2 * pixels
    assert gpu_step.least_bytes("proposed", 646, "tf32") == 4 * 8 * 32 * 4 * pixels


def test_packing_refuses_a_folder_without_pictures(tmp_path):
    answer = run("benchmarks/gpu_runs.py", "pack", tmp_path / "kit", "--data", tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("no folder")
    assert not (tmp_path / "kit").exists()
