"""GTZAN and FMA-small from pictures: fetched in GitHub's layout from a server, read, split; miniatures, real ones."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from httpserver import Rule, Server, serve
from PIL import Image

from bnet import corpora
from bnet.corpora import Track, archives, download, get_corpus, gtzan, without
from bnet.corpora.checking import check
from bnet.corpora.getting import get
from bnet.corpora.pictures import DIGITS, Pictures
from bnet.corpora.splits import make_split
from bnet.errors import BnetError
from bnet.sound.pictures import PictureSettings, digest

NAMES = ("gtzan-images", "fma-small-images")
NUMBERS = range(0, 100, 8)
"""Clips of each genre; the parts of FMA's artists are drawn from them."""
SHARED = Path(__file__).resolve().parents[2] / "shared"


def draw(kind: int, number: int, settings: PictureSettings) -> np.ndarray:
    """The pixels of a picture of noise, coarse enough to be packed small."""
    noise = np.random.default_rng([kind, number]).integers(0, 256, (12, 16))
    levels = np.kron(noise, np.ones((-(-settings.rows // 12), -(-settings.columns // 16)), int))
    colours = matplotlib.colormaps[settings.cmap](levels[: settings.rows, : settings.columns])[..., :3]
    return np.round(255 * colours).astype(np.uint8)


def png(rgb: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(rgb).save(target, "PNG", compress_level=1)
    return target.getvalue()


class Mini:
    """A small corpus of pictures: the second clip of each class looks like its first; the last of the last class like
    the first of the first."""

    def __init__(self, corpus: Pictures) -> None:
        self.labels, self.files, self.published, self.split = corpus.labels, {}, {}, {}
        for kind, label in enumerate(corpus.labels):
            for i, number in enumerate(NUMBERS):
                own = f"{label}.{number:05d}" if corpus.name == "gtzan-images" else f"{1000 * kind + number:06d}"
                twin = (0, 0) if (kind, i) == (len(corpus.labels) - 1, len(NUMBERS) - 1) else (kind, number)
                rgb = draw(*((kind, 0) if i == 1 else twin), corpus.front_end)
                self.files[f"{label}/{own}.png"] = png(rgb)
                self.published[own] = digest(rgb)[:DIGITS]
                self.split[own] = ("test", "test", "validation", "train")[min(i, 3)]

    def table(self, **changed) -> str:
        """FMA's ``split_artist.csv``: an artist has two clips, every fifth is not known."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["track_id", "genre", "split", "artist_id"])
        for row, (path, own) in enumerate(zip(self.files, self.published, strict=True)):
            split = {"train": "training"}.get(self.split[own], self.split[own])
            writer.writerow([own, path.split("/")[0], split, "" if row % 5 == 4 else f"{self.split[own]} {row // 2}"])
        return text.getvalue()

    def tables(self, corpus: Pictures) -> dict[str, bytes]:
        """File -> content: GTZAN's three lists, FMA's table."""
        if corpus.name == "fma-small-images":
            return {"split_artist.csv": self.table().encode()}
        lines = {part: [f"{own.split('.')[0]}/{own}.wav" for own in self.published if self.split[own] == part]
                 for part in gtzan.LISTS}  # fmt: skip
        return {gtzan.LISTS[part][0]: "\n".join(names).encode() for part, names in lines.items()}

    def write(self, folder: Path, corpus: Pictures, inside: str = "spectrograms", tables: bool = True) -> None:
        """A copy."""
        content = {f"{inside}/{path}": data for path, data in self.files.items()}
        for path, data in (content | (self.tables(corpus) if tables else {})).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)


MINIS: dict[str, Mini] = {}


@pytest.fixture
def mini(request, monkeypatch, tmp_path):
    """The small corpus, registered, with its data folder ``tmp_path / 'data'``."""
    name = request.param
    plain = get_corpus(name)
    small = MINIS.setdefault(name, Mini(plain))
    corpus = copy.copy(plain)
    corpus.__dict__.pop("_twins", None)
    corpus.published, corpus.expected = small.published, dict(Counter(path.split("/")[0] for path in small.files))
    corpus.small = small
    for part, (title, _) in gtzan.LISTS.items() if name == "gtzan-images" else ():
        checksum = hashlib.sha256(small.tables(corpus)[title]).hexdigest()
        monkeypatch.setitem(gtzan.LISTS, part, (title, checksum))
    monkeypatch.setattr(
        type(corpus.of),
        "tables",
        tuple(download.Remote(r.url, r.path) for r in corpus.of.tables),  # the miniature's have other checksums
    )
    monkeypatch.setitem(corpora.CORPORA, name, corpus)
    monkeypatch.setattr(download, "WAIT", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "data"))
    return corpus


each = pytest.mark.parametrize("mini", NAMES, indirect=True)
gtzan_only = pytest.mark.parametrize("mini", NAMES[:1], indirect=True)
fma_only = pytest.mark.parametrize("mini", NAMES[1:], indirect=True)

# ---------------------------------------------------------------------------------------------------------------------
# fetching


def repository(mini: Pictures, **changed: bytes | None) -> bytes:
    """GitHub's archive: everything one folder deeper, and more than the pictures. `changed`: member -> other content
    (None: without it)."""
    name = mini.repository.split("/")[1]
    content = {f"{name}-{mini.commit}/{mini.inside}/{path}": data for path, data in mini.small.files.items()}
    content |= {
        f"{name}-{mini.commit}/README.md": b"read me",
        f"{name}-{mini.commit}/data/songs/pop.mp3": b"sound",
        f"{name}-{mini.commit}/{mini.inside}/notes.png": b"not in a genre's folder",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in (content | changed).items():
            if data is not None:
                archive.writestr(path, data)
    return target.getvalue()


def archive_name(mini: Pictures) -> str:
    return f"{mini.repository.split('/')[1]}-{mini.commit}.zip"


@pytest.fixture
def server(tmp_path, mini):
    """A server of the archive and the tables."""
    served = tmp_path / "served"
    served.mkdir()
    (served / archive_name(mini)).write_bytes(repository(mini))
    if mini.name == "gtzan-images":
        for name, data in mini.small.tables(mini).items():
            (served / name).write_bytes(data)
    else:
        with zipfile.ZipFile(served / "fma_metadata.zip", "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("fma_metadata/tracks.csv", tracks_csv(mini.small))
            archive.writestr("fma_metadata/features.csv", "a gigabyte that nobody needs")
    with serve(served) as running:
        yield running


def tracks_csv(small: Mini) -> str:
    """FMA's table, with two rows of heads and one that names the index."""
    heads = [("set", "split"), ("set", "subset"), ("track", "genre_top"), ("artist", "id")]
    lines = ["," + ",".join(upper for upper, _ in heads), "," + ",".join(lower for _, lower in heads), "track_id,,,,"]
    for path, own in zip(small.files, small.published, strict=True):
        split = {"train": "training"}.get(small.split[own], small.split[own])
        lines.append(f"{int(own)},{split},small,{path.split('/')[0]},{int(own) + 5000}")
    return "\n".join(lines) + "\n"


def run(mini: Pictures, server: Server, **options) -> list[str]:
    """Get it, and return the lines that were said."""
    lines: list[str] = []
    get(mini, mirror=server.url(), say=lines.append, **{"retries": 1, "timeout": 5.0, **options})
    return lines


def refused(mini: Pictures, server: Server, *words: str) -> None:
    with pytest.raises(BnetError) as caught:
        run(mini, server)
    for word in words:
        assert word in str(caught.value)
    assert not list(mini.home.rglob("*.png"))


def test_the_real_addresses():
    urls = [[remote.url for remote in get_corpus(name).remotes] for name in NAMES]
    assert urls[0][0] == "https://codeload.github.com/TanmayEL/music_genre_classification/zip/738f33d"
    assert [url.rsplit("/", 1)[1] for url in urls[0][1:]] == [name for name, _ in gtzan.LISTS.values()]
    assert urls[1] == [
        "https://codeload.github.com/Solarleaf/GenreWave/zip/22ab844",
        "https://os.unil.cloud.switch.ch/fma/fma_metadata.zip",
    ]


@each
def test_get_fetches_the_pictures_and_the_tables_and_nothing_else(mini, server):
    server.rules[archive_name(mini)] = Rule(length=False)
    lines = run(mini, server)
    assert "states no licence" in lines[0]
    assert mini.repository in lines[0]
    assert f"{archive_name(mini)}: the server does not tell its size" in lines
    table = mini.of.tables[0]
    assert any(line.startswith(f"{table.path}: ") and line.endswith("bytes") for line in lines)
    there = {path.relative_to(mini.home).as_posix() for path in mini.home.rglob("*") if path.is_file()}
    root = archive_name(mini).removesuffix(".zip")
    pictures = {f"{root}/{root}/{mini.inside}/{path}" for path in mini.small.files}
    tables = {"fma_metadata/fma_metadata/tracks.csv"} if "fma" in mini.name else set(mini.small.tables(mini))
    packed = {remote.path for remote in mini.of.tables if remote.path.endswith(".zip")} | {archive_name(mini)}
    assert {name for name in there if not name.startswith(".")} == pictures | tables | packed
    assert {track.track_id: track.split for track in mini.tracks()} == mini.small.split
    asked = server.count()
    run(mini, server)
    assert server.count() == asked


@gtzan_only
def test_the_size_is_said_where_it_is_told(mini, server):
    size = (server.folder / archive_name(mini)).stat().st_size
    assert f"{archive_name(mini)}: {download.gibibytes(size)}" in run(mini, server)


@fma_only
def test_a_table_beside_the_pictures_is_not_fetched_again(mini, server):
    mini.small.write(mini.home, mini)
    shutil.rmtree(mini.home / "spectrograms")
    run(mini, server)
    assert server.count("fma_metadata.zip") == 0
    assert len(mini.tracks()) == len(mini.small.published)


@gtzan_only
def test_tables_are_put_beside_a_copy_that_is_the_data_folder_itself(mini, server):
    data = mini.home.parent
    mini.small.write(data, mini, tables=False)
    for again in (False, True):
        if again:  # as after an interruption
            (data / gtzan.LISTS["train"][0]).unlink()
        run(mini, server)
        assert {track.split for track in mini.tracks()} >= {"train", "validation", "test"}
        assert not mini.home.exists()


@each
def test_a_copy_that_lies_deeper_is_not_fetched_again(mini, server):
    mini.small.write(mini.home / "a copy" / "of mine", mini)
    run(mini, server)
    assert server.count(archive_name(mini)) == 0
    assert len(mini.tracks()) == len(mini.small.published)


@each
def test_an_interrupted_download_is_resumed(mini, server):
    server.rules[archive_name(mini)] = Rule(break_after=30_000)
    refused(mini, server, "broke off")
    server.rules.clear()
    assert any(line.startswith(f"{archive_name(mini)}: resumed after ") for line in run(mini, server))
    assert len(mini.tracks()) == len(mini.small.published)


@each
def test_half_an_archive_is_refused(mini, server):
    """As a server without ranges and lengths leaves it when it breaks off: nobody can tell but the archive itself."""
    server.rules[archive_name(mini)] = Rule(break_after=20_000, length=False, ranges=False, validators=())
    refused(mini, server, "half a download?", "delete it and fetch or copy it again")


@each
@pytest.mark.parametrize("what", ["other", "missing", "grey", "no picture"])
def test_other_pictures_than_were_published_are_not_kept(mini, server, what):
    first = next(iter(mini.small.files))
    content = {
        "other": mini.small.files[list(mini.small.files)[-2]],
        "missing": None,
        "grey": png(draw(0, 0, mini.front_end)[..., 0]),
        "no picture": b"<html>",
    }[what]
    root = archive_name(mini).removesuffix(".zip")
    (server.folder / archive_name(mini)).write_bytes(repository(mini, **{f"{root}/{mini.inside}/{first}": content}))
    refused(mini, server, Path(first).stem if what in ("other", "missing") else f"{Path(first).name} is ")


@gtzan_only
def test_hostile_archives_are_refused(mini, server, monkeypatch):
    monkeypatch.setattr(archives, "ROOM", 2**16)
    monkeypatch.setattr(archives, "MAX_RATIO", 2)
    first = next(iter(mini.small.files))
    for path, data, words in (
        (f"../{mini.inside}/{first}", b"x", "has an unsafe path"),
        (f"x/{mini.inside}/{first}", b"x", "has a name that another has"),
        (f"x/{mini.inside}/pop/bomb.png", bytes(2**23), "a bomb?"),
    ):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"x/{mini.inside}/{first}", b"x")
            archive.writestr(path, data)
        (server.folder / archive_name(mini)).write_bytes(target.getvalue())
        refused(mini, server, words)
        (mini.home / archive_name(mini)).unlink()


@gtzan_only
def test_a_mirror_must_be_an_address(mini):
    with pytest.raises(BnetError, match=r"address of the mirror .*expected http"):
        get(mini, mirror="/my/folder")


# ---------------------------------------------------------------------------------------------------------------------
# reading


@each
@pytest.mark.parametrize("inside", ["spectrograms", "data/spectrograms", "NAME-COMMIT/data/spectrograms"])
def test_layouts_read_alike(mini, inside):
    mini.small.write(mini.home, mini, inside)
    tracks = mini.tracks()
    assert {track.track_id: track.split for track in tracks} == mini.small.split
    assert [track.path.relative_to(mini.home / inside).as_posix() for track in tracks] == list(mini.small.files)
    assert check(mini, jobs=1).sound


def groups(tracks: list[Track]) -> set[frozenset[str]]:
    return {frozenset(t.track_id for t in tracks if t.group == group) for group in {t.group for t in tracks}}


@each
def test_equal_pictures_and_artists_are_one_group(mini):
    mini.small.write(mini.home, mini)
    tracks = mini.tracks()
    ids = list(mini.small.published)
    artists = [row["artist_id"] for row in csv.DictReader(io.StringIO(mini.small.table()))]
    keys = [{mini.small.published[own]} | ({artist} - {""} if "fma" in mini.name else set())
            for own, artist in zip(ids, artists, strict=True)]  # fmt: skip
    sets: list[tuple[set[str], set[str]]] = []
    for own, key in zip(ids, keys, strict=True):
        together, shared = {own}, set(key)
        for other in [other for other in sets if other[1] & shared]:
            sets.remove(other)
            together, shared = together | other[0], shared | other[1]
        sets.append((together, shared))
    assert groups(tracks) == {frozenset(together) for together, _ in sets}
    for protocol in mini.protocols:
        split = make_split(tracks, protocol, 0, 3)
        parts = [split.train, split.validation, split.test]
        assert sorted(own for part in parts for own in part) == ids
        if protocol == "grouped":
            of = {track.track_id: track.group for track in tracks}
            assert not {of[own] for own in split.test} & {of[own] for own in split.train + split.validation}


@each
def test_duplicates_and_faults_are_left_out_on_demand(mini):
    mini.small.write(mini.home, mini)
    first, *_, last = mini.small.published
    flawed = {flaw.track_id for flaw in mini.flaws("duplicates")}
    second = {own for own in mini.small.published if int(own[-2:]) == NUMBERS[1]}
    pair = next(own for own in second if mini.small.published[own] == mini.small.published[first])
    assert flawed == second | {first, last, pair}  # three equal ones in two classes: nobody knows which is right
    assert len(without(mini, ["duplicates", "faults"])) == len(mini.small.published) - len(flawed)


@each
def test_half_the_pictures_are_refused_unless_they_are_wanted(mini, monkeypatch):
    mini.small.write(mini.home, mini)
    for number, path in enumerate(sorted(mini.home.rglob("*.png"))):
        if number % 2:
            path.unlink()
    half = len(mini.small.published) // 2
    with pytest.raises(BnetError, match=rf"is not whole: {half} of .* clips .*--partial"):
        mini.tracks()
    found = check(mini, jobs=1).problems
    assert Counter(found["kind"])["missing"] == half
    monkeypatch.setenv("BNET_PARTIAL", "1")
    assert len(mini.tracks()) == half


@each
def test_a_known_twin_that_is_damaged_is_a_problem(mini):
    mini.small.write(mini.home, mini)
    assert set(check(mini, jobs=1).problems["clip"]) == set(mini.known)
    twin = min(mini.known)
    mini.by_id(mini.home)[twin].write_bytes(b"no picture")
    found = check(mini, jobs=1)
    assert not found.sound
    assert found.problems.query("not known")["clip"].unique().tolist() == [twin]


@fma_only
def test_a_table_that_is_missing_is_fetched_with_the_pictures(mini):
    mini.small.write(mini.home, mini, tables=False)
    with pytest.raises(BnetError, match=r"no table of its clips .*bnet corpora get fma-small-images"):
        mini.tracks()


@each
def test_pictures_of_the_other_corpus_are_not_taken(mini):
    other = next(name for name in NAMES if name != mini.name)
    small = MINIS.setdefault(other, Mini(get_corpus(other)))
    small.write(mini.home, mini, tables=False)
    with pytest.raises(BnetError, match=rf"{mini.name} is not here: \d+ pictures .*none called like one of its clips"):
        mini.tracks()


@gtzan_only
def test_official_needs_the_three_lists(mini):
    mini.small.write(mini.home, mini, tables=False)
    with pytest.raises(BnetError, match=r"official.*bnet corpora get gtzan \(or gtzan-images\)"):
        make_split(mini.tracks(), "official", 0, 1)
    with pytest.raises(BnetError, match="three lists that are not here"):
        mini.flaws("faults")


@fma_only
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("artist_id", "artist"), r"split_artist\.csv has no column artist_id; expected one"),
        (
            lambda text: text.replace("validation", "dev"),
            r"splits \['dev', 'test', 'training'\]; expected .*validation",
        ),
        (lambda text: text + text.splitlines()[1] + "\n", r"1 ids twice, such as \['000000'\]"),
        (lambda text: text.replace("Folk", "Folksong"), r"has genres \['Folksong'\]"),
        (lambda text: text.replace("000008,", "eight,"), r"split_artist\.csv can't be read"),
        (lambda text: "\n".join(text.splitlines()[:9]), r"the tables of fma-small .*lack \d+ of 104 clips, such as"),
        (lambda text: "", r"split_artist\.csv can't be read"),
    ],
)
def test_a_damaged_table_is_one_message(mini, change, message):
    mini.small.write(mini.home, mini)
    (mini.home / "split_artist.csv").write_text(change(mini.small.table()))
    for look in (mini.tracks, lambda: check(mini, jobs=1)):
        with pytest.raises(BnetError, match=message) as caught:
            look()
        assert "\n" not in str(caught.value)


@fma_only
def test_an_unknown_artist_is_a_group_of_its_own(mini):
    mini.small.write(mini.home, mini)
    unknown = list(mini.small.published)[4]
    assert {track.track_id: track.group for track in mini.tracks()}[unknown] == unknown


# ---------------------------------------------------------------------------------------------------------------------
# the real ones


@pytest.fixture
def real(tmp_path, monkeypatch):
    """A data folder with links to both corpora and GTZAN's lists, which are not part of the repository."""
    found = [SHARED / "corpora" / name for name in NAMES]
    lists = SHARED / "reference" / "gtzan_filtered"
    if not all(path.is_dir() for path in (*found, lists)):
        pytest.skip("the published pictures are not at hand (shared/ beside the checkout)")
    (tmp_path / "data" / NAMES[0]).mkdir(parents=True)
    (tmp_path / "data" / NAMES[1]).symlink_to(found[1])
    for path in (found[0] / "spectrograms", *lists.glob("*.txt")):
        (tmp_path / "data" / NAMES[0] / path.name).symlink_to(path)
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize(
    ("name", "parts", "unparted", "twins", "equal", "clean", "single"),
    [
        ("gtzan-images", [442, 197, 290], 70, 14, 15, 915, 985),
        ("fma-small-images", [6394, 800, 800], 0, 12, 13, 7981, 2353),
    ],
)
def test_the_real_ones(real, name, parts, unparted, twins, equal, clean, single):
    corpus = get_corpus(name)
    tracks = corpus.tracks()
    assert Counter(track.label for track in tracks) == corpus.expected
    split = make_split(tracks, "official", 0, 1)
    assert [len(split.train), len(split.validation), len(split.test)] == parts
    assert len(tracks) == sum(parts) + unparted
    of = {track.track_id: track.group for track in tracks}
    sides = [{of[own] for own in part} for part in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set.union(*sides))  # no artist (of FMA), no picture twice, in two parts
    assert len(set(of.values())) == single
    assert len(corpus.known) == twins  # one pair stands under two labels: both are left out
    assert all(of[own] == of[why.removeprefix("same picture as ")] for own, why in corpus.known.items())
    assert len(corpus.flaws("duplicates")) == equal
    assert len(without(corpus, ["duplicates", "faults"])) == clean
