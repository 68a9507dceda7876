"""The page 'Listen' in headless Chromium: the numbers of Python, nothing from elsewhere, every bad input a sentence."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bnet import audio, predict, weights
from bnet.corpora import SR
from bnet.errors import BnetError
from bnet.web import clips, kernels, runtime, site

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--use-fake-device-for-media-stream"]
PATIENCE = 90

FORMATS = {
    "wav": {"format": "WAV", "subtype": "FLOAT"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mp3": {"format": "MP3"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The page with the shipped networks, alone in a folder."""
    target = tmp_path_factory.mktemp("listen")
    description = site.write_files(weights.shipped(), target / "listen")
    page = site.static("page.html").replace("{{ title }}", "Listen")
    (target / "index.html").write_text(page.replace("{{ fragment }}", site.fragment(description, "listen/")))
    return target


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def served(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium here; Debian's package is called chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def opened(browser, served):
    """A page that stays open: every test leaves it usable for the next."""
    page = browser.new_page()
    page.goto(served)
    return page


def wait(page, condition: str) -> None:
    """Wait for a condition by asking again: the page's security policy forbids Playwright's own waiting."""
    until = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < until, f"{condition} is not reached; the page says {said(page)!r}"
        time.sleep(0.02)


def said(page) -> str:
    return page.evaluate("['error', 'status'].map(n => document.querySelector(`[data-part=${n}]`).textContent).join(' ')")


def give(page, path: Path) -> str:
    """Choose a file, wait, and return the error, or '' once all networks have heard it."""
    page.evaluate("bnetListen.state.done = false")
    page.set_input_files("[data-part=file]", path)
    wait(page, "bnetListen.state.done || !document.querySelector('[data-part=error]').hidden")
    return page.evaluate("document.querySelector('[data-part=error]').textContent")


def heard(page) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The log-mel of the whole sound, and the probabilities of each window, by network."""
    mel, peak, windows = page.evaluate(
        "[Array.from(bnetListen.state.mel), bnetListen.state.peak, bnetListen.state.windows]"
    )
    mel = np.maximum(np.array(mel, np.float32).reshape(-1, 128), peak - 80)
    return mel, {name: np.array([row["probabilities"] for row in rows]) for name, rows in windows.items()}


@pytest.fixture(scope="module")
def tune() -> np.ndarray:
    """A test clip at 22 050 Hz, 11 s of it: two windows."""
    corpus, tracks = clips.choose(weights.shipped())
    return corpus.audio(tracks[5], 11.0)


@pytest.fixture(scope="module")
def models() -> dict:
    return {record.config.variant: (predict.load_network(record), record) for record in weights.shipped()}


def write(path: Path, y: np.ndarray, rate: int, **how) -> Path:
    """The tune at another rate, in stereo, its channels different."""
    z = audio.resample(y, SR, rate) if rate != SR else y
    soundfile.write(path, np.stack([0.7 * z, 0.4 * np.roll(z, 30)], axis=1), rate, **how)
    return path


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_page_and_python_say_the_same(opened, tune, models, tmp_path, kind, rate):
    """Log-mel and probabilities, by the decoder of the browser and by libsndfile: see TOLERANCE."""
    path = write(tmp_path / f"tune.{kind}", tune, rate, **FORMATS[kind])
    assert give(opened, path) == ""
    mel, probabilities = heard(opened)
    expected = audio.log_mel(audio.load(path))
    assert mel.shape == expected.shape
    print(f"{kind} {rate}: log-mel {np.abs(mel - expected).max():.2g} dB at most, {np.abs(mel - expected).mean():.2g} on average", end="")
    for name, (model, record) in models.items():
        python = predict.predict_file(model, record, path).probabilities
        assert probabilities[name].shape == python.shape
        print(f"; {name} {np.abs(probabilities[name] - python).max():.2g}", end="")
        assert np.abs(probabilities[name] - python).max() < 1e-3
    print()
