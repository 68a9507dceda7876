"""The feature store: the same rows however they came about; resumed after a kill; damage and failures are named."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from children import answer, child
from conftest import until

from bnet.corpora import SR, Corpus, Track
from bnet.corpora import store as store_module
from bnet.corpora.store import FeatureStore
from bnet.errors import BnetError
from bnet.paths import sha256, sha256_file
from bnet.sound import decode, log_mel


class Noises(Corpus):
    """Clips of noise, rendered from their ids; the ids in `bad` raise."""

    name, title, labels, source = "noises", "Noises", ("noise",), "noises 1"

    def __init__(self, count: int = 12, bad: tuple[str, ...] = ()):
        self.count, self.bad = count, bad

    def tracks(self) -> list[Track]:
        return [Track(f"n{i:03d}", "noise", f"g{i}") for i in range(self.count)]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        if track.track_id in self.bad:
            raise BnetError(f"{track.track_id} can't be rendered")
        generator = np.random.default_rng(int(track.track_id[1:]))
        return (0.1 * generator.standard_normal(round(seconds * SR))).astype("float32")

    def checksum(self, track: Track, y: np.ndarray) -> str:
        return sha256(y.tobytes())


class Files(Corpus):
    """The sound files of a folder."""

    name, title, labels = "files", "Files", ("all",)

    def __init__(self, folder: Path):
        self.folder = folder

    def tracks(self) -> list[Track]:
        return [Track(path.stem, "all", path.stem, path) for path in sorted(self.folder.iterdir())]

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        return log_mel.fit(decode.load(track.path, seconds=seconds), seconds)

    def checksum(self, track: Track, y: np.ndarray) -> str:
        return sha256_file(track.path)


def extract(store: FeatureStore, jobs: int = 1):
    return store.extract(store.corpus.tracks(), jobs=jobs, progress=False)


def contents(store: FeatureStore) -> tuple[bytes, bytes]:
    return (store.folder / "log_mel.npy").read_bytes(), (store.folder / "index.jsonl").read_bytes()


def ids(corpus: Corpus) -> list[str]:
    return [track.track_id for track in corpus.tracks()]


@pytest.fixture
def whole(tmp_path) -> FeatureStore:
    """Twelve clips, extracted one after the other."""
    store = FeatureStore(Noises(), 1.0, root=tmp_path / "whole")
    assert extract(store).done == 12
    return store


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three sound files, one of them no audio."""
    folder = tmp_path / "sound"
    folder.mkdir()
    for number, name in enumerate(["a.wav", "b.flac"]):
        y = 0.1 * np.random.default_rng(number).standard_normal(2 * SR)
        soundfile.write(folder / name, y, SR)
    (folder / "c.mp3").write_bytes(b"no audio at all")
    return folder


# what is in a store


@pytest.mark.parametrize(("seconds", "frames"), [(10, 216), (30, 646)])
def test_rows_are_the_log_mels_of_the_clips(tmp_path, seconds, frames):
    corpus = Noises(3)
    store = FeatureStore(corpus, seconds)
    result = extract(store)
    assert (result.done, result.reused, result.failed) == (3, 0, {})
    assert store.available == {"n000", "n001", "n002"}
    rows = store.rows(["n002", "n000", "n002"])
    assert rows.shape == (3, frames, 128)
    assert rows.dtype == np.float32
    for row, track in zip(rows, [corpus.tracks()[i] for i in (2, 0, 2)], strict=True):
        np.testing.assert_array_equal(row, log_mel.log_mel(corpus.audio(track, seconds)))
    assert isinstance(store.array, np.memmap)
    assert not store.array.flags.writeable
    np.testing.assert_array_equal(store.array[store.row_numbers(["n001"])], store.rows(["n001"]))
    assert store.folder.parent == Path(os.environ["BNET_CACHE"]) / "features"
    assert store.folder.name.startswith(f"noises-{seconds}s-")
    np.testing.assert_array_equal(np.load(store.folder / "log_mel.npy"), store.array)  # a file that others can read


