"""Many sound files through one network: the same answers as one by one, in order, in flat memory, whatever one does."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bnet import cli
from bnet.corpora.pictures import FMA_SMALL_IMAGES, GTZAN_IMAGES
from bnet.deploy import predict
from bnet.deploy.networks import shipped_run
from bnet.deploy.predict import Classifier, Failure, Prediction, predict_files, sound_files, windows
from bnet.errors import BnetError
from bnet.models import VARIANTS, Variant
from bnet.runs import jobs, records
from bnet.runs.weights import load_network
from bnet.sound import decode, log_mel
from bnet.sound.log_mel import SR
from bnet.training.config import get_profile

SECONDS = 10.0


@functools.cache
def plain_network(folder: Path):
    """The network of a record."""
    return load_network(records.read(folder))


def plain_answer(record, path, hop=1.0) -> Prediction:
    """What `predict_files` says of a file, with all of its windows in one batch."""
    heard = list(windows(path, record.config.training.clip_seconds, hop, record.front_end))
    votes = [log_mel is not None for log_mel in heard]
    log_mels = np.stack([log_mel for log_mel in heard if log_mel is not None])
    found = np.asarray(plain_network(record.folder).predict_on_batch(log_mels[..., None]))
    return Prediction(str(path), record.labels, np.flatnonzero(votes) * hop, found, votes.count(False))


def plain_windows(path, seconds, hop):
    """What `windows` does, with the whole file in memory."""
    y = decode.load(path)
    starts = np.arange(0.0, max(len(y) / SR - seconds, 0) + 1e-9, hop)
    return np.stack([log_mel.log_mel(log_mel.fit(y[round(start * SR) :], seconds)) for start in starts])


PICTURES = {"gtzan": GTZAN_IMAGES.front_end, "fma": FMA_SMALL_IMAGES.front_end}


@pytest.fixture(params=PICTURES)
def seen(request, tones, monkeypatch, tmp_path):
    """A network for windows of 2 s that was trained on what pictures of the miniature corpus's sound would hold."""

    def of_its_picture(track, seconds, front_end):
        y = tones.audio(track, seconds)
        return front_end(librosa.resample(y, orig_sr=SR, target_sr=front_end.sr)), tones.checksum(track, y)

    tones.front_end, tones.log_mel = PICTURES[request.param], of_its_picture
    monkeypatch.setitem(VARIANTS, "tiny", Variant("tiny", "Tiny", ("norm conv1x1",), 1, filters=4))
    profile = get_profile("smoke", {"clip_seconds": "2", "epochs": "1", "groups": "3"})
    (job,) = jobs.jobs("tones", ["tiny"], "holdout", profile, [0])
    jobs.extract(tones, job.tracks, 2.0, 1, lambda text: None)
    return jobs.run(job, tmp_path / "results", lambda text: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sound of several lengths, rates and formats, a bad file, a hidden one, and what is no sound at all."""
    root, generator = tmp_path_factory.mktemp("music"), np.random.default_rng(0)
    (root / "b").mkdir()
    for name, seconds, sr in (
        ("a.wav", 12.5, 22_050),
        ("b/c.mp3", 4, 44_100),
        ("b/d.flac", 11, 48_000),
        ("e.ogg", 2, 22_050),
    ):
        y = 0.2 * generator.standard_normal(round(seconds * sr)) * np.linspace(0, 1, round(seconds * sr))
        soundfile.write(root / name, y, sr)
    (root / "b" / "bad.wav").write_text("no sound")
    (root / ".hidden.wav").write_text("no sound")
    (root / "notes.txt").write_text("no sound")
    return root


@pytest.fixture(scope="module")
def classify() -> Classifier:
    return Classifier(shipped_run("proposed"), warm=3)


@pytest.mark.parametrize(
    ("seconds", "hop", "count"), [(10, 1, 3), (10, 0.7, 4), (3, 2.5, 4), (1, 5, 3), (12.5, 1, 1), (20, 1, 1)]
)
def test_windows_are_those_of_the_whole_file(folder, seconds, hop, count):
    found = np.stack(list(windows(folder / "a.wav", seconds, hop)))
    np.testing.assert_array_equal(found, plain_windows(folder / "a.wav", seconds, hop))
    assert found.shape == (count, log_mel.frames(seconds), 128)


@pytest.mark.parametrize("front_end", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize(("name", "seconds", "count"), [("a.wav", 10, 3), ("e.ogg", 5, 1), ("b/c.mp3", 3, 2)])
def test_windows_of_another_front_end(folder, front_end, name, seconds, count):
    """At its own sample rate; what is too short is repeated."""
    y = decode.load(folder / name, sr=front_end.sr)
    parts = [y[round(start * front_end.sr) :][: round(seconds * front_end.sr)] for start in range(count)]
    expected = [front_end(np.resize(part, seconds * front_end.sr)) for part in parts]
    found = list(windows(folder / name, seconds, 1.0, front_end))
    np.testing.assert_array_equal(found, expected)
    assert found[0].shape == (front_end.frames(seconds), 128)


def test_a_network_hears_through_the_front_end_of_its_record(folder, seen):
    """One file, many files, and the command, for sound that is longer and shorter than a window."""
    front_end = seen.front_end
    assert front_end in PICTURES.values()
    classify = Classifier(seen)
    assert classify.model.input_shape[1:3] == (front_end.frames(2), 128)
    paths = [folder / "b" / "c.mp3", folder / "e.ogg"]
    for path, answer in zip(paths, predict_files(classify, paths), strict=True):
        np.testing.assert_allclose(answer.probabilities, plain_answer(seen, path).probabilities, atol=1e-5)
    done = CliRunner().invoke(cli.app, ["predict", str(paths[0]), "--run", str(seen.folder), "--csv"])
    assert done.exit_code == 0
    assert f"It takes in {front_end.about}." in done.stderr


@pytest.mark.parametrize("samples", [5 * SR - 1, 5 * SR, 5 * SR + 1, 7 * SR, 7 * SR + 7717, 7 * SR + 7718])
def test_windows_at_the_edges_of_a_sample(tmp_path, samples):
    soundfile.write(tmp_path / "x.wav", 0.1 * np.random.default_rng(1).standard_normal(samples), SR)
    for hop in (1, 0.35, 1 / 3):
        found = np.stack(list(windows(tmp_path / "x.wav", 5, hop)))
        np.testing.assert_array_equal(found, plain_windows(tmp_path / "x.wav", 5, hop))


def test_a_long_file_is_never_whole_in_memory(tmp_path):
    minutes = 6
    with soundfile.SoundFile(tmp_path / "long.wav", "w", SR, 1) as sound:
        for _ in range(minutes):
            sound.write(0.1 * np.random.default_rng(0).standard_normal(60 * SR))
    next(windows(tmp_path / "long.wav", 1, 60))  # imports
    tracemalloc.start()
    assert sum(1 for _ in windows(tmp_path / "long.wav", 1, 60)) == minutes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * SR * 60 * minutes / 5


def test_files_of_a_folder_in_order_without_hidden_ones(folder):
    names = ["a.wav", "b/bad.wav", "b/c.mp3", "b/d.flac", "e.ogg"]
    assert sound_files([folder])[0] == [folder / name for name in names]
    given = [folder / "e.ogg", folder / "b", folder / "notes.txt"]
    assert sound_files(given) == ([given[0], *(folder / name for name in names[1:4]), given[2]], [])


def test_the_data_folder_is_a_folder_like_others(tmp_path, monkeypatch):
    monkeypatch.setenv("BNET_DATA", str(tmp_path))
    (tmp_path / "gtzan").mkdir()  # a corpus's own folder
    for name in ("a.wav", "gtzan/b.wav"):
        (tmp_path / name).touch()
    assert sound_files([tmp_path]) == ([tmp_path / "a.wav", tmp_path / "gtzan" / "b.wav"], [])


def test_music_that_cannot_be_read_is_named(tmp_path):
    for name in ("a.wav", "b.m4a", "c.WMA"):
        (tmp_path / name).touch()
    found, failed = sound_files([tmp_path])
    assert found == [tmp_path / "a.wav"]
    assert [Path(failure.path).name for failure in failed] == ["b.m4a", "c.WMA"]
    assert "no .m4a can be read here; convert it" in failed[0].reason
    (tmp_path / "a.wav").unlink()
    with pytest.raises(BnetError, match=r"no \.m4a can be read here.*no sound file below"):
        sound_files([tmp_path])


@pytest.mark.parametrize("kept", [[], ["notes.txt"], [".hidden.wav"]])
def test_a_folder_without_sound_is_one_message(tmp_path, kept):
    for name in kept:
        (tmp_path / name).write_text("x")
    with pytest.raises(BnetError, match=r"no sound file below .*expected one or more that end with \.wav .*\.mp3"):
        sound_files([tmp_path])


@pytest.mark.parametrize("jobs", [1, 3])
def test_streamed_answers_are_those_of_one_file_after_the_other(folder, classify, jobs):
    paths, _ = sound_files([folder])
    answers = list(predict_files(classify, paths, hop=0.5, jobs=jobs))
    assert [answer.path for answer in answers] == [str(path) for path in paths]
    assert [type(answer) for answer in answers] == [Prediction, Failure, Prediction, Prediction, Prediction]
    assert "bad.wav is no audio" in answers[1].reason
    for answer in answers[:1] + answers[2:]:
        plain = plain_answer(classify.record, answer.path, hop=0.5)
        np.testing.assert_allclose(answer.probabilities, plain.probabilities, atol=1e-5)
        np.testing.assert_array_equal(answer.starts, plain.starts)
    np.testing.assert_array_equal(answers[0].starts, [0, 0.5, 1, 1.5, 2, 2.5])


def test_the_network_is_asked_for_full_batches_over_the_borders_of_files(folder, classify):
    sizes = []

    class Counting:
        record = classify.record

        def __call__(self, log_mels):
            sizes.append(len(log_mels))
            return np.full((len(log_mels), 7), 1 / 7)

    list(predict_files(Counting(), [folder / "a.wav", folder / "b" / "d.flac"] * 3, hop=0.5))
    assert sizes == [predict.BATCH] * 3 + [3]


def test_a_file_that_ends_badly_gives_no_answer(tmp_path, classify):
    soundfile.write(tmp_path / "cut.wav", 0.1 * np.random.default_rng(0).standard_normal(14 * SR), SR)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[: 2 * 13 * SR])
    (answer,) = predict_files(classify, [tmp_path / "cut.wav"])
    assert isinstance(answer, Failure)
    assert "is truncated" in answer.reason


def test_few_files_are_begun_before_the_first_is_taken():
    begun = []

    def endless(path):
        begun.append(path)
        while True:
            yield np.zeros((2, 2), np.float32)

    ahead = predict._ahead(range(1000), endless, 2)
    assert [next(ahead)[0] for _ in range(predict.BATCH)] == [0] * predict.BATCH
    time.sleep(0.3)
    assert set(begun) <= set(range(2 + 2 * predict.BATCH))
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sound")]


@pytest.mark.parametrize(
    ("options", "message"), [({"hop": 0}, "hop between windows is 0 s"), ({"jobs": 0}, "0 threads that decode")]
)
def test_bad_numbers(folder, classify, options, message):
    with pytest.raises(BnetError, match=message):
        next(predict_files(classify, [folder / "a.wav"], **options))


def test_csv_has_a_line_a_file(folder, monkeypatch):
    done = CliRunner().invoke(cli.app, ["predict", str(folder), "--run", "shipped/proposed", "--csv"])
    assert done.exit_code == 2
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["path"] for row in rows] == [str(folder / name) for name in ("a.wav", "b/c.mp3", "b/d.flac", "e.ogg")]
    assert list(rows[0]) == ["path", "label", *shipped_run("proposed").labels]
    for row in rows:
        probabilities = {label: float(row[label]) for label in shipped_run("proposed").labels}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert row["label"] == max(probabilities, key=probabilities.get)
    assert done.stderr.count("bad.wav is no audio") == 1


def test_csv_and_json_of_windows_agree(folder):
    words = ["predict", str(folder / "a.wav"), "--run", "shipped/proposed", "--windows"]
    table = list(csv.DictReader(io.StringIO(CliRunner().invoke(cli.app, [*words, "--csv"]).stdout)))
    (found,) = json.loads(CliRunner().invoke(cli.app, [*words, "--json"]).stdout)["files"]
    assert [float(row["start_s"]) for row in table] == [0, 1, 2] == [window["start"] for window in found["windows"]]
    for row, window in zip(table, found["windows"], strict=True):
        assert {label: float(row[label]) for label in window["probabilities"]} == window["probabilities"]


def test_two_forms_at_once_are_refused(folder):
    with pytest.raises(BnetError, match="--json and --csv at once"):
        raise CliRunner().invoke(cli.app, ["predict", str(folder), "--json", "--csv"]).exception


def test_interrupted_keeps_what_was_printed(folder):
    words = ["predict", "--csv", "--run", "shipped/proposed", *[str(folder / "a.wav")] * 2000]
    command = [sys.executable, "-m", "bnet", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert lines[1] == lines[2]
    assert "bnet: interrupted after" in said[1]
    assert said[1].count("interrupted") == 1
    assert "Traceback" not in said[1]
    assert all(line == lines[1].strip() for line in said[0].splitlines())


def test_silent_windows_have_no_vote_and_that_is_said(tmp_path, classify, monkeypatch):
    y = 0.1 * np.random.default_rng(0).standard_normal(12 * SR)
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(30 * SR), y]), SR)
    soundfile.write(tmp_path / "music.wav", y, SR)
    seconds = classify.record.config.training.clip_seconds
    heard = [log_mel is not None for log_mel in windows(tmp_path / "a.wav", seconds, 1)]
    count = int(30 - seconds) + 1
    assert heard == [False] * count + [True] * (len(heard) - count)
    (answer,) = predict_files(classify, [tmp_path / "a.wav"])
    plain = plain_answer(classify.record, tmp_path / "a.wav")
    assert answer.silent == plain.silent == count
    np.testing.assert_array_equal(answer.starts, np.arange(count, len(heard)))
    np.testing.assert_allclose(answer.probabilities, plain.probabilities, atol=1e-5)
    done = CliRunner().invoke(cli.app, ["predict", str(tmp_path / "a.wav"), "--run", "shipped/proposed", "--json"])
    assert f"{count} silent windows have no vote" in done.stderr
    assert json.loads(done.stdout)["files"][0]["silent_windows"] == count
    with pytest.raises(BnetError, match=r"all windows of .*a\.wav are silent"):
        list(windows(tmp_path / "a.wav", 2, 100))


def test_a_folder_without_sound_beside_one_with_sound_is_named(folder, tmp_path):
    done = CliRunner().invoke(cli.app, ["predict", str(folder / "e.ogg"), str(tmp_path), "--run", "shipped/proposed"])
    assert done.exit_code == 2
    assert done.stdout.startswith(f"{folder / 'e.ogg'}: ")
    assert f"no sound file below {tmp_path}" in done.stderr


WHILE_OTHERS_DECODE = """
import sys
from bnet import cli
from bnet.errors import quiet
command = sys.modules["bnet.cli.deploy"]
files = command.predict_files
def while_others_decode(*words, **options):
    with quiet():
        yield from files(*words, **options)
command.predict_files = while_others_decode
cli.app(["predict", *sys.argv[1:]])
"""


def test_what_is_wrong_with_a_file_is_told_while_others_are_decoded(tmp_path):
    (tmp_path / "text.wav").write_bytes(b"hello world" * 1000)
    command = [sys.executable, "-c", WHILE_OTHERS_DECODE, str(tmp_path / "text.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "text.wav is no audio" in done.stderr


def in_shell(words: str) -> subprocess.CompletedProcess:
    """A command line of bnet, with its redirections."""
    return subprocess.run(f"{sys.executable} -m bnet {words}", shell=True, capture_output=True, text=True, timeout=300)


def test_standard_error_may_be_closed(folder):
    done = in_shell(f"predict {folder}/a.wav {folder}/b/c.mp3 --run shipped/proposed 2>&-")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["predict {folder}/a.wav --run shipped/proposed --csv", "networks"])
def test_no_room_for_the_output_is_one_message(folder, words):
    done = in_shell(words.format(folder=folder) + " > /dev/full")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bnet: cannot write (No space left on device); expected room")
    assert "Traceback" not in done.stderr


def test_memory_that_runs_out_is_one_message(monkeypatch, capsys, folder, classify):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(decode, "blocks", exhausted)
    (answer,) = predict_files(classify, [folder / "a.wav"])
    assert answer.reason.startswith(f"{folder / 'a.wav'}: memory ran out; expected more")
    monkeypatch.setattr(cli, "app", exhausted)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err.startswith("bnet: memory ran out; expected more of it; allow")
