"""Runs side by side: the same records, cores and memory shared out, kills and Ctrl-C survived, failures told."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import errands
import psutil
import pytest
from conftest import until
from test_runs import SETTINGS, TINY, job, quiet, ready, results  # noqa: F401 two fixtures

from bnet.errors import OUT_OF_MEMORY, BnetError
from bnet.runs import pool, records
from bnet.runs.child import call
from bnet.runs.jobs import run_all
from bnet.training.device import Settings

CORES = pool.cores()


def children(process: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes that do a run for this one."""
    found = []
    for child in (process or psutil.Process()).children(recursive=True):
        try:
            if "bnet.runs.child" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def side_by_side(todo, results, log=quiet, jobs=2, settings=None):  # noqa: F811
    return run_all(todo, results, log=log, settings=settings, executor=functools.partial(pool.side_by_side, jobs=jobs))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Runs that start at once beside each other."""
    monkeypatch.setattr(pool, "SETTLE", 0.0)


def test_a_child_says_lines_and_answers():
    said: list[str] = []
    assert call(errands.double, 21, tell=said.append) == 42
    assert said == ["doubling 21"]
    assert call(bytes, 2**20) == bytes(2**20)  # more than a pipe holds


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (errands.refuse, "no, for this reason"),
        (errands.stumble, "KeyError: 'nowhere'"),
        (errands.starve, re.escape(OUT_OF_MEMORY)),
        (errands.leave, "its process ended with status 3: a last word"),
    ],
)
def test_a_child_that_fails_says_why(function, reason):
    with pytest.raises(BnetError, match=f"^{reason}$"):
        call(function)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system binds no process to cores")
def test_a_child_is_bound_to_its_cores_with_as_many_threads_as_alone():
    share = pool.shares(CORES)[0]
    with ThreadPoolExecutor(1, initializer=lambda: pool.bind(share)) as thread:
        assert thread.submit(call, errands.whereabouts, threads=7).result() == [share, "7"]
    assert call(errands.whereabouts, threads=7)[0] == pool.shares(1)[0]


def test_a_child_is_killed_when_it_is_to_stop():
    said: list[str] = []
    with pytest.raises(BnetError, match=r"its process was killed \(SIGKILL\)"):
        call(errands.stay, tell=said.append, stop=lambda: bool(said))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system binds no process to cores")
def test_cores_are_shared_out_without_overlap(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 6, 7, 9, 11})
    assert pool.shares(2) == [[4, 6], [7, 9]]
    assert pool.shares(5) == [[4], [6], [7], [9], [11]]


def test_a_run_starts_beside_others_when_there_is_memory_for_the_largest(ready, results, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pool, "available_bytes", lambda: 0)
    most: list[int] = []
    monkeypatch.setattr(pool, "call", lambda *words, **how: (most.append(len(children())), call(*words, **how))[1])
    assert len(side_by_side([job("majority"), job("majority", 1)], results)) == 2
    assert most == [0, 0]  # the second waited for the first to end


def test_records_are_those_of_one_after_the_other(ready, results):  # noqa: F811
    plain = Settings(step="plain")  # whose sums depend on the number of threads
    todo = [job("1-block"), job("svm-rhythm")]
    said: list[str] = []
    found = side_by_side(todo, results / "many", said.append, settings=plain)
    alone = run_all(todo, results / "one", log=quiet, settings=plain)
    assert [record.identity() for record in found] == [record.identity() for record in alone]
    assert [record.weights is not None for record in found] == [True, False]
    assert sum("epoch 2/2: loss" in line for line in said) == 1
    assert [line.split()[0] for line in said if line.startswith("[")] == ["[1/2]", "[2/2]"]
    assert children() == []


def test_a_killed_run_is_told_and_the_others_go_on(ready, results):  # noqa: F811
    todo, killed = [job("tiny"), job("majority")], []

    def say(text: str) -> None:
        if "tiny" in text and "epoch" in text and not killed:
            killed.extend(until(children))
            for child in killed:
                child.send_signal(signal.SIGKILL)

    with pytest.raises(BnetError, match=r"(1|2) of 2 runs failed(.|\n)*tiny-grouped-0.* was killed \(SIGKILL\)"):
        side_by_side(todo, results, say)
    assert killed
    assert todo[0].config.run_name not in [folder.name for folder in records.folders(results)]
    assert [record.config.variant for record in side_by_side(todo, results)] == ["tiny", "majority"]


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


def test_interrupted_program_leaves_no_process_and_no_half_record(ready, results):  # noqa: F811
    words = command(results, "--jobs", "2", "--set", "epochs=8")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    reader.start()
    until(lambda: any("tiny" in line and "/8: loss" in line for line in said))
    below = children(psutil.Process(process.pid))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    reader.join()
    assert below
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert {records.read(folder).config.variant for folder in records.folders(results)} <= {"majority"}
    assert said[-1] == "bnet: interrupted; finished runs and features are kept, the same command goes on\n"
    assert not any("Traceback" in line for line in said)


def test_a_child_ends_with_its_parent_however_that_ends():
    script = f"""
        import sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import errands
        from bnet.runs.child import call
        call(errands.stay, tell=lambda line: print(line, flush=True))
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([child], timeout=60)[1] == []
