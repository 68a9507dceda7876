"""Sound files of every kind in, log-mels out: the same as librosa's; what is wrong with a file is said."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from bnet.corpora import base
from bnet.errors import BnetError, quiet
from bnet.sound import decode, log_mel, mpeg, streams

SR = log_mel.SR


def tone(seconds: float = 3.0, sr: int = SR, hz: float = 440.0) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sr)) / sr)).astype("float32")


def noise(seconds: float = 3.0, sr: int = SR) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * sr))).astype("float32")


def lively(seconds: float, sr: int) -> np.ndarray:
    """Stereo, first a tone, then noise: a variable bit rate varies."""
    half = np.concatenate([tone(seconds / 4, sr), noise(seconds * 3 / 4, sr)])
    return np.stack([half, 0.5 * half], axis=1)


def write(path: Path, y: np.ndarray, sr: int = SR, **options) -> Path:
    soundfile.write(path, y, sr, **options)
    return path


def cut(path: Path, share: float) -> Path:
    """The file without its end."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    return path


def first_frame(path: Path) -> int:
    """Where the second frame of an MP3 starts."""
    return mpeg.frame_at(path.read_bytes(), 0).length


def held(path: Path) -> float:
    """Seconds that can be decoded, of a truncated file too."""
    return sum(len(block.y) / block.sr for block in streams.blocks(path))


def refuse(path: Path, *words: str, **options) -> str:
    """What `load` says of a bad file: one message, with the file's name and all `words`."""
    with pytest.raises(BnetError) as caught:
        decode.load(path, **options)
    message = str(caught.value)
    for word in (path.name, *words):
        assert word in message
    return message


# log-mel


@pytest.fixture(autouse=True)
def by_blocks(monkeypatch):
    """Every whole file that a test loads is read by blocks too: to the same samples, or the same error."""
    load = decode.load

    def both(path, **options):
        if {"seconds", "offset", "allow_silent"} & options.keys():
            return load(path, **options)
        try:
            y = load(path, **options)
        except BnetError as error:
            with pytest.raises(BnetError, match=f"^{re.escape(str(error))}$"):
                list(decode.blocks(path, **options))
            raise
        np.testing.assert_array_equal(np.concatenate(list(decode.blocks(path, **options))), y)
        return y

    monkeypatch.setattr(decode, "load", both)


@pytest.mark.parametrize(("seconds", "frames"), [(30, 646), (10, 216), (1, 22)])
def test_number_of_frames(seconds, frames):
    assert log_mel.frames(seconds) == frames
    mel = log_mel.log_mel(np.zeros(seconds * SR, "float32"))
    assert mel.shape == (frames, 128)
    assert mel.dtype == np.float32


def chirp() -> np.ndarray:
    t = np.arange(3 * SR) / SR
    return np.sin(2 * np.pi * (50 + 1500 * t) * t).astype("float32")


@pytest.mark.parametrize(
    "y",
    [
        pytest.param(noise(), id="noise"),
        pytest.param(tone(), id="sine"),
        pytest.param(log_mel.fit(tone(), 10), id="sine, then zeros"),
        pytest.param(chirp(), id="chirp"),
        pytest.param(np.sign(tone()), id="square"),
        pytest.param(np.eye(1, SR, 5000, dtype="float32")[0], id="click"),
        pytest.param(np.zeros(SR, "float32"), id="zeros"),
        pytest.param(noise(0.1), id="barely a window"),
        pytest.param(noise().astype("float64"), id="double"),
    ],
)
def test_log_mel_is_librosas(y):
    mel = librosa.feature.melspectrogram(y=y.astype("float32"), sr=SR, n_fft=2048, hop_length=1024, n_mels=128)
    np.testing.assert_allclose(log_mel.log_mel(y), librosa.power_to_db(mel).T, rtol=0, atol=1e-4)


