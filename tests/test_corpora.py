"""One harness over all loaders: miniature copies in the corpora's real layouts, whole, varied and broken."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import unicodedata
from collections import Counter
from importlib import resources

import minicorpora
import numpy as np
import pytest
from joblib.externals import loky
from minicorpora import Copy, break_, duplicate, kept, make

from bnet.corpora import CORPORA, Corpus, Track, fingerprint, get_corpus, gtzan, without
from bnet.corpora.checking import KINDS, Check, check
from bnet.corpora.splits import make_split
from bnet.corpora.store import FeatureStore
from bnet.corpora.walk import UNREADABLE, sounds
from bnet.errors import BnetError
from bnet.runs.jobs import jobs as make_jobs
from bnet.sound import decode, log_mel
from bnet.training.config import get_profile

NAMES = ("gtzan", "extended-ballroom", "homburg", "fma-small", "emotify", "folder")
KNOWN = {"gtzan": 1000, "emotify": 400}
"""Corpora whose clips are known by name -> how many there are."""
BAD_FMA = {f"{track:06d}" for track in minicorpora.FMA_BAD}


@pytest.fixture
def at(monkeypatch):
    """A function that makes a copy the one that `bnet` sees, and its size what is expected of a whole one."""

    def use(copy: Copy, *, partial: bool = True) -> Corpus:
        corpus = get_corpus(copy.name)
        monkeypatch.setenv("BNET_DATA", str(copy.data))
        monkeypatch.setenv("BNET_PARTIAL", "1" if partial else "")
        if corpus.expected and copy.name not in KNOWN:
            monkeypatch.setattr(corpus, "expected", copy.expected)
        if copy.name != "folder":
            monkeypatch.setattr(corpus, "usual_seconds", 0.9 * minicorpora.SECONDS[copy.name])
        for part, (name, _) in gtzan.LISTS.items() if (copy.root / "train_filtered.txt").is_file() else ():
            digest = hashlib.sha256((copy.root / name).read_bytes()).hexdigest()
            monkeypatch.setitem(gtzan.LISTS, part, (name, digest))
        return corpus

    return use


def small(name: str, data, **variation) -> Copy:
    """A copy of four clips a class that may be changed."""
    return duplicate(kept(name, 4, **variation), data)


def names_of(copy: Copy, tracks: list[Track]) -> dict[str, Track]:
    """The tracks by their file, as the copy names it."""
    return {track.path.relative_to(copy.root).as_posix(): track for track in tracks}


def partition(copy: Copy, tracks: list[Track]) -> set[frozenset[str]]:
    """The groups as sets of files."""
    groups: dict[str, set[str]] = {}
    for name, track in names_of(copy, tracks).items():
        groups.setdefault(track.group, set()).add(name)
    return {frozenset(names) for names in groups.values()}


# ---------------------------------------------------------------------------------------------------------------------
# tracks


@pytest.mark.parametrize("name", NAMES)
def test_tracks_are_what_the_copy_holds(name, at):
    copy = kept(name)
    corpus = at(copy)
    tracks = corpus.tracks()
    ids = [track.track_id for track in tracks]
    assert ids == sorted(set(ids))
    assert not any("/" in track_id or "\\" in track_id for track_id in ids)
    assert {path: track.label for path, track in names_of(copy, tracks).items()} == {
        path: clip.label for path, clip in copy.clips.items()
    }
    assert {track.label for track in tracks} == set(corpus.labels)
    assert list(corpus.labels) == sorted(corpus.labels)
    assert partition(copy, tracks) == copy.groups()


@pytest.mark.parametrize("name", NAMES)
def test_another_machine_s_copy_has_the_same_tracks_and_folds(name, at, tmp_path):
    tracks = at(kept(name)).tracks()
    others = at(duplicate(kept(name), tmp_path)).tracks()
    assert fingerprint(others) == fingerprint(tracks)
    for protocol in ("holdout", "grouped"):
        assert make_split(others[::-1], protocol, 1, 3).checksum() == make_split(tracks, protocol, 1, 3).checksum()


@pytest.mark.parametrize("name", ["homburg", "folder"])
def test_decomposed_names_of_a_mac_are_the_same_tracks(name, at, tmp_path):
    tracks = at(kept(name)).tracks()
    others = at(duplicate(kept(name), tmp_path, lambda path: unicodedata.normalize("NFD", path))).tracks()
    assert fingerprint(others) == fingerprint(tracks)


VARIATIONS = [
    ("gtzan", {"form": "AU"}),
    ("gtzan", {"apple": True}),
    ("gtzan", {"layout": "genres/genres/"}),
    ("gtzan", {"layout": "Data/genres_original/"}),
    ("gtzan", {"layout": ""}),
    ("emotify", {"layout": "emotifymusic/"}),
    ("emotify", {"form": "OGG"}),
    ("extended-ballroom", {"prefixed": True}),
]


@pytest.mark.parametrize(("name", "variation"), VARIATIONS, ids=str)
def test_layouts_that_are_passed_on_read_alike(name, variation, at, tmp_path):
    broken = ["jazz.00054"] * ("Data" in variation.get("layout", ""))
    plain = at(kept(name, 4)).tracks()
    varied = at(make(name, tmp_path, 4, **variation)).tracks()
    assert [(t.track_id, t.label, t.group) for t in varied if t.track_id not in broken] == [
        (t.track_id, t.label, t.group) for t in plain
    ]
    assert set(broken) <= {track.track_id for track in varied}


@pytest.mark.parametrize("name", ["gtzan", "extended-ballroom", "homburg", "emotify"])
def test_folders_in_another_case_read_alike(name, at, tmp_path):
    plain = at(kept(name, 4)).tracks()
    copy = small(name, tmp_path)
    break_(copy, "other case")
    assert [(t.track_id, t.label, t.group) for t in at(copy).tracks()] == [
        (t.track_id, t.label, t.group) for t in plain
    ]


def test_data_folder_itself_may_be_the_copy(at, monkeypatch, tmp_path):
    copy = small("gtzan", tmp_path)
    tracks = at(copy).tracks()
    monkeypatch.setenv("BNET_DATA", str(copy.root))
    assert get_corpus("gtzan").tracks() == tracks
    begun = copy.root / "gtzan"
    begun.mkdir()
    assert get_corpus("gtzan").tracks() == tracks
    (begun / "genres.tar.gz.part").touch()
    assert get_corpus("gtzan").tracks() == tracks
    (begun / "genres.tar.gz").touch()
    with pytest.raises(BnetError, match=r"genres\.tar\.gz is there, not unpacked"):
        get_corpus("gtzan").tracks()


def test_songs_that_lie_deeper_are_not_fetched_again(at, tmp_path):
    copy = small("extended-ballroom", tmp_path)
    corpus = at(copy)
    own, path = next(iter(corpus.by_id(copy.root).items()))
    all_songs = set(corpus.more(copy.root))
    (copy.root / "mine").mkdir()
    path.rename(copy.root / "mine" / path.name)
    assert [remote.path[-10:] for remote in all_songs - set(corpus.more(copy.root))] == [f"{own}.mp3"]


def test_groups_of_one_clip_each_are_told(at, capfd):
    for name, told in (("gtzan", True), ("extended-ballroom", False)):
        at(kept(name))
        make_jobs(name, ["majority"], "grouped", get_profile("smoke", {"groups": "3"}), [0])
        assert ("each clip is a group of its own" in capfd.readouterr().err) == told


def test_own_parts_are_read(at):
    for name in ("gtzan", "fma-small"):
        copy = kept(name, **({"lists": True} if name == "gtzan" else {}))
        splits = {path: track.split for path, track in names_of(copy, at(copy).tracks()).items()}
        assert splits == {path: clip.split for path, clip in copy.clips.items()}
    assert {track.split for track in at(kept("homburg")).tracks()} == {None}


def test_folder_without_groups_keeps_albums_together(at, tmp_path):
    copy = make("folder", tmp_path, 6, groups=False)
    assert partition(copy, at(copy).tracks()) == copy.groups()
    assert max(map(len, copy.groups())) == 2


@pytest.mark.parametrize("name", [name for name in NAMES if name != "folder"])
def test_nothing_there_says_how_to_get_it(name, monkeypatch, tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        monkeypatch.setenv("BNET_DATA", str(folder))
        for partial in ("", "1"):
            monkeypatch.setenv("BNET_PARTIAL", partial)
            with pytest.raises(BnetError, match=rf"{name} is not here: .*bnet corpora get {name}.*--data DIR"):
                get_corpus(name).tracks()


@pytest.mark.parametrize("name", ["gtzan", "homburg", "fma-small", "emotify"])
def test_copy_that_is_not_unpacked_says_so(name, at, tmp_path):
    copy = make(name, tmp_path, 2, packed=True)
    with pytest.raises(BnetError, match=rf"is there, not unpacked: `bnet corpora get {name}` unpacks it"):
        at(copy).tracks()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "folder"])
@pytest.mark.parametrize("other", NAMES)
def test_a_corpus_is_not_taken_for_another(name, other, at, monkeypatch):
    if name == other:
        pytest.skip("the same corpus")
    at(kept(other, 4))
    with pytest.raises(BnetError, match=f"{name} is not here"):
        get_corpus(name).tracks()


@pytest.mark.parametrize("name", ["gtzan", "extended-ballroom", "homburg", "fma-small"])
def test_half_a_copy_is_refused_unless_it_is_wanted(name, at, tmp_path):
    copy = small(name, tmp_path)
    label = break_(copy, "few clips")
    expected = kept(name, 4).expected
    with pytest.raises(BnetError, match=rf"is not whole: .*{label} 2 of .*--partial"):
        at_whole(at, copy, expected, partial=False).tracks()
    assert Counter(t.label for t in at_whole(at, copy, expected).tracks()) == expected | {label: 2}


def test_any_part_of_emotify_is_used_and_check_says_what_is_missing(at, tmp_path):
    copy = small("emotify", tmp_path)
    label = break_(copy, "few clips")
    corpus = at(copy, partial=False)
    assert Counter(track.label for track in corpus.tracks()) == kept("emotify", 4).expected | {label: 2}
    missing = [clip for kind, clip in problems(found(corpus)) if kind == "missing"]
    assert len(missing) == 400 - len(corpus.tracks())
    assert f"{label}-100" in missing


def at_whole(at, copy: Copy, expected: dict[str, int], **options) -> Corpus:
    """See a copy while expecting what it held before."""
    corpus = at(copy, **options)
    if corpus.expected and copy.name not in KNOWN:
        corpus.expected = expected
    return corpus


def test_every_text_belongs_to_a_corpus_and_its_words_are_filled_in():
    texts = {file.name.removesuffix(".md") for file in resources.files("bnet.corpora").joinpath("texts").iterdir()}
    families = {corpus.family or corpus.name for corpus in CORPORA.values()}
    assert texts == families - {"drums"}
    for corpus in CORPORA.values():
        assert bool(corpus.about) == bool(corpus.notes) == (corpus.name != "drums")
        assert "$" not in corpus.about + corpus.notes


# ---------------------------------------------------------------------------------------------------------------------
# check


def found(corpus: Corpus) -> Check:
    return check(corpus, jobs=1)


def problems(checked: Check) -> set[tuple[str, str]]:
    """(kind, clip) of all problems that the corpus is not known for."""
    frame = checked.problems[~checked.problems["known"]]
    return set(zip(frame["kind"], frame["clip"], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_clean_copy_has_no_problem(name, at):
    copy = kept(name, 4)
    checked = found(at(copy))
    assert dict(zip(checked.counts["label"], checked.counts["found"], strict=True)) == copy.expected
    kinds = Counter(kind for kind, _ in problems(checked))
    absent = KNOWN.get(name, len(copy.clips)) - len(copy.clips) - (name == "gtzan")  # jazz.00054 is known for it
    assert kinds == ({"missing": absent} if absent else {})
    assert checked.sound == (name not in KNOWN)
    known = checked.problems[checked.problems["known"]]
    assert set(known["kind"]) <= set(KINDS)
    assert set(known["clip"]) == {
        "extended-ballroom": XB_TWINS,
        "fma-small": BAD_FMA,
        "gtzan": {"jazz.00054"},  # missing, as in many a copy
    }.get(name, set())


XB_TWINS = {"101007", "104000"}
"""The later ones of two songs of the same bytes: a Foxtrot, and a Quickstep of which the other is a Foxtrot."""


def test_whole_gtzan_is_sound(at, tmp_path):
    copy = make("gtzan", tmp_path, 100, seconds=1.0)
    corpus = at(copy, partial=False)
    assert len(corpus.tracks()) == 1000
    corpus.usual_seconds = 0.9
    checked = found(corpus)
    assert checked.sound
    assert len(checked.problems) == 0
    assert checked.counts[["expected", "found"]].values.tolist() == [[100, 100]] * 10


FAULTS = [
    ("missing file", "gtzan extended-ballroom fma-small emotify", "missing"),
    ("missing file", "homburg", "count"),
    ("extra file", "gtzan extended-ballroom fma-small emotify", "extra"),
    ("extra file", "homburg", "count"),
    ("truncated", "gtzan extended-ballroom homburg fma-small emotify folder", "corrupt"),
    ("empty", "gtzan extended-ballroom homburg fma-small emotify folder", "corrupt"),
    ("text", "gtzan extended-ballroom homburg fma-small emotify folder", "corrupt"),
    ("length that lies", "extended-ballroom homburg fma-small", "corrupt"),
    ("too short", "gtzan extended-ballroom homburg fma-small emotify folder", "too short"),
    ("wrong checksum", "extended-ballroom fma-small", "checksum"),
    ("same audio, one label", "gtzan extended-ballroom homburg fma-small emotify folder", "duplicate"),
    ("same audio, two labels", "gtzan extended-ballroom homburg fma-small emotify folder", "two labels"),
    ("few clips", "homburg", "count"),
    ("xml without six classes", "extended-ballroom", "count"),
]
"""(fault, corpora, kind of the problem that names it)."""
CLEAN: dict[str, set[tuple[str, str]]] = {}
"""Corpus -> the problems of a copy without a fault."""


@pytest.mark.parametrize(
    ("fault", "name", "kind"), [(fault, name, kind) for fault, names, kind in FAULTS for name in names.split()]
)
def test_every_fault_is_named(fault, name, kind, at, tmp_path):
    if name not in CLEAN:
        CLEAN[name] = problems(found(at(kept(name, 4))))
    copy = small(name, tmp_path)
    named = break_(copy, fault)
    checked = found(at_whole(at, copy, kept(name, 4).expected))
    new = problems(checked) - CLEAN[name]
    label = next(iter(kept(name, 4).clips.values())).label
    assert any(what == kind and (named in clip or (kind == "count" and clip in (label, named))) for what, clip in new)
    assert not checked.sound
    assert {what for what, _ in new} <= {kind, "checksum", "missing", "extra"}


@pytest.mark.parametrize(
    ("fault", "name", "message"),
    [
        ("xml without a column", "extended-ballroom", "expected the attributes .*hash"),
        ("xml cut in half", "extended-ballroom", "can't be read as a whole XML .*bnet corpora get extended-ballroom"),
        ("csv without a column", "fma-small", "tracks.csv has no column track / genre_top"),
        ("groups without a column", "folder", r"groups.csv has the columns file, band.*expected a file .* and a group"),
        ("missing file", "folder", "groups.csv names 1 files that are not below"),
        ("wrong folder", "gtzan", "gtzan is not here: no clips of it below"),
        ("wrong folder", "extended-ballroom", "no extendedballroom_v1.1.xml below"),
        ("wrong folder", "homburg", "homburg is not here: no clips of it below"),
        ("wrong folder", "fma-small", "no tracks.csv below"),
        ("wrong folder", "emotify", "emotify is not here: no clips of it below"),
        ("wrong folder", "folder", "folder is not here: no clips of it below .*--data DIR"),
    ],
)
def test_what_can_t_be_read_is_one_message(fault, name, message, at, tmp_path):
    copy = small(name, tmp_path)
    break_(copy, fault)
    corpus = at(copy)
    for look in (corpus.tracks, lambda: found(corpus)):
        with pytest.raises(BnetError, match=message):
            look()


TABLES = [
    ("extended-ballroom", minicorpora.SONGS),
    ("fma-small", "fma_metadata/tracks.csv"),
    ("folder", "groups.csv"),
]


@pytest.mark.parametrize(("name", "file"), TABLES)
def test_a_table_that_may_not_be_read_is_one_message(name, file, at, tmp_path, monkeypatch):
    corpus, opened = at(small(name, tmp_path)), open

    def refuse(path, *words, **options):
        if str(path).endswith(file):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *words, **options)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(BnetError, match=rf"{file} can't be read.*Permission denied"):
        corpus.tracks()


@pytest.mark.parametrize(("name", "file"), [("gtzan", "train_filtered.txt"), *TABLES])
def test_a_table_that_is_a_link_to_nothing_is_one_message(name, file, at, tmp_path):
    copy = small(name, tmp_path, **({"lists": True} if name == "gtzan" else {}))
    corpus = at(copy)
    (copy.root / file).unlink()
    (copy.root / file).symlink_to(tmp_path / "gone")
    for look in (corpus.tracks, lambda: found(corpus)):
        with pytest.raises(BnetError, match=rf"{file} is a link to {tmp_path}/gone, which is missing; restore that"):
            look()


def test_a_clip_that_is_a_link_to_nothing_is_named(at, tmp_path):
    copy = small("gtzan", tmp_path)
    corpus = at(copy)
    track = next(track for track in corpus.tracks() if track.track_id == "blues.00025")
    track.path.unlink()
    track.path.symlink_to("gone.wav")
    done = FeatureStore(corpus, 1.0).extract([track], jobs=1, progress=False)
    assert done.failed == {"blues.00025": f"{track.path} is a link to gone.wav, which is missing; restore that, or "
                           "remove the link"}  # fmt: skip
    details = found(corpus).problems.set_index("clip").loc["blues.00025"]
    assert (details["kind"], details["detail"].split(";")[0]) == ("missing", "a link to gone.wav, which is missing")


def test_xml_without_six_classes_is_refused(at, tmp_path):
    copy = small("extended-ballroom", tmp_path)
    break_(copy, "xml without six classes")
    with pytest.raises(
        BnetError, match=r"28 songs in 7 classes, too few in Pasodoble \(0 of 4\), Quickstep \(0 of 4\)"
    ):
        at_whole(at, copy, kept("extended-ballroom", 4).expected, partial=False).tracks()


def test_undecodable_clip_of_kaggle_s_copy_is_known(at, tmp_path):
    for lists in (False, True):
        copy = make("gtzan", tmp_path / str(lists), 4, layout="Data/genres_original/", lists=lists)
        frame = found(at(copy)).problems.set_index("clip")
        assert frame.loc["jazz.00054", "kind"] == "corrupt"
        assert frame.loc["jazz.00054", "known"]


def test_quick_check_compares_bytes_only(at, tmp_path):
    copy = small("fma-small", tmp_path)
    with open(next(copy.root.rglob("checksums")), "ab") as stream:
        stream.write(b"\xe9 is no UTF-8\n")
    assert problems(check(at(copy), decode=False, jobs=1)) == set()
    break_(copy, "truncated")
    assert {kind for kind, _ in problems(check(at(copy), decode=False, jobs=1))} == {"checksum"}


def test_whatever_a_clip_or_a_worker_does_check_tells(at, monkeypatch):
    corpus = at(kept("homburg", 4))
    monkeypatch.setattr(corpus, "length", lambda path: 1 / 0)
    problems = found(corpus).problems
    assert set(problems["kind"]) == {"corrupt"}
    assert set(problems["detail"]) == {"ZeroDivisionError: division by zero"}

    def killed(*words, **options):
        raise loky.BrokenProcessPool

    monkeypatch.setattr("bnet.corpora.checking._look", killed)
    with pytest.raises(BnetError, match=r"a worker process died while homburg was checked .* with fewer jobs"):
        found(corpus)


def test_check_is_the_same_with_two_workers(at):
    corpus = at(kept("folder"))
    assert check(corpus, jobs=2).problems.equals(found(corpus).problems)


# ---------------------------------------------------------------------------------------------------------------------
# what is known of clips, their sound, splits


def test_known_flaws_are_left_out_on_demand(at):
    twins = {flaw.track_id for flaw in at(kept("extended-ballroom")).flaws("duplicates")}
    #  the later of two Foxtrots; both sides of one recording under two labels; the later of an "exact" pair
    assert twins == {"101007", "101014", "104000", "100028"}
    fma = at(kept("fma-small"))
    assert {flaw.track_id for flaw in fma.flaws("faults")} == BAD_FMA
    assert len(without(fma, ["faults"])) == len(fma.tracks()) - 6
    assert without(fma, []) == fma.tracks()
    with pytest.raises(BnetError, match=r"unknown kind of clips to exclude 'fault' \(did you mean 'faults'\?\)"):
        without(fma, ["fault"])


@pytest.mark.parametrize("name", ["gtzan", "homburg", "fma-small", "emotify", "folder"])
def test_double_files_are_found_whatever_their_names(name, at, tmp_path):
    copy = small(name, tmp_path)
    later = break_(copy, "same audio, one label")
    other = break_(copy, "same audio, two labels")
    flawed = [flaw.track_id for flaw in at(copy).flaws("duplicates")]
    assert len(flawed) == 3  # one recording, two labels: nobody knows which is right, so none is kept
    assert all(any(name in track_id for track_id in flawed) for name in (later, other))


def test_gtzan_s_faults_are_what_the_lists_leave_out(at, tmp_path):
    copy = make("gtzan", tmp_path, 5, lists=True)
    corpus = at(copy)
    first, *others = (copy.root / "test_filtered.txt").read_text().splitlines()
    (copy.root / "test_filtered.txt").write_text("\n".join(others) + "\n")
    with pytest.raises(BnetError, match=r"test_filtered\.txt has SHA-256 .*expected .*the published list"):
        corpus.tracks()
    at(copy)
    left_out = {track.track_id for track in corpus.tracks()} - {track.track_id for track in without(corpus, ["faults"])}
    assert left_out == {first.split("/")[1].removesuffix(".wav")}
    (copy.root / "valid_filtered.txt").unlink()
    with pytest.raises(BnetError, match=r"of GTZAN's three lists valid_filtered\.txt is not below .*get gtzan"):
        corpus.tracks()


@pytest.mark.parametrize("name", NAMES)
def test_features_of_every_clip(name, at):
    corpus = at(kept(name, 4))
    tracks = corpus.tracks()
    store = FeatureStore(corpus, 2.0)
    done = store.extract(tracks, jobs=1, progress=False)
    lost = BAD_FMA if name == "fma-small" else set()
    assert set(done.failed) == lost
    assert done.done == len(tracks) - len(lost)
    ids = sorted(store.available)
    rows = store.rows(ids)
    assert rows.shape == (done.done, log_mel.frames(2.0), 128)
    assert np.isfinite(rows).all()
    same = len({row.tobytes() for row in rows})
    assert done.done - same == (2 if name == "extended-ballroom" else 0)  # the twins
    assert store.extract(tracks, jobs=1, progress=False).done == 0


def test_short_clips_of_homburg_are_padded_looped_or_kept(at, monkeypatch):
    at(kept("homburg"))
    track = get_corpus("homburg").tracks()[0]
    for name in ("homburg-looped", "homburg-10s"):
        assert get_corpus(name).tracks() == get_corpus("homburg").tracks()
    clip = decode.load(track.path)
    padded, looped = (get_corpus(name).audio(track, 4.0) for name in ("homburg", "homburg-looped"))
    assert len(padded) == len(looped) == 4 * log_mel.SR
    assert not padded[len(clip) :].any()
    np.testing.assert_array_equal(padded[: len(clip)], clip)
    np.testing.assert_array_equal(looped[len(clip) : 2 * len(clip)], clip)
    assert get_corpus("homburg-10s").clip_seconds == 10
    assert len({FeatureStore(get_corpus(name), 4.0).folder for name in ("homburg", "homburg-looped")}) == 2


def test_folder_takes_the_middle_of_a_file(at, tmp_path):
    copy = make("folder", tmp_path, 2, seconds=5.0)
    corpus = at(copy)
    for track in corpus.tracks():
        middle = decode.load(track.path, seconds=2.0, offset=1.5)
        assert np.abs(corpus.audio(track, 2.0) - middle).max() < 1e-3 or track.path.suffix.lower() in (".mp3", ".ogg")


SPLITS = [(name, protocol) for name in NAMES for protocol in get_corpus(name).protocols]


@pytest.mark.parametrize(("name", "protocol"), SPLITS)
def test_splits_are_disjoint_complete_and_stratified(name, protocol, at):
    copy = kept(name, **({"lists": True} if name == "gtzan" else {}))
    tracks = at(copy).tracks()
    of = {track.track_id: track for track in tracks}
    folds = {"official": 1, "holdout": 4}.get(protocol, 3)
    tested = Counter()
    for fold in range(folds):
        split = make_split(tracks, protocol, fold, folds)
        assert make_split(tracks[::-1], protocol, fold, folds) == split
        parts = [split.train, split.validation, split.test]
        assert sorted(track_id for part in parts for track_id in part) == sorted(of)
        for part in (split.train, split.test):
            assert {of[track_id].label for track_id in part} == set(copy.expected)
        if protocol in ("grouped", "official"):
            sides = [{of[track_id].group for track_id in part} for part in parts]
            assert sum(map(len, sides)) == len(set.union(*sides))
        if protocol == "official":
            assert [{of[track_id].split for track_id in part} for part in parts] == [
                {"train"},
                {"validation"},
                {"test"},
            ]
        tested.update(split.test)
    assert protocol in ("holdout", "official") or tested == Counter(list(of))


@pytest.mark.parametrize("protocol", ["grouped", "kfold", "holdout", "official"])
@pytest.mark.parametrize("per_class", [1, 2, 3, 4])
def test_too_few_clips_for_a_split_is_one_message(protocol, per_class, at, tmp_path):
    tracks = at(make("gtzan", tmp_path, per_class)).tracks()
    with pytest.raises(BnetError, match=f"protocol '{protocol}'"):
        make_split(tracks, protocol, 0, 5)


# ---------------------------------------------------------------------------------------------------------------------
# a data folder that holds several corpora


def test_what_lies_in_another_corpus_s_own_folder_is_not_taken(monkeypatch, tmp_path):
    """Emotify's folders 'classical', 'electronic', 'pop' and 'rock' are no classes of HOMBURG, nor of one's own."""
    for name in ("emotify", "gtzan"):
        duplicate(kept(name, 2), tmp_path)
    monkeypatch.setenv("BNET_DATA", str(tmp_path))
    for name in ("homburg", "homburg-10s", "extended-ballroom", "fma-small", "gtzan-images", "folder"):
        with pytest.raises(BnetError, match=f"{name} is not here"):
            get_corpus(name).tracks()
    for label in ("mine", "yours"):
        for number in range(2):
            (tmp_path / label).mkdir(exist_ok=True)
            shutil.copy(tmp_path / "emotify" / "rock" / "1.mp3", tmp_path / label / f"{number}.mp3")
    assert get_corpus("folder").labels == ("mine", "yours")
    assert {track.track_id for track in get_corpus("folder").tracks()} == {
        "mine__0.mp3", "mine__1.mp3", "yours__0.mp3", "yours__1.mp3"
    }  # fmt: skip
    monkeypatch.setenv("BNET_PARTIAL", "1")
    with pytest.raises(BnetError, match="homburg is not here"):
        get_corpus("homburg").tracks()
    (tmp_path / "rock").mkdir()
    shutil.copy(tmp_path / "emotify" / "rock" / "1.mp3", tmp_path / "rock" / "Somebody-Something.mp3")
    assert [track.track_id for track in get_corpus("homburg").tracks()] == ["rock-Somebody-Something"]


# ---------------------------------------------------------------------------------------------------------------------
# what people's folders hold


def music(folder, *labels: str, per_class: int = 2) -> None:
    """WAV files ``<label>/<number>.wav`` below `folder`, the one that `bnet` sees."""
    for kind, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for number in range(per_class):
            (folder / label / f"{number}.wav").write_bytes(minicorpora.encoded(kind, number, 2.0, "WAV"))


@pytest.fixture
def own(monkeypatch, tmp_path):
    """The data folder of one's own music."""
    monkeypatch.setenv("BNET_DATA", str(tmp_path / "music"))
    return tmp_path / "music"


