"""Pictures of mel spectrograms: what they hold, from pixels and from sound; what is none is told in a sentence."""

from __future__ import annotations

import dataclasses
import json
import struct
import warnings
import zlib
from pathlib import Path

import librosa
import matplotlib
import numpy as np
import pytest
from PIL import Image

from bnet.corpora.pictures import FMA_SMALL_IMAGES, GTZAN_IMAGES
from bnet.errors import BnetError
from bnet.runs import jobs as runs
from bnet.sound import decode
from bnet.sound.log_mel import SR, FeatureSettings
from bnet.sound.pictures import COLOURS, PictureSettings, digest, front_end, middles, pixels
from bnet.training.config import get_profile

GTZAN, FMA = GTZAN_IMAGES.front_end, FMA_SMALL_IMAGES.front_end
BOTH = pytest.mark.parametrize("settings", [GTZAN, FMA], ids=["gtzan", "fma"])
LEVEL = 80 / COLOURS
"""dB between two levels."""


def music(seconds: float, sr: int = SR) -> np.ndarray:
    """Notes that begin, fade and stop, and a little noise: from silence to loud, low and high."""
    generator, t = np.random.default_rng(3), np.arange(round(seconds * sr)) / sr
    y = 1e-4 * generator.standard_normal(len(t))
    for start in np.arange(0, seconds, 0.37):
        since = t - start
        y += (since >= 0) * np.exp(-6 * since.clip(0)) * np.sin(2 * np.pi * generator.uniform(60, sr / 3) * since)
    return (0.2 * y).astype("float32")


def by_librosa(y: np.ndarray, sr: int) -> np.ndarray:
    """What the authors of the pictures called [shape=(n_mels, frames)]."""
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, n_mels=128), ref=np.max)


