"""What the tests share: a miniature corpus, folders of their own, the reference data where it is at hand."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")  # tests fill the cores; one of two processes says so (jobs=2)

from bnet.corpora import SR, Corpus, Track

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


LONG = ("test_gpu", "test_kaggle", "test_tutorials")


def pytest_collection_modifyitems(items):
    """Long tests first: at the end a worker keeps its last two, however long they take."""
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture
def reference() -> Path:
    """The folder of reference data, which is not part of the repository."""
    if not REFERENCE.is_dir():
        pytest.skip(f"the reference data is not at hand ({REFERENCE.name} beside the checkout)")
    return REFERENCE


@pytest.fixture
def with_backend():
    """The environment of a process with Keras's backend of that name; skips the test where it is not installed."""

    def environment(backend: str) -> dict[str, str]:
        beside = Path(sys.prefix) / "jax"  # where `make test` puts it
        path = [str(beside)] if backend == "jax" and (beside / "jax").is_dir() else []
        if not path and find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed" + "; `make test` adds it for its tests" * (backend == "jax"))
        path += [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
        quick = "--xla_backend_optimization_level=0"  # half the time to compile; it is to be right, not fast
        return {**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": quick, "PYTHONPATH": os.pathsep.join(path)}

    return environment


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Cache and results of a test lie in its own folder."""
    monkeypatch.setenv("BNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BNET_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def browser():
    """Chromium, headless, with a microphone that hums."""
    from bnet.book.printing import FLAGS, chromium

    if chromium() is None:
        pytest.skip("no Chromium here; Debian's package is called chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, "--use-fake-device-for-media-stream"]
        )
        yield browser
        browser.close()


def until(condition, seconds: float = 300.0):
    """Wait for something to become true, and return it; a slow machine may take its time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return value


class Tones(Corpus):
    """Three classes of synthetic sound: a steady tone, a tone that pulses slowly, and one that pulses fast."""

    name = "tones"
    title = "Tones"
    labels = ("fast", "slow", "steady")
    source = "tones 1"

    def __init__(self, per_class: int = 16, per_group: int = 2, broken: tuple[str, ...] = ()):
        self.per_class, self.per_group, self.broken = per_class, per_group, broken

    def tracks(self) -> list[Track]:
        return sorted(
            Track(f"{label}-{i:03d}", label, f"{label}-group{i // self.per_group}")
            for label in self.labels
            for i in range(self.per_class)
        )

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        from bnet.errors import BnetError

        if track.track_id in self.broken:
            raise BnetError(f"{track.track_id} can't be rendered (on purpose)")
        t = np.arange(round(seconds * SR)) / SR
        number = int(track.track_id.rsplit("-", 1)[1])
        rate = {"fast": 8.0, "slow": 2.0, "steady": 0.0}[track.label]
        tone = np.sin(2 * np.pi * (220 + 15 * number) * t) * (0.55 + 0.45 * np.cos(2 * np.pi * rate * t))
        return (0.5 * tone).astype("float32")

    def checksum(self, track: Track, y: np.ndarray) -> str:
        from bnet.paths import sha256

        return sha256(y.tobytes())


@contextlib.contextmanager
def tones_made(folder: Path):
    """The miniature corpus with its log-mels of one second below `folder`, for a module's fixture to train on."""
    from bnet import corpora
    from bnet.corpora.store import FeatureStore

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BNET_CACHE", str(folder / "cache"))
        patch.setitem(corpora.CORPORA, "tones", tones := Tones())
        FeatureStore(tones, 1.0).extract(tones.tracks(), jobs=1, progress=False)
        yield folder


@pytest.fixture
def tones(monkeypatch) -> Tones:
    """The miniature corpus, registered under its name."""
    from bnet import corpora

    corpus = Tones()
    monkeypatch.setitem(corpora.CORPORA, corpus.name, corpus)
    return corpus
