"""Protocols: disjoint, complete, stratified, the same everywhere, no group on two sides."""

from __future__ import annotations

from collections import Counter

import pytest

from bnet.corpora import Track
from bnet.corpora.splits import PROTOCOLS, make_split
from bnet.errors import BnetError
from bnet.runs.execute import _check_classes

SIZES = {"air": 40, "jig": 90, "reel": 130}
DRAWN = [name for name in PROTOCOLS if name != "official"]


def tracks() -> list[Track]:
    return [Track(f"{label}-{i:03d}", label, f"{label}-{i // 3}") for label, size in SIZES.items() for i in range(size)]


@pytest.mark.parametrize("protocol", DRAWN)
def test_parts_are_disjoint_complete_and_stratified(protocol):
    everything = {track.track_id for track in tracks()}
    for fold in range(5):
        split = make_split(tracks(), protocol, fold, 5)
        parts = [set(split.train), set(split.validation), set(split.test)]
        assert set.union(*parts) == everything
        assert sum(map(len, parts)) == len(everything)
        for part in parts:
            counts = Counter(track_id.split("-")[0] for track_id in part)
            for label, size in SIZES.items():
                assert counts[label] / len(part) == pytest.approx(size / len(everything), abs=0.08)


@pytest.mark.parametrize("protocol", ["kfold", "grouped"])
def test_every_track_is_tested_once(protocol):
    tested = Counter(track_id for fold in range(5) for track_id in make_split(tracks(), protocol, fold, 5).test)
    assert tested == Counter(track.track_id for track in tracks())


def test_holdout_draws_80_10_10():
    split = make_split(tracks(), "holdout", 3, 10)
    assert [len(split.train), len(split.validation), len(split.test)] == [208, 26, 26]


def test_no_group_straddles():
    group_of = {track.track_id: track.group for track in tracks()}
    for fold in range(5):
        split = make_split(tracks(), "grouped", fold, 5)
        groups = [{group_of[track_id] for track_id in part} for part in (split.train, split.validation, split.test)]
        assert sum(map(len, groups)) == len(set.union(*groups))


@pytest.mark.parametrize("protocol", DRAWN)
def test_order_of_tracks_does_not_matter_and_seeds_do(protocol):
    split = make_split(tracks(), protocol, 1, 5)
    assert make_split(tracks()[::-1], protocol, 1, 5) == split
    assert make_split(tracks(), protocol, 1, 5, seed=9) != split


GOLDEN = {
    "holdout": "fc8688b5ea7f32c0",
    "kfold": "ddf480a9549d60be",
    "grouped": "5ea1a6a5a52acaee",
}


@pytest.mark.parametrize("protocol", DRAWN)
def test_folds_are_the_same_on_every_machine(protocol):
    assert make_split(tracks(), protocol, 0, 5).checksum()[:16] == GOLDEN[protocol]


def own_parts(**parts: int) -> list[Track]:
    """Tracks of two classes with a split of their own, so many a class in each part."""
    return [
        Track(f"{label}-{part}-{i:02d}", label, f"{label}-{part}-{i}", split=part or None)
        for label in ("jig", "reel")
        for part, n in parts.items()
        for i in range(n)
    ]


def test_official_is_the_corpus_s_own_split():
    everything = own_parts(train=8, validation=2, test=3)
    split = make_split([*everything, Track("jig-none", "jig", "none")], "official", 0, 1)
    assert [len(split.train), len(split.validation), len(split.test)] == [16, 4, 6]
    assert all(part in track_id for part in ("train", "validation", "test") for track_id in getattr(split, part))
    assert make_split(everything[::-1], "official", 0, 1, seed=9) == make_split(everything, "official", 0, 1)


@pytest.mark.parametrize("parts", [{"train": 8}, {"train": 8, "test": 2}])
def test_official_needs_three_parts(parts):
    with pytest.raises(BnetError, match="validation 0 clips, 0 classes"):
        make_split(own_parts(**parts), "official", 0, 1)


