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
from bnet.training.config import PROFILES, Config, Profile

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
    """The profile of a run (where it is none of `PROFILES`, that from which it differs in the fewest settings), and the
    settings in which it differs."""
    base = PROFILES.get(config.profile) or min(PROFILES.values(), key=lambda profile: len(changed(config, profile)))
    return base, changed(config, base)


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


def same_clips(one: Record, other: Record) -> bool:
    """Whether two runs of one fold were made on the same clips, parted alike. A fingerprint of a corpus also knows its
    own parts (GTZAN's three lists may come later), which only the protocol ``official`` looks at."""
    if one.config.corpus_fingerprint == other.config.corpus_fingerprint:
        return True
    splits = {record.run["data"].get("split_checksum") for record in (one, other)}
    return len(splits) == 1 and None not in splits and one.config.protocol == other.config.protocol != "official"


def _of_one_copy(some: Sequence[Record]) -> bool:
    """Whether records with other fingerprints have folds in common, and in these the `same_clips`."""
    copies: dict[str, dict[int, Record]] = {}
    for record in some:
        copies.setdefault(record.config.corpus_fingerprint, {})[record.config.fold] = record
    first, *others = copies.values()
    pairs = [[(first[fold], other[fold]) for fold in first.keys() & other.keys()] for other in others]
    return all(common and all(same_clips(*pair) for pair in common) for common in pairs)


def check(some: Sequence[Record], results: Path) -> None:
    """Refuse, by a `BnetError`, records that no table may hold together: two of one fold, of other clips or front ends,
    or with settings that are not those of the profile that they name."""
    seen: dict[tuple[str, int], str] = {}
    for record in some:
        profile, fold = PROFILES.get(record.config.profile), (record.config.variant, record.config.fold)
        for key, theirs in changed(record.config, profile).items() if profile else ():
            raise BnetError(
                f"{record.name} was made with {key} = {theirs}, but profile {profile.name!r} has "
                f"{profile.to_dict()[key]}: it belongs to another version of the profile; move it out of the results "
                "folder and run it again"
            )
        if fold in seen:
            raise BnetError(
                f"two records claim fold {fold[1]} of {fold[0]}: {seen[fold]} and {record.name}, made with different "
                "settings; keep one of them in the results folder"
            )
        seen[fold] = record.name
    for key, what in _ALIKE.items():
        copies = {getattr(record.config, key): record for record in some}
        if len(copies) > 1 and not (key == "corpus_fingerprint" and _of_one_copy(some)):
            one, other = [*copies.values()][:2]
            raise BnetError(
                f"records of {one.config.corpus} were made on {len(copies)} different {what}, such as {one.name} and "
                f"{other.name}; keep those of one in {results}"
            )
