"""Runs side by side: the same records, cores and memory shared out, kills and Ctrl-C survived, failures told."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading

import errands
import psutil
import pytest
from conftest import until
from test_runs import SETTINGS, TINY, job, quiet, ready, results  # noqa: F401 two fixtures

from bnet.errors import BnetError
from bnet.runs import parallel, records
from bnet.runs.board import Board
from bnet.runs.jobs import jobs as make_jobs
from bnet.runs.jobs import run_all
from bnet.runs.runner import Child, call
from bnet.training.config import get_profile
from bnet.training.device import Settings

GIB = 2**30
CORES = parallel.cores()


def children(process: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes that do a run for this one."""
    found = []
    for child in (process or psutil.Process()).children(recursive=True):
        try:
            if "bnet.runs.runner" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def side_by_side(todo, results, say=quiet, jobs=2, settings=None):  # noqa: F811
    return run_all(todo, results, say=say, settings=settings, way=functools.partial(parallel.side_by_side, jobs=jobs))


def heard(function, *words, **options) -> list[dict]:
    """All messages of a child."""
    messages: list[dict] = []
    child = Child(function, words, messages.append, **options)
    child.process.wait()
    child.kill()
    return messages


def test_a_child_answers_and_its_bars_are_told():
    assert heard(errands.double, 4) == [{"said": "doubling 4"}, {"ended": 8}]
    *told, last = heard(errands.bars)
    assert told[-1] == {"bar": {"n": 3, "total": 4, "title": "counting", "note": "three"}}
    assert last == {"ended": None}
    assert call("doubling", errands.double, 21) == 42


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (errands.refuse, "no, for this reason"),
        (errands.stumble, "KeyError: 'nowhere'"),
        (errands.leave, "its process ended with status 3: a last word"),
    ],
)
def test_a_child_that_fails_says_why(function, reason):
    assert heard(function) == [{"failed": reason}]
    with pytest.raises(BnetError, match=f"^trying: {reason}$"):
        call("trying", function)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system binds no process to cores")
def test_a_child_is_bound_to_its_cores_with_as_many_threads_as_alone():
    share = parallel.shares(CORES)[0]
    assert heard(errands.whereabouts, cores=share, threads=7) == [{"ended": [share, "7"]}]


@pytest.mark.parametrize(
    ("waiting", "running", "available", "jobs", "chosen"),
    [
        ([2, 2], [], 4, 2, 0),
        ([2, 2], [(2, 0)], 4, 1, None),  # no job is free
        ([2, 2], [(2, 2)], 2, 2, 0),  # what runs has what it needs
        ([2, 2], [(2, 1)], 2, 2, None),  # it will still take 1 of the 2
        ([3, 1], [(2, 1)], 2, 2, 1),  # a smaller one overtakes
        ([2], [(2, 5)], 2, 2, 0),  # more than was expected is not counted twice
        ([5], [], 4, 2, None),
        ([], [], 4, 2, None),
    ],
)
def test_a_run_starts_when_a_job_is_free_and_its_memory_fits(waiting, running, available, jobs, chosen):
    assert parallel.startable(waiting, running, available, jobs) == chosen


def test_cores_are_shared_out_without_overlap():
    assert parallel.shares(2, [0, 1, 2, 3, 4]) == [[0, 1], [2, 3]]
    assert parallel.shares(3, [4, 6, 7]) == [[4], [6], [7]]
    assert parallel.shares(2, []) == [[], []]


def test_memory_of_a_run_grows_with_the_batch(ready):  # noqa: F811
    small, large = (
        make_jobs("tones", ["tiny"], "grouped", get_profile("smoke", {**SETTINGS, "batch_size": size}), [0])[0]
        for size in ("8", "64")
    )
    baseline, one, two = parallel.memory([job("majority"), small, large])
    assert GIB < one < two
    assert baseline > parallel.BASELINE * GIB


def test_a_run_that_does_not_fit_is_refused_with_the_figures(ready, results, monkeypatch):  # noqa: F811
    monkeypatch.setattr(parallel, "memory", lambda todo, settings: [10 * GIB, 1 * GIB])
    monkeypatch.setattr(parallel, "available_bytes", lambda: 4 * GIB)
    with pytest.raises(BnetError, match=r"1 of 2 runs failed(.|\n)*needs about 10.0 GiB of memory, of which 4.0 GiB"):
        side_by_side([job("svm-timbre"), job("majority")], results)
    assert [folder.name for folder in records.folders(results)] == [job("majority").config.run_name]


