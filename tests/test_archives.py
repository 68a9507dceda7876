"""Unpacking: all or nothing; nothing outside the folder; each refusal names the archive, the member and the reason."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import re
import stat
import struct
import subprocess
import tarfile
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from children import answer, child
from conftest import until

from bnet.corpora import archives
from bnet.corpora.archives import LINK, UNSAFE, unpack
from bnet.errors import BnetError

CONTENT = {
    "set/blues/blues.00000.wav": np.random.default_rng(1).bytes(300_000),
    "set/blues/Björk Guðmundsdóttir - Jóga.mp3": b"sound",
    "set/a list.txt": b"blues\n" * 100,
    "set/empty": b"",
}
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}
TARS = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tgz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}


def make_zip(path: Path, content: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that are there twice
        for name, data in content:
            archive.writestr(name, data)
    return path


def make_tar(path: Path, content: Iterable[tuple[str | tarfile.TarInfo, bytes]], mode: str = "w", **options) -> Path:
    with tarfile.open(path, mode, **options) as archive:
        for name, data in content:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def make(path: Path, content: Iterable[tuple[str, bytes]]) -> Path:
    """An archive of the kind that the name says."""
    return make_zip(path, content) if path.suffix == ".zip" else make_tar(path, content, TARS[path.name])


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, *words: str, **options) -> str:
    """Unpacking fails with one message that has all the words, and leaves nothing behind, inside or outside."""
    place = archive.parent / "into"
    with pytest.raises(BnetError) as caught:
        unpack(archive, place / "set", **options)
    text = str(caught.value)
    for word in (archive.name, *words):
        assert word in text, text
    assert "\n" not in text
    assert [path.name for path in place.rglob("*")] == [".unpack.lock"]
    return text


# what is unpacked


@pytest.mark.parametrize("method", METHODS)
def test_zip(tmp_path, method):
    archive = make_zip(tmp_path / "a.zip", CONTENT.items(), METHODS[method])
    unpack(archive, tmp_path / "new" / "set")
    assert files(tmp_path / "new" / "set") == CONTENT


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tar(tmp_path, name, form):
    long = "set/" + "/".join(["a folder with a long name"] * 12) + "/clip.wav"
    archive = make_tar(tmp_path / name, [*CONTENT.items(), (long, b"deep")], TARS[name], format=form)
    unpack(archive, tmp_path / "set")
    assert files(tmp_path / "set") == {**CONTENT, long: b"deep"}


def test_archives_of_the_usual_programs(tmp_path):
    for name, data in CONTENT.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_bytes(data)
    subprocess.run(["tar", "czf", "../a.tar.gz", "./set"], cwd=tmp_path / "from", check=True)
    unpack(tmp_path / "a.tar.gz", tmp_path / "set")
    assert files(tmp_path / "set") == CONTENT


def test_the_kind_is_told_from_the_content(tmp_path):
    archive = make_tar(tmp_path / "genres.zip", CONTENT.items(), "w:gz")
    unpack(archive, tmp_path / "set")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_what_macos_and_windows_leave_is_left_out(tmp_path, name):
    junk = ["set/._clip.wav", "__MACOSX/set/._clip.wav", "__MACOSX/x", ".DS_Store", "set/.DS_Store", "set/Thumbs.db"]
    junk.append("set/Icon\r")
    archive = make(tmp_path / name, [("set/clip.wav", b"sound"), *((name, b"junk") for name in junk)])
    unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == {"set/clip.wav": b"sound"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_names_are_in_one_form(tmp_path, name):
    archive = make(tmp_path / name, [("set/Jo\u0301ga \u6f22.mp3", b"1")])  # decomposed, as macOS writes it
    unpack(archive, tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["set/J\u00f3ga \u6f22.mp3"]


@pytest.mark.parametrize(("raw", "name"), [("Jóga".encode(), "Jóga"), ("Jóga".encode("cp437"), "Jóga")])
def test_names_in_a_zip_without_the_unicode_flag(tmp_path, raw, name):
    archive = make_zip(tmp_path / "a.zip", [("J" + "x" * (len(raw) - 1), b"1")])
    archive.write_bytes(archive.read_bytes().replace(b"J" + b"x" * (len(raw) - 1), raw))
    unpack(archive, tmp_path / "out")
    assert list(files(tmp_path / "out")) == [name]


def test_names_in_a_tar_that_are_not_utf_8_are_refused(tmp_path):
    archive = make_tar(tmp_path / "a.tar", [("Jóga", b"1")], format=tarfile.USTAR_FORMAT, encoding="latin-1")
    refused(archive, "has an unsafe path")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_modes_are_plain(tmp_path, name):
    if name == "a.zip":
        info = zipfile.ZipInfo("set/run.sh")
        info.external_attr = (stat.S_IFREG | 0o6777) << 16
        make_zip(tmp_path / name, [(info, b"#!")])
    else:
        info = tarfile.TarInfo("set/run.sh")
        info.mode, info.mtime = 0o6777, 5
        make_tar(tmp_path / name, [(info, b"#!")])
    old = os.umask(0o022)
    try:
        unpack(tmp_path / name, tmp_path / "out")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out/set/run.sh").stat().st_mode) == 0o644
    assert {stat.S_IMODE((tmp_path / folder).stat().st_mode) for folder in ("out", "out/set")} == {0o755}


# what is refused

NAMES = (
    "../outside", "set/../../outside", "set/..", "/etc/outside", "//host/outside", "C:/outside", "c:outside",
    "..\\outside", "set\\clip.wav", "set/.. /outside", "set/.../outside", "set/\x1b[2Jclip.wav", "set/" + "x" * 256,
    "set/" + "ü" * 128,
)  # fmt: skip


@pytest.mark.parametrize("hostile", NAMES)
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_path_that_leaves_the_folder(tmp_path, name, hostile):
    archive = make(tmp_path / name, [("set/good.wav", b"good"), (hostile, b"bad")])
    refused(archive, repr(hostile), "has an unsafe path", "official source")
    assert not list(tmp_path.rglob("outside*"))


def test_a_name_with_a_zero_byte(tmp_path):
    archive = make_zip(tmp_path / "a.zip", [("set/cXip.wav", b"1")])
    archive.write_bytes(archive.read_bytes().replace(b"cXip", b"c\0ip"))
    refused(archive, "has an unsafe path")


@pytest.mark.parametrize(
    "good", ["a", "a/b.mp3", "./a", "a//b", ".hidden", "a..b", "x/...And Justice.mp3", "A: b"[1:], "漢/字"]
)
def test_names_that_are_no_danger(good):
    assert not UNSAFE.search(good)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_what_is_no_file_in_a_tar(tmp_path, kind):
    info = tarfile.TarInfo("set/clip.wav")
    info.type, info.linkname = kind, "/etc/passwd"
    refused(make_tar(tmp_path / "a.tar.gz", [("set/good", b"good"), (info, b"")], "w:gz"), "'set/clip.wav'", LINK)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_what_is_no_file_in_a_zip(tmp_path, kind):
    info = zipfile.ZipInfo("set/clip.wav")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    refused(make_zip(tmp_path / "a.zip", [("set/good", b"good"), (info, b"/etc/passwd")]), "'set/clip.wav'", LINK)


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("set/clip.wav", "set/clip.wav"),
        ("set/clip.wav", "set//./clip.wav"),
        ("set/J\u00f3ga", "set/Jo\u0301ga"),
        ("set/clip", "set/clip/a.wav"),
        ("set/clip/a.wav", "set/clip"),
    ],
)
def test_two_members_of_one_name(tmp_path, name, first, second):
    refused(make(tmp_path / name, [(first, b"1"), (second, b"2")]), repr(second), "has a name that another has")


def test_encrypted(tmp_path):
    archive = make_zip(tmp_path / "a.zip", [("set/clip.wav", b"sound")])
    data = bytearray(archive.read_bytes())
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(head) + at] |= 1
    archive.write_bytes(data)
    refused(archive, "'set/clip.wav'", "encrypted")


@pytest.mark.parametrize("kind", ["bzip2", "deflate", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_bombs(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(archives, "ROOM", 2**20)
    size = 2**21
    if kind in METHODS:
        archive = make_zip(tmp_path / "a.zip", [("bomb", bytes(size))], METHODS[kind])
    else:
        archive = make_tar(tmp_path / kind, [("bomb", bytes(size))], TARS[kind])
    assert archive.stat().st_size < size / 200
    refused(archive, "'bomb'", "200 times")


def test_what_comes_is_counted_not_what_is_promised(tmp_path):
    """A zip whose directory promises one byte of a member that holds many, and one that promises more than it has."""
    for promised in (1, 10**6):
        archive = make_zip(tmp_path / "a.zip", [("clip.wav", b"12345" * 1000)])
        data = bytearray(archive.read_bytes())
        struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, promised)
        archive.write_bytes(data)
        refused(archive, "'clip.wav'")


# damage


@pytest.mark.parametrize("name", ["a.zip", *TARS])
@pytest.mark.parametrize("part", [0.001, 0.3, 0.5, 0.99])
def test_half_an_archive(tmp_path, name, part):
    archive = make(tmp_path / name, CONTENT.items())
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * part)])
    text = refused(archive, "fetch or copy it again")
    assert re.search("half a download|neither a zip nor|ended before|unexpected end|truncated|end mark", text), text


@pytest.mark.parametrize("members_kept", [1, 2, 3])
def test_a_tar_that_breaks_off_between_two_members(tmp_path, members_kept):
    """Python's tarfile takes that for the end."""
    archive = make_tar(tmp_path / "a.tar", CONTENT.items(), format=tarfile.GNU_FORMAT)
    with tarfile.open(archive) as opened:
        end = [info.offset for info in opened.getmembers()][members_kept]
    archive.write_bytes(archive.read_bytes()[:end])
    refused(archive, "end mark")


