"""The page 'Listen' in headless Chromium: the numbers of Python, nothing from elsewhere, every bad input a sentence."""

from __future__ import annotations

import dataclasses
import re
import shutil
import time

import librosa
import numpy as np
import pytest
import soundfile
from listening import check, folder, models, served, tune

from benchmarks.visit import (
    FORMATS,
    by_librosa,
    by_python,
    difference,
    give,
    heard,
    line,
    said,
    tolerance,
    wait,
    write_sound,
)  # fmt: skip
from bnet.corpora import SR
from bnet.corpora.pictures import FMA_SMALL_IMAGES, GTZAN_IMAGES
from bnet.deploy.networks import shipped, shipped_run
from bnet.deploy.predict import Classifier, predict_files, windows
from bnet.deploy.web import content, kernels, site
from bnet.models import Variant, build
from bnet.paths import sha256
from bnet.runs.records import PLAIN_WEIGHTS, Record
from bnet.runs.weights import load_network, save
from bnet.sound import decode, log_mel


@pytest.fixture(scope="module")
def opened(browser):
    """A page that stays open: every test leaves it usable for the next."""
    page = browser.new_page()
    page.goto(served() + "index.html")
    return page


@pytest.fixture
def page(browser):
    """A page of its own, nothing loaded yet, and no address."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def sample(tmp_path):
    """A file that the page hears."""
    return write_sound(tmp_path / "tune.wav", tune(), SR, "wav")


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_page_and_python_say_the_same(opened, tmp_path, kind, rate):
    """Log-mel and probabilities, by the decoder of the browser and by libsndfile."""
    path = write_sound(tmp_path / f"tune.{kind}", tune(), rate, kind)
    found = difference(opened, path, kind, models())
    print(f"\n{line(found, 'Chromium')}", end="")
    check(found)
    assert found.last < 1


@pytest.mark.parametrize("rate", [22_050, 44_100])
@pytest.mark.parametrize("kind", FORMATS)
def test_the_tolerance_lets_rounding_pass_and_nothing_else(kind, rate):
    """16 bits with dither only where a decoder may give them; never 0.01 dB, nor one sample too late."""
    y, generator = tune(), np.random.default_rng(0)
    expected = by_librosa(y)
    dither = generator.uniform(-0.5, 0.5, (2, len(y))).sum(axis=0)

    def share(other):
        return (np.abs(other - expected) / tolerance(expected, y, kind, rate)).max()

    def rounded(bits):
        return by_librosa((np.round(y * 2 ** (bits - 1) + dither) / 2 ** (bits - 1)).astype(np.float32))

    assert share(expected) == 0
    assert (share(rounded(16)) < 1) == (kind == "mp3")
    assert share(rounded(13)) > 1
    assert share(expected + 0.01) > 1
    assert share(by_librosa(np.roll(y, 1))) > 1


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 48_000, 96_000])
def test_the_very_first_samples_are_those_of_soxr(opened, tmp_path, rate):
    """soxr works in stages, which begin with zeros: a plain filter is 0.06 dB off in the first frame at 48 kHz."""
    path = tmp_path / "sudden.wav"
    x = noise(2, rate)[:, 0]
    soundfile.write(path, x, rate, subtype="FLOAT")
    assert give(opened, path) == ""
    mel, _ = heard(opened)
    expected = log_mel.log_mel(librosa.resample(x, orig_sr=rate, target_sr=SR))
    assert np.abs(mel - expected)[:2][expected[:2] > expected.max() - 50].max() < 1e-4


PICTURES = {"gtzan": GTZAN_IMAGES.front_end, "fma": FMA_SMALL_IMAGES.front_end}


@pytest.fixture(scope="module")
def mixed(browser, tmp_path_factory):
    """A page with a shipped network, and two for windows of 3 s of what pictures would hold; and all records."""
    root, own = tmp_path_factory.mktemp("mixed"), shipped_run("bbnn")
    records = [own]
    for name, front_end in PICTURES.items():
        row = Variant(name, name, ("norm conv1x1",), 1, filters=4)
        folder = shutil.copytree(own.folder, root / name)
        changes = {"variant": name, "architecture": row.architecture(), "features": front_end.to_json()}
        run = {**own.run, "config": {**own.run["config"], **changes, "clip_seconds": 3.0}}
        records.append(Record(folder, run))
        model, generator = build(row, len(own.labels)), np.random.default_rng(0)
        model.set_weights([w if w.ndim == 1 else 0.1 * generator.normal(size=w.shape) for w in model.get_weights()])
        save(model, folder / PLAIN_WEIGHTS)
    page = browser.new_page()
    page.goto(site.write_page(records, root / "page").as_uri())
    yield page, records
    page.close()


@pytest.mark.parametrize(
    ("seconds", "rate", "kind"), [(2.0, 48_000, "wav"), (4.5, 22_050, "wav"), (4.5, 44_100, "flac")]
)
def test_each_network_has_the_front_end_of_its_record(mixed, tmp_path, seconds, rate, kind):
    """Its sample rate, its columns and levels, and its way with a sound that is shorter than a window."""
    page, records = mixed
    path = write_sound(tmp_path / f"tune.{kind}", tune()[: round(seconds * SR)], rate, kind)
    assert give(page, path) == ""
    _, found = heard(page)
    assert set(found) == {"bbnn", *PICTURES}
    for record in records:
        expected = by_python(Classifier(record), path)
        assert found[record.config.variant].shape == expected.shape
        assert 0.01 < expected.max() < 0.99 or record is records[0]
        assert np.abs(found[record.config.variant] - expected).max() < 1e-3


def test_what_matters_is_asked_in_the_columns_of_the_network(mixed, tmp_path):
    from bnet.audit.probes.inside import drops
    from bnet.training.fit import predict as ask

    page, (_, record, _) = mixed
    path = write_sound(tmp_path / "tune.wav", tune()[: 4 * SR], SR, "wav")
    assert give(page, path) == ""
    page.click("article:nth-of-type(2) button")
    wait(page, "bnetListen.cards.get('gtzan').patches")
    model, (mel, *_) = load_network(record), windows(path, 3.0, 1.0, record.front_end)
    corners, python = drops(lambda x: ask(model, x), mel, int(ask(model, mel[None]).argmax()))
    patches = page.evaluate("bnetListen.cards.get('gtzan').patches")
    assert [(one["frame"], one["band"]) for one in patches] == corners
    assert np.abs(np.array([one["drop"] for one in patches]) - python).max() < 1e-3
    assert page.evaluate("document.querySelector('article:nth-of-type(2) canvas').width") == len(mel)


@pytest.mark.parametrize(
    "front_end", [*PICTURES.values(), dataclasses.replace(PICTURES["gtzan"], levels=64)], ids=[*PICTURES, "levels"]
)
@pytest.mark.parametrize(
    "y", [tune, lambda: noise(5)[:, 0], lambda: np.zeros(2 * SR, np.float32)], ids=["tune", "noise", "silence"]
)
def test_pictures_of_page_and_python_have_the_same_levels(page, front_end, y):
    """But for cells where two levels meet, which rounding may move to the neighbour."""
    y = y()
    script = "\n".join(map(site.static, ("logmel.mjs", "frontends.mjs")))
    expected = front_end(y)
    given = [dataclasses.asdict(front_end), kernels.mel_filters(front_end), y.tolist(), len(expected)]
    found = page.evaluate(
        f"([settings, filters, y, n]) => {{ {script}; const one = makeFrontEnd(settings, filters)"
        ".hear(Float32Array.from(y), n); return [one.frames, one.bands, Array.from(one.data)]; }",
        given,
    )
    assert found[:2] == list(expected.shape)
    levels = (np.array(found[2], np.float32).reshape(expected.shape) - expected) * front_end.levels / front_end.top_db
    assert set(np.round(levels).ravel()) <= {-1, 0, 1}
    assert np.abs(levels - np.round(levels)).max() < 1e-4
    assert np.mean(np.round(levels) != 0) < 1e-2


def noise(seconds: float, rate: int = SR, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)


def sound(y: np.ndarray, rate: int = SR, kind: str = "WAV", **how):
    return lambda path: soundfile.write(path, y, rate, format=kind, **how)


REFUSED = {
    "text.mp3": (lambda path: path.write_text("no sound at all\n" * 50), "no sound file"),
    "empty.wav": (lambda path: path.write_bytes(b""), "empty"),
    "short.wav": (sound(noise(0.1)), "too short: it lasts 0.10 s"),
    "silent.wav": (sound(np.zeros(3 * SR)), "silent"),
    "late.wav": (sound(np.append(np.zeros(10 * SR), noise(0.5))), "All windows of this sound are silent"),
    "antiphase.wav": (sound(noise(3) * [1, -0.95]), "channels of this sound cancel"),
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


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (37_800, 1), (96_000, 1), (44_100, 8)])
def test_unusual_sound_is_heard_as_python_hears_it(opened, tmp_path, rate, channels):
    path = tmp_path / "unusual.wav"
    soundfile.write(path, noise(2, rate, channels), rate, subtype="FLOAT")
    assert give(opened, path) == ""
    mel, probabilities = heard(opened)
    expected = log_mel.log_mel(decode.load(path))
    assert mel.shape == expected.shape
    off = np.abs(mel - expected)
    assert off.mean() < 1e-4 if rate in kernels.RATES else off.mean() < 1e-2  # others: the nearest one's filter
    for name, classify in models().items():
        assert np.abs(probabilities[name] - by_python(classify, path)).max() < 1e-3


def test_silent_windows_have_no_vote_on_the_page_either(opened, tmp_path):
    path = tmp_path / "late.wav"
    soundfile.write(path, np.append(np.zeros(12 * SR), noise(2)), SR)
    assert give(opened, path) == ""
    _, probabilities = heard(opened)
    for name, classify in models().items():
        (answer,) = predict_files(classify, [path])
        assert probabilities[name].shape == answer.probabilities.shape
        assert np.abs(probabilities[name] - answer.probabilities).max() < 1e-3
        assert said(opened).count(f"silent windows without a vote: {answer.silent}") == len(models())


@pytest.mark.parametrize("kind", ["wav", "mp3", "ogg"])
def test_of_an_hour_the_first_minutes_are_heard(opened, tmp_path, kind):
    path = tmp_path / f"hour.{kind}"
    with soundfile.SoundFile(path, "w", 8_000, 1) as file:
        for _ in range(60):
            file.write(noise(60, 8_000))
    opened.uncheck("input[value=bbnn]")
    opened.set_input_files("[data-part=file]", path)
    wait(opened, f"bnetListen.state.name == 'hour.{kind}' && bnetListen.state.windows.proposed[0]")
    assert "about 60 minutes: only the first 3" in said(opened)
    assert opened.evaluate("bnetListen.state.seconds") == site.LONGEST
    opened.set_input_files("[data-part=file]", [])
    opened.check("input[value=bbnn]")


def test_a_large_file_that_does_not_tell_its_length_is_not_decoded(opened, tmp_path):
    path = tmp_path / "large.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + bytes(17 << 20))
    assert "doesn't tell how long it is" in give(opened, path)


def test_a_clip_is_heard_and_its_class_told_afterwards(opened):
    opened.evaluate("bnetListen.state.done = false")
    opened.click("[data-id=clip-1]")
    assert not opened.is_visible("[data-part=truth]")
    wait(opened, "bnetListen.state.done && bnetListen.state.name == 'Clip 1'")
    _, tracks = content.choose_clips(shipped("tunes"))
    assert tracks[0].label in opened.inner_text("[data-part=truth]")
    opened.click("article:nth-of-type(2) button")
    wait(opened, "[...bnetListen.cards.values()].some(card => card.patches)")
    assert opened.locator(".bl-saliency audio").count() == 1
    assert not opened.is_visible("[data-part=error]")
    assert "first result" in opened.inner_text("[data-part=speed]").lower()


def test_saliency_is_that_of_python(opened):
    from bnet.audit.probes.inside import drops
    from bnet.training.fit import predict as ask

    corpus, tracks = content.choose_clips(shipped("tunes"))
    model, record = load_network(shipped_run("bbnn")), shipped_run("bbnn")
    mel = log_mel.log_mel(log_mel.fit(corpus.audio(tracks[0], content.SECONDS), record.config.training.clip_seconds))
    label = int(ask(model, mel[None]).argmax())
    _, python = drops(lambda x: ask(model, x), mel, label)
    page = opened.evaluate("[...bnetListen.cards.values()].find(card => card.patches).patches.map(one => one.drop)")
    assert np.abs(np.array(page) - python).max() < 1e-3


def test_a_refused_file_leaves_what_did_it_hear_usable(opened, sample, tmp_path):
    assert give(opened, sample) == ""
    opened.click("article:nth-of-type(1) button")
    (tmp_path / "empty.wav").touch()
    assert "empty" in give(opened, tmp_path / "empty.wav")
    wait(opened, "[...bnetListen.cards.values()].every(card => !card.button.disabled)")
    assert opened.locator(".bl-saliency audio").count() == 1


@pytest.mark.parametrize("end", ["continue_", "abort"])
def test_the_last_choice_is_heard_whatever_comes_of_the_one_before(opened, end):
    held = []
    opened.route("**/clip-1.mjs", lambda route: held.append(route))
    opened.click("[data-id=clip-1]")
    opened.uncheck("input[value=bbnn]")
    assert "Decoding Clip 1" in said(opened)
    opened.click("[data-id=clip-2]")
    wait(opened, "bnetListen.state.name == 'Clip 2'")
    turn = opened.evaluate("bnetListen.state.turn")
    getattr(held[0], end)()
    wait(opened, "!document.querySelector('script[src$=\"clip-1.mjs\"]')")
    assert opened.evaluate("bnetListen.state.turn") == turn
    assert not opened.is_visible("[data-part=error]")
    opened.unroute("**/clip-1.mjs")
    opened.check("input[value=bbnn]")
    wait(opened, "bnetListen.state.done && bnetListen.state.name == 'Clip 2' && bnetListen.cards.size == 2")


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_nothing_is_loaded_before_the_first_click_and_nothing_from_elsewhere(browser, scheme):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    home = {"http": served(), "file": folder().as_uri() + "/"}[scheme]
    page.goto(home + "index.html")
    files = sorted(url.removeprefix(home) for url in asked if not url.startswith("data:"))
    assert files == ["index.html", "listen/listen.css", "listen/listen.mjs"]
    page.focus("[data-id=clip-3]")
    page.keyboard.press("Enter")
    wait(page, "bnetListen.state.done")
    assert [url for url in asked if not url.startswith((home, "blob:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert len(set(asked)) == len(asked)
    page.close()


def damaged(page, name: str) -> None:
    """Let a part of the page's file `name` be something else."""
    text = (folder() / f"listen/{name}").read_text()
    middle = len(text) - 400_000  # within what is gzipped
    page.route(f"**/{name}", lambda route: route.fulfill(body=text[:middle] + "A" * 20 + text[middle + 20 :]))


