"""What a run is: one frozen configuration, hashed, saved and printed, and the profiles that fill it.

Its hash covers everything that decides the result: the corpus's tracks and what makes their audio, the features, the
network, the protocol, the fold, the seed and the training settings; not paths, workers or verbosity.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from dataclasses import dataclass
from typing import Any, get_type_hints

from bnet.errors import BnetError, unknown
from bnet.paths import sha256

SCHEDULES = ("plateau", "cosine")
PRECISIONS = ("float32", "tf32", "bfloat16")
"""Arithmetic of the network. ``tf32``: float32 whose products take 10 bits of mantissa, on an NVIDIA GPU; ``bfloat16``:
maps have 7 bits, weights, their updates and all statistics stay float32 (Keras's ``mixed_bfloat16``)."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How much is trained, and how: a profile decides it, a run records it.

    Parameters
    ----------
    epochs, batch_size, learning_rate
        At most so many passes; clips per step; Adam's (highest) rate.
    max_per_class
        At most so many tracks of a class, by a seeded order; 0 for all.
    clip_seconds
        Length of a clip, in seconds.
    schedule, plateau_patience, plateau_factor, warmup_epochs
        ``plateau``: the rate is multiplied by `plateau_factor` when the training loss stalls for `plateau_patience`
        epochs, as in the paper; ``cosine``: it rises over `warmup_epochs`, then falls to zero along a cosine.
    seed
        Of the initial weights, of the order of clips, and of the splits; under ``official``, whose split is fixed, fold
        k trains with seed + k (`Config.training_seed`).
    stop_patience, stop_min_delta
        Training stops when its loss has not fallen by `stop_min_delta` for so many epochs; 0 epochs: never.
    precision
        Of the arithmetic, one of `PRECISIONS`. All but ``float32`` change the results by more than rounding in another
        order does, and make a run of another name.
    """

    max_per_class: int = 0
    clip_seconds: float = 30.0
    seed: int = 0
    epochs: int
    batch_size: int = 8
    learning_rate: float = 0.004
    schedule: str = "cosine"
    plateau_patience: int = 3
    plateau_factor: float = 0.5
    warmup_epochs: float = 1.0
    stop_patience: int = 0
    stop_min_delta: float = 0.01
    precision: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Config:
    """One run: corpus x variant x protocol x fold x profile.

    Parameters
    ----------
    corpus, corpus_fingerprint, corpus_source
        Name; SHA-256 of the selected tracks (id, label, group); what renders their audio ('' for files).
    features
        The log-mel's settings as canonical JSON (`bnet.sound.log_mel.FeatureSettings`).
    variant, architecture
        The network's name, and the row that defines it as canonical JSON ('' for a baseline).
    protocol, fold, folds
        How tracks are split (`bnet.corpora.splits`), which fold this is (from 0), and of how many.
    profile, training
        Name of the row of `PROFILES`, or ``custom`` where a setting was changed by hand; and its settings.
    exclude
        Kinds of clips that were left out (`bnet.corpora.FLAWS`), sorted, comma-separated.
    """

    corpus: str
    corpus_fingerprint: str
    corpus_source: str
    features: str
    variant: str
    architecture: str
    protocol: str
    fold: int
    folds: int
    profile: str
    training: Training
    exclude: str = ""

    def hash(self) -> str:
        """SHA-256 of the configuration as canonical JSON."""
        return sha256(self.to_json())

    @property
    def training_seed(self) -> int:
        """The seed of the initial weights and of the order of clips."""
        return self.training.seed + (self.fold if self.protocol == "official" else 0)

    @property
    def run_name(self) -> str:
        """The readable name of the run's folder, with ten digits of the hash."""
        return f"{self.variant}-{self.protocol}-{self.fold}-{self.profile}-{self.hash()[:10]}"

    def to_dict(self) -> dict[str, Any]:
        """The configuration as one flat mapping of plain values, as records hold it."""
        values = dataclasses.asdict(self)
        return {**values.pop("training"), **values}

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces; without what `_LATER` names."""
        values = {key: value for key, value in self.to_dict().items() if value != _LATER.get(key, ...)}
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        """The configuration of a record; a `BnetError` names unknown and missing keys, and what should be a number."""
        types, inner = _types(cls), _types(Training)
        known = {key: kind for key, kind in {**types, **inner}.items() if key != "training"}
        extra, missing = sorted(set(values) - set(known)), sorted(set(known) - set(values) - set(_LATER))
        if extra or missing:
            raise BnetError(f"not a configuration of this version: unknown keys {extra}, missing keys {missing}")
        found = {key: convert(key, value, known[key]) for key, value in values.items()}
        training = Training(**{key: found.pop(key) for key in inner if key in found})
        return cls(**found, training=training)


_types = functools.cache(get_type_hints)

_LATER = {"exclude": "", "precision": "float32"}
"""Fields that came after the first records: left out of the JSON at these values, so that hashes stay."""


def convert(key: str, value: Any, kind: type) -> Any:
    """`value` as `kind` (int, float or str); a `BnetError` that names the key where it is not one."""
    try:
        if isinstance(value, bool) or (kind is int and float(value) != int(float(value))):
            raise ValueError
        return kind(float(value)) if kind is int else kind(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BnetError(f"setting {key} is {value!r}; expected {kind.__name__}") from error


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How much work: a row of `PROFILES`.

    `holdouts` and `groups` are the numbers of folds of the protocols, `repeats` how often a corpus's own split is
    trained on, each time from other weights; `run_folds` how many of them a plain `bnet train` runs (0: all).
    """

    name: str
    purpose: str
    training: Training
    holdouts: int = 10
    groups: int = 5
    repeats: int = 3
    run_folds: int = 0

    def folds(self, protocol: str) -> int:
        """How many folds `protocol` has under this profile."""
        return {"holdout": self.holdouts, "official": self.repeats}.get(protocol, self.groups)

    def folds_to_run(self, protocol: str) -> range:
        """The folds that a plain `bnet train` runs."""
        return range(min(self.run_folds or self.folds(protocol), self.folds(protocol)))

    def changed(self, **settings: Any) -> Profile:
        """This profile with other values of its settings, those of training among them."""
        inner = {key: settings.pop(key) for key in [*settings] if hasattr(self.training, key)}
        return dataclasses.replace(self, training=dataclasses.replace(self.training, **inner), **settings)

    def to_dict(self) -> dict[str, Any]:
        """The profile as one flat mapping of plain values."""
        values = dataclasses.asdict(self)
        return {**values.pop("training"), **values}


_ROWS = (
    Profile(
        name="smoke",
        purpose="minutes on two cores: does everything work, does a network learn at all",
        training=Training(max_per_class=200, clip_seconds=5.0, epochs=2, warmup_epochs=0.5),
        run_folds=1,
    ),
    Profile(
        name="laptop",
        purpose="hours on two cores: shorter clips and fewer epochs than the paper's, on a schedule of its own",
        training=Training(max_per_class=200, clip_seconds=10.0, epochs=4),
    ),
    Profile(
        name="evening",
        purpose="an evening on two cores for a table of networks: 10 epochs on 10 s of every clip",
        training=Training(clip_seconds=10.0, epochs=10),
    ),
    Profile(
        name="desktop",
        purpose="days on two cores: all clips at full length, in a fifth of the paper's epochs",
        training=Training(epochs=20),
    ),
    Profile(
        name="gpu",
        purpose="as desktop, in TF32 on an NVIDIA GPU",
        training=Training(epochs=20, precision="tf32"),
    ),
    Profile(
        name="paper",
        purpose="the paper's protocol in full, for a GPU (section III-C and the published notebooks)",
        training=Training(epochs=100, learning_rate=0.01, schedule="plateau", stop_patience=10),
    ),
)

PROFILES = {row.name: row for row in _ROWS}
_ABOVE_0 = ("clip_seconds", "epochs", "learning_rate", "batch_size", "plateau_patience", "plateau_factor")
_LEAST = {"holdouts": 2, "groups": 2, "repeats": 1}
_BELOW = {"plateau_factor": 1, "seed": 2**31}  # seeds of folds count on from it, and scikit-learn takes 32 bits


def get_profile(name: str, settings: dict[str, str] | None = None) -> Profile:
    """The profile called `name`, with `settings` changed by hand (it is then called ``custom``).

    A `BnetError` says that the profile or a setting is unknown, or a value is of a wrong type or out of range.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    if not settings:
        return PROFILES[name]
    types = {**_types(Training), **_types(Profile)}
    types = {key: kind for key, kind in types.items() if key not in ("name", "purpose", "training")}
    if strange := settings.keys() - types:
        raise unknown("setting", min(strange), types)
    values = {key: convert(key, value, types[key]) for key, value in settings.items()}
    for key, value in values.items():
        if key in _ABOVE_0 and not value > 0:
            raise BnetError(f"setting {key} is {value}; expected more than 0")
        least, below = _LEAST.get(key, 0), _BELOW.get(key, math.inf)
        if not isinstance(value, str) and not least <= value < below:
            raise BnetError(f"setting {key} is {value}; expected {least} or more, less than {below}")
    for key, known in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
        if values.get(key, known[0]) not in known:
            raise unknown(key, values[key], known)
    return PROFILES[name].changed(name="custom", purpose=f"{name} with {settings}", **values)
