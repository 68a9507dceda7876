"""What a full execution will do: counted runs, corpora that are absent, arithmetic on measured figures."""

from __future__ import annotations

import json

import pytest
from test_runs import SETTINGS, job
from typer.testing import CliRunner

from bnet.cli import app
from bnet.errors import BnetError
from bnet.runs import jobs, plan
from bnet.training.config import get_profile


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
    found = planned("--profile", "paper", "--corpus", "gtzan,fma-small", "--variants", "bbnn", "--protocol", "holdout")
    tasks = {task["corpus"]: task for task in found["tasks"]}
    assert [tasks["gtzan"][key] for key in ("runs", "done", "train", "validation", "test")] == [10, 0, 800, 100, 100]
    assert [tasks["fma-small"][key] for key in ("runs", "train", "validation", "test")] == [10, 6400, 800, 800]
    assert tasks["gtzan"]["steps_a_run"] == 100 * 100
    assert {row["corpus"]: row["store_bytes"] for row in found["features"]} == {
        "gtzan": 1000 * 646 * 128 * 4,
        "fma-small": 8000 * 646 * 128 * 4,
    }
    assert found["total"]["to_do"] == 20
    assert not (tmp_path / "results").exists()  # nothing is written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--corpus", "gtzann"], r"unknown corpus 'gtzann' \(did you mean 'gtzan'"),
        (["--corpus", "gtzan", "--variants", "bbn"], r"unknown network 'bbn' \(did you mean 'bbnn'"),
        (["--corpus", "gtzan", "--protocol", "group"], r"unknown protocol 'group' \(did you mean 'grouped'"),
        (["--corpus", "gtzan", "--exclude", "fault"], r"unknown kind of clips to exclude 'fault' \(did you mean"),
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(BnetError, match=message):
        planned(*options)


def test_hours_are_a_measured_step_times_the_number_of_steps(tones, monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "LIMIT", 600.0)
    jobs.extract(tones, tones.tracks(), 1.0, 1, lambda _: None)
    jobs.run(job("majority"), tmp_path / "results")
    profile = get_profile("smoke", SETTINGS)
    made = plan.make(["tones"], ["majority,1-block,2-blocks"], ["grouped"], profile, tmp_path / "results")
    assert made.tasks[["runs", "done", "to_do"]].values.tolist() == [[1, 1, 0], [1, 0, 1], [1, 0, 1]]
    assert made.features[["data", "clips", "extracted"]].values.tolist() == [["here", 48, 48]]
    found = plan.timed(made, lambda _: None)
    known, (_, one, two) = found.measured, found.tasks.to_dict("records")
    assert (known["network"], known["frames"], known["step"]) == ("1-block", 22, "lean")
    assert one["steps_a_run"] == 2 * -(-one["train"] // 8)
    assert one["hours"] * 3600 == pytest.approx(one["steps_a_run"] * known["step_s"])
    assert two["hours"] / one["hours"] == pytest.approx(two["macs"] / one["macs"])
    assert found.total()["training_hours"] == pytest.approx(one["hours"] + two["hours"])
    assert found.total()["training_memory"] == known["memory"] > 2**27
    assert json.dumps(found.to_dict())


def test_a_network_that_takes_too_long_is_given_up(tones, monkeypatch, tmp_path):
    """A plan answers, though without hours."""
    monkeypatch.setattr(plan, "LIMIT", 0.5)
    made = plan.make(["tones"], ["2-blocks,1-block"], ["grouped"], get_profile("smoke", SETTINGS), tmp_path)
    found = plan.timed(made, lambda _: None)
    assert found.total()["training_hours"] is found.total()["training_memory"] is None
    assert found.notes[-1] == "hours are not known: measuring 2-blocks takes over 0 s here"
