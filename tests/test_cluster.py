"""Runs on a cluster: a real scheduler and workers on this machine; lost and wrong workers, both ways of records."""

from __future__ import annotations

import functools
import json
import os
import shutil
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
from test_runs import TINY, job, quiet, results  # noqa: F401 a fixture

from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import cluster, jobs, records
from bnet.training.config import get_profile
from bnet.training.device import Settings

pytest.importorskip("distributed")

ROOT, TESTS = Path(__file__).resolve().parents[1], Path(__file__).resolve().parent
PRELOAD = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from conftest import Tones
from bnet import corpora
corpora.CORPORA["tones"] = Tones()
"""


class Cluster:
    """A scheduler, and workers that a test starts and ends."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        (folder / "preload.py").write_text(PRELOAD)
        told = folder / "scheduler.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)]
        self.scheduler = self._start("scheduler", words)
        self.address = until(
            lambda: told.exists() and told.read_text().strip().endswith("}") and json.loads(told.read_text())
        )["address"]

    def _start(self, kind: str, words: list[str], **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words]
        log = open(self.folder / f"{kind}-{len(self.workers)}.log", "w")  # noqa: SIM115 the process holds it
        where = {"PYTHONPATH": str(ROOT), "BNET_CACHE": str(self.folder / "cache"), "BNET_DATA": "nowhere"}
        return subprocess.Popen(
            command, cwd=self.folder, env={**os.environ, **where, **environment}, stdout=log, stderr=log
        )

    def work(self, **environment: str) -> psutil.Process:
        """Start a worker that does one run at a time."""
        words = [self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        words += ["--memory-limit", "0", "--preload", str(self.folder / "preload.py")]
        before = self.count()
        self.workers.append(self._start("worker", words, **environment))
        until(lambda: self.count() > before)
        return psutil.Process(self.workers[-1].pid)

    def count(self) -> int:
        """Workers that the scheduler knows."""
        from distributed import Client

        with Client(self.address, timeout=30, set_as_default=False) as client:
            return len(client.scheduler_info()["workers"])

    def clear(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        until(lambda: self.count() == 0)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler for all tests of the module."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.clear()
    made.scheduler.kill()
    made.scheduler.wait()


@pytest.fixture
def dask(scheduler, tones, monkeypatch):
    """The scheduler, without workers yet; the miniature corpus and network are in this process's tables."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    yield scheduler
    scheduler.clear()


def spread(dask: Cluster, todo, results: Path, log=quiet, keep: str = "auto", settings=None):  # noqa: F811
    executor = functools.partial(cluster.spread, address=dask.address, keep=keep)
    return jobs.run_all(todo, results, log=log, settings=settings, executor=executor)


def test_a_killed_worker_loses_nothing_and_records_are_as_at_home(dask, results):  # noqa: F811
    long = get_profile("smoke", {"clip_seconds": "1", "epochs": "40", "groups": "3"})
    todo = jobs.jobs("tones", ["tiny"], "grouped", long, [0, 1])
    first, _ = dask.work(), dask.work()
    said, killed = [], []

    def say(text: str) -> None:
        said.append(text)
        begun = {line.split(":")[0] for line in said if ": loss" in line}
        if len(begun) == 2 and not killed:  # both workers are in the middle of a run
            killed.extend(children(first))
            first.send_signal(signal.SIGKILL)

    found = spread(dask, todo, results, say, keep="returned")
    jobs.extract(todo[0].corpus, todo[0].tracks, 1.0, 1, quiet)
    alone = [jobs.run(one, results / "alone", quiet) for one in todo]
    assert [record.identity() for record in found] == [record.identity() for record in alone]
    assert all(record.weights for record in found)
    assert "0 write into" in said[1]
    begun = [line.split(":")[0] for line in said if "epoch 1/40: loss" in line]
    assert len(set(begun)) < len(begun), "the run of the killed worker was begun again"
    assert psutil.wait_procs(killed, timeout=60)[1] == []
    assert len(killed) == 1
    assert len(list(records.folders(results, "tones"))) == 2


def test_records_in_a_shared_folder(dask, results):  # noqa: F811
    dask.work()
    said: list[str] = []
    todo = [job("majority"), job("svm-timbre", 1)]
    found = spread(dask, todo, results, said.append)
    assert "1 write into" in said[1]
    jobs.extract(todo[0].corpus, todo[0].tracks, 1.0, 1, quiet)
    assert [r.identity() for r in found] == [jobs.run(one, results / "alone", quiet).identity() for one in todo]
    assert sorted(path.name for path in results.iterdir()) == ["alone", "tones"]  # no token is left
    (found[0].folder / "predictions.csv").write_text("damaged")
    assert spread(dask, todo, results, keep="returned")[0].identity() == found[0].identity()
    assert len(list(found[0].folder.parent.glob("*.damaged-1"))) == 1


def test_a_worker_without_the_data_gets_no_run(dask, results, tmp_path, monkeypatch):  # noqa: F811
    minicorpora.make("homburg", tmp_path, per_class=12)
    monkeypatch.setenv("BNET_DATA", str(tmp_path))
    monkeypatch.setenv("BNET_PARTIAL", "1")
    profile = get_profile("smoke", {"clip_seconds": "1", "groups": "3"})
    todo = jobs.jobs("homburg", ["majority"], "kfold", profile, [0, 1])
    dask.work(BNET_DATA=str(tmp_path / "empty"))
    with pytest.raises(BnetError, match=r"no worker can do these runs: tcp:.*: it has no data of homburg .*BNET_DATA"):
        spread(dask, todo, results)
    dask.work(BNET_DATA=str(tmp_path))
    said: list[str] = []
    assert len(spread(dask, todo, results, said.append)) == 2
    assert sum("gets no run: it has no data of homburg" in line for line in said) == 1
    shutil.rmtree(results / "homburg")
    dask.clear()
    dask.work(BNET_DATA=str(tmp_path / "empty"))  # the second worker left the features in the cache that all share
    assert len(spread(dask, todo, results)) == 2


def test_a_worker_with_another_copy_of_the_corpus_gets_no_run(dask, results, tones):  # noqa: F811
    dask.work()
    tones.per_class = 20
    with pytest.raises(BnetError, match=r"its copy of tones is another one \(48 tracks; expected 60"):
        spread(dask, [job("majority")], results)


def test_workers_of_another_version_are_refused(dask, results, tmp_path):  # noqa: F811
    shutil.copytree(ROOT / "bnet", tmp_path / "bnet", ignore=shutil.ignore_patterns("__pycache__", "shipped", "static"))
    with open(tmp_path / "bnet" / "corpora" / "splits.py", "a") as stream:
        stream.write("\n")
    dask.work(PYTHONPATH=str(tmp_path))
    here = cluster.bnet_here()
    with pytest.raises(BnetError, match=rf"worker tcp://\S+ has bnet \S+, code \w+; expected {here} as here"):
        spread(dask, [job("majority")], results)
    assert list(records.folders(results)) == []


def test_a_cluster_that_is_not_there(dask, results, monkeypatch):  # noqa: F811
    with pytest.raises(BnetError, match=r"has no workers; start some: dask worker tcp://127"):
        spread(dask, [job("majority")], results)
    monkeypatch.setattr(cluster, "ANSWER", 1.0)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        executor = functools.partial(cluster.spread, address=address)
        with pytest.raises(BnetError, match=f"no dask scheduler answers at {address} .*expected the address"):
            jobs.run_all([job("majority")], results, log=quiet, executor=executor)
    with pytest.raises(BnetError, match="unknown way of records 'share'"):
        spread(dask, [job("majority")], results, keep="share")


def test_shared_is_refused_where_the_folder_is_not_seen(dask, tmp_path):
    from bnet.runs.worker import Order

    order = Order(tmp_path / "elsewhere", ".cluster-x", "shared", None, 2, "topic", "bnet")
    with pytest.raises(BnetError, match=r"does not see the results folder .* or take --records returned"):
        order.shared()


def test_a_run_that_fails_names_its_worker_and_stops_no_other(dask, results):  # noqa: F811
    dask.work(CUDA_VISIBLE_DEVICES="-1")
    todo, gpu = [job("tiny"), job("majority")], Settings(device="gpu")
    with pytest.raises(BnetError, match=r"1 of 2 runs failed(.|\n)*tiny.*: worker tcp://\S+: --device gpu, but"):
        spread(dask, todo, results, settings=gpu)
    assert [folder.name for folder in records.folders(results)] == [todo[1].config.run_name]


def test_ctrl_c_ends_the_runs_on_the_workers(dask, results):  # noqa: F811
    worker = dask.work()
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
