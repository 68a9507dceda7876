"""Sound files as people really have them, from public bug reports: all of the sound, or one message why not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bnet.corpora import get_corpus
from bnet.corpora.base import Track
from bnet.errors import BnetError
from bnet.sound import decode, log_mel, streams

SR = log_mel.SR
FAULTS = Path(__file__).parents[2] / "shared" / "faults"
JPEG = b"\xff\xd8\xff\xe0" + np.random.default_rng(1).bytes(200_000)


def noise(seconds: float, sr: int, channels: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * sr), channels))


def sound(tmp_path: Path, suffix: str, seconds: float = 3, sr: int = 44_100, channels: int = 2, **options) -> bytes:
    """The bytes of a file of noise."""
    path = tmp_path / f"source.{suffix}"
    soundfile.write(path, noise(seconds, sr, channels), sr, **options)
    return path.read_bytes()


def load(path: Path) -> np.ndarray:
    """All of a file, the same at once and by blocks."""
    y = decode.load(path)
    np.testing.assert_array_equal(np.concatenate(list(decode.blocks(path))), y)
    return y


def refuse(path: Path, *words: str) -> None:
    """One message with the file's name and all `words`, the same at once and by blocks."""
    messages = []
    for read in (decode.load, lambda path: list(decode.blocks(path))):
        with pytest.raises(BnetError) as caught:
            read(path)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    for word in (path.name, *words):
        assert word in messages[0]


def given(tmp_path: Path, name: str, *parts: bytes) -> Path:
    (tmp_path / name).write_bytes(b"".join(parts))
    return tmp_path / name


