"""Probes: changed sound is what it says, what is taken out is out, answers are kept, tables tell what they hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import Tones
from typer.testing import CliRunner

from bnet import backend, cli
from bnet.audit import plots, tables
from bnet.audit.answers import DamagedAnswers
from bnet.audit.probes import PROBES, changes, chosen, inside, reading, run, text
from bnet.audit.probes.bench import Bench
from bnet.audit.probes.reading import path_of, read
from bnet.corpora import CORPORA, SR, Corpus, get_corpus
from bnet.corpora.pictures import GTZAN_IMAGES
from bnet.corpora.store import FeatureStore
from bnet.deploy.networks import find_run
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant, get_variant
from bnet.runs import jobs, records
from bnet.sound.log_mel import FeatureSettings
from bnet.sound.log_mel import frames as frames_of
from bnet.training.config import get_profile

backend.prepare()

TINY = Variant("tiny", "Tiny", ("norm conv1x1", "pool3x3 norm conv1x1"), 2, filters=4)
PAPERS = FeatureSettings()
PROFILE = get_profile("smoke", {"clip_seconds": "1", "epochs": "2", "groups": "3", "batch_size": "8"})


def quiet(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Features of the miniature corpus, and records of a tiny network and of an SVM, below one folder."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BNET_CACHE", str(folder / "cache"))
        patch.setitem(CORPORA, "tones", Tones())
        patch.setitem(VARIANTS, "tiny", TINY)
        todo = jobs.jobs("tones", ["tiny", "svm-timbre"], "grouped", PROFILE, [0])
        jobs.run_all(todo, folder / "results", workers=1, log=quiet)
    return folder


def copied(trained: Path, tmp_path: Path, variant: str):
    """The record of one of them, in the test's own folder, with the features."""
    shutil.copytree(trained / "cache", tmp_path / "cache", dirs_exist_ok=True)
    run = next((trained / "results" / "tones").glob(f"{variant}-*"))
    return records.read(shutil.copytree(run, tmp_path / "results" / "tones" / run.name))


@pytest.fixture
def network(tones, trained, tmp_path, monkeypatch):
    """A tiny network, trained."""
    monkeypatch.setitem(VARIANTS, "tiny", TINY)
    return copied(trained, tmp_path, "tiny")


@pytest.fixture
def timbre(tones, trained, tmp_path):
    """The SVM that knows means and spreads of bands, and nothing of time."""
    return copied(trained, tmp_path, "svm-timbre")


# --- changed sound


@pytest.fixture(scope="module")
def track():
    return {track.track_id: track for track in get_corpus("tunes").tracks()}["oneills-1200"]


@pytest.mark.parametrize("name", ["tunes", "tunes-free"])
def test_played_again_without_a_change_is_the_same_sound(name, track):
    corpus = get_corpus(name)
    np.testing.assert_array_equal(changes.replayed(corpus, 10.0).audio(track, 10.0), corpus.audio(track, 10.0))


@pytest.mark.parametrize("tempo", [0.88, 0.94, 1.06, 1.12])
def test_another_tempo_begins_at_the_same_place_of_the_tune(tempo):
    """In bars from the beginning, for tunes longer and shorter than the clip."""
    from bnet.corpora.tunes.rendering import read_melody, whole_bars

    corpus = get_corpus("tunes")
    for track in corpus.tracks()[::200]:
        tune, now = corpus.tune(track.track_id), corpus.performance(track.track_id)
        then = changes.replayed(corpus, 10.0, tempo=tempo).performance(track.track_id)
        assert then.bar_seconds == pytest.approx(now.bar_seconds / tempo)
        assert (then.program, then.transposition, then.gain_db) == (now.program, now.transposition, now.gain_db)
        bars = whole_bars(read_melody(tune.abc, tune.track_id), tune.bar_quarters) / tune.bar_quarters
        start = [
            played.place * (period - 10 if period > 10 else period) / played.bar_seconds
            for played in (now, then)
            for period in [bars * played.bar_seconds]
        ]
        assert start[0] == pytest.approx(start[1])