def test_links_that_lead_back_are_not_followed(own, capfd, tmp_path):
    music(own, "jazz", "rock")
    music(tmp_path / "elsewhere", "swing")
    before = get_corpus("folder").tracks()
    (own / "jazz" / "up").symlink_to(own, target_is_directory=True)
    (own / "jazz" / "further up").symlink_to(tmp_path, target_is_directory=True)
    (own / "copy").symlink_to("rock", target_is_directory=True)
    (own / "loop").symlink_to("loop")
    (own / "rock" / "again.wav").symlink_to(own / "jazz" / "0.wav")
    assert get_corpus("folder").tracks() == before
    assert "5 links below" in capfd.readouterr().err
    (tmp_path / "elsewhere" / "swing" / "up").symlink_to("..", target_is_directory=True)
    (own / "blues").symlink_to(tmp_path / "elsewhere" / "swing", target_is_directory=True)
    labels = Counter(track.label for track in get_corpus("folder").tracks())
    assert labels == {"jazz": 2, "rock": 2, "blues": 2}
    music(tmp_path / "stored", "blob")
    for name in ("equal.wav", "equal too.wav"):  # a store that keeps equal files once
        (own / "jazz" / name).symlink_to(tmp_path / "stored" / "blob" / "0.wav")
    labels = Counter(track.label for track in get_corpus("folder").tracks())
    assert labels == {"jazz": 4, "rock": 2, "blues": 2}


