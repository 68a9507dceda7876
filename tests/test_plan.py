"""What a full execution will do: counted runs, corpora that are absent, arithmetic on measured figures."""

from __future__ import annotations

import json

import pytest
from test_runs import SETTINGS, TINY, job
from typer.testing import CliRunner

from bnet.cli import app
from bnet.errors import BnetError
from bnet.models import VARIANTS
from bnet.runs import jobs, plan, speed
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
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(BnetError, match=message):
        planned(*options)


def test_hours_are_a_measured_step_times_the_number_of_steps(tones, monkeypatch, tmp_path):
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    monkeypatch.setattr(speed, "STEPS_S", 0.1)
    monkeypatch.setattr(speed, "LIMIT", 600.0)
    profile, said = get_profile("smoke", SETTINGS), []
    jobs.extract(tones, tones.tracks(), 1.0, 1, said.append)
    jobs.run(job("majority"), tmp_path / "results")
    made = plan.make(["tones"], ["majority,1-block,2-blocks"], ["grouped"], profile, tmp_path / "results")
    assert made.tasks[["runs", "done", "to_do"]].values.tolist() == [[1, 1, 0], [1, 0, 1], [1, 0, 1]]
    found = speed.measure(made, said.append)
    known, other = found.networks.to_dict("records")
    row = found.tasks.iloc[1]
    clips = 3 * row["validation"] + row["test"]
    steps = 2 * -(-row["train"] // 8)
    seconds = known["start_s"] + steps * known["step_s"] + clips * known["clip_s"]
    assert row["hours_a_run"] * 3600 == pytest.approx(seconds)
    assert (known["how"], known["step"]) == ("measured", "lean")
    assert known["memory"] > 2**27
    assert other["step_s"] / known["step_s"] == pytest.approx(other["macs"] / known["macs"])
    assert other["how"] == "estimated from 1-block at 22 frames by multiply-adds"
    assert found.notes[-1] == "hours of 1 of 2 networks are estimates, by multiply-adds"
    assert found.total()["training_memory"] == known["memory"]
    assert found.features["how"].tolist() == ["measured"]
    assert json.dumps(found.to_dict())


def test_a_network_that_takes_too_long_is_given_up(tones, monkeypatch, tmp_path):
    """A plan answers, though without hours."""
    monkeypatch.setattr(speed, "LIMIT", 0.5)
    made = plan.make(["tones"], ["2-blocks,1-block"], ["grouped"], get_profile("smoke", SETTINGS), tmp_path)
    found = speed.measure(made, lambda _: None)
    assert found.networks.empty
    assert found.total()["training_hours"] is None
    assert found.notes[-1] == "hours of 2 of 2 networks are not known: measuring one takes over 0 s here"
