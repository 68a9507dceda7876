"""The committed records: whole, of one profile a table, of this corpus, and better than the largest class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnet.audit import agreement, tables
from bnet.audit.outside import read_all
from bnet.corpora import CORPORA, fingerprint, select
from bnet.corpora.files import FileCorpus
from bnet.models import VARIANTS
from bnet.runs import jobs, records
from bnet.training.config import get_profile

RESULTS = Path(__file__).resolve().parents[1] / "results"
AGAIN = ("majority", "svm-timbre", "svm-rhythm", "1-block")
"""What is run again: the baselines, and the cheapest network."""


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
        if isinstance(corpus, FileCorpus):  # whose files are not part of the checkout
            continue
        tracks = select(corpus.tracks(), config.training.max_per_class or None, seed=config.training.seed)
        assert config.corpus_fingerprint == fingerprint(tracks), record.name
        assert config.corpus_source == corpus.source, record.name


def test_records_know_their_commit_and_machine(committed):
    for record in committed:
        made = record.run["made"]
        assert len(made["commit"]) == 40
        assert made["changed"] is False, f"{record.name} was made with uncommitted code"
        assert made["machine"]["cores"] > 0


def test_records_of_music_from_outside_are_whole_and_know_their_commit():
    found = read_all(RESULTS)
    for heard in found:
        assert len(heard.about["made"]["commit"]) == 40
        assert heard.about["made"]["changed"] is False, f"{heard.path.name} was made with uncommitted code"
        assert len(heard.table) == heard.about["clips"]
        np.testing.assert_allclose(heard.probabilities.sum(axis=1), 1, atol=1e-4)
        corpus = CORPORA[heard.corpus]
        if not isinstance(corpus, FileCorpus):
            tracks = select(corpus.tracks(), heard.about["corpus"]["per_class"])
            assert heard.about["corpus"]["fingerprint"] == fingerprint(tracks)
            assert heard.about["corpus"]["source"] == corpus.source
    if not found:
        pytest.skip("no records of music from outside are committed")


def test_networks_beat_the_largest_class_on_the_same_fold(committed):
    table = tables.scores(committed)
    keys = ["corpus", "profile", "protocol", "fold"]
    majority = table[table["variant"] == "majority"].set_index(keys)["accuracy"]
    networks = table[table["variant"].isin(VARIANTS)]
    for row in networks.to_dict("records"):
        assert row["accuracy"] > majority[tuple(row[key] for key in keys)], row["run"]


def test_a_fold_run_again_gives_what_is_committed(committed, tmp_path):
    """From rendering to record. Everywhere: equal configuration, clips, folds and classes, and accuracies that agree.

    Floating point may round otherwise on another processor, so equal bits are asked for only where machine, versions,
    features and the way to compute a training step are those of the record.
    """
    kept = {
        record.config.variant: record
        for record in committed
        if (record.config.corpus, record.config.profile, record.config.fold) == ("tunes", "smoke", 0)
        and record.config.variant in AGAIN
    }
    if set(kept) != set(AGAIN):
        pytest.skip(f"no smoke records of {', '.join(AGAIN)} are committed")
    todo = jobs.jobs("tunes", AGAIN, "grouped", get_profile("smoke"), [0])
    assert {job.config.run_name for job in todo} == {record.name for record in kept.values()}
    again = {record.config.variant: record for record in jobs.run_all(todo, tmp_path / "again", log=lambda text: None)}
    rows = agreement.compare(RESULTS, tmp_path / "again", corpus="tunes", profile="smoke").set_index("network")
    for name, record in kept.items():
        other = again[name]
        assert (other.run["hash"], other.labels) == (record.run["hash"], record.labels)
        for key in ("split_checksum", "tracks", "lost"):
            assert other.run["data"][key] == record.run["data"][key]
        for part in ("validation", "test"):
            (ids, truth, _), (ids_again, truth_again, _) = record.arrays(part), other.arrays(part)
            assert ids == ids_again
            assert (truth == truth_again).all()
        assert rows["state"][name] in ("identical", "agrees"), rows.loc[name]
        if _same_bits(record, other):
            assert other.identity() == record.identity()


def _same_bits(record: records.Record, other: records.Record) -> bool:
    """Whether the two were made in the same way by the same software on the same kind of machine."""
    one, two = record.run, other.run
    made = ("machine", "device", "backend", "versions", "execution")
    return one["data"]["features_checksum"] == two["data"]["features_checksum"] and all(
        one["made"].get(key) == two["made"].get(key) for key in made
    )