def test_a_longer_clip_goes_on_where_the_clip_ends(track):
    """A clip of 20 s is that of 10 s and then more: equal but for the level of its peak, and the faded end."""
    corpus = get_corpus("tunes")
    short, long = corpus.audio(track, 10.0), changes.replayed(corpus, 10.0, seconds=20.0).audio(track, 20.0)
    n = round(9.9 * SR)
    scale = short[:n] @ long[:n] / (long[:n] @ long[:n])
    assert np.abs(short[:n] - scale * long[:n]).max() < 2e-4


def test_another_pitch_moves_the_spectrum_by_semitones(track):
    """On a scale of semitones the spectrum of the clip five semitones up fits best when moved by five."""
    corpus = get_corpus("tunes")
    edges = 110 * 2 ** ((np.arange(61) - 0.5) / 12)
    rows = []
    for semitones in (0, 5):
        y = changes.replayed(corpus, 10.0, semitones=semitones).audio(track, 10.0)
        power, at = np.abs(np.fft.rfft(y)) ** 2, np.fft.rfftfreq(len(y), 1 / SR)
        rows.append(np.histogram(at, edges, weights=power)[0])
    fits = [np.corrcoef(rows[0][: 60 - lag], rows[1][lag:])[0, 1] for lag in range(12)]
    assert int(np.argmax(fits)) == 5
    assert fits[5] > 0.8


def test_level_and_clipping(tones):
    track = tones.tracks()[0]
    y = tones.audio(track, 1.0)
    np.testing.assert_allclose(changes.louder(tones, -20).audio(track, 1.0), 0.1 * y, atol=1e-7)
    loud = changes.louder(tones, 10).audio(track, 1.0)
    assert np.abs(loud).max() == 1
    assert (np.abs(loud) == 1).sum() == (np.abs(y) * np.float32(10**0.5) >= 1).sum()


