"""Records made up for tests of what pages say: no sound, no training; seeded answers of a wanted accuracy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.corpora import get_corpus
from bnet.runs import jobs, records
from bnet.runs.records import Record
from bnet.training.baselines import BASELINES
from bnet.training.config import PROFILES, Config

MADE = {
    "started": "2026-01-01T00:00:00+00:00", "wall_s": 60.0, "commit": "0" * 40, "changed": False,
    "device": {"name": "a machine that was made up"}, "machine": {"cores": 2, "memory_gib": 8.0},
    "backend": "tensorflow", "execution": {"step": "lean: made up"},
}  # fmt: skip


def write_record(
    results: Path, corpus: str, variant: str, fold: int = 0, *, right: float = 0.6, protocol: str = "holdout",
    profile: str = "laptop", clips: int = 100, **changed,
) -> Record:  # fmt: skip
    """Write one record: `right` is the share of its test clips that are classified correctly, up to chance.

    Test parts are clips of the corpus's classes in turn; under ``official`` the same ones in every fold. The fold draws
    which clips are hard for every network, the network's name the rest. `changed` are fields of the configuration.
    """
    found, training = get_corpus(corpus), PROFILES[profile].training
    config = Config.from_dict(
        {**dataclasses.asdict(training), "profile": profile, "clip_seconds": jobs.clip_seconds(found, training)}
        | {"corpus": corpus, "corpus_fingerprint": "made up", "corpus_source": "", "features": "{}"}
        | {"variant": variant, "architecture": "" if variant in BASELINES else "made up"}
        | {"protocol": protocol, "fold": fold, "folds": PROFILES[profile].folds(protocol)}
        | changed
    )
    labels = list(found.labels)
    first = 0 if protocol == "official" else 1000 * fold
    truth = np.arange(clips) % len(labels)
    own = np.random.default_rng([fold, *variant.encode()])
    hard = np.random.default_rng(first).random(clips)
    ease = hard + own.random(clips)
    correct = ease > np.quantile(ease, 1 - right)
    answer = np.where(correct, truth, (truth + own.integers(1, len(labels), clips)) % len(labels))
    table = pd.DataFrame(np.eye(len(labels))[answer] * 0.8 + 0.2 / len(labels), columns=labels)
    table.insert(0, "label", [labels[i] for i in truth])
    table.insert(0, "track_id", [f"t{first + i:05d}" for i in range(clips)])
    parts = [table.assign(part=part)[["part", *table.columns]] for part in ("validation", "test")]
    rising = np.linspace(0.3, 0.9, 4) + 0.01 * own.random(4)
    history = pd.DataFrame({"epoch": range(1, 5), "loss": 2 - rising, "accuracy": rising})
    history = history.assign(val_loss=2.2 - rising, val_accuracy=rising - 0.1)
    return records.write(
        results / corpus / config.run_name, config, labels, pd.concat(parts),
        history if config.architecture else pd.DataFrame(),
        data={"tracks": {"train": 8 * clips, "validation": clips, "test": clips}, "lost": {}}, notes={}, made=MADE,
    )  # fmt: skip