def test_log_mel_takes_the_settings():
    settings = log_mel.FeatureSettings(n_fft=1024, hop_length=512, n_mels=40, fmin=100.0, fmax=8000.0, top_db=60.0)
    plain = {k: v for k, v in dataclasses.asdict(settings).items() if k != "top_db"}
    expected = librosa.power_to_db(librosa.feature.melspectrogram(y=noise(), **plain), top_db=60).T
    np.testing.assert_allclose(settings(noise()), expected, rtol=0, atol=1e-4)
    default = log_mel.FeatureSettings()(noise())
    np.testing.assert_array_equal(default, log_mel.log_mel(noise()))


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        (np.zeros((2, SR)), {}, "one channel"),
        (np.zeros(0), {}, "at least a sample"),
        (np.full(SR, np.nan), {}, "NaN"),
        (np.zeros(SR), {"fmax": 22_050.0}, r"<= 11025 Hz"),
        (np.zeros(SR), {"fmin": 500.0, "fmax": 400.0}, "fmin < fmax"),
    ],
)
def test_log_mel_refuses(y, options, words):
    with pytest.raises(BnetError, match=words):
        log_mel.log_mel(y, log_mel.FeatureSettings(**options))


def test_fit():
    assert log_mel.fit(np.ones(SR), 2).sum() == SR
    assert log_mel.fit(np.ones(3 * SR), 2).shape == (2 * SR,)
    assert log_mel.fit(np.ones(5, "float32"), 1e-3).dtype == np.float32


def test_one_sample_rate_everywhere():
    assert log_mel.SR == base.SR == log_mel.FeatureSettings().sr == 22_050
    assert log_mel.FeatureSettings().fmax == 11_025


# files that must work


@pytest.mark.parametrize(
    ("name", "sr", "options"),
    [
        ("a.wav", 22_050, {}),
        ("8k.wav", 8_000, {}),
        ("96k.wav", 96_000, {}),
        ("24.wav", 44_100, {"subtype": "PCM_24"}),
        ("float.wav", 44_100, {"subtype": "FLOAT"}),
        ("double.wav", 48_000, {"subtype": "DOUBLE"}),
        ("u8.wav", 22_050, {"subtype": "PCM_U8"}),
        ("a.flac", 44_100, {}),
        ("a.mp3", 44_100, {}),
        ("22k.mp3", 22_050, {}),
        ("vbr.mp3", 44_100, {"bitrate_mode": "VARIABLE", "compression_level": 0.4}),
        ("a.ogg", 44_100, {}),
        ("a.opus", 48_000, {"format": "OGG", "subtype": "OPUS"}),
        ("a.aiff", 44_100, {}),
        ("a.au", 22_050, {}),
        ("no extension", 32_000, {"format": "FLAC"}),
        ("Ä ö %20 音.wav", 22_050, {}),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_load_is_librosas(tmp_path, name, sr, options, channels):
    path = write(tmp_path / name, lively(4, sr)[:, :channels], sr, **options)
    y = decode.load(path)
    expected, _ = librosa.load(path, sr=SR)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)
    if not name.endswith("mp3"):  # librosa seeks in an MP3, which is not exact
        part = decode.load(path, seconds=1.5, offset=0.5)
        expected, _ = librosa.load(path, sr=SR, offset=0.5, duration=1.5)
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-6)


def test_part_of_an_mp3_is_the_part_of_the_whole(tmp_path):
    path = write(tmp_path / "a.mp3", lively(6, SR), SR, bitrate_mode="VARIABLE")
    np.testing.assert_array_equal(decode.load(path, seconds=2, offset=3), decode.load(path)[3 * SR : 5 * SR])