@pytest.mark.parametrize("snr", [30, 10])
def test_noise_has_the_ratio_it_says_and_is_the_same_again(tones, snr):
    one, two = tones.tracks()[:2]
    y, corpus = tones.audio(one, 1.0), changes.noisy(tones, snr)
    noise = corpus.audio(one, 1.0) - y
    assert 10 * np.log10(np.mean(y**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.2)
    np.testing.assert_array_equal(corpus.audio(one, 1.0) - y, noise)
    assert abs(np.corrcoef(noise, corpus.audio(two, 1.0) - tones.audio(two, 1.0))[0, 1]) < 0.05


@pytest.mark.parametrize("kbps", [64, 32])
def test_mp3_has_the_bit_rate_asked_for(track, kbps):
    y = get_corpus("tunes").audio(track, 10.0)
    assert len(changes.encode_mp3(y, kbps)) * 8 / 10_000 == pytest.approx(kbps, rel=0.02)
    back = changes.through_mp3(get_corpus("tunes"), kbps).audio(track, 10.0)
    assert back.shape == y.shape
    fits = [np.corrcoef(back[1000 + lag : -1000], y[1000 : len(y) - 1000 - lag])[0, 1] for lag in range(-5, 6)]
    assert int(np.argmax(fits)) == 5  # not a sample late
    assert 0.97 < fits[5] < 1


def test_files_are_stretched_and_shifted_by_librosa(tones):
    """What pulses 8 times a second pulses 12 times at tempo 1.5; the tone moves by an octave, not its pulse."""
    track = next(track for track in tones.tracks() if track.label == "fast")
    was = tones.audio(track, 2.0)
    fast = changes.replayed(tones, 2.0, tempo=1.5).audio(track, 2.0)
    high = changes.replayed(tones, 2.0, semitones=12).audio(track, 2.0)
    assert fast.shape == high.shape == was.shape

    def strongest(y: np.ndarray, low: float, high: float) -> float:
        spectrum, at = np.abs(np.fft.rfft(y)), np.fft.rfftfreq(len(y), 1 / SR)
        inside = (at >= low) & (at < high)
        return float(at[inside][spectrum[inside].argmax()])

    assert strongest(np.abs(was), 2, 20) == pytest.approx(8, abs=0.6)
    assert strongest(np.abs(fast), 2, 20) == pytest.approx(12, abs=0.6)
    assert strongest(high, 100, 2000) == pytest.approx(2 * strongest(was, 100, 2000), rel=0.05)
    assert strongest(np.abs(high), 2, 20) == pytest.approx(8, abs=0.6)


def test_every_change_has_features_of_its_own(tones):
    changed = [
        changes.louder(tones, 1),
        changes.louder(tones, 2),
        changes.noisy(tones, 1),
        changes.through_mp3(tones, 64),
    ]
    changed += [changes.replayed(tones, 1.0, tempo=1.1), changes.replayed(tones, 1.0, semitones=1), tones]
    assert len({FeatureStore(corpus, 1.0).folder for corpus in changed}) == 7
    tunes = get_corpus("tunes")
    again = [changes.replayed(tunes, 10.0, tempo=tempo, semitones=n) for tempo in (1, 1.06) for n in (0, 1)]
    assert len({FeatureStore(corpus, 10.0).folder for corpus in [tunes, *again]}) == 5


def test_changed_log_mels():
    log_mel = np.random.default_rng(0).normal(size=(100, 128)).astype("float32")
    quiet = changes.muted(log_mel, "a", "mid", PAPERS)
    assert (quiet[:, 43:85] == log_mel.min()).all()
    np.testing.assert_array_equal(quiet[:, :43], log_mel[:, :43])
    np.testing.assert_array_equal(quiet[:, 85:], log_mel[:, 85:])
    ranges = [changes.band_range(band, 128) for band in changes.BANDS]
    assert ranges == [(0, 43), (43, 85), (85, 128)]
    for seconds in (0, 0.5):
        mixed = changes.shuffled(log_mel, "a", seconds, PAPERS)
        np.testing.assert_array_equal(np.sort(mixed, axis=0), np.sort(log_mel, axis=0))
        np.testing.assert_array_equal(mixed, changes.shuffled(log_mel, "a", seconds, PAPERS))
        assert not np.array_equal(mixed, log_mel)
        assert not np.array_equal(mixed, changes.shuffled(log_mel, "b", seconds, PAPERS))


# --- inside


@pytest.mark.parametrize("name", ["bbnn", "proposed", "inception-resnet", "xception", "squeeze-excitation"])
def test_places_are_layers_of_every_network(name):
    from bnet.audit.probes.inside import last_layer
    from bnet.models import build

    row = get_variant(name)
    model = build(row, 3, 54)
    layers = {place: last_layer(model, place) for place in (*inside.blocks(row), *inside.branches(row))}
    assert len(set(layers.values())) == len(layers)
    assert bool(inside.branches(row)) == (len(row.branches) > 1)
    for place, layer in layers.items():
        assert layer == place or layer.startswith(f"{place}_")
    for block in inside.blocks(row)[1:]:
        consumers = {
            node.operation.name
            for layer in [model.get_layer(layers[block])]
            for node in layer._outbound_nodes
            if not node.operation.name.startswith(f"{block}_")
        }
        assert consumers  # its output leaves the block


def test_without_its_stem_a_network_says_the_same_of_everything():
    """Nothing but the mean is left of the sound then; and the network itself is not touched."""
    from bnet.audit.probes.inside import means, replaced
    from bnet.models import build
    from bnet.training.fit import predict

    model = build(TINY, 3, 54)
    x = np.random.default_rng(0).normal(size=(5, 54, 128)).astype("float32")
    before = predict(model, x)
    mean = means(model, ["stem_maxpool4x1"], x, batch_size=2)["stem_maxpool4x1"]
    import keras

    part = keras.Model(model.inputs, model.get_layer("stem_maxpool4x1").output)
    np.testing.assert_allclose(mean, np.asarray(part.predict_on_batch(x[..., None])).mean(axis=(0, 1)), atol=1e-5)
    without = replaced(model, "stem_maxpool4x1", mean)
    after = predict(without, x)
    np.testing.assert_allclose(after, np.repeat(after[:1], 5, axis=0), atol=1e-6)
    np.testing.assert_array_equal(predict(model, x), before)
    assert np.ptp(before, axis=0).max() > 1e-4
    one_block = predict(replaced(model, "block2", means(model, ["block2"], x)["block2"]), x)
    assert np.ptp(one_block, axis=0).max() > 1e-5  # what goes past block 2 still tells


def test_covering_finds_the_patch_that_matters():
    from bnet.audit.probes.inside import covered, drops

    log_mel = np.zeros((26, 40), "float32")
    log_mel[12:24, 16:32] = 5.0
    patch = (12, 16)

    def predict(batch: np.ndarray) -> np.ndarray:
        said = batch.max(axis=(1, 2)) / 5
        return np.stack([said, 1 - said], axis=1)

    corners, copies = covered(log_mel, patch)
    assert corners == [(frame, band) for frame in (0, 12, 24) for band in (0, 16, 32)]
    assert copies.shape == (9, 26, 40)
    np.testing.assert_allclose(copies[4][12:24, 16:32], 5 * 12 / 26, rtol=1e-5)
    where, drop = drops(predict, log_mel, 0, patch)
    assert where[int(drop.argmax())] == (12, 16)
    np.testing.assert_allclose(np.delete(drop, 4), 0, atol=1e-6)
    assert drop[4] == pytest.approx(1 - 12 / 26, rel=1e-5)


def test_clips_looked_at():
    truth = np.array([0, 0, 1, 1, 0])
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.45, 0.55], [0.3, 0.7]])
    found = [list(inside.looked_at(truth, probabilities, kind)) for kind in inside.LOOKS]
    assert found == [[0, 1], [3, 1], [2, 4], [4, 2]]