@pytest.mark.parametrize(("name", "words"), {"network-proposed": "damaged", "engine": "is damaged"}.items())
def test_a_damaged_file_is_named_and_a_good_one_works_after_it(page, sample, name, words):
    damaged(page, f"{name}.mjs")
    page.goto(served() + "index.html")
    assert words in give(page, sample)
    page.unroute(f"**/{name}.mjs")
    assert give(page, sample) == ""


def test_a_network_that_is_missing_leaves_the_other(page, sample):
    page.route("**/network-proposed.mjs", lambda route: route.abort())
    page.goto(served() + "index.html")
    assert "network-proposed.mjs is missing or damaged" in give(page, sample)
    page.uncheck("input[value=proposed]")
    assert give(page, sample) == ""


LACKING = {
    "delete globalThis.WebAssembly": "has WebAssembly switched off",
    "WebAssembly.instantiate = () => Promise.reject(new WebAssembly.CompileError('forbidden'))": "could not be started",
    "delete globalThis.OfflineAudioContext": "can't decode sound",
    "delete globalThis.DecompressionStream": "too old",
}


@pytest.mark.parametrize("script", LACKING)
def test_what_the_browser_lacks_is_named(page, sample, script):
    if "instantiate" in script:  # in the worker, which an init script doesn't reach
        text = (folder() / "listen/engine.mjs").read_text().replace('"worker": "', f'"worker": "{script};', 1)
        page.route("**/engine.mjs", lambda route: route.fulfill(body=text))
    else:
        page.add_init_script(script)
    page.goto(served() + "index.html")
    error = give(page, sample)
    assert LACKING[script] in error
    assert error.endswith(".")


