"""Runs on a cluster: a real scheduler and workers on this machine; lost and wrong workers, both ways of records."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import minicorpora
import psutil
import pytest
from conftest import until
from test_many import children, command
from test_runs import SETTINGS, TINY, job, quiet, results  # noqa: F401 a fixture

from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import cluster, jobs, records
from bnet.training.config import get_profile
from bnet.training.device import Settings

pytest.importorskip("distributed")

ROOT, TESTS = Path(__file__).resolve().parents[1], Path(__file__).resolve().parent
PRELOAD = """
from conftest import Tones
from bnet import corpora
corpora.CORPORA["tones"] = Tones()
"""


class Cluster:
    """A scheduler, and workers that do one run at a time."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        (folder / "preload.py").write_text(PRELOAD)
        told = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(told))
        self.address = until(
            lambda: told.exists() and told.read_text().strip().endswith("}") and json.loads(told.read_text())
        )["address"]

    def _start(self, kind: str, *words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--host", "127.0.0.1"]
        log = open(self.folder / f"{kind}-{len(self.workers)}.log", "w")  # noqa: SIM115 the process holds it
        own = {"PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}", "BNET_CACHE": str(self.folder / "cache")}
        own |= {"BNET_DATA": "nowhere", "CUDA_VISIBLE_DEVICES": "-1"}
        return subprocess.Popen(
            [*command, "--no-dashboard"], cwd=self.folder, env={**os.environ, **own}, stdout=log, stderr=log
        )

    def need(self, number: int) -> list[psutil.Process]:
        """The workers, when there are so many."""
        from distributed import Client

        while len(self.workers) < number:
            words = [self.address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
            self.workers.append(self._start("worker", *words, "--preload", str(self.folder / "preload.py")))
        with Client(self.address, timeout=30, set_as_default=False) as client:
            until(lambda: len(client.scheduler_info()["workers"]) == number)
        return [psutil.Process(worker.pid) for worker in self.workers]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler and its workers, for all tests of the module: those that need more workers come later."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    for process in (*made.workers, made.scheduler):
        process.kill()
        process.wait()


@pytest.fixture
def dask(scheduler, tones, monkeypatch):
    """The scheduler; the miniature corpus and network are in this process's tables."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    return scheduler


def spread(dask: Cluster, todo, results: Path, log=quiet, settings=None, **more):  # noqa: F811
    executor = functools.partial(cluster.spread, **{"address": dask.address, **more})
    return jobs.run_all(todo, results, log=log, settings=settings, executor=executor)


def alone(todo, results: Path) -> list[dict]:  # noqa: F811
    """What the records are without a cluster."""
    jobs.extract(todo[0].corpus, todo[0].tracks, 1.0, 1, quiet)
    return [jobs.run(one, results / "alone", quiet).identity() for one in todo]


def test_a_cluster_that_is_not_there(dask, results, monkeypatch):  # noqa: F811
    with pytest.raises(BnetError, match=r"has no workers; start some: dask worker tcp://127"):
        spread(dask, [job("majority")], results)
    monkeypatch.setattr(cluster, "ANSWER", 1.0)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(BnetError, match=f"no dask scheduler answers at {address} .*expected the address"):
            spread(dask, [job("majority")], results, address=address)
    with pytest.raises(BnetError, match="unknown way of records 'share'"):
        spread(dask, [job("majority")], results, keep="share")


def test_records_in_a_shared_folder(dask, results):  # noqa: F811
    dask.need(1)
    said: list[str] = []
    todo = [job("majority"), job("svm-timbre", 1)]
    found = spread(dask, todo, results, said.append)
    assert "1 write into" in said[1]
    assert [record.identity() for record in found] == alone(todo, results)
    assert sorted(path.name for path in results.iterdir()) == ["alone", "tones"]  # no token is left
    (found[0].folder / "predictions.csv").write_text("damaged")
    assert spread(dask, todo, results, keep="returned")[0].identity() == found[0].identity()
    assert len(list(found[0].folder.parent.glob("*.damaged-1"))) == 1


def test_a_worker_without_the_data_gets_no_run(dask, results, tmp_path, monkeypatch):  # noqa: F811
    dask.need(1)
    minicorpora.make("homburg", tmp_path, per_class=12)
    monkeypatch.setenv("BNET_DATA", str(tmp_path))
    monkeypatch.setenv("BNET_PARTIAL", "1")
    profile = get_profile("smoke", {"clip_seconds": "1", "groups": "3"})
    todo = jobs.jobs("homburg", ["majority"], "kfold", profile, [0])
    with pytest.raises(BnetError, match=r"no worker can do these runs: tcp:.*: it has no data of homburg .*BNET_DATA"):
        spread(dask, todo, results)
    assert cluster.at_home(todo[0]) == (todo[0], True)
    jobs.extract(todo[0].corpus, todo[0].tracks, 1.0, 1, quiet)
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "empty"))
    assert cluster.at_home(todo[0]) == (todo[0], False)  # its features are in the cache


def test_a_worker_with_another_copy_of_the_corpus_gets_no_run(tones):
    tones.per_class = 20
    one = job("majority")
    tones.per_class = 16
    with pytest.raises(BnetError, match=r"its copy of tones is another one \(48 tracks; expected 60"):
        cluster.at_home(one)


def test_workers_of_another_version_are_refused(dask, results, monkeypatch):  # noqa: F811
    dask.need(1)
    monkeypatch.setattr(cluster, "bnet_here", lambda: "bnet of old")
    with pytest.raises(BnetError, match=r"worker tcp://\S+ has bnet \S+, code \w+; expected bnet of old as here"):
        spread(dask, [job("majority")], results)
    assert list(records.folders(results)) == []


def test_shared_is_refused_where_the_folder_is_not_seen(tmp_path):
    order = cluster.Order(tmp_path / "elsewhere", ".cluster-x", "shared", None, 2, "topic", "bnet")
    with pytest.raises(BnetError, match=r"does not see the results folder .* or take --records returned"):
        order.shared()


def test_a_run_that_fails_names_its_worker_and_stops_no_other(dask, results):  # noqa: F811
    dask.need(1)
    todo, gpu = [job("tiny"), job("majority")], Settings(device="gpu")
    with pytest.raises(BnetError, match=r"1 of 2 runs failed(.|\n)*tiny.*: worker tcp://\S+: --device gpu, but"):
        spread(dask, todo, results, settings=gpu)
    assert [folder.name for folder in records.folders(results)] == [todo[1].config.run_name]


def test_ctrl_c_ends_the_runs_on_the_workers(dask, results):  # noqa: F811
    (worker,) = dask.need(1)
    words = ("--cluster", dask.address, "--set", "epochs=500")
    process = subprocess.Popen(command(results, *words), stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(process.stderr), daemon=True).start()
    until(lambda: any("tiny" in line and ": loss" in line for line in said))
    below = children(worker)
    assert below
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert psutil.wait_procs(below, timeout=60)[1] == []
    assert not any("Traceback" in line for line in said)
    assert {records.read(folder).config.variant for folder in records.folders(results)} <= {"majority"}


def test_a_killed_worker_loses_nothing_and_records_are_as_at_home(dask, results):  # noqa: F811
    workers = dask.need(2)
    todo = jobs.jobs("tones", ["tiny"], "grouped", get_profile("smoke", {**SETTINGS, "epochs": "8"}), [0])
    said, killed = [], []

    def say(text: str) -> None:
        said.append(text)
        if "epoch 1/8: loss" in text and not killed:  # in the middle of the run
            (busy,) = [worker for worker in workers if children(worker)]
            killed.extend(children(busy))
            busy.send_signal(signal.SIGKILL)

    (found,) = spread(dask, todo, results, say, keep="returned")
    assert [found.identity()] == alone(todo, results)
    assert found.weights
    assert "0 write into" in said[1]
    assert sum("epoch 1/8: loss" in line for line in said) == 2, "the run of the killed worker was begun again"
    assert psutil.wait_procs(killed, timeout=60)[1] == []
    assert len(killed) == 1
    assert len(list(records.folders(results, "tones"))) == 1
