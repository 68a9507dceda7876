"""Damaged files at the doors of `bnet`: sound files, archives and pictures that are cut, joined, or altered.

    python benchmarks/fuzz.py                ten minutes, kept
    python benchmarks/fuzz.py --quick        a try

Hypothesis alters files of every format that libsndfile writes, of every kind of archive that is unpacked, and a PNG. An
answer is sound, files, a picture, or one `BnetError`; anything else is a finding: another exception, a hang, a file
outside the folder or half a file inside it, and, of files that are only cut or joined, less than they hold without a
word. `tests/test_fuzz.py` does some hundred of these examples.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import signal
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import hypothesis
import numpy as np
import soundfile
import typer
from hypothesis import strategies as st
from PIL import Image

from bnet.corpora.archives import unpack
from bnet.errors import BnetError
from bnet.sound import decode
from bnet.sound.pictures import PictureSettings, pixels

SECONDS, SR, HANG = 1.5, 16_000, 20
COUNTLESS = ("IRCAM", "PAF", "PVF", "XI")
"""Formats whose headers, as libsndfile writes them, do not say how much sound follows: cut ones look whole."""
FEW = ("WAV", "FLAC", "MP3", "OGG", "AIFF", "AU", "CAF", "W64", "RF64", "WAVEX")
"""Formats that people have: joined ones are found."""


@functools.cache
def sounds() -> dict[str, bytes]:
    """``FORMAT/SUBTYPE`` -> a stereo file of noise, or mono where the format wants that."""
    y = 0.1 * np.random.default_rng(0).standard_normal((round(SECONDS * SR), 2))
    found = {}
    for format in sorted({*soundfile.available_formats()} - {"SD2"}):  # which is two files
        for subtype in soundfile.available_subtypes(format):
            for channels in (2, 1):
                stream = io.BytesIO()
                with contextlib.suppress(soundfile.SoundFileError):
                    soundfile.write(stream, y[:, :channels], SR, format=format, subtype=subtype)
                    with contextlib.suppress(soundfile.SoundFileError):
                        soundfile.info(io.BytesIO(stream.getvalue()))  # some can be written but not read
                        found[f"{format}/{subtype}"] = stream.getvalue()
                    break
    return found


@functools.cache
def packed() -> dict[str, bytes]:
    """Kind of archive -> one with three files."""
    content = {name: np.random.default_rng(i).bytes(3000) for i, name in enumerate(("a/b.wav", "a/é.mp3", "c.txt"))}
    found = {}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        found[f"zip {method}"] = stream.getvalue()
    for mode, form in itertools.product(("w", "w:gz", "w:bz2", "w:xz"), (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode=mode, format=form) as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        found[f"tar {mode} {form}"] = stream.getvalue()
    return found


PICTURE = PictureSettings(cmap="magma", columns=40, rows=30)


@functools.cache
def pictures() -> dict[str, bytes]:
    """Kind of picture -> one of the right size."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3)).astype("uint8"))
    found = {}
    for name, mode, format in (("RGB", "RGB", "PNG"), ("P", "P", "PNG"), ("grey", "L", "PNG"), ("JPEG", "RGB", "JPEG")):
        stream = io.BytesIO()
        image.convert(mode).save(stream, format)
        found[name] = stream.getvalue()
    return found


WORDS = [
    value.to_bytes(4, order) for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF) for order in ("big", "little")
]


@st.composite
def altered(draw: st.DrawFn, originals: Callable[[], dict[str, bytes]]) -> tuple[str, bytes]:
    """A file of a kind, with some of its bytes changed: most often in its header."""
    name = draw(st.sampled_from(sorted(originals())))
    data = bytearray(originals()[name])
    for _ in range(draw(st.integers(1, 4))):
        reach = draw(st.sampled_from((64, 512, len(data))))
        at = draw(st.integers(0, max(0, min(reach, len(data)) - 1)))
        what = draw(st.sampled_from(("byte", "word", "drop", "insert", "repeat", "cut", "other")))
        if what == "byte":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif what == "word":
            data[at : at + 4] = draw(st.sampled_from(WORDS))
        elif what == "drop":
            del data[at : at + draw(st.integers(1, 600))]
        elif what == "insert":
            data[at:at] = draw(st.sampled_from((bytes(1), bytes(1000), b"ID3\x04\0\0\0\0\x07\x68" + bytes(1000))))
        elif what == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 600))]
        elif what == "cut":
            del data[at:]
        else:
            data[at:] = originals()[draw(st.sampled_from(sorted(originals())))]
    return name, bytes(data)


@st.composite
def cut(draw: st.DrawFn, originals: Callable[[], dict[str, bytes]]) -> tuple[str, bytes]:
    """A file of a kind without its end."""
    name = draw(st.sampled_from(sorted(originals())))
    return name, originals()[name][: draw(st.integers(0, len(originals()[name]) - 1))]


@st.composite
def joined(draw: st.DrawFn) -> tuple[str, bytes]:
    """Two sound files, one behind the other, perhaps with a tag between them."""
    names = [name for name in sorted(sounds()) if name.split("/")[0] in FEW]
    first, second = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    between = draw(st.sampled_from((b"", b"ID3\x04\0\0\0\0\x07\x68" + bytes(1000), bytes(37))))
    return f"{first} + {second}", sounds()[first] + between + sounds()[second]