def test_a_folder_that_cannot_be_looked_into_is_named_once(own, capfd, monkeypatch):
    music(own, "jazz", "rock")
    scandir = os.scandir

    def refuse(place):
        if str(place).endswith("rock"):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert len(sounds(own)) == len(sounds(own)) == 2
    said = f"bnet: cannot look into {own / 'rock'} (Permission denied): left out; make it readable\n"
    assert capfd.readouterr().err == said


@pytest.mark.parametrize("suffix", [".m4a", ".WMA", ".mp2", ".aac"])
def test_formats_that_cannot_be_read_are_counted_and_named(suffix, own, capfd, monkeypatch):
    assert suffix.lower() in UNREADABLE
    music(own, "jazz", "rock")
    (own / "jazz" / f"song{suffix}").write_bytes(b"music")
    corpus = get_corpus("folder")
    assert len(corpus.tracks()) == 4
    said = capfd.readouterr().err
    assert f"1 files in formats that can't be read (1 {suffix.lower()}), such as jazz/song{suffix}: convert" in said
    assert ("format", f"jazz/song{suffix}") in problems(found(corpus))
    (own / "pop").mkdir()
    (own / "pop" / f"other{suffix}").write_bytes(b"music")
    with pytest.raises(BnetError, match=rf"pop hold only files in formats .*\(2 {suffix.lower()}\).*convert them"):
        corpus.tracks()
    assert len(problems(found(corpus))) == 2
    monkeypatch.setenv("BNET_PARTIAL", "1")
    assert {track.label for track in corpus.tracks()} == {"jazz", "rock"}


