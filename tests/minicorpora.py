"""Small copies of the paper's corpora, in their real layouts: real files with real sound, made in seconds.

`make` writes one, `break_` injects a fault. Sound depends on the class (tempo, pitch, timbre) and on the clip (phase,
noise), so that a classifier can learn it; a clip that was made once is kept for the rest of the tests.
"""

from __future__ import annotations

import atexit
import csv
import functools
import hashlib
import io
import shutil
import tarfile
import tempfile
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

GTZAN = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
BALLROOM = (
    "Chacha", "Foxtrot", "Jive", "Pasodoble", "Quickstep", "Rumba", "Salsa", "Samba", "Slowwaltz", "Tango",
    "Viennesewaltz", "Waltz", "Wcswing",
)  # fmt: skip
HOMBURG = ("alternative", "blues", "electronic", "folkcountry", "funksoulrnb", "jazz", "pop", "raphiphop", "rock")
FMA = ("Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental", "International", "Pop", "Rock")
EMOTIFY = ("classical", "electronic", "pop", "rock")
FOLDER = ("Été pop", "drum solos", "lo-fi")

FMA_BAD = {99134: 0.0, 108925: 0.0, 133297: 0.0, 98565: 1.6, 98567: 0.5, 98569: 1.5}
"""FMA's bad ids -> how many seconds of sound each really has."""

SECONDS = {"gtzan": 1.5, "extended-ballroom": 1.2, "homburg": 1.5, "fma-small": 2.5, "emotify": 1.5, "folder": 2.0}
"""Length of a clip, in s."""

SONGS = "extendedballroom_v1.1.xml"


@dataclass(frozen=True)
class Clip:
    """What is true of one clip: its label, the keys that it shares with clips that must not be parted, its part."""

    label: str
    keys: tuple[str, ...]
    split: str | None = None


@dataclass
class Copy:
    """A miniature copy.

    Parameters
    ----------
    name
        The corpus.
    data
        The folder to hand to ``--data`` or ``BNET_DATA``.
    root
        Where the copy's own files begin.
    clips
        Sound file, relative to `root` and '/'-separated -> what is true of it. Empty where the copy is archives.
    """

    name: str
    data: Path
    root: Path
    clips: dict[str, Clip] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """The file of a clip."""
        return self.root / name

    @property
    def expected(self) -> dict[str, int]:
        """Label -> number of clips."""
        return dict(Counter(clip.label for clip in self.clips.values()))

    def groups(self) -> set[frozenset[str]]:
        """The clips that must stay together, by the plainest of algorithms: sets that share a key are joined."""
        sets: list[tuple[set[str], set[str]]] = []
        for name, clip in self.clips.items():
            names, keys = {name}, set(clip.keys)
            for other in [other for other in sets if other[1] & keys]:
                sets.remove(other)
                names, keys = names | other[0], keys | other[1]
            sets.append((names, keys))
        return {frozenset(names) for names, _ in sets}


def make(name: str, folder: Path, per_class: int = 12, seconds: float | None = None, **variation) -> Copy:
    """Write a miniature of the corpus `name` to ``folder/name`` (`variation`: see the function of that corpus).

    Clips are no longer than the loader needs: `SECONDS`, if `seconds` says nothing else.
    """
    copy = Copy(name, folder, folder / name)
    copy.root.mkdir(parents=True)
    _MAKERS[name](copy, per_class, seconds or SECONDS[name], **variation)
    return copy