def test_a_damaged_header_within_a_tar(tmp_path):
    """Python's tarfile takes that for the end, too."""
    archive = make_tar(tmp_path / "a.tar", CONTENT.items(), format=tarfile.GNU_FORMAT)
    with tarfile.open(archive) as opened:
        at = opened.getmembers()[2].offset
    data = bytearray(archive.read_bytes())
    data[at + 3] ^= 0xFF
    archive.write_bytes(data)
    refused(archive, "end mark")


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_checksum_names_the_member(tmp_path, method):
    archive = make_zip(tmp_path / "a.zip", CONTENT.items(), METHODS[method])
    data = bytearray(archive.read_bytes())
    data[150_000] ^= 0x55  # in the middle of the first member, which is noise
    archive.write_bytes(data)
    refused(archive, "'set/blues/blues.00000.wav'", "fetch or copy it again")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_a_wrong_bit_in_a_packed_tar(tmp_path, name):
    archive = make(tmp_path / name, CONTENT.items())
    data = bytearray(archive.read_bytes())
    data[150_000] ^= 0x55
    archive.write_bytes(data)
    refused(archive, "fetch or copy it again")


def test_the_checksum_at_the_end_of_gzip_is_read(tmp_path):
    archive = make(tmp_path / "a.tar.gz", CONTENT.items())
    archive.write_bytes(archive.read_bytes()[:-8] + bytes(8))
    refused(archive, "CRC")