def test_names_that_are_not_utf_8_work_and_are_shown_with_escapes(own, tmp_path, monkeypatch):
    raw = os.fsencode(tmp_path) + b"/mus\xefque"
    monkeypatch.setenv("BNET_DATA", os.fsdecode(raw))
    try:
        os.makedirs(raw + b"/vari\xe9t\xe9/disc")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    for number in range(2):
        data = minicorpora.encoded(0, number, 2.0, "WAV")
        for name in (b"/vari\xe9t\xe9/disc/\xe9t\xe9%d.wav" % number, b"/vari\xe9t\xe9/%d.wav" % number):
            with open(raw + name, "wb") as stream:
                stream.write(data if b"disc" in name else minicorpora.encoded(1, number, 2.0, "WAV"))
    with open(raw + b"/vari\xe9t\xe9/broken\xe9.wav", "wb") as stream:
        stream.write(b"no sound")
    with open(raw + b"/groups.csv", "wb") as stream:
        stream.write(b"file,group\nvari\xe9t\xe9/0.wav,b\xe9\n")
    corpus = get_corpus("folder")
    tracks = corpus.tracks()
    assert corpus.labels == ("vari%E9t%E9",)
    assert [track.track_id for track in tracks] == [
        f"vari%E9t%E9__{name}.wav" for name in ("0", "1", "broken%E9", "disc__%E9t%E90", "disc__%E9t%E91")
    ]
    assert tracks[0].group == "group b%E9"
    done = FeatureStore(corpus, 1.0).extract(tracks, jobs=1, progress=False)
    assert list(done.failed) == ["vari%E9t%E9__broken%E9.wav"]
    assert "broken\\udce9.wav is no audio" in done.failed["vari%E9t%E9__broken%E9.wav"]
    assert problems(found(corpus)) == {("corrupt", "vari%E9t%E9__broken%E9.wav")}
    assert fingerprint(tracks)
    with pytest.raises(BnetError, match=r"homburg is not here: .*mus\\udcefque"):
        get_corpus("homburg").tracks()


@pytest.mark.parametrize("group", ["NA", "None", "nan", "Null", "n/a", "1e3", "", "  "])
def test_any_word_is_a_group_but_none(group, own):
    music(own, "jazz", "rock")
    (own / "groups.csv").write_text(f"file,group\njazz/0.wav,{group}\nrock/1.wav,other\n")
    if group:
        groups = {track.track_id: track.group for track in get_corpus("folder").tracks()}
        assert groups["jazz__0.wav"] == f"group {group}"
    else:
        with pytest.raises(BnetError, match="or gaps; expected a file"):
            get_corpus("folder").tracks()


WORDS = ("NA", "null", "nan", "None", "1e3", "label", "part", "track_id", "class label", "value", "-1", "01", "True")


def test_any_folder_s_name_is_a_class(own):
    music(own, *WORDS)
    tracks = get_corpus("folder").tracks()
    assert get_corpus("folder").labels == tuple(sorted(WORDS))
    assert Counter(track.label for track in tracks) == dict.fromkeys(WORDS, 2)