@functools.cache
def kept(name: str, per_class: int = 12, **variation) -> Copy:
    """A copy that is made once and lasts as long as the tests; `duplicate` it before changing it."""
    folder = Path(tempfile.mkdtemp(prefix="bnet-minicorpora-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make(name, folder, per_class, **variation)


def duplicate(copy: Copy, data: Path, rename: Callable[[str], str] = str) -> Copy:
    """The same copy below another data folder, its files written in reverse order; `rename` changes their names."""
    root = data / copy.name
    for path in sorted((path for path in copy.root.rglob("*") if path.is_file()), reverse=True):
        target = root / rename(path.relative_to(copy.root).as_posix())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return Copy(copy.name, data, root, {rename(name): clip for name, clip in copy.clips.items()})


# ---------------------------------------------------------------------------------------------------------------------
# sound


@functools.cache
def encoded(kind: int, number: int, seconds: float, form: str, rate: int = 22_050, channels: int = 1, kbit: int = 128):
    """The bytes of a sound file of class number `kind`: `form` is WAV, AU, FLAC, OGG or MP3 (then with `kbit`/s)."""
    y = sound(kind, number, seconds, rate)
    y = np.stack([y, 0.9 * y][:channels], axis=1)
    target = io.BytesIO()
    level = {"bitrate_mode": "CONSTANT", "compression_level": (320 - kbit) / (320 - 32)} if form == "MP3" else {}
    soundfile.write(target, y, rate, format=form, subtype="PCM_16" if form in ("WAV", "AU", "FLAC") else None, **level)
    return target.getvalue()


def sound(kind: int, number: int, seconds: float, rate: int) -> np.ndarray:
    """Pulses whose tempo, pitch and timbre tell the class `kind`; phase, detuning and noise tell the clip `number`."""
    rng = np.random.default_rng([kind, number])
    t = np.arange(round(seconds * rate)) / rate
    pitch = 110 * 2 ** ((5 * kind % 36 + rng.uniform(-0.3, 0.3)) / 12)
    tempo, phase = 1.5 + 0.6 * kind, rng.uniform()
    pulse = np.exp(-4 * ((t * tempo + phase) % 1))
    tone = sum(np.sin(2 * np.pi * pitch * n * t) / n ** (1 + kind % 3) for n in range(1, 5))
    noise = rng.standard_normal(len(t)) * (0.02 + 0.02 * (kind % 4))
    return (0.3 * pulse * tone + noise).clip(-0.99, 0.99).astype(np.float32)


def _write(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


# ---------------------------------------------------------------------------------------------------------------------
# the corpora


def _gtzan(
    copy: Copy, per_class: int, seconds: float, *, layout="genres/", form="WAV", apple=False, packed=False, lists=False
):
    """`layout`: what stands before ``<genre>/``; `apple`: with AppleDouble files and .DS_Store; `packed`: as
    genres.tar.gz; `lists`: the fault-filtered lists, restricted to this copy. Kaggle's layout has a broken jazz file.
    Numbers are spread over 0 to 99, so that every part of the real filtered lists has some."""
    suffix = form.lower()
    for kind, genre in enumerate(GTZAN):
        for i in range(per_class):
            number = i * 100 // per_class
            name = f"{layout}{genre}/{genre}.{number:05d}.{suffix}"
            _write(copy.path(name), encoded(kind, number, seconds, form))
            copy.clips[name] = Clip(genre, (name,), ("train", "validation", "test")[i % 4 % 3])
            if apple:
                _write(copy.path(f"{layout}{genre}/._{genre}.{number:05d}.{suffix}"), APPLE_DOUBLE)
        if apple:
            _write(copy.path(f"{layout}{genre}/.DS_Store"), b"\0\0\0\x01Bud1" + bytes(100))
    if "genres_original" in layout:
        _write(copy.path(f"{layout}jazz/jazz.00054.wav"), b"\0" * 4096)
    if lists:
        for part, title in (("train", "train"), ("validation", "valid"), ("test", "test")):
            lines = ["/".join(name.split("/")[-2:]) for name, clip in copy.clips.items() if clip.split == part]
            _write(copy.path(f"{title}_filtered.txt"), "".join(line.replace(".au", ".wav") + "\n" for line in lines))
    if packed:
        with tarfile.open(copy.path("genres.tar.gz"), "w:gz", compresslevel=1) as archive:
            archive.add(copy.path("genres"), "genres")
        shutil.rmtree(copy.path("genres"))


APPLE_DOUBLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(211 - 24)
"""What macOS leaves beside a file, 211 bytes."""


def _ballroom(copy: Copy, per_class: int, seconds: float, *, prefixed=False, duplicates=True):
    """`prefixed`: files are ``<Genre>/<Genre>.<id>.mp3``; `duplicates`: with one-way references of all four kinds, a
    pair of the same bytes in one class, and one under two labels. An artist has two songs, and "Various" has one a
    class."""
    twin = {("Foxtrot", 1): ("Foxtrot", 0), ("Quickstep", 0): ("Foxtrot", 2)} if duplicates else {}
    marks = {("Chacha", 4): ("exact", 0), ("Jive", 6): ("version", 1), ("Tango", 4): ("time", 8),
             ("Waltz", 9): ("karaoke", 1)} if duplicates else {}  # fmt: skip
    root, ids = ET.Element("ballroom"), {}
    for kind, genre in enumerate(BALLROOM):
        parent = ET.SubElement(root, genre)
        for i in range(per_class):
            song = ids[genre, i] = f"{100_000 + 1000 * kind + 7 * i}"
            place = twin.get((genre, i), (genre, i))
            data = encoded(BALLROOM.index(place[0]), place[1], seconds, "MP3", 44_100, 2, 192)
            artist = "Various" if i == per_class - 1 else f"{genre} & Sons {i // 2}"
            element = ET.SubElement(
                parent, "song", album=f"Album {kind}-{i // 4}", artist=artist, bpm=str(84 + 10 * kind), id=song,
                title=f"Tune <{i}> \"of\" {genre}", hash=hashlib.md5(data).hexdigest(),
            )  # fmt: skip
            keys = [song, hashlib.md5(data).hexdigest(), *([artist] if artist != "Various" else [])]
            if (genre, i) in marks:
                relation, other = marks[genre, i]
                other = f"{100_000 + 1000 * kind + 7 * other}"
                ET.SubElement(element, relation, id=other)
                keys.append(other)
            name = f"{genre}/{genre + '.' if prefixed else ''}{song}.mp3"
            _write(copy.path(name), data)
            copy.clips[name] = Clip(genre, tuple(keys))
    ET.indent(root)
    _write(copy.path(SONGS), ET.tostring(root, "unicode") + "\n")


def _homburg(copy: Copy, per_class: int, seconds: float, *, packed=False):
    """`packed`: as the nine archives of the site. An artist has two clips, one has clips in two genres, in two
    spellings; names have spaces, accents and further hyphens."""
    artists = ("The_Böhm_Trio", "Łódź Ensemble", "A. B. & Co", "Plain_Jane", "Nobody's_Fault", "東京_Five")
    for kind, genre in enumerate(HOMBURG):
        for i in range(per_class):
            artist = f"{artists[i // 2 % 6]}_{genre}_{i // 12}"
            if i == 0 and genre in ("jazz", "blues"):
                artist = {"jazz": "Both_Sides", "blues": "both sides"}[genre]
            title = ("Song_No_{}", "A-Title-{} (live)")[i % 2].format(i)
            name = f"{genre}/{artist}-{title}.mp3"
            _write(copy.path(name), encoded(kind, i, seconds, "MP3", 44_100, 1, 128))
            copy.clips[name] = Clip(genre, (artist.lower().replace("_", " "),))
        if packed:
            with zipfile.ZipFile(copy.path(f"{genre}.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(copy.path(genre).iterdir()):
                    archive.write(path, path.name)
            shutil.rmtree(copy.path(genre))


_FMA_COLUMNS = {
    "album": "comments date_created date_released engineer favorites id information listens producer tags title tracks "
    "type",
    "artist": "active_year_begin active_year_end associated_labels bio comments date_created favorites id latitude "
    "location longitude members name related_projects tags website wikipedia_page",
    "set": "split subset",
    "track": "bit_rate comments composer date_created date_recorded duration favorites genre_top genres genres_all "
    "information interest language_code license listens lyricist number publisher tags title",
}  # fmt: skip


def _fma(copy: Copy, per_class: int, seconds: float, *, packed=False, bad_ids=True):
    """`packed`: as fma_small.zip (BZIP2) and fma_metadata.zip; `bad_ids`: with the six clips that are short or hold
    nothing. Artists have two clips each; of a genre's artists the last is for test and the last but one for
    validation. The table has rows of medium and large too, as FMA's has."""
    rows, sums = [], []
    bad = {i * len(FMA) // len(FMA_BAD): track for i, track in enumerate(FMA_BAD)} if bad_ids else {}
    for kind, genre in enumerate(FMA):
        artists = per_class // 2
        for i in range(per_class + (kind in bad)):
            track = bad[kind] if i == per_class else 2 + 1000 * kind + 137 * i
            artist = 10 * kind + 7000 if i == per_class else 100 * kind + min(i // 2, artists - 1)
            ahead = artists - 1 - min(i // 2, artists - 1)
            split = "training" if i == per_class else {0: "test", 1: "validation"}.get(ahead, "training")
            rate, channels, kbit = ((44_100, 2, 256), (48_000, 1, 128), (22_050, 1, 64), (44_100, 1, 192))[i % 4]
            length = FMA_BAD[track] if i == per_class else seconds
            data = encoded(kind, i, length, "MP3", rate, channels, kbit) if length else b"ID3\4\0\0\0\0\0\0%d" % track
            folder, name = f"{track // 1000:03d}", f"{track // 1000:03d}/{track:06d}.mp3"
            _write(copy.path(f"fma_small/{folder}/{track:06d}.mp3"), data)
            sums.append(f"{hashlib.sha1(data).hexdigest()}  {name}")
            rows.append((track, split, "small", genre, artist))
            part = {"training": "train"}.get(split, split)
            copy.clips[f"fma_small/{name}"] = Clip(genre, (f"artist {artist}",), part)
        rows.append((50_000 + kind, "training", "medium", genre, 9000 + kind))
        rows.append((60_000 + kind, "training", "large", "" if kind % 2 else genre, 9100 + kind))
    _write(copy.path("fma_small/checksums"), "".join(line + "\n" for line in sorted(sums, key=lambda line: line[42:])))
    _write(copy.path("fma_metadata/tracks.csv"), _fma_table(sorted(rows)))
    _write(copy.path("fma_metadata/genres.csv"), "genre_id,#tracks,parent,title,top_level\n2,5271,0,International,2\n")
    if packed:
        for folder in ("fma_small", "fma_metadata"):
            with zipfile.ZipFile(copy.path(f"{folder}.zip"), "w", zipfile.ZIP_BZIP2) as archive:
                for path in sorted(path for path in copy.path(folder).rglob("*") if path.is_file()):
                    archive.write(path, path.relative_to(copy.root).as_posix())
            shutil.rmtree(copy.path(folder))


def _fma_table(rows: list[tuple]) -> str:
    """tracks.csv: two rows of headers, a row with the index's name, 52 columns."""
    columns = [(upper, lower) for upper, names in _FMA_COLUMNS.items() for lower in names.split()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["", *(upper for upper, _ in columns)])
    writer.writerow(["", *(lower for _, lower in columns)])
    writer.writerow(["track_id", *("" for _ in columns)])
    for track, split, subset, genre, artist in rows:
        known = {
            ("set", "split"): split, ("set", "subset"): subset, ("track", "genre_top"): genre, ("artist", "id"): artist,
            ("artist", "name"): f"Artist {artist}", ("track", "title"): f"A, \"title\" of\n{track}",
            ("track", "genres"): "[21]", ("track", "bit_rate"): 256_000, ("album", "id"): artist + 1,
        }  # fmt: skip
        writer.writerow([track, *(known.get(column, "") for column in columns)])
    return text.getvalue()


def _emotify(copy: Copy, per_class: int, seconds: float, *, form="MP3", layout="", packed=False):
    """`layout`: what stands before ``<genre>/``; `packed`: as emotifymusic.zip. Numbers are spread over 1 to 100."""
    for kind, genre in enumerate(EMOTIFY):
        for i in range(per_class):
            name = f"{layout}{genre}/{1 + i * 100 // per_class}.{form.lower()}"
            _write(copy.path(name), encoded(kind, i, seconds, form, 44_100, 2))
            copy.clips[name] = Clip(genre, (name,))
    if packed:
        with zipfile.ZipFile(copy.path("emotifymusic.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for name in copy.clips:
                archive.write(copy.path(name), name)
        for genre in EMOTIFY:
            shutil.rmtree(copy.path(genre))


def _folder(copy: Copy, per_class: int, seconds: float, *, groups=True):
    """Labels with spaces, accents and hyphens; files in all formats, in folders within folders, some in capitals.
    `groups`: with groups.csv, which names two files each; without, the files of a folder within a class belong
    together."""
    forms = (("WAV", ".wav"), ("FLAC", ".flac"), ("MP3", ".MP3"), ("OGG", ".Ogg"))
    for kind, label in enumerate(FOLDER):
        for i in range(per_class):
            form, suffix = forms[i % 4]
            album = f"{label}/{('', 'Disc 1/', 'Disc 2/Bonus – é/')[i % 3]}"
            name = f"{album}Track {i:02d}{suffix}"
            _write(copy.path(name), encoded(kind, i, seconds, form, (22_050, 44_100)[i % 2], 1 + i % 2))
            alone = name if i % 3 == 0 else album
            copy.clips[name] = Clip(label, (f"band {kind}-{i // 2}" if groups else alone,))
    if groups:
        lines = ["file,group", *(f"{name},{clip.keys[0]}" for name, clip in copy.clips.items())]
        _write(copy.path("groups.csv"), "\n".join(lines) + "\n")


_MAKERS: dict[str, Callable] = {
    "gtzan": _gtzan,
    "extended-ballroom": _ballroom,
    "homburg": _homburg,
    "fma-small": _fma,
    "emotify": _emotify,
    "folder": _folder,
}


# ---------------------------------------------------------------------------------------------------------------------
# faults


def break_(copy: Copy, fault: str) -> str:
    """Inject a fault of `FAULTS` into a copy; what a good message must name (a file's stem, a folder or a column)."""
    return FAULTS[fault](copy)


def victim(copy: Copy, number: int = 1) -> str:
    """The clip that a fault befalls: the second of the copy, which is no duplicate and no bad id."""
    return sorted(copy.clips)[number]


def _each(change: Callable[[Path], None]) -> Callable[[Copy], str]:
    def apply(copy: Copy) -> str:
        path = copy.path(victim(copy))
        change(path)
        return path.stem

    return apply


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _shorten(path: Path) -> None:
    data = encoded(0, 0, 0.4, {".wav": "WAV", ".au": "AU"}.get(path.suffix.lower(), "MP3"))
    path.write_bytes(data)


def _flip(path: Path) -> None:
    """Another sound of the same length: only a checksum tells."""
    data = bytearray(path.read_bytes())
    for at in range(len(data) * 3 // 4, len(data) * 3 // 4 + 8):
        data[at] ^= 0x55
    path.write_bytes(data)


def _lie(path: Path) -> None:
    """Let the MP3's Info header promise ten times as many frames as there are."""
    data = bytearray(path.read_bytes())
    at = next(found for tag in (b"Xing", b"Info") if (found := data.find(tag)) >= 0) + 8
    data[at : at + 4] = (10 * int.from_bytes(data[at : at + 4], "big")).to_bytes(4, "big")
    path.write_bytes(data)


def _extra(copy: Copy) -> str:
    path = copy.path(victim(copy))
    extra = path.with_name(f"{path.stem} (another){path.suffix}")
    extra.write_bytes(encoded(0, 99, 1.5, "WAV" if path.suffix == ".wav" else "MP3"))
    return extra.stem


def _same_label(copy: Copy) -> str:
    """The victim's bytes in its neighbour of the same class."""
    first, second = copy.path(victim(copy)), copy.path(victim(copy, 2))
    second.write_bytes(first.read_bytes())
    return second.stem


def _other_label(copy: Copy) -> str:
    """The victim's bytes in a clip of another class."""
    label = copy.clips[victim(copy)].label
    other = copy.path(next(name for name in sorted(copy.clips) if copy.clips[name].label != label))
    other.write_bytes(copy.path(victim(copy)).read_bytes())
    return other.stem


def _edit(name: str, change: Callable[[str], str], names: str) -> Callable[[Copy], str]:
    def apply(copy: Copy) -> str:
        path = next(copy.root.rglob(name))
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        return names

    return apply


def _drop_classes(text: str) -> str:
    root = ET.fromstring(text)
    for genre in ("Pasodoble", "Quickstep", "Salsa", "Slowwaltz", "Tango", "Wcswing"):
        root.remove(root.find(genre))
    return ET.tostring(root, "unicode")


def _wrong_folder(copy: Copy) -> str:
    """Nothing of the corpus is there, but something else is."""
    shutil.rmtree(copy.root)
    _write(copy.root / "holiday" / "IMG_0001.txt", "no music")
    return str(copy.root)


def _few(copy: Copy) -> str:
    """The victim's class keeps two clips."""
    label = copy.clips[victim(copy)].label
    for name in sorted(name for name, clip in copy.clips.items() if clip.label == label)[2:]:
        copy.path(name).unlink()
        del copy.clips[name]
    return label


def _other_case(copy: Copy) -> str:
    """Class folders in the other case; sound and labels stay as they are."""
    renamed = {}
    for name, clip in copy.clips.items():
        parts = [part.swapcase() if part == clip.label else part for part in name.split("/")]
        target = copy.path("/".join(parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.path(name).rename(target)
        renamed["/".join(parts)] = clip
    for folder in {copy.path(name).parent for name in copy.clips}:
        shutil.rmtree(folder)
    copy.clips = renamed
    return ""


FAULTS: dict[str, Callable[[Copy], str]] = {
    "missing file": _each(Path.unlink),
    "extra file": _extra,
    "truncated": _each(_truncate),
    "empty": _each(lambda path: path.write_bytes(b"")),
    "text": _each(lambda path: path.write_text("<html>404 not found</html>\n" * 100, encoding="utf-8")),
    "too short": _each(_shorten),
    "wrong checksum": _each(_flip),
    "length that lies": _each(_lie),
    "same audio, one label": _same_label,
    "same audio, two labels": _other_label,
    "xml without a column": _edit(SONGS, lambda text: text.replace(' hash="', ' sum="'), "hash"),
    "xml cut in half": _edit(SONGS, lambda text: text[: len(text) // 2], SONGS),
    "xml without six classes": _edit(SONGS, _drop_classes, "Pasodoble"),
    "csv without a column": _edit("tracks.csv", lambda text: text.replace("genre_top", "genre_bottom"), "genre_top"),
    "groups without a column": _edit("groups.csv", lambda text: text.replace("file,group", "file,band"), "group"),
    "wrong folder": _wrong_folder,
    "few clips": _few,
    "other case": _other_case,
}
"""What can be wrong with a copy."""