def test_six_channels_are_averaged(tmp_path):
    y = noise(2)
    path = write(tmp_path / "six.wav", np.stack([y, -y, y, y, y, 0 * y], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(decode.load(path), y / 2, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_the_mean_of_integers_is_that_of_floats(channels):
    block = np.random.default_rng(0).integers(-(2**15), 2**15, (1000, channels)).astype("int16")
    mean = streams.mean(block, 2**15)[0]
    assert mean.dtype == np.float32
    np.testing.assert_array_equal(mean, streams.mean((block / 2**15).astype("float32"), 1)[0])
    np.testing.assert_allclose(mean, block.mean(axis=1) / 2**15, rtol=0, atol=1e-7)


def test_a_file_that_ends_early_is_shorter_and_fit_pads(tmp_path):
    path = write(tmp_path / "a.flac", tone(2))
    y = decode.load(path, seconds=30)
    assert len(y) == 2 * SR
    assert log_mel.log_mel(log_mel.fit(y, 30)).shape == (646, 128)


# MP3: the header is not trusted


@pytest.fixture
def mp3(tmp_path) -> Path:
    """8 s at a variable bit rate, with a Xing header."""
    return write(tmp_path / "a.mp3", lively(8, 44_100), 44_100, bitrate_mode="VARIABLE", compression_level=0.4)


def claim(path: Path, frames: int) -> Path:
    """Let the Xing header promise that many frames."""
    data = bytearray(path.read_bytes())
    at = data.index(b"Xing") + 8
    data[at : at + 4] = frames.to_bytes(4, "big")
    path.write_bytes(data)
    return path


def test_mp3_without_a_header_is_decoded_to_its_end(mp3):
    whole = decode.load(mp3)
    mp3.write_bytes(mp3.read_bytes()[first_frame(mp3) :])
    assert soundfile.info(mp3).duration < 6  # the guess, from the bit rate of the first frame
    y = decode.load(mp3)
    assert 0 <= len(y) - len(whole) < 0.1 * SR
    assert len(decode.load(mp3, seconds=7)) == 7 * SR


def test_mp3_of_constant_bit_rate_without_a_header_is_librosas(tmp_path):
    path = write(tmp_path / "a.mp3", noise(4, 44_100), 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    path.write_bytes(path.read_bytes()[first_frame(path) :])
    expected, _ = librosa.load(path, sr=SR)
    np.testing.assert_allclose(decode.load(path), expected, rtol=0, atol=1e-6)


def test_mp3_that_promises_too_little_is_decoded_to_its_end(mp3):
    whole = decode.load(mp3)
    np.testing.assert_array_equal(decode.load(claim(mp3, 100)), whole)


def test_mp3_files_joined_end_to_end(mp3):
    mp3.write_bytes(2 * mp3.read_bytes())
    assert len(decode.load(mp3)) == pytest.approx(16 * SR, abs=0.1 * SR)


def test_mp3_that_promises_too_much(mp3, capfd):
    refuse(claim(mp3, 2**31 - 1), "truncated", "8.0", "promises")
    assert held(mp3) == pytest.approx(8, abs=0.1)
    assert len(decode.load(mp3, seconds=5)) == 5 * SR  # all that was asked for is there
    assert capfd.readouterr().err == ""


def test_a_header_that_lies_costs_no_memory(mp3):
    """8 s that claim to last 16 000 hours take what 8 s take that don't."""
    peaks = []
    for path in (mp3, claim(mp3, 2**31 - 1)):
        tracemalloc.start()
        held(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_mp3_with_tags_at_both_ends(mp3):
    whole = decode.load(mp3)
    data = b"ID3\x04\0\0\0\0\x07\x68" + bytes(1000) + mp3.read_bytes()
    mp3.write_bytes(data + b"TAG" + bytes(125))
    np.testing.assert_array_equal(decode.load(mp3), whole)


def test_noise_of_the_decoder_is_kept_off_the_screen(mp3, capfd):
    refuse(cut(mp3, 0.5), "truncated")
    mp3.write_bytes(b"hello world\n" * 1000)
    refuse(mp3, "no audio")
    assert capfd.readouterr() == ("", "")
    blocks = [quiet(), quiet()]  # of two threads
    for step in (blocks[0].__enter__, blocks[1].__enter__, lambda: blocks[0].__exit__(None, None, None)):
        step()
        os.write(2, b"noise")
    blocks[1].__exit__(None, None, None)
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


# files that must not


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {}),
        ("24.wav", {"subtype": "PCM_24"}),
        ("float.wav", {"subtype": "FLOAT"}),
        ("a.flac", {}),
        ("a.mp3", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.aiff", {}),
        ("a.au", {}),
        ("a.w64", {}),
        ("a.rf64", {"format": "RF64"}),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(tmp_path, name, options, share):
    path = write(tmp_path / name, lively(5, 48_000), 48_000, **options)
    refuse(cut(path, share), "truncated", "expected a whole file", "again")
    if name != "a.flac":
        assert 1 < held(path) < 5


def test_sizes_that_a_pipe_could_not_know_are_no_promise(tmp_path):
    path = write(tmp_path / "a.wav", tone(2))
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert len(decode.load(path)) == 2 * SR


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("random.wav", np.random.default_rng(0).bytes(10_000)),
        ("random.mp3", np.random.default_rng(0).bytes(10_000)),
        ("text.mp3", b"hello world\n" * 1000),
        ("zeros.mp3", bytes(10_000)),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
        ("._a.wav", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(190)),
        ("short.wav", b"RIFF\x00"),
        ("a.raw", bytes(1000)),
    ],
)
def test_no_audio(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    refuse(path, "no audio", "expected WAV, FLAC, MP3", "convert")


def test_damaged_in_the_middle(tmp_path):
    path = write(tmp_path / "a.flac", noise(5))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = np.random.default_rng(0).bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    refuse(path, "damaged", "expected a whole file")


def test_missing_folder_and_empty(tmp_path):
    refuse(tmp_path / "none.wav", "no file", "check the name")
    refuse(tmp_path, "is a folder", "expected one sound file")
    (tmp_path / "empty.wav").touch()
    refuse(tmp_path / "empty.wav", "empty (0 bytes)")
    os.mkfifo(tmp_path / "pipe.wav")
    refuse(tmp_path / "pipe.wav", "no regular file")


def test_unreadable(tmp_path):
    path = write(tmp_path / "a.wav", tone())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root can read everything")
    refuse(path, "cannot read", "chmod")


def test_too_short(tmp_path):
    path = write(tmp_path / "a.wav", tone(0.1))
    refuse(path, "too short: 0.10 s", "at least 1 s")
    assert len(decode.load(path, min_seconds=0.05)) == round(0.1 * SR)
    write(path, tone(3))
    refuse(path, "too short: 0.00 s of sound after 10 s", offset=10)
    write(path, np.zeros((0, 1)))
    refuse(path, "too short: 0.00 s", min_seconds=0)


def test_a_part_may_be_shorter_than_the_least(tmp_path):
    path = write(tmp_path / "a.wav", tone(3))
    assert len(decode.load(path, seconds=0.5)) == SR // 2
    refuse(path, "expected more than 0 s", seconds=0)
    refuse(path, "from 0 s or later", offset=-1)


def test_silent(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(2 * SR, "float32"))
    refuse(path, "silent", "expected sound")
    assert not decode.load(path, allow_silent=True).any()
    write(path, 3e-5 * np.sign(noise(2)))  # dither of 16 bits
    refuse(path, "silent")
    write(path, 1e-3 * tone(2))
    assert decode.load(path).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    y = tone(2)
    y[1000] = value
    refuse(write(tmp_path / "a.wav", y, subtype="FLOAT"), "NaN or infinite")


def test_the_system_is_told_from_the_content(tmp_path):
    with pytest.raises(BnetError) as caught:
        decode.load(tmp_path / "none.wav")
    assert isinstance(caught.value.__cause__, OSError)
    path = tmp_path / "a.wav"
    path.write_bytes(b"hello")
    with pytest.raises(BnetError) as caught:
        decode.load(path)
    assert not isinstance(caught.value.__cause__, OSError)


def test_no_slow_imports_for_decoding(tmp_path):
    path = write(tmp_path / "a.wav", tone())
    code = f"import sys; from bnet.sound import decode; decode.load({str(path)!r}); print('librosa' in sys.modules)"
    assert os.popen(f'{sys.executable} -c "{code}"').read().strip() == "False"