# --- asking a run


SHORT = ["level", "mel-bands", "shuffle", "blocks", "looks"]


def test_a_network_is_asked_once(network):
    found = {probed.name: probed for probed in run(network, SHORT, say=quiet)}
    clips = len(network.arrays("test")[0])
    assert list(found["blocks"].values) == ["stem", "block1", "block2"]
    for name in SHORT[:4]:
        table = found[name].table
        assert list(table.columns) == ["track_id", "label", "value", *network.labels]
        assert len(table) == clips * len(found[name].values)
        np.testing.assert_allclose(table[network.labels].sum(axis=1), 1, atol=1e-5)
    about = found["level"].about
    assert about["weights"] == Bench(network).weights_checksum
    assert about["run"] == network.run["hash"]
    assert about["values"]["10"]["clipped"] > 0
    assert {"commit", "changed", "machine", "started", "versions", "wall_s"} <= set(about["made"])
    stem = found["blocks"].table.query("value == 'stem'")[network.labels]
    assert np.ptp(stem.to_numpy(), axis=0).max() < 1e-4
    before = {path: path.stat().st_mtime_ns for path in path_of(network, "").parent.iterdir()}
    again = run(network, SHORT, say=quiet)
    assert [probed.about for probed in again] == [probed.about for probed in found.values()]
    assert {path: path.stat().st_mtime_ns for path in path_of(network, "").parent.iterdir()} == before
    assert sum(path.stat().st_size for path in path_of(network, "").parent.glob("looks.*")) < 200_000


def test_what_is_done_is_read_without_the_weights_and_asked_again_of_others(network):
    run(network, ["mel-bands"], say=quiet)
    network.weights.rename(network.folder / "kept")
    assert len(run(network, ["mel-bands"], say=quiet)) == 1
    with pytest.raises(BnetError, match=r"no weights here .* bnet train --corpus tones --variant tiny"):
        run(network, ["shuffle"], say=quiet)
    assert not (path_of(network, "").parent / "shuffle.csv").exists()
    (network.folder / "model.weights.h5").write_bytes(b"other weights")
    with pytest.raises(BnetError, match="does not hold weights of tiny"):
        run(network, ["mel-bands"], say=quiet)


def test_damaged_answers_are_named_and_made_again(timbre):
    run(timbre, ["mel-bands"], say=quiet)
    path = path_of(timbre, "mel-bands").with_suffix(".csv")
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    with pytest.raises(DamagedAnswers, match=r"mel-bands.csv does not match.*bnet probe tones/svm-timbre"):
        read(timbre, "mel-bands")
    run(timbre, ["mel-bands"], say=quiet)
    assert path.read_bytes() == whole
    about = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**about, "clips": 3}))
    with pytest.raises(DamagedAnswers, match="its own checksum"):
        read(timbre, "mel-bands")
    path.with_suffix(".json").unlink()
    assert read(timbre, "mel-bands") is None


def test_a_baseline_answers_as_its_record_says(timbre):
    """Timbre knows nothing of the order of time; the record's own probabilities come out again."""
    found = run(timbre, ["shuffle"], say=quiet)[0]
    ids, _, probabilities = timbre.arrays("test")
    for value in found.values:
        rows = found.table[found.table["value"] == value]
        assert rows["track_id"].tolist() == ids
        np.testing.assert_allclose(rows[timbre.labels], probabilities, atol=1e-3)