def hear(folder: Path, name: str, data: bytes) -> float | None:
    """Seconds of sound in these bytes, the same at once and by blocks; None where they are refused."""
    path = folder / f"a.{name.split('/')[0].lower()}"
    path.write_bytes(data)
    answers = []
    for way in (decode.load, lambda path: np.concatenate(list(decode.blocks(path)))):
        try:
            answers.append(way(path))
        except BnetError as error:
            answers.append(str(error))
            assert path.name in answers[-1], answers
            assert "\n" not in answers[-1], answers
    if isinstance(answers[0], str):
        assert answers[0] == answers[1], answers
        return None
    assert answers[0].dtype == np.float32
    assert np.isfinite(answers[0]).all()
    np.testing.assert_array_equal(*answers)
    return len(answers[0]) / decode.SR


def check_altered_sound(folder: Path, example: tuple[str, bytes]) -> None:
    """Sound, or one message."""
    hear(folder, *example)


def check_cut_sound(folder: Path, example: tuple[str, bytes]) -> None:
    """All of the sound, or one message."""
    name, data = example
    heard = hear(folder, name, data)
    assert heard is None or name.startswith(COUNTLESS) or heard >= SECONDS - 0.11, f"{name}: {heard} s of {SECONDS} s"


def check_joined_sound(folder: Path, example: tuple[str, bytes]) -> None:
    """The sound of both files, or one message."""
    heard = hear(folder, *example)
    assert heard is None or heard >= 2 * SECONDS - 0.11, f"{example[0]}: {heard} s of {2 * SECONDS} s"


def check_archive(folder: Path, example: tuple[str, bytes], whole: bool = False) -> None:
    """Files below the folder, or one message and nothing; of an archive that is cut, all of the files."""
    name, data = example
    path = folder / "archive"
    path.write_bytes(data)
    before = {p for p in folder.rglob("*") if ".unpack.lock" not in p.name}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        target = Path(place) / "deep" / "set"
        try:
            unpack(path, target)
        except BnetError:
            assert not target.exists(), "half of it was kept"
        else:
            count = sum(p.is_file() for p in target.rglob("*"))
            assert count == 3 if whole else count, f"{name}: {count} of 3 files"
        for left in target.parent.iterdir():
            assert left.name in ("set", ".unpack.lock"), f"{name} left {left.name}"
    assert {p for p in folder.rglob("*") if ".unpack.lock" not in p.name} == before, f"{name} wrote elsewhere"


def check_picture(folder: Path, example: tuple[str, bytes]) -> None:
    """A picture of the right size, or one message."""
    path = folder / "a.png"
    path.write_bytes(example[1])
    with contextlib.suppress(BnetError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert pixels(path, PICTURE).shape == (30, 40, 3)


DOORS = {
    "sound, altered": (altered(sounds), check_altered_sound),
    "sound, cut": (cut(sounds), check_cut_sound),
    "sound, joined": (joined(), check_joined_sound),
    "archive, altered": (altered(packed), check_archive),
    "archive, cut": (cut(packed), functools.partial(check_archive, whole=True)),
    "picture, altered": (altered(pictures), check_picture),
}
"""Door -> what comes, and what must hold of it."""


@contextlib.contextmanager
def no_hang(seconds: int = HANG) -> Iterator[None]:
    """End what takes longer by an error."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def examples(door: str, count: int, seed: int, folder: Path) -> tuple[int, str]:
    """Send `count` examples through a door; how many were tried, and the simplest finding ('': none)."""
    strategy, check = DOORS[door]
    tried = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(strategy)
    def run(example: tuple[str, bytes]) -> None:
        nonlocal tried
        tried += 1
        with no_hang():
            check(folder, example)

    try:
        run()
    except Exception as error:
        return tried, f"{type(error).__name__}: {error}"
    return tried, ""


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the first round.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Try little, into a scratch folder.")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder of the record.")] = None,
) -> None:
    """Round by round through all doors; print one line per door, and keep the table."""
    from common import about, write

    started, end = about(quick), time.monotonic() + (0.0 if quick else 60 * minutes)
    rows = {door: {"what": door, "examples": 0, "seconds": 0.0, "findings": []} for door in DOORS}
    with tempfile.TemporaryDirectory() as folder:
        for round_seed in itertools.count(seed):
            for door, row in rows.items():
                clock = time.monotonic()
                tried, finding = examples(door, 20 if quick else 500, round_seed, Path(folder))
                row["examples"] += tried
                row["seconds"] += time.monotonic() - clock
                if finding:
                    row["findings"].append(f"seed {round_seed}: {finding}")
                    print(f"{door}, seed {round_seed}: {finding}", flush=True)
            if time.monotonic() >= end:
                break
    for row in rows.values():
        row["seconds"] = round(row["seconds"], 1)
        print(f"{row['what']:18} {row['examples']:7} examples  {row['seconds']:7} s  {len(row['findings'])} findings")
    write("fuzz", started, list(rows.values()), output, seed=seed)
    if any(row["findings"] for row in rows.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
