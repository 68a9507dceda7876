"""Configurations: a round trip, a hash over all of it, settings checked at the door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bnet.errors import BnetError
from bnet.runs.jobs import jobs
from bnet.training.config import PROFILES, Config, get_profile


def test_config_survives_json(tones):
    config = jobs("tones", ["proposed"], "grouped", PROFILES["smoke"])[0].config
    assert Config.from_dict(json.loads(config.to_json())) == config


def test_a_fold_that_is_named_twice_is_one_run(tones):
    found = jobs("tones", ["majority"], "grouped", PROFILES["smoke"], [1, 0, 1])
    assert [job.config.fold for job in found] == [1, 0]


def test_every_field_changes_the_hash(tones):
    config = jobs("tones", ["proposed"], "grouped", PROFILES["smoke"])[0].config
    for key, value in config.to_dict().items():
        other = value + "x" if isinstance(value, str) else value + 1
        assert Config.from_dict({**config.to_dict(), key: other}).hash() != config.hash(), key


def test_paper_profile_is_the_papers():
    training = PROFILES["paper"].training
    assert (training.epochs, training.batch_size, training.learning_rate) == (100, 8, 0.01)
    assert training.schedule == "plateau"
    assert (training.plateau_patience, training.plateau_factor) == (3, 0.5)
    assert (training.stop_patience, training.stop_min_delta) == (10, 0.01)
    assert (training.clip_seconds, training.max_per_class, PROFILES["paper"].folds("holdout")) == (30, 0, 10)


def test_settings_by_hand_make_a_custom_profile():
    profile = get_profile("smoke", {"epochs": "7", "learning_rate": "0.001"})
    expected = PROFILES["smoke"].to_dict() | {"name": "custom", "epochs": 7, "learning_rate": 0.001}
    assert profile.to_dict() == expected | {"purpose": profile.purpose}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("smok", {}, r"unknown profile 'smok' \(did you mean 'smoke'\?\); known: desktop, evening, gpu, laptop, "),
        ("smoke", {"epoch": "3"}, r"unknown setting 'epoch' \(did you mean 'epochs'\?\)"),
        ("smoke", {"epochs": "three"}, "setting epochs is 'three'; expected int"),
        ("smoke", {"epochs": "2.5"}, "setting epochs is '2.5'; expected int"),
        ("smoke", {"epochs": "0"}, "setting epochs is 0; expected more than 0"),
        ("smoke", {"seed": "-1"}, "setting seed is -1; expected 0 or more"),
        ("smoke", {"groups": "1"}, "setting groups is 1; expected 2 or more"),
        ("smoke", {"epochs": "inf"}, "setting epochs is 'inf'; expected int"),
        ("smoke", {"batch_size": "1e400"}, "setting batch_size is '1e400'; expected int"),
        ("smoke", {"warmup_epochs": "nan"}, "setting warmup_epochs is nan; expected 0 or more, less than inf"),
        ("smoke", {"clip_seconds": "inf"}, "setting clip_seconds is inf; expected 0 or more, less than inf"),
        ("smoke", {"plateau_factor": "2"}, "setting plateau_factor is 2.0; expected 0 or more, less than 1"),
        ("smoke", {"seed": "5000000000"}, "setting seed is 5000000000; expected 0 or more, less than 2147483648"),
        ("smoke", {"schedule": "cosin"}, r"unknown schedule 'cosin' \(did you mean 'cosine'\?\)"),
    ],
)
def test_bad_settings_are_refused(name, settings, message):
    with pytest.raises(BnetError, match=message):
        get_profile(name, settings)


def test_unknown_keys_of_a_record_are_named(tones):
    config = jobs("tones", ["majority"], "grouped", PROFILES["smoke"])[0].config.to_dict()
    with pytest.raises(BnetError, match=r"unknown keys \['colour'\], missing keys \['seed'\]"):
        Config.from_dict({**{k: v for k, v in config.items() if k != "seed"}, "colour": 1})


def test_the_book_states_the_profiles_as_they_are():
    text = (Path(__file__).resolve().parents[1] / "book" / "reproduce.md").read_text()
    for profile in PROFILES.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{profile.name}` |"))
        assert f"{profile.training.clip_seconds:g} s" in row
        assert f"{profile.training.epochs} epochs" in row
        assert f"{profile.training.max_per_class} per class" in row if profile.training.max_per_class else "all" in row
