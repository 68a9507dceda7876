"""The committed records: whole, of one profile a table, of this corpus, and better than the largest class."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnet import records, tables
from bnet.corpora import CORPORA, fingerprint, select
from bnet.models import VARIANTS

RESULTS = Path(__file__).resolve().parents[1] / "results"


@pytest.fixture(scope="module")
def committed() -> list[records.Record]:
    found = records.find(RESULTS)
    if not found:
        pytest.skip("no records are committed")
    return found


def test_records_are_of_the_corpora_as_they_are(committed):
    for record in committed:
        config = record.config
        corpus = CORPORA[config.corpus]
        tracks = select(corpus.tracks(), config.max_per_class or None, seed=config.seed)
        assert config.corpus_fingerprint == fingerprint(tracks), record.name
        assert config.corpus_source == corpus.source, record.name


def test_records_know_their_commit_and_machine(committed):
    for record in committed:
        made = record.run["made"]
        assert len(made["commit"]) == 40
        assert made["changed"] is False, f"{record.name} was made with uncommitted code"
        assert made["machine"]["cores"] > 0


def test_networks_beat_the_largest_class_on_the_same_fold(committed):
    table = tables.scores(committed)
    keys = ["corpus", "profile", "protocol", "fold"]
    majority = table[table["variant"] == "majority"].set_index(keys)["accuracy"]
    networks = table[table["variant"].isin(VARIANTS)]
    for row in networks.to_dict("records"):
        assert row["accuracy"] > majority[tuple(row[key] for key in keys)], row["run"]