def test_a_run_of_another_sound_is_refused(timbre, tones):
    tones.source = "tones 2"
    with pytest.raises(BnetError, match=r"'tones 2' here, but was made by 'tones 1'.*train again"):
        run(timbre, ["shuffle"], say=quiet)


def test_a_network_that_answers_otherwise_is_refused(network):
    bench = Bench(network)
    bench.model.set_weights([weight * 0 + 0.3 for weight in bench.model.get_weights()])
    with pytest.raises(BnetError, match="answers otherwise here than its record says"):
        _ = bench.predict


def test_a_clip_that_cannot_be_made_is_left_out_and_counted(timbre, tones, monkeypatch):
    lost = timbre.arrays("test")[0][3]
    plain = changes.louder

    def louder(base: Corpus, decibel: float) -> Corpus:
        corpus = plain(base, decibel)
        monkeypatch.setattr(corpus, "audio", lambda track, seconds: _fail(track, lost, base, seconds))
        return corpus

    def _fail(track, lost, base, seconds):
        if track.track_id == lost:
            raise BnetError(f"{lost} is beyond the instrument")
        return base.audio(track, seconds)

    monkeypatch.setattr(changes, "louder", louder)
    probed = run(timbre, ["level"], say=quiet)[0]
    table = reading.accuracies([probed])
    assert set(table["lost"]) == {1}
    assert set(table["clips"]) == {len(timbre.arrays("test")[0]) - 1}
    assert (table["change"] == 0).all()


def test_probes_that_apply(network, timbre):
    assert [probe.name for probe in chosen(Bench(network))] == [name for name in PROBES if name != "sister"]
    assert {"blocks", "looks", "branches"} & {probe.name for probe in chosen(Bench(timbre))} == set()
    with pytest.raises(BnetError, match=r"'blocks' does not apply to tones/svm-timbre.*those that do: time-stretch"):
        chosen(Bench(timbre), ["blocks"])
    with pytest.raises(BnetError, match="unknown probe 'tempo'"):
        chosen(Bench(timbre), ["tempo"])
    assert [text(value) for value in PROBES["clip-length"].values(Bench(timbre))] == ["5", "10", "30"]


def test_every_row_of_the_table_tells_what_it_does():
    assert [probe.name for probe in PROBES.values()] == list(PROBES)
    assert all(probe.title and probe.what.endswith(".") for probe in PROBES.values())


def test_runs_are_found_by_the_beginning_of_their_name(network, timbre, tmp_path):
    results = tmp_path / "results"
    assert (
        find_run(results, "tones/tiny", weights=False).name
        == find_run(results, "tiny-grouped", weights=False).name
        == network.name
    )
    assert find_run(results, str(timbre.folder), weights=False).name == timbre.name
    with pytest.raises(BnetError, match="fits 2 runs"):
        find_run(results, "tones/", weights=False)
    with pytest.raises(BnetError, match="is no run below"):
        find_run(results, "tones/nothing", weights=False)


