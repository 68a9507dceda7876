"""What a full execution will do: counted runs, corpora that are absent, arithmetic on measured figures."""

from __future__ import annotations

import json

import pytest
from test_runs import SETTINGS, TINY, job
from typer.testing import CliRunner

from bnet.cli import app
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import jobs, plan, planning
from bnet.runs.forecast import estimate
from bnet.training.config import PROFILES, get_profile


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    """No corpus and no record."""
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BNET_RESULTS", str(tmp_path / "results"))


def planned(*options: str) -> dict:
    """The JSON of ``bnet plan``, without a measurement."""
    found = CliRunner().invoke(app, ["plan", "--no-measure", "--json", *options], catch_exceptions=False)
    assert found.exit_code == 0
    return json.loads(found.stdout)


def test_absent_corpora_are_planned_from_published_counts(tmp_path):
    plan = planned("--profile", "paper", "--corpus", "gtzan,fma-small", "--variants", "bbnn", "--protocol", "holdout")
    tasks = {task["corpus"]: task for task in plan["tasks"]}
    assert [tasks["gtzan"][key] for key in ("runs", "done", "train", "validation", "test")] == [10, 0, 800, 100, 100]
    assert [tasks["fma-small"][key] for key in ("runs", "train", "validation", "test")] == [10, 6400, 800, 800]
    assert tasks["gtzan"]["steps_a_run"] == 100 * 100
    assert {row["corpus"]: row["store_bytes"] for row in plan["features"]} == {
        "gtzan": 1000 * 646 * 128 * 4,
        "fma-small": 8000 * 646 * 128 * 4,
    }
    assert plan["total"]["to_do"] == 20
    assert not (tmp_path / "results").exists()  # nothing is written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--corpus", "gtzann"], r"unknown corpus 'gtzann' \(did you mean 'gtzan'"),
        (["--corpus", "gtzan", "--variants", "bbn"], r"unknown network 'bbn' \(did you mean 'bbnn'"),
        (["--corpus", "gtzan", "--protocol", "group"], r"unknown protocol 'group' \(did you mean 'grouped'"),
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(BnetError, match=message):
        planned(*options)


def test_estimate_is_arithmetic():
    table = estimate(
        1000, get_profile("paper", {"epochs": "10"}).training, steps_per_s=2.0, clips_per_s=10.0, machines=5, runs=10
    ).set_index("what")
    assert table.loc["features on disk", "one_machine"] == 1000 * 646 * 128 * 4 / 2**30
    assert table.loc["training steps of a run", "one_machine"] == 10 * 100
    assert table.loc["one run, all epochs", "one_machine"] == pytest.approx(1000 / 2 / 3600)
    assert table.loc["10 runs, all epochs", "several"] == pytest.approx(2 * 1000 / 2 / 3600)
    assert table.loc["feature extraction", ["one_machine", "several"]].tolist() == pytest.approx(
        [100 / 3600, 20 / 3600]
    )


def test_estimate_refuses_nothing_measured():
    with pytest.raises(BnetError, match="steps_per_s is 0; expected more than 0"):
        estimate(1000, PROFILES["paper"].training, steps_per_s=0, clips_per_s=10.0)


def test_hours_are_a_measured_step_times_the_number_of_steps(tones, monkeypatch, tmp_path):
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    monkeypatch.setattr("bnet.runs.plan.BUDGET", 0.1)
    profile, said = get_profile("smoke", SETTINGS), []
    jobs.extract(tones, tones.tracks(), 1.0, 1, said.append)
    jobs.run(job("majority"), tmp_path / "results")
    made = planning.make(["tones"], ["majority,1-block,2-blocks"], ["grouped"], profile, tmp_path / "results")
    assert made.tasks[["runs", "done", "to_do"]].values.tolist() == [[1, 1, 0], [1, 0, 1], [1, 0, 1]]
    quick = plan.measure(made, quick=True, say=said.append)
    known, other = quick.speeds
    row = quick.tasks.iloc[1]
    clips = 3 * row["validation"] + row["test"]
    steps = 2 * -(-row["train"] // 8)
    assert row["hours_a_run"] * 3600 == pytest.approx(known.start_s + steps * known.step_s + clips * known.clip_s)
    assert (known.how, known.step) == ("measured", "lean")
    assert known.memory > 2**27
    assert other.step_s / known.step_s == pytest.approx(other.macs / known.macs)
    assert (other.memory, other.how) == (None, "from 1-block at 22 frames by multiply-adds")
    assert quick.total()["training_memory"] == known.memory
    assert quick.features["how"].tolist() == ["measured"]
    assert json.dumps(quick.to_dict())