def test_the_folder_depends_on_all_that_decides_a_row(tmp_path):
    class Other(Noises):
        source = "noises 2"

    settings = log_mel.FeatureSettings(top_db=60)
    stores = [
        FeatureStore(Noises(), 10),
        FeatureStore(Other(), 10),
        FeatureStore(Noises(), 30),
        FeatureStore(Noises(), 10, settings),
    ]
    assert len({store.folder for store in stores}) == 4
    assert FeatureStore(Noises(99), 10.0).folder == stores[0].folder
    assert not stores[0].folder.exists()


def test_the_same_command_again_does_nothing(whole):
    before = contents(whole)
    result = extract(whole)
    assert (result.done, result.reused) == (0, 12)
    assert contents(whole) == before


def test_parallel_is_sequential_is_any_order(whole, tmp_path):
    parallel = FeatureStore(Noises(), 1.0, root=tmp_path / "parallel")
    assert parallel.extract(reversed(Noises().tracks()), jobs=2, progress=False).done == 12
    assert contents(parallel) == contents(whole)


def test_checksum_of_the_data(whole, tmp_path):
    lines = "\n".join(f"{t.track_id}\t{sha256(Noises().audio(t, 1.0).tobytes())}" for t in Noises().tracks()[:2])
    assert whole.checksum(["n001", "n000"]) == sha256(lines)
    assert whole.checksum(["n000"]) != whole.checksum(["n001"])


def test_an_id_that_was_not_extracted(whole):
    for use in (whole.rows, whole.row_numbers, whole.checksum):
        with pytest.raises(BnetError, match=r"1 of 2 .* n999 \(not extracted yet\).*bnet features --corpus noises"):
            use(["n000", "n999"])


def test_a_store_can_be_sent_to_another_process(whole):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(whole)).rows(["n003"]), whole.rows(["n003"]))


# failures


def test_a_bad_clip_is_named_and_counted(tmp_path):
    store = FeatureStore(Noises(6, bad=("n002",)), 1.0)
    result = extract(store, jobs=2)
    assert (result.done, result.reused, result.failed) == (5, 0, {"n002": "n002 can't be rendered"})
    assert store.failures == result.failed
    with pytest.raises(BnetError, match="n002 can't be rendered"):
        store.rows(["n002"])
    store.corpus.bad = ()
    assert extract(store).failed == result.failed  # it failed for its content: it would again


class Broken(Noises):
    """Breaks in ways that a corpus should not."""

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        if track.track_id == "n000":
            raise ZeroDivisionError("by accident")
        y = super().audio(track, seconds)
        return {"n001": y[:-1], "n002": y * np.nan}.get(track.track_id, y)


def test_a_clip_that_breaks_the_corpus_does_not_stop_the_others():
    result = extract(FeatureStore(Broken(4), 1.0))
    assert result.done == 1
    assert result.failed["n000"] == "ZeroDivisionError: by accident"
    assert "expected (22050,)" in result.failed["n001"]
    assert "NaN" in result.failed["n002"]


class Deadly(Noises):
    """Ends its process, as a decoder that crashes does."""

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        if track.track_id == "n009":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().audio(track, seconds)


def test_a_worker_that_dies_is_said():
    store = FeatureStore(Deadly(), 1.0)
    with pytest.raises(BnetError, match=r"worker process died at n00\d of noises .* fewer jobs"):
        extract(store, jobs=2)
    kept = len(store.available)
    assert extract(FeatureStore(Noises(), 1.0)).reused == kept


# files


def test_a_file_that_changed_is_extracted_again(folder):
    store = FeatureStore(Files(folder), 1.0)
    first = extract(store)
    assert (first.done, set(first.failed)) == (2, {"c"})
    assert "no audio" in first.failed["c"]
    assert extract(store).reused == 2
    before = store.checksum(["a"])

    os.utime(folder / "a.wav", ns=(0, 0))  # another time, the same bytes
    size = (store.folder / "log_mel.npy").stat().st_size
    assert extract(store).done == 0
    assert (store.folder / "log_mel.npy").stat().st_size == size
    assert store.checksum(["a"]) == before

    y = (0.1 * np.random.default_rng(7).standard_normal(2 * SR)).astype("float32")
    soundfile.write(folder / "a.wav", y, SR, subtype="FLOAT")
    assert extract(store).done == 1
    assert store.checksum(["a"]) != before
    np.testing.assert_array_equal(store.rows(["a"])[0], log_mel.log_mel(y[:SR]))

    soundfile.write(folder / "c.mp3", y, SR)  # mended
    assert extract(store).done == 1
    assert store.failures == {}