def test_command_line(timbre):
    runner = CliRunner()
    name = f"tones/{timbre.name}"
    done = runner.invoke(cli.app, ["probe", name, "--probe", "mel-bands,shuffle", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["value"] for row in rows] == ["low", "mid", "high", "1", "0"]
    listed = json.loads(runner.invoke(cli.app, ["probe", name, "--list", "--json"]).stdout)
    assert {row["probe"] for row in listed if row["state"] == "done"} == {"mel-bands", "shuffle"}
    assert len(json.loads(runner.invoke(cli.app, ["probe", "--list", "--json"]).stdout)) == len(PROBES)
    for words in ([], ["tones/none"], [name, "--probe", "tempo"]):
        assert isinstance(runner.invoke(cli.app, ["probe", *words]).exception, BnetError)


# --- reading


def series(**right: int) -> pd.Series:
    return pd.Series({name: bool(value) for name, value in right.items()})


def test_comparison_counts_common_clips_only():
    found = reading.compared([(series(a=1, b=0, c=0), series(a=1, b=1, c=1, d=1))], {})
    assert (found["clips"], found["accuracy"]) == (3, pytest.approx(1 / 3))
    assert found["change"] == pytest.approx(-2 / 3)
    assert found["change_low"] <= found["change"] <= found["change_high"] <= 0
    two = reading.compared([(series(a=1), series(a=0)), (series(a=1), series(a=0))], {})
    assert (two["clips"], two["change"]) == (2, 1)
    assert reading.points(two) == "+100.0 (–)"  # one clip, tested twice, tells nothing of others
    with pytest.raises(BnetError, match="no test clip in common"):
        reading.compared([(series(a=1), series(b=1))], {})
    with pytest.raises(BnetError, match="no test clip in common"):
        reading.compared([], {})


def test_groups_widen_the_interval():
    """Ten groups of ten equal clips hold no more than ten clips do."""
    now = pd.Series({f"{g}-{i}": g % 2 == 0 for g in range(10) for i in range(10)})
    groups = {name: name.split("-")[0] for name in now.index}
    alone, grouped = (reading.compared([(now, now)], known) for known in ({}, groups))
    assert grouped["high"] - grouped["low"] > 2 * (alone["high"] - alone["low"])


def test_tables_of_probes(timbre):
    probed = run(timbre, ["level", "mel-bands"], say=quiet)
    groups = tables.groups_of("tones")
    for one, order in zip(
        probed, (["-20", "-10", "unchanged", "10"], ["unchanged", "low", "mid", "high"]), strict=True
    ):
        table = reading.accuracies([one], groups)
        assert list(table["value"]) == one.values
        whole = reading.accuracies([one], groups, unchanged=True)
        assert list(whole["value"]) == order
        assert list(whole["at"]) == [0, 1, 2, 3]
        same = whole[whole["value"] == "unchanged"].iloc[0]
        assert (same["change"], same["accuracy"]) == (0, one.right().mean())
        assert len(reading.readable(whole)) == 4
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
        look = plots.looks(["SVM on timbre"])
        plots.curves(whole, look, ax=ax)
        assert [tick.get_text() for tick in ax.get_xticklabels()] == [v.replace("unchanged", "as is") for v in order]
        plt.close("all")
    assert reading.accuracies([]).empty
    assert reading.read_all([timbre], "noise") == []
    assert "probe `level`" in reading.provenance(probed)[0]
    assert reading.command([timbre], "noise") == f"bnet probe tones/{timbre.name} --probe noise"


def test_two_corpora_are_compared_on_the_folds_of_both(timbre):
    found = reading.across([timbre], [timbre], {})
    assert (found["folds"], found["change"], found["accuracy"]) == (1, 0, found["other"])
    assert reading.across([timbre], [], {}) is None


def test_looks_are_read_as_grids(network):
    clips = reading.looks(run(network, ["looks"], say=quiet)[0])
    assert 4 <= len(clips) <= 8
    frames = frames_of(1.0)
    for clip in clips:
        assert clip["drop"].shape == (-(-frames // 24), 4)
        assert list(clip["bands"]) == list(range(0, 128, 32))
        assert (clip["label"] == clip["predicted"]) == clip["kind"].startswith("right")
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    plots.look_at(np.zeros((frames, 128)), clips[0], ax=ax)
    plt.close("all")


def test_to_pictures_only_what_needs_no_sound_applies():
    record = SimpleNamespace(config=SimpleNamespace(corpus="gtzan-images"))
    assert {probe.name for probe in PROBES.values() if probe.values(SimpleNamespace(record=record, row=None))} == {
        "mel-bands",
        "shuffle",
    }


def test_pieces_of_a_second_have_the_front_ends_frames():
    log_mel = np.arange(39, dtype="float32")[:, None]
    mixed = changes.shuffled(log_mel, "a", 1, GTZAN_IMAGES.front_end)
    assert {tuple(piece.ravel()) for piece in np.split(mixed, 3)} == {
        tuple(piece.ravel()) for piece in np.split(log_mel, 3)
    }


def test_a_run_of_another_front_end_is_not_asked(network, tones):
    tones.front_end = GTZAN_IMAGES.front_end
    with pytest.raises(BnetError, match=r"trained on log-mels .*, its corpus gives what a picture .*train it again"):
        _ = Bench(network).corpus