def test_lost_tracks_leave_the_others_in_place():
    split = make_split(tracks(), "grouped", 0, 5)
    lost = {split.train[0], split.test[0]}
    less = split.without(lost)
    assert less.train == split.train[1:]
    assert less.test == split.test[1:]
    assert less.validation == split.validation


@pytest.mark.parametrize(
    ("protocol", "fold", "folds", "message"),
    [
        ("group", 0, 5, r"unknown protocol 'group' \(did you mean 'grouped'\?\)"),
        ("grouped", 5, 5, "fold 5 is out of range; protocol 'grouped' has folds 0 to 4"),
        ("grouped", 0, 20, "20 groups in each; too small: {'air': 14}"),
        ("kfold", 0, 60, "60 clips in each; too small: {'air': 40}"),
    ],
)
def test_bad_requests_are_refused(protocol, fold, folds, message):
    with pytest.raises(BnetError, match=message):
        make_split(tracks(), protocol, fold, folds)


@pytest.mark.parametrize("protocol", ["grouped", "kfold", "holdout"])
@pytest.mark.parametrize(("per_class", "folds"), [(3, 3), (4, 2), (4, 4), (5, 5), (6, 3), (10, 5)])
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_training_and_validation_hold_every_class_however_small(protocol, per_class, folds, classes):
    if protocol == "holdout" and per_class < 10:
        pytest.skip("fewer than ten clips are refused")
    few = [
        Track(f"{c}-{g}-{i}", f"class{c}", f"{c}-{g}") for c in range(classes) for g in range(per_class)
        for i in range(1 + (g + c) % 3)
    ]  # fmt: skip
    label_of = {track.track_id: track.label for track in few}
    for fold in range(folds):
        split = make_split(few, protocol, fold, folds)
        assert sorted([*split.train, *split.validation, *split.test]) == sorted(label_of)
        for part in (split.train, split.validation):
            assert len({label_of[track_id] for track_id in part}) == classes


@pytest.mark.parametrize("protocol", ["grouped", "kfold"])
@pytest.mark.parametrize(
    ("per_class", "folds", "words"),
    [
        (2, 2, "4 {what} in each; too small: {'class0': 2"),
        (3, 2, "4 {what} in each; too small: {'class0': 3"),
        (2, 3, "3 {what} in each; too small: {'class0': 2"),
        (3, 5, "5 {what} in each.*--set groups=3"),
    ],
)
def test_too_few_for_training_and_validation_are_refused_with_the_right_number(protocol, per_class, folds, words):
    few = [Track(f"{c}-{g}", f"class{c}", f"{c}-{g}") for c in range(3) for g in range(per_class)]
    what = "groups" if protocol == "grouped" else "clips"
    with pytest.raises(BnetError, match=words.replace("{what}", what).replace("{'", r"\{'")):
        make_split(few, protocol, 0, folds)


def test_groups_that_share_classes_are_refused_by_name():
    """All clips of the class `b` lie in the groups of `a`, of which one is much larger than the others."""
    few = [Track(f"a{i}", "a", f"g{i}") for i in range(9)] + [
        Track(f"b{i}", "b", "g0" if i < 7 else f"g{i - 6}") for i in range(9)
    ]
    for fold in range(3):
        try:
            split = make_split(few, "grouped", fold, 3)
        except BnetError as error:
            assert "leaves no 'b' for" in str(error)  # noqa: PT017
        else:
            assert (
                {track_id[0] for track_id in split.validation}
                == {track_id[0] for track_id in split.train}
                == {"a", "b"}
            )


def test_lost_tracks_may_not_take_a_class_from_training_or_validation():
    everything = tracks()
    split = make_split(everything, "grouped", 0, 5)
    lost = {track_id for track_id in split.validation if track_id.startswith("jig")}
    with pytest.raises(BnetError, match="the validation part of this fold has no track of jig with features"):
        _check_classes(everything, split, split.without(lost))
    _check_classes(everything, split, split.without({*lost} - {min(lost)}))


def test_ids_must_be_unique():
    with pytest.raises(BnetError, match="air-000"):
        make_split([*tracks(), tracks()[0]], "kfold", 0, 5)