def test_records_are_those_of_one_after_the_other(ready, results):  # noqa: F811
    plain = Settings(step="plain")  # whose sums depend on the number of threads
    todo = [job("1-block"), job("tiny", 1), job("svm-rhythm")]
    said: list[str] = []
    found = side_by_side(todo, results / "many", said.append, settings=plain)
    alone = run_all(todo, results / "one", say=quiet, settings=plain)
    assert [record.identity() for record in found] == [record.identity() for record in alone]
    assert [record.weights is not None for record in found] == [True, True, False]
    assert sum("100%: loss" in line for line in said) == 2
    assert [line.split()[0] for line in said if line.startswith("[")] == ["[1/3]", "[2/3]", "[3/3]"]
    assert children() == []


def test_a_killed_run_is_told_and_the_others_go_on(ready, results, monkeypatch):  # noqa: F811
    monkeypatch.setattr(parallel, "memory", lambda todo, settings: [GIB] * len(todo))
    todo, killed = [job("tiny"), job("majority"), job("svm-timbre")], []

    def say(text: str) -> None:
        if "tiny" in text and "%" in text and not killed:
            killed.extend(until(children))
            for child in killed:
                child.send_signal(signal.SIGKILL)

    with pytest.raises(BnetError, match=r"(1|2) of 3 runs failed(.|\n)*tiny-grouped-0.* was killed \(SIGKILL\)"):
        side_by_side(todo, results, say)
    assert killed
    assert todo[0].config.run_name not in [folder.name for folder in records.folders(results)]
    assert [record.config.variant for record in side_by_side(todo, results)] == ["tiny", "majority", "svm-timbre"]


COMMAND = """
    import sys
    sys.path.insert(0, {tests!r})
    from conftest import Tones
    from test_runs import TINY, SETTINGS
    from bnet import cli, corpora
    from bnet.models import VARIANTS
    corpora.CORPORA["tones"] = Tones()
    VARIANTS["tiny"] = TINY
    sys.argv = ["bnet", "train", "-c", "tones", "-v", "tiny,majority", "--fold", "0", "--results", {results!r}]
    sys.argv += [word for key, value in SETTINGS.items() for word in ("--set", f"{{key}}={{value}}")] + {words!r}
    cli.main()
"""


def command(results, *words: str) -> list[str]:  # noqa: F811
    """The real program, with the miniature corpus and network in its tables."""
    script = COMMAND.format(tests=os.path.dirname(__file__), results=str(results), words=list(words))
    return [sys.executable, "-c", textwrap.dedent(script)]


def test_interrupted_program_leaves_no_process_and_no_half_record_and_goes_on(ready, results):  # noqa: F811
    words = command(results, "--jobs", "2", "--set", "epochs=8")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reader.start()
    until(lambda: any("tiny" in line and "%: loss" in line for line in said))
    below = children(psutil.Process(process.pid))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    reader.join()
    assert below
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert {records.read(folder).config.variant for folder in records.folders(results)} <= {"majority"}
    assert said[-1] == "bnet: interrupted; finished runs and features are kept, the same command goes on\n"
    assert not any("Traceback" in line for line in said)
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert [records.read(folder).config.variant for folder in records.folders(results)] == ["majority", "tiny"]


def test_a_child_ends_with_its_parent_however_that_ends():
    script = f"""
        import sys, time
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import errands
        from bnet.runs.runner import Child
        child = Child(errands.stay, (), lambda message: print(child.process.pid, message["said"], flush=True))
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    number, word = parent.stdout.readline().split()
    child = psutil.Process(int(number))
    assert word == "here"
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([child], timeout=60)[1] == []


@pytest.mark.parametrize("words", [("--jobs", "0"), ("--jobs", "-1")])
def test_no_job_is_refused(words, tmp_path):
    done = subprocess.run(command(tmp_path, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"bnet: {words[1]} jobs; expected 1 or more (--jobs)\n"


def test_board_draws_a_line_a_run_on_a_terminal(capsys):
    with Board(terminal=True) as board:
        board.show("one", 1, 4, "one", "loss 2")
        board.show("two", 2, 4, "features of tones", "")
        assert [bar.pos for bar in board.bars.values()] == [0, -1]
        board.end("one")
        board.show("three", 3, 4, "three", "")
        assert sorted(bar.pos for bar in board.bars.values()) == [-1, 0]
    drawn = capsys.readouterr().err
    assert "one:  25%" in drawn
    assert "loss 2" in drawn
    assert "two, features of tones:  50%" in drawn


def test_board_says_a_line_when_figures_change():
    said: list[str] = []
    board = Board(said.append, terminal=False)
    for n, note in ((1, ""), (2, "loss 2"), (3, "loss 2"), (4, "loss 1")):
        board.show("one", n, 4, "one", note)
    assert said == ["one: 50%: loss 2", "one: 100%: loss 1"]