def test_without_javascript_it_says_so(browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto(served() + "index.html")
    assert "needs JavaScript" in page.inner_text("noscript")
    page.close()


NO_MICROPHONE = {
    "NotAllowedError": "was not allowed",
    "NotFoundError": "No microphone was found",
    "NotReadableError": "another program",
}


@pytest.mark.parametrize("name", NO_MICROPHONE)
def test_without_a_microphone_it_says_why(page, name):
    refuse = f"() => Promise.reject(new DOMException('', '{name}'))"
    if name != "NotAllowedError":  # that one is Chromium's own, for nobody is there to allow it
        page.add_init_script(f"navigator.mediaDevices.getUserMedia = {refuse}")
    page.goto(served() + "index.html")
    page.click("[data-part=record]")
    wait(page, "!document.querySelector('[data-part=error]').hidden")
    assert NO_MICROPHONE[name] in page.inner_text("[data-part=error]")


def test_the_microphone_is_asked_for_once_at_a_time(page):
    page.add_init_script("window.asked = 0; navigator.mediaDevices.getUserMedia = () => new Promise(() => asked++)")
    page.goto(served() + "index.html")
    page.click("[data-part=record]")
    page.click("[data-part=record]")
    assert page.evaluate("asked") == 1


def test_the_microphone_is_heard(browser):
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(served() + "index.html")
    page.click("[data-part=record]")
    wait(page, "document.querySelector('[data-part=record]').textContent == 'Stop recording'")
    time.sleep(2.5)
    page.click("[data-part=record]")
    wait(page, "bnetListen.state.done || !document.querySelector('[data-part=error]').hidden")
    assert not page.is_visible("[data-part=error]")
    assert page.inner_text("[data-part=name]").startswith("Your recording")
    context.close()


def test_a_file_may_be_dropped_anywhere_on_the_page(opened, sample):
    opened.evaluate(f"""(async () => {{
        bnetListen.state.done = false;
        const carried = new DataTransfer();
        carried.items.add(new File([Uint8Array.from({list(sample.read_bytes())[:200_000]})], "dropped.wav"));
        document.querySelector("#bl-limits").dispatchEvent(
            new DragEvent("drop", {{ dataTransfer: carried, bubbles: true, cancelable: true }}));
    }})()""")
    wait(opened, "bnetListen.state.done && bnetListen.state.name == 'dropped.wav'")


RUNTIME = {
    "ort.wasm.min.js": "faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""SHA-256 of each file as the npm package holds it."""


def test_runtime_is_the_published_one():
    for name, checksum in RUNTIME.items():
        assert sha256(site.runtime(name)) == checksum


def test_clips_are_of_test_tracks_of_every_class():
    corpus, tracks = content.choose_clips(shipped("tunes"))
    assert len({track.track_id for track in tracks}) == content.NUMBER
    assert {track.label for track in tracks} == set(corpus.labels)
    for record in shipped("tunes"):
        assert {track.track_id for track in tracks} <= set(record.arrays("test")[0])


def test_kernels_are_low_pass_filters_of_unit_gain():
    for rate, measured in kernels.kernels().items():
        half = measured["half"]
        assert 2 * sum(half) - half[0] == pytest.approx(measured["points"], abs=1e-5)
        assert bool(measured["start"]) == (rate not in {"11025", "44100"})  # where soxr has one stage


def test_of_two_parts_of_the_scripts_none_uses_the_same_name_twice():
    """They share one scope: a name that stands twice is a syntax error, or hides the other."""
    for parts in (site.PAGE, site.WORKER):
        names = [
            name
            for part in parts
            for name in re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", site.static(part), re.MULTILINE)
        ]
        assert len(names) == len(set(names)) > 10


def test_the_network_for_genres_shares_a_page_with_those_for_dances():
    """Ids and titles tell them apart, and the clips are the dance networks'."""
    described = [content.describe(record) for record in shipped()]
    assert [network["id"] for network in described] == ["genres", "proposed", "bbnn"]
    assert len({network["title"] for network in described}) == 3
    assert content.choose_clips(shipped()) == content.choose_clips(shipped("tunes"))
    assert content.choose_clips(shipped("gtzan-images")) == (None, [])
