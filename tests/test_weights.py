"""Weights as plain arrays, and the networks that come with the package."""

import json
import tomllib

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bnet import cli
from bnet.corpora import SR, get_corpus
from bnet.deploy import networks
from bnet.errors import BnetError
from bnet.models import build
from bnet.paths import project_dir
from bnet.runs import records, weights
from bnet.sound.log_mel import frames
from bnet.sound.pictures import pixels
from bnet.statistics.metrics import accuracy
from bnet.training.fit import predict


@pytest.fixture(scope="module")
def corpus():
    return get_corpus("tunes")


def test_saved_weights_come_back(tmp_path):
    one, other = build("bbnn", 3, 32), build("bbnn", 3, 32)
    weights.save(one, tmp_path / "w.npz")
    weights.load(other, tmp_path / "w.npz")
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "w.npz"
    weights.save(build("bbnn", 3, 32), path)
    with pytest.raises(ValueError, match=r"shape .* where .* has"):
        weights.load(build("bbnn", 4, 32), path)
    with pytest.raises(ValueError, match="arrays, where the network has"):
        weights.load(build("proposed", 3, 32), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a whole file"):
        weights.load(build("bbnn", 3, 32), path)


def test_shipped_networks_are_whole_records_below_one_megabyte():
    assert [record.config.variant for record in networks.shipped("tunes")] == ["proposed", "bbnn"]
    assert [record.folder.parent.name for record in networks.shipped("gtzan-images")] == [networks.GENRES]
    for record in networks.shipped():
        assert record.weights.name == records.PLAIN_WEIGHTS
        assert record.weights.stat().st_size < 1_000_000
        assert record.config.corpus in networks.LIMITS
    with pytest.raises(BnetError, match="unknown shipped network 'lstm'"):
        networks.shipped_run("lstm")


def test_shipped_proposed_is_the_best_of_its_folds_by_validation():
    """Of the grouped folds of its profile that stand in results/; the other network is of the same fold."""
    chosen = networks.shipped_run("proposed")
    protocol = {"variant": "proposed", "protocol": chosen.config.protocol, "profile": chosen.config.profile}
    found = records.find(project_dir() / "results", corpus="tunes", **protocol)
    scores = {record.name: accuracy(*record.arrays("validation")[1:]) for record in found}
    assert len(scores) == 5
    assert max(scores, key=scores.get) == chosen.name
    assert networks.shipped_run("bbnn").config.fold == chosen.config.fold


@pytest.mark.parametrize("network", ["proposed", "bbnn"])
def test_shipped_weights_answer_as_their_record(network, corpus):
    """The probabilities of test tracks, made again from sound, are those that the record holds."""
    from bnet.sound.log_mel import fit, log_mel

    record = networks.shipped_run(network)
    ids, _, probabilities = record.arrays("test")
    tracks = {track.track_id: track for track in corpus.tracks()}
    seconds = record.config.training.clip_seconds
    clips = np.stack([log_mel(fit(corpus.audio(tracks[name], seconds), seconds)) for name in ids[:6]])
    assert clips.shape[1:] == (frames(seconds), 128)
    np.testing.assert_allclose(predict(weights.load_network(record), clips), probabilities[:6], atol=1e-3)


def test_the_shipped_network_for_genres_is_a_committed_run_and_answers_as_its_record():
    """From the pictures of test clips: the probabilities that the record holds."""
    record = networks.shipped_run()
    assert records.read(project_dir() / "results" / "gtzan-images" / record.name).identity() == record.identity()
    spectrograms = project_dir().parent / "shared" / "corpora" / "gtzan-images" / "spectrograms"
    if not spectrograms.is_dir():
        pytest.skip("../shared/corpora/gtzan-images is absent")
    ids, _, probabilities = record.arrays("test")
    front_end = record.front_end
    paths = [spectrograms / name.split(".")[0] / f"{name}.png" for name in ids[:6]]
    clips = np.stack([front_end.read(pixels(path, front_end), path) for path in paths])
    assert clips.shape[1:] == (387, 128)
    np.testing.assert_allclose(predict(weights.load_network(record), clips), probabilities[:6], atol=1e-3)


def test_a_run_is_taken_by_name_never_by_accuracy(tmp_path):
    """However well a run on two classes does, it answers only where it is named."""
    assert networks.find_run(project_dir() / "results").folder.parent.name == networks.GENRES
    with pytest.raises(BnetError, match="no trained network named 'none'"):
        networks.find_run(tmp_path, "none")


def test_predict_answers_at_once_where_nothing_was_trained(tmp_path, monkeypatch):
    monkeypatch.setenv("BNET_RESULTS", str(tmp_path / "none"))
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "x.wav", 0.1 * rng.standard_normal(3 * SR), SR)
    done = CliRunner().invoke(cli.app, ["predict", str(tmp_path / "x.wav"), "--json"])
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["run"] == networks.shipped_run().name
    assert set(answer["files"][0]["probabilities"]) == set(networks.shipped_run().labels)
    assert "GTZAN" in done.stderr
    assert networks.find_run(tmp_path / "none", "shipped/bbnn").config.variant == "bbnn"


def test_a_run_is_shipped_whole_in_place_of_another(tmp_path, monkeypatch):
    record = networks.shipped_run("bbnn")
    monkeypatch.setattr(networks, "SHIPPED", tmp_path)
    (tmp_path / "bbnn" / "another").mkdir(parents=True)
    done = networks.ship(networks.ship(record))  # that of the same name too
    assert done.identity() == record.identity()
    assert [path.name for path in (tmp_path / "bbnn").iterdir()] == [record.name]
    with np.load(record.weights) as old, np.load(done.weights) as new:
        assert old.files == new.files
        assert all(np.array_equal(old[name], new[name]) for name in old.files)


def test_shipped_files_are_package_data():
    """What `pip install .` would take: the patterns of pyproject.toml find the weights."""
    root = networks.SHIPPED.parents[2]
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["bnet.deploy"]
    taken = {path for pattern in patterns for path in (root / "bnet" / "deploy").glob(pattern)}
    assert {record.weights for record in networks.shipped()} <= taken
