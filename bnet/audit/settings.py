"""Settings of runs: the nearest profile, what was changed in it by hand, the command that makes a run, and which runs
may stand in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bnet.corpora import get_corpus
from bnet.errors import BnetError
from bnet.runs.jobs import clip_seconds
from bnet.runs.records import Record
from bnet.training.config import PROFILES, Config, Profile, get_profile

CUSTOM = "custom"
"""Profile of runs whose settings were changed by hand."""
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
    """The profile of a run and nothing; where it is none of `PROFILES`, that from which it differs in the fewest
    settings, and these."""
    if config.profile in PROFILES:
        return PROFILES[config.profile], {}
    base = min(PROFILES.values(), key=lambda profile: len(changed(config, profile)))
    return base, changed(config, base)


def profile(config: Config) -> Profile:
    """The profile of a run: a row of `PROFILES`, or that of its settings."""
    base, different = nearest(config)
    return get_profile(base.name, {name: str(value) for name, value in different.items()})


def described(config: Config) -> str:
    """The profile for a caption: its name, or the nearest one's and what was changed: ``smoke`` with ``epochs=1``."""
    base, different = nearest(config)
    changes = ", ".join(f"`{name}={value}`" for name, value in different.items())
    return f"profile `{base.name}`" + (f" with {changes}" if changes else "")


def train_command(
    corpus: str,
    variants: Iterable[str],
    protocol: str,
    profile: str,
    settings: Mapping[str, Any] | None = None,
    folds: Iterable[int] = (),
    exclude: str = "",
) -> str:
    """The ``bnet train`` command of some runs: `settings` are those changed in the profile; no `folds`: all of them."""
    words = f"bnet train --corpus {corpus} --variant {','.join(variants)} --protocol {protocol} --profile {profile}"
    words += "".join(f" --set {name}={value}" for name, value in (settings or {}).items())
    words += "".join(f" --fold {fold}" for fold in folds)
    return words + (f" --exclude {exclude}" if exclude else "")


def command(config: Config, variants: Sequence[str] = (), *, fold: bool = True) -> str:
    """The command that makes a run; of other `variants` with the same settings; without `fold`, all their folds."""
    base, different = nearest(config)
    folds = [config.fold] if fold else []
    names = variants or [config.variant]
    return train_command(config.corpus, names, config.protocol, base.name, different, folds, config.exclude)


_ALIKE = {
    "corpus_fingerprint": "sets of clips",
    "corpus_source": "sources of the clips",
    "features": "front ends",
}
"""What all records of a report share, though their profile does not say it -> in words."""


def check_alike(some: Sequence[Record], results: Path) -> None:
    """Refuse, by a `BnetError`, records that no table may hold together: other clips or front ends, or one fold."""
    seen: dict[tuple[str, int], str] = {}
    for record in some:
        key = (record.config.variant, record.config.fold)
        if key in seen:
            raise BnetError(
                f"two records claim fold {key[1]} of {key[0]}: {seen[key]} and {record.name}, made with different "
                "settings; keep one of them in the results folder"
            )
        seen[key] = record.name
    for key, what in _ALIKE.items():
        copies = {getattr(record.config, key): record for record in some}
        if len(copies) > 1:
            one, other = [*copies.values()][:2]
            raise BnetError(
                f"records of {one.config.corpus} were made on {len(copies)} different {what}, such as {one.name} and "
                f"{other.name}; keep those of one in {results}"
            )


def check_profile(record: Record) -> None:
    """Refuse, by a `BnetError`, a record whose settings are not those of the profile that it names."""
    profile = PROFILES.get(record.config.profile)
    for key, theirs in changed(record.config, profile).items() if profile else ():
        raise BnetError(
            f"{record.name} was made with {key} = {theirs}, but profile {profile.name!r} has {profile.to_dict()[key]}: "
            "it belongs to another version of the profile; move it out of the results folder and run it again"
        )