def without_end(data: bytes) -> bytes:
    """An Ogg whose last page lacks the end-of-stream flag, with the page's checksum (RFC 3533) made right."""
    at = data.rfind(b"OggS")
    page = bytearray(data[at:])
    page[5] &= ~4
    page[22:26] = bytes(4)
    mirrored = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
    crc = zlib.crc32(bytes(page).translate(mirrored), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    page[22:26] = int(f"{crc:032b}"[::-1], 2).to_bytes(4, "little")
    return data[:at] + bytes(page)


def without_length(flac: bytes) -> bytes:
    """A FLAC as a pipe gets it: STREAMINFO says that the number of samples is not known."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


# joined files


@pytest.mark.parametrize(
    ("first", "second"),
    [((44_100, 2), (22_050, 2)), ((44_100, 2), (44_100, 1)), ((44_100, 1), (44_100, 2)), ((16_000, 1), (48_000, 2))],
)
@pytest.mark.parametrize("between", [b"", b"ID3\x04\0\0\0\0\x07\x68" + JPEG[:1000]], ids=["plain", "tag"])
def test_joined_mp3_of_other_rate_or_channels_is_refused_by_name(tmp_path, first, second, between):
    parts = [sound(tmp_path, "mp3", sr=sr, channels=channels) for sr, channels in (first, second)]
    second_name = f"{second[0]} Hz, {second[1]} channel"
    refuse(given(tmp_path, "a.mp3", parts[0], between, parts[1]), "joined", "after 3.", second_name, "ffmpeg")


def test_joined_mp3_of_one_kind_is_read_whole_whatever_tags_lie_between(tmp_path):
    data = sound(tmp_path, "mp3")
    tag = b"ID3\x04\0\0\0\0\x07\x68" + JPEG[:1000]
    path = given(tmp_path, "a.mp3", data, tag, data)
    assert len(load(path)) == pytest.approx(6 * SR, abs=0.1 * SR)


@pytest.mark.parametrize("first", ["ogg", "opus"])
@pytest.mark.parametrize(
    ("second", "name"), [("ogg", "OGG VORBIS, 44100 Hz, 2 channels"), ("opus", "OGG OPUS, 48000 Hz, 2 channels")]
)
def test_chained_ogg_is_refused_by_name(tmp_path, first, second, name):
    kinds = {"ogg": {}, "opus": {"sr": 48_000, "format": "OGG", "subtype": "OPUS"}}
    parts = [sound(tmp_path, suffix, **kinds[suffix]) for suffix in (first, second)]
    refuse(given(tmp_path, "a.ogg", *parts), "joined", "at 3.00 s or before a second one", name, "ffmpeg")


@pytest.mark.parametrize(
    ("first", "second"),
    [("wav", "flac"), ("wav", "mp3"), ("mp3", "wav"), ("aiff", "wav"), ("ogg", "wav"), ("caf", "ogg"), ("au", "aiff")],
)
def test_files_of_two_formats_that_are_joined_are_refused(tmp_path, first, second):
    refuse(given(tmp_path, f"a.{first}", sound(tmp_path, first), sound(tmp_path, second)), "joined", second.upper())


@pytest.mark.parametrize("suffix", ["flac", "au", "caf", "w64", "rf64", "wav", "aiff"])
def test_other_joined_files_are_refused(tmp_path, suffix):
    data = sound(tmp_path, suffix, **({"format": "RF64"} if suffix == "rf64" else {}))
    refuse(given(tmp_path, f"a.{suffix}", data, data), "is several files joined end to end", "convert it")


def test_the_part_before_the_second_file_is_given(tmp_path):
    path = given(tmp_path, "a.mp3", sound(tmp_path, "mp3"), sound(tmp_path, "mp3", sr=22_050))
    assert len(decode.load(path, seconds=2)) == 2 * SR


# files without a length, or with a wrong one


def test_flac_from_a_pipe_is_read_and_cut_is_refused(tmp_path):
    data = without_length(sound(tmp_path, "flac"))
    path = given(tmp_path, "a.flac", data)
    assert streams.duration(path) is None
    assert len(load(path)) == 3 * SR
    part, whole = decode.load(path, seconds=1, offset=1, sr=44_100), decode.load(path, sr=44_100)
    np.testing.assert_array_equal(part, whole[44_100:88_200])
    for share in (0.3, 0.6, 0.95):
        refuse(given(tmp_path, "cut.flac", data[: int(share * len(data))]), "truncated or damaged", "whole file")


@pytest.mark.parametrize("length", ["known", "unknown"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.9, 1])
def test_features_of_a_folder_and_its_check_agree_on_flac(tmp_path, length, share):
    data = sound(tmp_path, "flac", 9)
    data = without_length(data) if length == "unknown" else data
    path, corpus = given(tmp_path, "a.flac", data[: int(share * len(data))]), get_corpus("folder")
    if share == 1:
        assert corpus.length(path) == 9
        assert len(corpus.audio(Track("a", "x", "g", path), 3)) == 3 * SR
        return
    for look in (lambda: corpus.length(path), lambda: corpus.audio(Track("a", "x", "g", path), 3)):
        with pytest.raises(BnetError, match=r"a\.flac is truncated or damaged: .*; expected a whole file"):
            look()


@pytest.mark.parametrize("riff", [0, 36, 0xFFFF_FFFF])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_wav_from_a_pipe_is_read_to_its_end(tmp_path, riff, subtype):
    data = bytearray(sound(tmp_path, "wav", subtype=subtype))
    whole = load(given(tmp_path, "whole.wav", data))
    at = data.index(b"data") + 4
    data[4:8], data[at : at + 4] = riff.to_bytes(4, "little"), bytes(4)
    np.testing.assert_array_equal(load(given(tmp_path, "a.wav", data)), whole)


def test_au_from_a_pipe_is_read_to_its_end(tmp_path):
    data = sound(tmp_path, "au")
    whole = load(given(tmp_path, "whole.au", data))
    np.testing.assert_array_equal(load(given(tmp_path, "a.au", data[:8], bytes(4), data[12:])), whole)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "caf", "w64", "rf64"])
def test_other_files_from_a_pipe_are_read_to_their_end(tmp_path, suffix):
    data = sound(tmp_path, suffix, **({"format": "RF64"} if suffix == "rf64" else {}))
    whole = load(given(tmp_path, f"whole.{suffix}", data))
    names = {
        "wav": b"data",
        "aiff": b"SSND",
        "caf": b"data",
        "w64": b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a",
    }
    at = data.index(names[suffix]) + len(names[suffix]) if suffix in names else 28
    width = 4 if suffix in ("wav", "aiff") else 8
    unknown = data[:at] + bytes(width) + data[at + width :]
    for at, width in {"wav": [(4, 4)], "aiff": [(4, 4)], "w64": [(16, 8)], "rf64": [(20, 8)]}.get(suffix, []):
        unknown = unknown[:at] + bytes(width) + unknown[at + width :]
    np.testing.assert_array_equal(load(given(tmp_path, f"a.{suffix}", unknown)), whole)


def test_a_rare_format_that_is_cut_is_refused(tmp_path):
    for suffix in ("nist", "avr", "mat4", "mat5", "mpc2k", "voc", "svx"):
        data = sound(tmp_path, suffix, channels=1, format=suffix.upper())
        assert len(load(given(tmp_path, f"a.{suffix}", data))) == 3 * SR
        refuse(given(tmp_path, f"cut.{suffix}", data[: len(data) * 2 // 3]), "truncated", "promise")


def test_an_empty_wav_with_something_after_its_sound_stays_empty(tmp_path):
    data = bytearray(sound(tmp_path, "wav", seconds=0) + b"LIST\x04\0\0\0INFO")
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    refuse(given(tmp_path, "a.wav", data), "too short: 0.00 s")


@pytest.mark.parametrize("options", [{}, {"sr": 48_000, "format": "OGG", "subtype": "OPUS"}], ids=["Vorbis", "Opus"])
def test_whole_ogg_without_the_end_of_stream_flag_is_read(tmp_path, options):
    data = sound(tmp_path, "ogg", **options)
    whole = load(given(tmp_path, "whole.ogg", data))
    np.testing.assert_array_equal(load(given(tmp_path, "a.ogg", without_end(data))), whole)
    for lost in (1, 100, 3000):
        refuse(given(tmp_path, "cut.ogg", without_end(data)[:-lost]), "truncated", "without an end-of-stream page")


# what else a file can be


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "AAC/MP4"),
        (b"\xff\xf1\x50\x80\x2e\x7f\xfc", "AAC"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf1\x50\x80", "AAC"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "WMA"),
        (b"\x1a\x45\xdf\xa3\x9f", "Matroska/WebM"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", "AAC/MP4"),
        (b"\x0b\x77\x12\x34", "AC-3"),
        (b"\x7f\xfe\x80\x01", "DTS"),
        (b"tBaK", "TAK"),
        (b".ra\xfd", "RealMedia"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
    ],
)
def test_a_format_under_another_name_is_told(tmp_path, head, kind):
    path = given(tmp_path, "a.mp3", head, np.random.default_rng(0).bytes(20_000))
    refuse(path, f"holds {kind}, not MP3: convert it (ffmpeg -i a.mp3 out.wav)")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\n<!doctype html><html>", "holds a web page, not MP3: download it again"),
        (b"<html><head>", "holds a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "holds a pointer of Git LFS, not MP3: fetch it"),
        (b"PK\3\4", "holds an archive, not MP3: unpack it"),
        (b"\x1f\x8b\x08", "holds an archive"),
    ],
)
def test_what_is_no_sound_is_told(tmp_path, head, message):
    refuse(given(tmp_path, "a.mp3", head, np.random.default_rng(0).bytes(20_000)), message)


ID3 = b"ID3\x03\0\0\0\0\0\x10" + bytes(16)
APE = b"".join(b"APETAGEX" + b"\xd0\x07\0\0\x28\0\0\0\1\0\0\0\0\0\0" + end + bytes(8) for end in (b"\xa0", b"\x80"))
APE = APE[:32] + bytes(8) + APE[32:]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ID3, b""),
        (b"", b"TAG" + bytes(125)),
        (b"", APE),
        (b"", b"APETAGEX" + bytes(24)),  # a footer that says that it has no bytes
        (ID3, APE + b"TAG" + bytes(125)),
    ],
)
def test_flac_with_the_tags_of_an_mp3_is_read_and_checked(tmp_path, before, after):
    flac = sound(tmp_path, "flac")
    np.testing.assert_array_equal(
        load(given(tmp_path, "a.flac", before, flac, after)), load(given(tmp_path, "b.flac", flac))
    )
    refuse(given(tmp_path, "cut.flac", before, flac[:-9_000], after), "truncated")
    refuse(given(tmp_path, "two.flac", before, flac, flac, after), "joined")


@pytest.mark.parametrize("channels", [2, 4])
def test_channels_that_cancel_are_told_from_silence(tmp_path, channels):
    y = noise(2, SR, 1)
    soundfile.write(tmp_path / "a.wav", np.hstack([y, -y] * (channels // 2)), SR)
    refuse(tmp_path / "a.wav", "the channels of", "cancel", "keep one of them", "ffmpeg")
    soundfile.write(tmp_path / "b.wav", 0 * np.hstack([y, y]), SR)
    refuse(tmp_path / "b.wav", "is silent")


@pytest.mark.parametrize(
    "options", [{}, {"format": "OGG", "subtype": "OPUS"}, {"subtype": "ULAW"}, {"format": "MP3"}], ids=str
)
def test_channels_that_cancel_but_for_what_a_codec_adds(tmp_path, options):
    y = 0.3 * np.sin(np.arange(2 * 48_000) / 20)[:, None] + noise(2, 48_000, 1)
    soundfile.write(tmp_path / "a.snd", np.hstack([y, -y]), 48_000, **{"format": "WAV", **options})
    refuse(tmp_path / "a.snd", "the channels of", "cancel")
    soundfile.write(tmp_path / "b.snd", np.hstack([y, -0.8 * y]), 48_000, **{"format": "WAV", **options})
    assert len(load(tmp_path / "b.snd")) == 2 * SR


@pytest.mark.parametrize("end", [b"", b"TAG" + bytes(125)], ids=["", "ID3v1"])
def test_mp3_with_a_cover_at_its_end_and_no_header(tmp_path, end):
    data = sound(tmp_path, "mp3", bitrate_mode="CONSTANT")
    frame = data[: data.index(b"\xff\xfb", 4)]
    assert b"Info" in frame or b"Xing" in frame
    plain = load(given(tmp_path, "plain.mp3", data[len(frame) :]))
    size = (len(JPEG) + 32).to_bytes(4, "little")
    head, foot = (b"APETAGEX\xd0\x07\0\0" + size + b"\x01\0\0\0\0\0\0" + flag + bytes(8) for flag in (b"\xa0", b"\x80"))
    y = load(given(tmp_path, "a.mp3", data[len(frame) :], head, JPEG, foot, end))
    assert len(y) == pytest.approx(len(plain), abs=0.1 * SR)


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "ogg"])
def test_what_macos_writes_beside_a_file_does_not_matter(tmp_path, suffix):
    path = given(tmp_path, f"a.{suffix}", sound(tmp_path, suffix))
    whole = load(path)
    given(tmp_path, f"._a.{suffix}", b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(4000))
    np.testing.assert_array_equal(load(path), whole)


def test_nothing_is_printed_by_the_decoder(tmp_path, capfd):
    data = sound(tmp_path, "mp3", 9)
    path = given(tmp_path, "a.mp3", data[: len(data) // 2])
    with pytest.raises(BnetError, match="truncated"):
        get_corpus("folder").audio(Track("a", "x", "g", path), 6)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("joined-rates.mp3", "22050 Hz, 1 channel"),
        ("chained.ogg", "a second one (OGG VORBIS"),
        ("m4a-named.mp3", "holds AAC/MP4, not MP3: convert"),
        ("flac-pipe.flac", 12.0),
        ("whole-noeosflag.ogg", 12.0),
        ("ape-cover-noxing.mp3", 12.04),
    ],
)
def test_reported_files(name, answer):
    if not (FAULTS / name).is_file():
        pytest.skip(f"{name} comes with the reports, not with the package")
    if isinstance(answer, str):
        refuse(FAULTS / name, answer)
    else:
        assert len(load(FAULTS / name)) / SR == pytest.approx(answer, abs=0.01)


# what a machine lacks


def python(code: str, **environment: str) -> str:
    """What another Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_read_only_installation_without_a_home_works_uncached():
    """Every place of numba's is refused; the folder that takes their place goes with the process."""
    code = """
import os, tempfile
os.environ.pop("NUMBA_CACHE_DIR", None)
os.environ["XDG_CACHE_HOME"] = "/dev/null/nowhere"
can, os.access = os.access, lambda *_, **__: False
import bnet
os.access = can
from bnet.sound import log_mel
import numpy as np
from bnet.cli import doctor
try:
    doctor._compiled()
except ValueError as error:
    print(log_mel.log_mel(np.ones(22050)).shape, error)
print(os.path.isdir(bnet.NUMBA_FOLDER), bnet.NUMBA_FOLDER)"""
    said, folder = python(code).splitlines()
    assert said.startswith("(22, 128) not kept: neither the packages' folders nor the user's cache folder")
    assert folder.startswith("True ")
    assert not Path(folder.removeprefix("True ")).exists()


def test_a_second_process_takes_what_the_first_has_compiled(tmp_path):
    code = """
import numpy as np
from bnet.training.lean import kernels
kernels.flush(np.ones(4, "float32"), np.zeros(4))
print(sum(kernels.flush.stats.cache_hits.values()), sum(kernels.flush.stats.cache_misses.values()))"""
    assert [python(code, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)] == ["0 1", "1 0"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to `ulimit -v`")
def test_too_little_memory_is_one_message(tmp_path):
    path = given(tmp_path, "a.wav", sound(tmp_path, "wav", 12))
    command = f"ulimit -v 2000000; exec {sys.executable} -m bnet predict {path} --run shipped/proposed"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode == 0:
        pytest.skip("2 GB are enough here")
    assert done.returncode == 2
    assert done.stderr.count("memory ran out; expected more of it") == 1
    assert "Traceback" not in done.stderr


def test_the_page_of_faults_names_tests_that_exist():
    root = Path(__file__).resolve().parents[1]
    named = re.findall(r'"(test_\w+)"', (root / "book" / "reference" / "faults.py").read_text(encoding="utf-8"))
    tests = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").glob("test_*.py"))
    assert len(named) > 20
    assert [name for name in named if f"def {name}(" not in tests] == []
