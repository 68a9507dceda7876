"""Runs of the profile ``custom``, known by their settings: which profile is nearest, and what was changed in it."""

from __future__ import annotations

from typing import Any

from bnet.corpora import get_corpus
from bnet.runs.jobs import clip_seconds
from bnet.training.config import PROFILES, Config, Profile, get_profile

CUSTOM = "custom"

_COUNTED = {"holdout": "holdouts", "official": "repeats"}
"""Protocol -> the setting that is its number of folds; ``groups`` for the others."""


def settings(config: Config) -> dict[str, Any]:
    """The settings of a run, by their names in a profile."""
    counted = _COUNTED.get(config.protocol, "groups")
    return dict(sorted(vars(config.training).items())) | {counted: config.folds}


def changed(config: Config, profile: Profile) -> dict[str, Any]:
    """Of the settings of a run those that are not the profile's, for clips as long as its corpus allows."""
    theirs = profile.to_dict() | {"clip_seconds": clip_seconds(get_corpus(config.corpus), profile.training)}
    return {name: value for name, value in settings(config).items() if value != theirs[name]}


def nearest(config: Config) -> tuple[Profile, dict[str, Any]]:
    """The profile of `PROFILES` from which a run differs in the fewest settings, and these."""
    base = min(PROFILES.values(), key=lambda profile: len(changed(config, profile)))
    return base, changed(config, base)


def profile(config: Config) -> Profile:
    """The profile of a run: a row of `PROFILES`, or that of its settings."""
    if config.profile in PROFILES:
        return PROFILES[config.profile]
    base, different = nearest(config)
    return get_profile(base.name, {name: str(value) for name, value in different.items()})


def options(config: Config) -> str:
    """What gives a run's settings to `bnet train`: ``--profile smoke --set epochs=1``."""
    if config.profile in PROFILES:
        return f"--profile {config.profile}"
    base, different = nearest(config)
    return " ".join([f"--profile {base.name}", *(f"--set {name}={value}" for name, value in different.items())])


def described(config: Config) -> str:
    """The profile for a caption: its name, or the nearest one's and what was changed: ``smoke`` with ``epochs=1``."""
    if config.profile in PROFILES:
        return f"profile `{config.profile}`"
    base, different = nearest(config)
    return f"profile `{base.name}` with " + ", ".join(f"`{name}={value}`" for name, value in different.items())