def drawn(mel: np.ndarray, settings: PictureSettings, path: Path) -> Path:
    """`mel` [shape=(n_mels, frames)] drawn as they were: specshow on a figure of exactly so many pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(settings.columns / 100, settings.rows / 100), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    librosa.display.specshow(mel, sr=settings.sr, ax=ax, cmap=settings.cmap)
    with matplotlib.rc_context({"savefig.bbox": None}):  # whatever a notebook has set
        figure.savefig(path, dpi=100)
    return path


@BOTH
@pytest.mark.parametrize("seconds", [1.3, 30.0])
def test_decibels_are_librosas(settings, seconds):
    y = music(seconds, settings.sr)
    np.testing.assert_allclose(settings.decibels(y), by_librosa(y, settings.sr).T, rtol=0, atol=1e-4)


@BOTH
def test_a_drawn_picture_holds_what_its_sound_gives(settings, tmp_path):
    """The same column and band of every pixel, and its level or the next: matplotlib rounds colours when it draws, but
    gives the table cut off. Of an odd number of frames none meet at the middle of a column, which might show either.
    """
    y = music(30.0, settings.sr)[:-512]
    mel = by_librosa(y, settings.sr)
    assert mel.shape[1] % 2
    found = settings.read(pixels(drawn(mel, settings, tmp_path / "a.png"), settings), "a.png")
    expected = settings(y)
    assert found.shape == expected.shape == (settings.columns, 128) == (settings.frames(30), settings.n_mels)
    assert found.dtype == expected.dtype == np.float32
    assert np.abs(found - expected).max() < 1.01 * LEVEL


def test_a_clip_of_a_small_range_is_stretched(tmp_path):
    """White noise has some 20 dB: its picture has all colours, and so has what its sound gives."""
    y = (0.1 * np.random.default_rng(0).standard_normal(30 * SR - 512)).astype("float32")
    assert -60 < GTZAN.decibels(y).min() < -10
    found = GTZAN.read(pixels(drawn(by_librosa(y, SR), GTZAN, tmp_path / "a.png"), GTZAN), "a.png")
    assert np.abs(found - GTZAN(y)).max() < 1.01 * LEVEL
    assert found.min() < -70


def painted(levels: np.ndarray, cmap: str) -> np.ndarray:
    """Colours of levels, rounded as matplotlib rounds them when it draws: uint8 [shape=(*levels.shape, 3)]."""
    return np.round(255 * matplotlib.colormaps[cmap](levels)[..., :3]).astype(np.uint8)


@BOTH
def test_every_pixel_of_the_published_pictures_is_a_colour_of_the_table(settings):
    folder = (
        Path(__file__).resolve().parents[2]
        / "shared"
        / "corpora"
        / f"{'gtzan' if settings is GTZAN else 'fma-small'}-images"
        / "spectrograms"
    )
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    known = {tuple(colour) for colour in painted(np.arange(COLOURS), settings.cmap)}
    for path in sorted(folder.glob("*/*.png"))[::100]:
        colours = np.unique(pixels(path, settings).reshape(-1, 3), axis=0)
        assert {tuple(colour) for colour in colours} <= known


@BOTH
def test_every_level_comes_back_from_its_colour(settings):
    table = painted(np.arange(COLOURS), settings.cmap)
    for level in (0, 1, 100, COLOURS - 1):
        values = settings.read(np.full((settings.rows, settings.columns, 3), table[level]), "a.png")
        assert set(values.ravel()) == {np.float32((level + 0.5) / COLOURS * 80 - 80)}


def test_silence_is_the_lowest_level_as_matplotlib_draws_it():
    assert set(GTZAN(np.zeros(3 * SR, "float32")).ravel()) == {np.float32(-80 + LEVEL / 2)}


@BOTH
@pytest.mark.parametrize("seconds", [1.0, 3.3, 5.0, 10.0, 30.0])
def test_frames_of_a_clip(settings, seconds):
    y = music(seconds, settings.sr)
    assert len(settings(y)) == settings.frames(seconds) == round(seconds * settings.frame_rate)


def test_columns_are_those_at_the_middles():
    assert middles(387, 1292).tolist() == [int((c + 0.5) * 1292 / 387) for c in range(387)]
    y = music(10)
    mel = GTZAN.decibels(y)
    np.testing.assert_allclose(GTZAN(y), mel[middles(129, len(mel))].clip(mel.min()), rtol=0, atol=1.01 * LEVEL)


def test_short_sound_is_repeated_and_long_sound_cut():
    y = np.arange(1, 8, dtype="float32")
    sr10 = dataclasses.replace(GTZAN, sr=10)
    np.testing.assert_array_equal(sr10.fit(y, 2), [*y, *y, *y[:6]])
    np.testing.assert_array_equal(sr10.fit(y, 0.5), y[:5])


def test_on_the_published_clips_sound_gives_the_pictures(reference):
    """One constant a clip (its loudest point may come later than the excerpt ends), columns within the excerpt, with
    N = 1291 frames; clips whose picture is not stretched.
    """
    corpora = reference.parent / "corpora"
    if not (corpora / "gtzan-audio").is_dir():
        pytest.skip("the public excerpts of GTZAN are not at hand (corpora/gtzan-audio beside the checkout)")
    medians = {}
    for path in sorted((corpora / "gtzan-audio").glob("*.flac")):
        image = corpora / "gtzan-images" / "spectrograms" / path.name.split(".")[0] / f"{path.stem}.png"
        if not image.is_file():
            pytest.skip("the pictures of GTZAN are not at hand (corpora/gtzan-images beside the checkout)")
        y = decode.load(path)
        mel = GTZAN.decibels(y)
        if mel.min() > -80:
            continue
        frame = middles(GTZAN.columns, 1291)
        inside = frame < len(mel) - 3  # whose window ends within the excerpt
        expected = GTZAN.read(pixels(image, GTZAN), image)[inside]
        found = mel[frame[inside]]
        seen = (expected > expected.min()) & (found > found.min())
        off = (found - expected)[seen]
        medians[path.stem] = float(np.median(np.abs(off - np.median(off))))
    print({name: round(value, 3) for name, value in medians.items()})
    assert len(medians) > 10
    assert max(medians.values()) < 0.16


@pytest.mark.parametrize("made", [GTZAN, FMA, FeatureSettings(), FeatureSettings(top_db=60)], ids=repr)
def test_front_ends_come_back_from_their_json(made):
    assert front_end(made.to_json()) == made
    assert front_end(json.dumps(json.loads(made.to_json()), indent=1)) == made
    assert made.about


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (json.dumps({**dataclasses.asdict(GTZAN), "dpi": 100}), "dpi"),
        (json.dumps({**dataclasses.asdict(FeatureSettings()), "kind": "cochlea"}), "kind"),
        (json.dumps({"sr": 22_050}), "hop_length"),
        (json.dumps({**dataclasses.asdict(GTZAN), "columns": 0}), "0 x 385 pixels"),
        (json.dumps({**dataclasses.asdict(GTZAN), "seconds": "long"}), "str"),
        ("[]", "list"),
        ("{", "Expecting"),
    ],
)
def test_settings_of_another_version_are_refused(text, word):
    with pytest.raises(BnetError, match=r"features .* are not of this version of bnet .*train the run again") as error:
        front_end(text)
    assert word in str(error.value)


def test_an_unknown_colour_table_is_named():
    with pytest.raises(BnetError, match=r"unknown colour table 'magna' .did you mean 'magma'"):
        PictureSettings(cmap="magna", columns=2, rows=2, n_mels=2).read(np.zeros((2, 2, 3), np.uint8), "a.png")


def test_another_front_end_is_another_run(tones):
    def names():
        (job,) = runs.jobs("tones", ["bbnn"], "holdout", get_profile("smoke"), [0])
        return job.config.run_name, job.config.hash()

    seen = []
    for made in (FeatureSettings(), GTZAN, dataclasses.replace(GTZAN, columns=388)):
        tones.front_end = made
        seen.append(names())
    assert len(set(seen)) == 3


# pictures that are none of these


def published(tmp_path: Path) -> Path:
    """A good picture: every level, in the right colours."""
    levels = np.resize(np.arange(COLOURS), (GTZAN.rows, GTZAN.columns)).astype(np.uint8)
    path = tmp_path / "blues.00000.png"
    Image.fromarray(painted(levels, "magma")).save(path)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it has so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + content + chunk(b"IEND", b"")


def redrawn(path: Path, cmap: str) -> None:
    levels = np.resize(np.arange(COLOURS), (GTZAN.rows, GTZAN.columns)).astype(np.uint8)
    Image.fromarray(painted(levels, cmap)).save(path)


def been_jpeg(path: Path) -> None:
    image = Image.open(path).convert("RGB")
    image.save(path.with_suffix(".jpg"), quality=90)
    Image.open(path.with_suffix(".jpg")).save(path)


def resaved(path: Path, change=lambda image: image, form: str = "PNG") -> None:
    change(Image.open(path).convert("RGB")).save(path, format=form)


BAD = {
    "another size": (lambda path: resaved(path, lambda i: i.resize((128, 128))), "is a PNG of 128 x 128 pixels"),
    "grey": (lambda path: resaved(path, lambda i: i.convert("L")), "mode L;"),
    "grey of 16 bits": (lambda path: resaved(path, lambda i: i.convert("I;16")), "mode I;16;"),
    "grey in three channels": (lambda path: resaved(path, lambda i: i.convert("L").convert("RGB")), "of 441 from"),
    "another table": (lambda path: redrawn(path, "viridis"), "of 441 from the table 'magma'"),
    "been a JPEG": (been_jpeg, "of 441 from the table 'magma'"),
    "a JPEG": (lambda path: resaved(path, form="JPEG"), "is a JPEG of"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "damaged"),
    "a bomb": (lambda path: path.write_bytes(bomb(60_000, 60_000)), "exceeds limit"),
    "a smaller bomb": (lambda path: path.write_bytes(bomb(12_000, 10_000)), "is a PNG of 12000 x 10000 pixels"),
    "text": (lambda path: path.write_text("<html>404 not found</html>\n" * 100), "no picture"),
    "empty": (lambda path: path.write_bytes(b""), "no picture"),
    "missing": (Path.unlink, "cannot read"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot read"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_picture_that_is_none_of_these_is_one_message(tmp_path, fault):
    path, (change, words) = published(tmp_path), BAD[fault]
    assert GTZAN.read(pixels(path, GTZAN), path).shape == (387, 128)
    change(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BnetError) as error:
            GTZAN.read(pixels(path, GTZAN), path)
    said = str(error.value)
    assert str(path) in said
    assert words in said
    assert "; expected " in said
    assert any(what in said for what in ("get the published picture again", "check the "))
    assert said.count("expected") == 1
    assert "\n" not in said


def test_the_figure_of_the_distance_is_told(tmp_path):
    path = published(tmp_path)
    been_jpeg(path)
    with pytest.raises(BnetError, match=r"lie \d+\.\d of 441 .*expected at most 0\.5: .*has been a JPEG"):
        GTZAN.read(pixels(path, GTZAN), path)


def test_wherever_a_file_is_cut_or_changed_it_is_read_or_refused(tmp_path):
    """Never another exception, and what is read has the right shape."""
    small = PictureSettings(cmap="magma", columns=9, rows=8, n_mels=4)
    path, levels = tmp_path / "a.png", np.arange(72, dtype=np.uint8).reshape(8, 9) * 3
    Image.fromarray(painted(levels, "magma")).save(path)
    data, generator = path.read_bytes(), np.random.default_rng(0)
    changed = [data[:n] for n in range(len(data))]
    for at in range(len(data)):
        changed.append(data[:at] + bytes([data[at] ^ int(generator.integers(1, 256))]) + data[at + 1 :])
    refused = 0
    for content in changed:  # some hundred
        path.write_bytes(content)
        try:
            assert small.read(pixels(path, small), path).shape == (9, 4)
        except BnetError:
            refused += 1
    assert refused > len(changed) / 2


def test_the_digest_is_of_pixels_not_of_bytes(tmp_path):
    path = published(tmp_path)
    first = digest(pixels(path, GTZAN))
    Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "b.png", compress_level=1)
    assert digest(pixels(tmp_path / "b.png", GTZAN)) == first
    redrawn(path, "viridis")
    assert digest(pixels(path, GTZAN)) != first
