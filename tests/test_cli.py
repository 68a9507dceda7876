"""The command line as a user meets it: answers, JSON, one message and status 2 for what can't be done."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from synthetic import write_record
from test_runs import TINY, job, quiet, ready, results  # noqa: F401 two fixtures
from typer.testing import CliRunner

from bnet import cli
from bnet.deploy.networks import find_run
from bnet.deploy.predict import Classifier, predict_files
from bnet.errors import BnetError
from bnet.runs import jobs, records
from bnet.runs.weights import load_network


@pytest.fixture
def bnet(monkeypatch, capfd):
    """The program in this process: words -> its status, standard output and standard error."""

    def run(*words: str, **environment: str) -> SimpleNamespace:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["bnet", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return SimpleNamespace(status=ended.value.code, stdout=out, stderr=err)

    return run


@pytest.fixture
def trained(ready, results):  # noqa: F811
    """A tiny network, trained on the miniature corpus."""
    return jobs.run(job("tiny"), results, quiet)


@pytest.mark.parametrize(
    "command", ["", "corpora", "features", "train", "evaluate", "predict", "summary", "draw", "plan", "pages", "doctor"]
)
def test_every_command_has_help(command):
    done = CliRunner().invoke(cli.app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("corpora show tunse", "unknown corpus 'tunse' (did you mean 'tunes'?)"),
        ("train -v propsed --plan", "unknown network 'propsed' (did you mean 'proposed'?)"),
        ("train --protocol groupd --plan", "unknown protocol 'groupd' (did you mean 'grouped'?)"),
        ("train --profile lap --plan", "unknown profile 'lap'"),
        ("train --set epochs --plan", "--set takes KEY=VALUE; got 'epochs'"),
        ("train --fold 7 --plan", "fold 7 is out of range; protocol 'grouped' has folds 0 to 4"),
        ("train --jobs 0", "bnet: 0 jobs; expected 1 or more (--jobs)"),
        ("train --jobs -1", "bnet: -1 jobs; expected 1 or more (--jobs)"),
        ("train --jobs 2 --cluster tcp://head:8786", "--jobs is for this machine"),
        ("train --records shared", "--records is for runs on a cluster; expected --cluster with it"),
        ("train --colour red", "--colour"),
        ("train --fold first", "--fold"),
        ("features --jobs many", "--jobs"),
        ("features --jobs 0", "0 worker processes; expected 1 or more"),
        ("summary bnn", "unknown network 'bnn' (did you mean 'bbnn'?)"),
        ("pages convert nopage -o x.ipynb", "unknown page 'nopage'"),
        ("evaluate --profile smoke", "no records of tunes"),
        ("predict x.wav", "no file x.wav"),
        ("networks --seconds nan", "the length of a clip, more than 0 and at most 86400; got nan"),
        ("networks --classes 0", "--classes"),
        ("draw proposed --seconds -5", "the length of a clip, more than 0 and at most 86400; got -5"),
        ("corpora export drums x --seconds 0", "the length of a clip, more than 0 and at most 86400; got 0"),
        ("corpora export gtzan-images x", "holds pictures; expected a corpus with audio; export gtzan"),
    ],
)
def test_wrong_words_give_one_message_and_status_2(words, message, bnet):
    done = bnet(*words.split())
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_program_gives_a_message_without_a_traceback():
    command = [sys.executable, "-m", "bnet", "train", "-v", "propsed", "--plan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bnet: unknown network 'propsed'")
    assert "Traceback" not in done.stderr


def test_records_are_tabulated_without_their_corpus(tmp_path, bnet):
    own = str(Path(__file__).parents[1] / "results")
    done = bnet("evaluate", "--corpus", "gtzan-images", "--results", own, BNET_DATA=str(tmp_path))
    assert done.status == 0
    assert "gtzan-images is not here (--data DIR)" in done.stderr
    assert "proposed" in done.stdout


def test_networks_are_compared_with_one_of_them(tmp_path, bnet):
    for fold in range(5):
        write_record(tmp_path, "gtzan-images", "bbnn", fold, right=0.6)
        write_record(tmp_path, "gtzan-images", "mine", fold, right=0.9)
    words = ("evaluate", "--corpus", "gtzan-images", "--results", str(tmp_path), "--against")
    done = bnet(*words, "bbnn")
    better = r"^laptop, holdout: mine is better than BBNN \(baseline\): \+\d+\.\d points"
    assert re.search(better, done.stdout, re.MULTILINE)
    done = bnet(*words, "bbnn", "--json")
    assert [row["variant"] for row in json.loads(done.stdout)] == ["bbnn", "mine"]
    assert "mine is better than BBNN (baseline)" in done.stderr
    done = bnet(*words, "bbn")
    assert done.status == 2
    assert "unknown network or baseline 'bbn' (did you mean 'bbnn'?)" in done.stderr


def test_plan_lists_runs_and_writes_nothing(tmp_path, bnet):
    done = bnet("train", "-v", "baselines,bbnn", "--fold", "0", "--plan", BNET_RESULTS=str(tmp_path / "r"))
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["to", "do"]] * 4
    assert not (tmp_path / "r").exists()


def test_export_writes_what_can_be_decoded_and_tells_of_the_rest(tones, tmp_path, bnet):
    tones.broken = {tones.tracks()[0].track_id}
    done = bnet("corpora", "export", "tones", str(tmp_path / "out"), "--seconds", "1")
    count = len(tones.tracks()) - 1
    assert (done.status, done.stdout) == (1, f"{count} clips in {tmp_path / 'out'}, 1 failed\n")
    assert "not written" in done.stderr
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) == count
    y, sr = soundfile.read(written[0])
    assert (len(y), sr) == (22_050, 22_050)


def test_unwritable_cache_is_one_message(tmp_path, bnet):
    (tmp_path / "file").write_text("")
    done = bnet("features", BNET_CACHE=str(tmp_path / "file" / "cache"))
    assert done.status == 2
    assert "cannot write to the cache folder" in done.stderr
    assert "BNET_CACHE" in done.stderr


def test_summary_of_all_as_json(bnet):
    found = json.loads(bnet("summary", "--json").stdout)
    assert {row["variant"]: row["total"] for row in found}["bbnn"] == 190_826


def test_predict_gives_probabilities_over_windows(trained, tmp_path):
    soundfile.write(tmp_path / "good.wav", 0.3 * np.sin(np.arange(55_125) * 0.1), 22_050)
    record = find_run(trained.folder.parents[1], trained.name)
    assert record.name == trained.name
    (answer,) = predict_files(Classifier(record), [tmp_path / "good.wav"], hop=0.5)
    assert answer.starts.tolist() == [0, 0.5, 1, 1.5]
    assert answer.probabilities.shape == (4, 3)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)
    assert answer.label in record.labels


def test_unusable_sound_is_named_and_the_others_are_done(tmp_path, bnet):
    good = 0.3 * np.sin(np.arange(55_125) * 0.1)
    for name, y in (("good", good), ("silent", 0 * good), ("short", good[:2_205])):
        soundfile.write(tmp_path / f"{name}.wav", y, 22_050)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is no sound " * 100)
    (tmp_path / "truncated.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:30_000])
    bad = [str(tmp_path / f"{name}.wav") for name in ("missing", "empty", "text", "truncated", "silent", "short")]
    done = bnet("predict", *bad, str(tmp_path / "good.wav"), "--json", "--run", "shipped/proposed")
    assert done.status == 2
    assert [file["path"] for file in json.loads(done.stdout)["files"]] == [str(tmp_path / "good.wav")]
    told = [line for line in done.stderr.splitlines() if line.startswith("bnet: ")]
    assert all(name in line for name, line in zip(bad, told, strict=True))


def test_other_rates_channels_and_widths_work(tmp_path, bnet):
    kinds = [(22_050, 2, "PCM_16"), (8_000, 1, "PCM_16"), (96_000, 1, "PCM_24"), (44_100, 2, "FLOAT")]
    for rate, channels, subtype in [*kinds, (48_000, 1, "DOUBLE")]:
        y = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
        soundfile.write(tmp_path / f"{rate}.wav", np.stack([y] * channels, axis=1), rate, subtype)
    done = bnet("predict", str(tmp_path), "--json", "--run", "shipped/proposed")
    assert done.status == 0, done.stderr
    assert len(json.loads(done.stdout)["files"]) == 5


def test_weights_for_other_classes_are_refused(trained):
    from bnet.models import build

    build(TINY, 5).save_weights(trained.folder / records.WEIGHTS)
    with pytest.raises(BnetError, match="does not hold weights of tiny for 3 classes"):
        load_network(find_run(trained.folder.parents[1], trained.name))
    (trained.folder / records.WEIGHTS).unlink()
    with pytest.raises(BnetError, match=r"no weights beside the record .*bnet train"):
        find_run(trained.folder.parents[1], trained.name)
    with pytest.raises(BnetError, match=r"no trained network named 'lstm'"):
        find_run(trained.folder.parents[1], "lstm")


def test_doctor_tells_what_works(bnet):
    findings = {finding["what"]: finding["ok"] for finding in json.loads(bnet("doctor", "--json").stdout)}
    assert findings["Keras backend"]
    assert findings["audio files"]
