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
    "16-bit.wav": {"format": "WAV", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "mp3": {"format": "MP3"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
}

EXACT, RESAMPLED, DECODED = 1e-4, 2e-3, 2e-2
TOLERANCE = {
    (kind, rate): DECODED if kind == "mp3" else EXACT if rate == SR and kind != "ogg" else RESAMPLED
    for kind in FORMATS
    for rate in (22_050, 44_100, 48_000)
}
"""Largest difference of the log-mel, in dB, from the third frame on.

Where nothing is resampled and nothing decoded but integers, it is that of two orders of summation. soxr calculates in
single precision, which shows where the sound is 80 dB below its loudest; at 48 kHz its very first sample is off by a
little, which the page doesn't copy. MP3 has two decoders, which round differently; in all cases the mean is below 1e-4.
"""


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
    return page.evaluate(
        "['error', 'status'].map(n => document.querySelector(`[data-part=${n}]`).textContent).join(' ')"
    )


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
    off = np.abs(mel - expected)
    rest = off[2:]
    figures = {"at most": off.max(), "after 2 frames": rest.max(), "on average": off.mean()}
    print(f"\n{kind} {rate}, dB:", ", ".join(f"{value:.1e} {name}" for name, value in figures.items()), end="")
    assert rest.max() < TOLERANCE[kind, rate]
    assert off.mean() < 1e-4
    for name, (model, record) in models.items():
        python = predict.predict_file(model, record, path).probabilities
        assert probabilities[name].shape == python.shape
        print(f"; {name} {np.abs(probabilities[name] - python).max():.2g}", end="")
        assert np.abs(probabilities[name] - python).max() < 1e-3


def noise(seconds: float, rate: int = SR, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)


def sound(y: np.ndarray, rate: int = SR, kind: str = "WAV", **how):
    return lambda path: soundfile.write(path, y, rate, format=kind, **how)


REFUSED = {
    "text.mp3": (lambda path: path.write_text("no sound at all\n" * 50), "no sound file"),
    "empty.wav": (lambda path: path.write_bytes(b""), "empty"),
    "short.wav": (sound(noise(0.1)), "too short: it lasts 0.10 s"),
    "silent.wav": (sound(np.zeros(3 * SR)), "silent"),
    "nan.wav": (sound(np.full(3 * SR, np.nan), subtype="FLOAT"), "not finite"),
    "codec.aiff": (sound(noise(3), kind="AIFF"), "lacks the codec"),
    "damaged.flac": (lambda path: path.write_bytes(b"fLaC" + bytes(2000)), "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_heard_gets_one_sentence(opened, tmp_path, name):
    make, words = REFUSED[name]
    make(tmp_path / name)
    error = give(opened, tmp_path / name)
    assert words in error
    assert error.endswith(".")
    assert "went wrong" not in error


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (32_000, 1), (96_000, 1), (44_100, 8)])
def test_unusual_sound_is_heard_as_python_hears_it(opened, models, tmp_path, rate, channels):
    path = tmp_path / "unusual.wav"
    soundfile.write(path, noise(2, rate, channels), rate, subtype="FLOAT")
    assert give(opened, path) == ""
    mel, probabilities = heard(opened)
    expected = audio.log_mel(audio.load(path))
    assert mel.shape == expected.shape
    print(f"\n{rate}: {np.abs(mel - expected)[2:].max():.1e} dB after 2 frames", end="")
    assert np.abs(mel - expected)[2:].mean() < 1e-3  # before, soxr's first sample is off
    for name, (model, record) in models.items():
        assert np.abs(probabilities[name] - predict.predict_file(model, record, path).probabilities).max() < 1e-3


def test_of_a_long_sound_the_first_minutes_are_heard(opened, tmp_path):
    path = tmp_path / "hour.wav"
    soundfile.write(path, np.tile(noise(60, 8_000), (60, 1)), 8_000)
    opened.uncheck("input[value=bbnn]")
    opened.set_input_files("[data-part=file]", path)
    wait(opened, "bnetListen.state.name == 'hour.wav' && bnetListen.state.windows.proposed[0]")
    assert "about 60 minutes: only the first 3" in said(opened)
    assert opened.evaluate("bnetListen.state.seconds") == site.LONGEST
    opened.check("input[value=bbnn]")


def test_a_clip_is_heard_and_its_class_told_afterwards(opened):
    opened.evaluate("bnetListen.state.done = false")
    opened.click("[data-id=clip-1]")
    assert not opened.is_visible("[data-part=truth]")
    wait(opened, "bnetListen.state.done && bnetListen.state.name == 'Clip 1'")
    _, tracks = clips.choose(weights.shipped())
    assert tracks[0].label in opened.inner_text("[data-part=truth]")
    opened.click("article:nth-of-type(2) button")
    wait(opened, "[...bnetListen.cards.values()].some(card => card.patches)")
    assert opened.locator(".bl-saliency audio").count() == 1
    assert not opened.is_visible("[data-part=error]")


def test_saliency_is_that_of_python(opened, models):
    from bnet.probes.inside import drops
    from bnet.training import predict as ask

    corpus, tracks = clips.choose(weights.shipped())
    model, record = models["bbnn"]
    mel = audio.log_mel(audio.fit(corpus.audio(tracks[0], clips.SECONDS), record.config.clip_seconds))
    label = int(ask(model, mel[None]).argmax())
    _, python = drops(lambda x: ask(model, x), mel, label)
    page = opened.evaluate("[...bnetListen.cards.values()].find(card => card.patches).patches.map(one => one.drop)")
    assert np.abs(np.array(page) - python).max() < 1e-3


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_nothing_is_loaded_before_the_first_click_and_nothing_from_elsewhere(browser, served, folder, scheme):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto({"http": served, "file": (folder / "index.html").as_uri()}[scheme])
    assert sorted(url.rsplit("/", 1)[-1] for url in asked if not url.startswith("data:")) == sorted(
        ["index.html", "listen.css", *site.PAGE]
    )
    page.focus("[data-id=clip-3]")
    page.keyboard.press("Enter")
    wait(page, "bnetListen.state.done")
    home = served.removesuffix("index.html") if scheme == "http" else folder.as_uri()
    assert [url for url in asked if not url.startswith((home, "blob:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert len(set(asked)) == len(asked)
    page.close()


def test_a_damaged_network_is_named_and_the_other_still_works(browser, served, folder, tune, tmp_path):
    page = browser.new_page()
    good = (folder / "listen/network-proposed.mjs").read_text()
    page.route("**/network-proposed.mjs", lambda route: route.fulfill(body=good[:5000] + "A" * 20 + good[5020:]))
    page.goto(served)
    path = write(tmp_path / "tune.wav", tune, SR)
    assert "damaged" in give(page, path)
    page.uncheck("input[value=proposed]")
    assert give(page, path) == ""
    page.close()


def test_without_webassembly_microphone_or_javascript_it_says_so(browser, served, tune, tmp_path):
    page = browser.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(served)
    assert "WebAssembly" in give(page, write(tmp_path / "tune.wav", tune, SR))
    page.click("[data-part=record]")
    wait(page, "/not allowed|No microphone/.test(document.querySelector('[data-part=error]').textContent)")
    page.close()
    page = browser.new_page(java_script_enabled=False)
    page.goto(served)
    assert "needs JavaScript" in page.inner_text("noscript")
    page.close()


def test_the_microphone_is_heard(browser, served):
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(served)
    page.click("[data-part=record]")
    wait(page, "document.querySelector('[data-part=record]').getAttribute('aria-pressed') == 'true'")
    time.sleep(2.5)
    page.click("[data-part=record]")
    wait(page, "bnetListen.state.done || !document.querySelector('[data-part=error]').hidden")
    assert not page.is_visible("[data-part=error]")
    context.close()


def test_a_run_becomes_a_folder(tmp_path):
    record = weights.shipped_run("bbnn")
    index = site.export_web(record, tmp_path / "mine")
    text = index.read_text(encoding="utf-8")
    assert record.name in text
    assert "{{" not in text
    assert (tmp_path / "mine/listen/network-bbnn.mjs").stat().st_size > 500_000
    with pytest.raises(BnetError, match="is there already"):
        site.export_web(record, tmp_path / "mine")


def test_runtime_is_the_published_one_and_damage_is_noticed(tmp_path, monkeypatch):
    for name in runtime.CHECKSUMS:
        assert runtime.read(name)
    (tmp_path / "ort.wasm.min.js").write_text("// another")
    monkeypatch.setattr(runtime, "FOLDER", tmp_path)
    with pytest.raises(BnetError, match="checksum"):
        runtime.read("ort.wasm.min.js")
    with pytest.raises(BnetError, match="restore the folder"):
        runtime.read("ort-wasm-simd-threaded.mjs")


def test_clips_are_of_test_tracks_of_every_class():
    corpus, tracks = clips.choose(weights.shipped())
    assert len({track.track_id for track in tracks}) == clips.NUMBER
    assert {track.label for track in tracks} == set(corpus.labels)
    for record in weights.shipped():
        assert {track.track_id for track in tracks} <= set(record.arrays("test")[0])


def test_kernels_are_low_pass_filters_of_unit_gain():
    for values in kernels.kernels().values():
        assert 2 * sum(values) - values[0] == pytest.approx(2, abs=1e-5)