def test_a_file_that_goes_and_comes_back(folder):
    store = FeatureStore(Files(folder), 1.0)
    tracks = store.corpus.tracks()
    (folder / "a.wav").rename(folder.parent / "a.wav")
    assert "no file" in store.extract(tracks, jobs=1, progress=False).failed["a"]
    (folder.parent / "a.wav").rename(folder / "a.wav")
    assert store.extract(tracks, jobs=1, progress=False).done == 1


# kills, damage, other processes


class Fatal(Noises):
    """Kills the process that extracts, at the first try of the clip `at`; a worker then waits for its own end."""

    def __init__(self, at: str, parent: int):
        super().__init__()
        self.at, self.parent = at, parent

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        if track.track_id == self.at:
            os.kill(self.parent, signal.SIGKILL)
            time.sleep(600)
        return super().audio(track, seconds)


def killed_at(at: str, jobs: int) -> None:
    """Extract in a process that is killed at a clip; it and its workers have ended."""
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_features import Fatal, FeatureStore, extract
extract(FeatureStore(Fatal({at!r}, os.getpid()), 1.0), jobs={jobs})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, (
        done.stderr
    )  # returns when its workers, which hold its output, have ended


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_run_again_is_as_if_never_killed(whole, jobs):
    store = FeatureStore(Noises(), 1.0)
    for at in ("n004", "n008", "n011"):
        killed_at(at, jobs)
        assert at not in store.available
    if jobs == 1:
        assert store.available == {f"n{i:03d}" for i in range(11)}  # the last batches are of one clip
    index = store.folder / "index.jsonl"
    index.write_bytes(index.read_bytes() + b'{"row": 9, "sha')  # killed in the middle of a line
    with open(store.folder / "log_mel.npy", "ab") as data:
        data.write(b"half a row")
    before = store.available
    again = extract(store, jobs=jobs)
    assert (again.done, again.reused) == (12 - len(before), len(before))
    assert contents(store) == contents(whole)


class Waiting(Noises):
    """Says at the sixth clip that it is there, and waits until it may go on; both by files beside the store."""

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        if track.track_id == "n005":
            folder = FeatureStore(self, 1.0).folder
            (folder / "here").touch()
            until((folder / "go").exists)
        return super().audio(track, seconds)


def test_two_processes(whole, monkeypatch):
    store = FeatureStore(Noises(), 1.0)
    said: list[str] = []
    monkeypatch.setattr(store_module, "log", lambda text: (said.append(text), (store.folder / "go").touch()))
    with child(extract, FeatureStore(Waiting(), 1.0)) as (_, pipe):
        until((store.folder / "here").exists)
        second = extract(store)
        first = answer(pipe)
    assert (first.done, first.reused) == (12, 0)
    assert (second.done, second.reused) == (0, 12)
    assert said == [f"another process extracts {store.folder.name}; waiting for it"]
    assert contents(store) == contents(whole)


def test_a_reader_sees_what_another_process_has_extracted():
    store = FeatureStore(Noises(), 1.0)
    assert store.available == set()
    extract(FeatureStore(Noises(4), 1.0))
    assert len(store.available) == 4
    extract(FeatureStore(Noises(), 1.0))
    assert store.rows(ids(store.corpus)).shape == (12, 22, 128)