def test_a_hole_in_a_zip(tmp_path):
    """What a download manager leaves that reserves the whole file first: the end is there, the middle is not."""
    archive = make_zip(tmp_path / "a.zip", [(f"{i}.mp3", b"x" * 5000) for i in range(9)], zipfile.ZIP_STORED)
    data = archive.read_bytes()
    archive.write_bytes(data[:15_000] + bytes(10_000) + data[25_000:])
    refused(archive, ".mp3'")


def test_a_method_that_nobody_knows(tmp_path):
    archive = make_zip(tmp_path / "a.zip", [("clip.wav", b"1")], zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    for head, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(head) + at] = 98
    archive.write_bytes(data)
    refused(archive, "'clip.wav'", "compression")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>Not found</html>", "a web page"),
        (b"  <HTML><head>", "a web page"),
        (b"Rar!\x1a\x07\x01\x00 and more", "neither a zip nor a tar"),
        (gzip.compress(b"no tar", mtime=0), "neither a zip nor a tar"),
        (bz2.compress(random.Random(0).randbytes(2000)), "neither a zip nor a tar"),
        (b"PK\x03\x04 and no more", "half a download"),
    ],
)
def test_what_is_no_archive(tmp_path, data, words):
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", words)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_an_archive_without_files(tmp_path, name):
    refused(make(tmp_path / name, [("__MACOSX/._x", b"junk")]), "holds no file")
    refused(make(tmp_path / name, []), "holds no file")


def test_no_file(tmp_path):
    refused(tmp_path / "a.zip", "No such file")
    (tmp_path / "a.zip").mkdir()