@pytest.mark.parametrize(
    "garbage", [b"\0\xff\xfe garbage", b"[]", b"7", b'{"track_id": "n003", "row": 99999, "sha256": ""}', b'{"row": 3}']
)
def test_a_damaged_store_is_said_and_extracted_again(whole, capfd, garbage):
    rows, before = whole.rows(ids(whole.corpus)), contents(whole)
    lines = (whole.folder / "index.jsonl").read_bytes().split(b"\n")
    lines[3] = garbage
    (whole.folder / "index.jsonl").write_bytes(b"\n".join(lines))
    assert whole.available == set()
    assert extract(whole).done == 12
    assert "is damaged; extracting all of it again" in capfd.readouterr().err
    np.testing.assert_array_equal(whole.rows(ids(whole.corpus)), rows)
    assert contents(whole) == before
    assert extract(whole).done == 0
    assert capfd.readouterr().err == ""


def test_a_shortened_feature_file_is_extracted_again(whole, capfd):
    before = contents(whole)
    os.truncate(whole.folder / "log_mel.npy", 10 * 22 * 128 * 4)
    assert whole.available == set()
    assert extract(whole).done == 12
    assert "is damaged" in capfd.readouterr().err
    (whole.folder / "log_mel.npy").unlink()
    assert extract(whole).done == 12
    assert contents(whole) == before


def test_a_full_disk_keeps_what_was_extracted(whole):
    store = FeatureStore(Noises(), 1.0)
    with child(extract, store, largest_file=60_000) as (_, pipe):
        text = answer(pipe)
    assert "could not write features in" in text
    assert "then run the same command again" in text
    kept = len(store.available)
    assert 0 < kept <= 60_000 // (22 * 128 * 4)
    result = extract(store)
    assert (result.done, result.reused) == (12 - kept, kept)
    assert contents(store) == contents(whole)


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BNET_CACHE", str(tmp_path / "file"))
    with pytest.raises(BnetError, match=r"cannot write to the cache folder .* BNET_CACHE"):
        extract(FeatureStore(Noises(), 1.0))


def test_an_index_that_cannot_be_read(whole):
    (whole.folder / "index.jsonl").unlink()
    (whole.folder / "index.jsonl").mkdir()
    with pytest.raises(BnetError, match=r"cannot read .*index.jsonl .* BNET_CACHE"):
        whole.rows(["n000"])


def test_a_whole_store_need_not_be_writable(whole, monkeypatch):
    monkeypatch.setattr("bnet.corpora.store.writable_dir", lambda *_: pytest.fail("wrote"))
    assert extract(whole).reused == 12


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: extract(FeatureStore(Noises(), 1.0), jobs=0), "0 worker processes; expected 1 or more"),
        (lambda: extract(FeatureStore(Noises(), 1.0), jobs=-1), "-1 worker processes"),
        (lambda: FeatureStore(Noises(), 1.0).extract(2 * Noises().tracks()), "two tracks of noises are called 'n000'"),
        (lambda: FeatureStore(Noises(), 0.0), "expected more than 0"),
        (lambda: FeatureStore(Noises(), 1.0, log_mel.FeatureSettings(sr=16_000)), "expected 22050 Hz"),
    ],
)
def test_refused_at_the_door(make, words):
    with pytest.raises(BnetError, match=words):
        make()


def test_no_tracks():
    assert FeatureStore(Noises(), 1.0).extract([]).done == 0


def test_nothing_is_drawn_where_there_is_no_terminal(capfd):
    FeatureStore(Noises(2), 1.0).extract(Noises(2).tracks(), jobs=1, progress=True)
    assert capfd.readouterr() == ("", "")


MEMORY = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_features import FeatureStore, Noises
for count in (24, 96):
    store = FeatureStore(Noises(count), 30.0, root=Path({root!r}) / str(count))
    store.extract(store.corpus.tracks(), jobs=1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # in KiB; in bytes on macOS
"""


def test_peak_memory_does_not_grow_with_the_tracks(tmp_path):
    script = MEMORY.format(here=str(Path(__file__).parent), root=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    few, many = (int(peak) * (1 if sys.platform == "darwin" else 1024) for peak in done.stdout.split())
    assert many - few < 72 * 646 * 128 * 4 / 2  # half of what the 72 clips more take