# the folder that is there, a full disk, kills, other processes


def test_a_target_that_exists(tmp_path):
    archive = make(tmp_path / "a.zip", CONTENT.items())
    (tmp_path / "set").mkdir()
    with pytest.raises(BnetError, match=r"set exists; expected a new folder"):
        unpack(archive, tmp_path / "set")
    assert list((tmp_path / "set").iterdir()) == []


def test_a_target_that_cannot_be_made(tmp_path):
    archive = make(tmp_path / "a.zip", CONTENT.items())
    (tmp_path / "file").touch()
    with pytest.raises(BnetError, match="could not write"):
        unpack(archive, tmp_path / "file" / "set")


def slowly(archive: Path, target: Path, seconds: float) -> None:
    """Unpack with a wait after each member."""
    write = archives._write
    archives._write = lambda *arguments: (write(*arguments), time.sleep(seconds))
    unpack(archive, target)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_full_disk_leaves_nothing(tmp_path, name):
    archive = make(tmp_path / name, CONTENT.items())
    with child(unpack, archive, tmp_path / "into" / "set", largest_file=60_000) as (_, pipe):
        text = answer(pipe)
    assert "could not write" in text
    assert "run the same command again" in text
    assert [path.name for path in (tmp_path / "into").rglob("*")] == [".unpack.lock"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_killed_in_the_middle_and_run_again(tmp_path, name):
    archive, target = make(tmp_path / name, CONTENT.items()), tmp_path / "into" / "set"
    for name in (".set.mine", ".set.toolong12", ".sett.abcdefgh", "set.abcdefgh"):  # somebody's own
        (tmp_path / "into" / name).mkdir(parents=True)
    with child(slowly, archive, target, 300):
        until(lambda: list((tmp_path / "into").glob(".set.????????/set/blues/*.wav")))
    assert not target.exists()
    assert len(list((tmp_path / "into").glob(".set.????????"))) == 1
    unpack(archive, target)
    assert files(target) == CONTENT
    left = [".set.mine", ".set.toolong12", ".sett.abcdefgh", ".unpack.lock", "set", "set.abcdefgh"]
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == left


def test_two_processes(tmp_path, capfd):
    archive, target = make(tmp_path / "a.zip", CONTENT.items()), tmp_path / "set"
    with child(slowly, archive, target, 0.3) as (_, pipe):
        until(lambda: list(tmp_path.glob(".set.????????/set/blues/*.wav")))
        unpack(archive, target)
        assert answer(pipe) is None
    assert files(target) == CONTENT
    assert "another process unpacks into" in capfd.readouterr().err
    assert files(target) == CONTENT


def test_interrupted_leaves_nothing(tmp_path, monkeypatch):
    archive = make(tmp_path / "a.zip", CONTENT.items())
    calls: list[object] = []

    def write(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    original = archives._write
    monkeypatch.setattr(archives, "_write", write)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "into" / "set")
    assert [path.name for path in (tmp_path / "into").iterdir()] == [".unpack.lock"]


def test_nothing_is_drawn_where_there_is_no_terminal(tmp_path, capfd):
    unpack(make(tmp_path / "a.zip", CONTENT.items()), tmp_path / "set")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_memory_does_not_grow_with_the_size_of_a_member(tmp_path, name, monkeypatch):
    monkeypatch.setattr(archives, "CHUNK", 2**16)
    size = 2**23
    archive = make(tmp_path / name, [("large", np.random.default_rng(2).bytes(size // 8) * 8)])
    tracemalloc.start()
    unpack(archive, tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < size / 4
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_only_what_is_wanted_is_looked_at(tmp_path, name):
    hostile = ("../../etc/passwd", b"bad")
    archive = make(tmp_path / name, [hostile, ("x/pictures/a.png", b"1"), ("x/huge", b"2" * 5000)])
    unpack(archive, tmp_path / "out", wanted=lambda name: name.endswith(".png"))
    assert files(tmp_path / "out") == {"x/pictures/a.png": b"1"}
    refused(archive, "holds no file of the corpus", wanted=lambda name: False)


def test_what_is_not_as_published_is_not_kept(tmp_path):
    def verify(folder: Path) -> None:
        assert files(folder) == CONTENT
        raise BnetError("a.zip: not what was published")

    refused(make(tmp_path / "a.zip", CONTENT.items()), "not what was published", verify=verify)
