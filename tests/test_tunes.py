"""The embedded corpora: what is in them, that nothing but music tells the class, and that sound is always the same."""

from __future__ import annotations

import itertools
import multiprocessing
import re
import signal
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest
import tunes_index
from scipy import stats

from bnet import corpora
from bnet.corpora import SR, Track, fingerprint, get_corpus, select
from bnet.corpora.base import join_groups
from bnet.corpora.tunes import rendering, scores
from bnet.corpora.tunes.corpus import BARS, FREE_BAR, GAIN_DB, PROGRAMS, SOURCES, TRANSPOSITIONS
from bnet.errors import BnetError

COUNTS = {"reel": 715, "jig": 514, "hornpipe": 462, "slip jig": 97, "strathspey": 49, "clog": 37, "air": 33}
LAPTOP = {"reel": 200, "jig": 200, "hornpipe": 200, "slip jig": 97, "strathspey": 49, "clog": 37, "air": 33}
UNPLAYABLE: set[str] = set()
"""Tunes that abc2midi can't read: none of them, since the scores are mended."""


@pytest.fixture(scope="module")
def tunes():
    return get_corpus("tunes")


@pytest.fixture(scope="module")
def free():
    return get_corpus("tunes-free")


@pytest.fixture(scope="module")
def melodies():
    """All melodies by id, and the ids of those that can't be read."""
    found, failed = {}, set()
    for track_id, tune in scores.load_tunes().items():
        try:
            found[track_id] = rendering.read_melody(tune.abc, track_id)
        except BnetError:
            failed.add(track_id)
    return found, failed


@pytest.fixture(scope="module")
def sample(tunes):
    """Three tunes of each class."""
    return select(tunes.tracks(), 3)


# What is in it


def test_counts(tunes):
    tracks = tunes.tracks()
    assert Counter(track.label for track in tracks) == COUNTS
    assert len(tracks) == len({track.track_id for track in tracks}) == 1907
    assert tunes.labels == tuple(COUNTS) == tuple(BARS)
    assert tracks == sorted(tracks)
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}", track.track_id) and track.group for track in tracks)
    books = Counter(track.track_id.split("-")[0] for track in tracks)
    assert books == {"oneills": 882, "ryans": 1025}


def test_at_most_200_a_class(tunes):
    chosen = select(tunes.tracks(), 200)
    assert Counter(track.label for track in chosen) == LAPTOP
    assert len(chosen) == 816


def test_both_rows_have_the_same_tracks_and_folds(tunes, free):
    assert tunes.tracks() == free.tracks()
    assert fingerprint(tunes.tracks()) == fingerprint(free.tracks())


def test_an_unknown_corpus_or_tune_is_refused(tunes):
    with pytest.raises(BnetError, match=r"unknown corpus 'tune'.*did you mean 'tunes'.*tunes-free"):
        get_corpus("tune")
    with pytest.raises(BnetError, match="no tune 'x' in tunes"):
        tunes.audio(Track("x", "reel", "x"), 1)
    with pytest.raises(BnetError, match="seconds is 0"):
        tunes.audio(tunes.tracks()[0], 0)


@pytest.mark.parametrize("package", ["music21", "pretty_midi", "symusic"])
def test_a_missing_package_is_named(monkeypatch, package):
    monkeypatch.setattr(scores.importlib.util, "find_spec", lambda name: None)
    reader = {"music21": lambda: scores.scores("ryans"), "pretty_midi": rendering.read_soundfont}
    with pytest.raises(BnetError, match=rf"{package} is not installed.*pip install {package}"):
        reader.get(package, lambda: rendering.read_melody("X:1\nK:C\nC", "x"))()


def test_metres(tunes):
    metres = defaultdict(Counter)
    for tune in scores.load_tunes().values():
        metres[tune.label][tune.metre] += 1
    assert metres["jig"] == {"6/8": 477, "9/8": 24, "2/4": 7, "C|": 6}
    assert metres["slip jig"] == {"9/8": 97}
    assert metres["hornpipe"] == {"2/4": 248, "C|": 207, "C": 6, "4/4": 1}
    assert set(metres["reel"]) == {"C|", "2/4", "4/4", "C"}


def test_facts_for_people(tunes, free):
    track = next(track for track in tunes.tracks() if track.track_id == "oneills-0596")
    caption = tunes.describe(track)
    assert "(O'Neill's Music of Ireland" in caption
    assert any(f", {instrument}, " in caption for instrument in PROGRAMS.values())
    assert caption.rpartition(", a bar in")[0] == free.describe(track).rpartition(", a bar in")[0]
    assert "traditional tempo, give or take 6 %" in tunes.about
    assert "a bar of any tune lasts 1 to 2.2 s" in free.about
    assert "50 groups (133 tunes) hold versions of one melody" in tunes.notes
    assert all(bar.source for bar in BARS.values())
    assert all(source["licence"] and source["maker"] for source in SOURCES)
    assert re.fullmatch(r"rendering \d+, music21 \S+, pretty_midi \S+, symusic 0\.5\.9", tunes.source)


def test_the_index_is_what_the_scores_give():
    made, shipped = tunes_index.index(), pd.read_csv(tunes_index.INDEX, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(made.astype(str), shipped)
    pd.testing.assert_frame_equal(tunes_index.keys(tunes_index.soundfont()), pd.read_csv(tunes_index.KEYS))


# Groups


def test_a_score_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(scores, "scores", lambda prefix: {})
    with pytest.raises(BnetError, match=r"music21's corpus lacks score 3 of 0550-0625.abc; run: pip install music21=="):
        scores.load_tunes.__wrapped__()


def test_versions_of_a_tune_share_a_group(tunes):
    groups = {track.track_id: track.group for track in tunes.tracks()}
    sizes = Counter(groups.values())
    assert len(sizes) == 1517
    assert max(sizes.values()) == 5
    together = [
        ("oneills-0732", "oneills-0732b"),  # two transcriptions of one page
        ("oneills-0766", "oneills-0767"),  # two settings
        ("oneills-0766", "ryans-hare-in-corn"),  # both books
        ("oneills-1268", "ryans-steeple-chase"),  # an alternative title
        ("ryans-boston", "ryans-flowers-of-st-petersburg"),  # one melody, two titles
        ("oneills-1583", "ryans-rose-bud"),  # one melody, a hornpipe in one book and a reel in the other
    ]
    for one, other in together:
        assert groups[one] == groups[other], (one, other)


def test_groups_join_by_way_of_others():
    assert join_groups([["a", "b"], ["c"], ["b"], ["d"]], [(1, 3)]) == ["a", "c", "a", "c"]


# Nothing but music tells the class


def test_the_reader_sees_no_rhythm_tempo_or_chord():
    for tune in scores.load_tunes().values():
        fields = re.findall(r"(?m)^([A-Za-z]):(?![|:])", tune.abc) + re.findall(r"\[([A-Za-z]):", tune.abc)
        assert set(fields) <= set("XTMLK"), tune.track_id
        assert not re.search('["%]', tune.abc), tune.track_id
        assert tune.abc.startswith("X:1\nT:tune\n"), tune.track_id


def test_bare_abc():
    head = "X: 7\nT:A -- Reel\nR:reel\nQ:1/4=200\nP:AB\nM:C|\nL:1/8\nK:G % g\n"
    score = head + '"Am"vAB Hc2[|] |]\nQ:90\nw:la la\nM:2/4\nT(AB)|\n'
    assert scores.bare_abc(score) == "X:1\nT:tune\nM:C|\nL:1/8\nK:G\nAB c2|]\nM:2/4\n(TAB)|\n"


def test_the_rhythm_header_would_have_swung_the_notes():
    score = "X:1\nT:t\nM:C|\nL:1/8\nK:D\nA>Bc>d e>fg>a|\n"
    named = score.replace("M:", "R:hornpipe\nM:")
    onsets, swung = (np.diff(rendering.read_melody(abc, "x")[:, 0]) for abc in (score, named))
    assert onsets == pytest.approx([0.75, 0.25] * 3 + [0.75], abs=0.01)
    assert swung == pytest.approx([2 / 3, 1 / 3] * 3 + [2 / 3], abs=0.01)  # what taking R: out prevents
    assert "R:" not in scores.bare_abc(named)


def test_draws_do_not_tell_the_class(tunes):
    """Chi-square and Kruskal-Wallis over all 1 907 tunes: no draw depends on the class (p < .01 / 6 would be news)."""
    played = [(track.label, tunes.performance(track.track_id)) for track in tunes.tracks()]
    p_values = {}
    for draw_of in ("program", "transposition"):
        values = sorted({getattr(performance, draw_of) for _, performance in played})
        counts = Counter((label, getattr(performance, draw_of)) for label, performance in played)
        p_values[draw_of] = stats.chi2_contingency([[counts[label, value] for value in values] for label in BARS])[1]
    for draw_of in ("place", "gain_db"):
        p_values[draw_of] = _kruskal(played, draw_of)
    usual = {tune.track_id: _usual(tune) for tune in scores.load_tunes().values()}
    relative = [(t.label, tunes.performance(t.track_id).bar_seconds / usual[t.track_id]) for t in tunes.tracks()]
    p_values["tempo within the dance"] = stats.kruskal(*_by_label(relative))[1]
    free = get_corpus("tunes-free")
    lots = [(track.label, free.performance(track.track_id)) for track in free.tracks()]
    p_values["tempo by lot"] = _kruskal(lots, "bar_seconds")
    assert min(p_values.values()) > 0.01 / 6, p_values


def test_draws_predict_no_better_than_the_majority(free):
    """A forest on all draws of `tunes-free`, five grouped folds of the 816: not better than always 'reel'."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    tracks = select(free.tracks(), 200)
    drawn = [vars(free.performance(track.track_id)) for track in tracks]
    features = np.array([list(performance.values()) for performance in drawn])
    labels = np.array([track.label for track in tracks])
    forest = RandomForestClassifier(100, random_state=0)
    folds = GroupKFold(5).split(features, labels, [track.group for track in tracks])
    right = (cross_val_predict(forest, features, labels, cv=list(folds)) == labels).sum()
    assert stats.binomtest(int(right), len(tracks), 200 / 816, alternative="greater").pvalue > 0.01


def test_ranges_of_the_draws(tunes, free):
    for track in tunes.tracks():
        own, lot = tunes.performance(track.track_id), free.performance(track.track_id)
        assert own.program in PROGRAMS
        assert own.transposition in TRANSPOSITIONS
        assert 0 <= own.place < 1
        assert GAIN_DB[0] <= own.gain_db <= GAIN_DB[1]
        usual = _usual(scores.load_tunes()[track.track_id])
        assert 0.94 * usual <= own.bar_seconds <= 1.06 * usual
        assert FREE_BAR[0] <= lot.bar_seconds <= FREE_BAR[1]
        assert {**vars(own), "bar_seconds": 0} == {**vars(lot), "bar_seconds": 0}


def test_a_jig_in_nine_eight_has_a_jigs_beats(tunes):
    nine = [t for t in scores.load_tunes().values() if t.label == "jig" and t.metre == "9/8"]
    assert {round(_usual(tune), 3) for tune in nine} == {1.53}


def _usual(tune):
    from bnet.corpora.tunes.corpus import usual_bar_seconds

    return usual_bar_seconds(tune)


def _kruskal(played, draw_of):
    return stats.kruskal(*_by_label((label, getattr(performance, draw_of)) for label, performance in played))[1]


def _by_label(pairs):
    values = defaultdict(list)
    for label, value in pairs:
        values[label].append(value)
    return list(values.values())


# Reading


def test_exactly_these_tunes_cannot_be_read(melodies):
    found, failed = melodies
    assert failed == UNPLAYABLE
    assert len(found) + len(failed) == 1907


def test_no_melody_is_lost_on_the_way(melodies):
    """As many notes as letters at least (repeats and grace notes add some), eight bars or more, all playable."""
    for track_id, notes in melodies[0].items():
        tune = scores.load_tunes()[track_id]
        letters = len(tunes_index.staff_steps(tune.abc)) + 1
        bars = (notes[:, 0] + notes[:, 1]).max() / tune.bar_quarters
        assert len(notes) >= 0.95 * letters, track_id
        assert bars > 7.8, (track_id, bars)
        assert notes[:, 2].min() + TRANSPOSITIONS[0] in rendering.PITCHES, track_id
        assert notes[:, 2].max() + TRANSPOSITIONS[-1] in rendering.PITCHES, track_id


def test_a_bar_holds_as_many_notes_in_every_notation(melodies):
    """Of a reel or hornpipe, 6 to 9 notes in a bar whether printed in C| or 2/4: the bar is the same bar."""
    density = defaultdict(list)
    for track_id, notes in melodies[0].items():
        tune = scores.load_tunes()[track_id]
        bars = (notes[:, 0] + notes[:, 1]).max() / tune.bar_quarters
        density[tune.label, tune.metre].append(len(notes) / bars)
    for key in itertools.product(["reel", "hornpipe"], ["C|", "2/4"]):
        assert 6 < np.median(density[key]) < 9, key


def test_what_cannot_be_read_is_named(monkeypatch):
    with pytest.raises(BnetError, match=r"the-tune: abc2midi made 0 melodies"):
        rendering.read_melody("X:1\nT:t\nM:C\nK:C\nz4|\n", "the-tune")
    monkeypatch.setattr(rendering, "PATIENCE", 0)
    with pytest.raises(BnetError, match=r"the-tune: abc2midi did not read its score in 0 s.*fewer jobs") as caught:
        rendering.read_melody("X:1\nT:t\nM:C\nK:C\nC4|\n", "the-tune")
    assert isinstance(caught.value.__cause__, OSError)  # a store of features tries it again
    with pytest.raises(BnetError, match=r"the synthesizer plays 36-104"):
        rendering.play(np.array([[0, 1, 110]]), 1, 0, 1, 40)


# Sound


def test_window():
    notes = np.array([[0.0, 1.0, 60], [1.0, 1.0, 62]])
    heard = rendering.window(notes, 2.0, 1.5, 2.0)
    assert heard.tolist() == [[0.0, 0.5, 62], [0.5, 1.0, 60], [1.5, 0.5, 62]]


def test_whole_bars():
    assert rendering.whole_bars(np.array([[0, 15.99, 60]]), 4) == 16
    assert rendering.whole_bars(np.array([[0, 16.5, 60]]), 4) == 20


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_instrument_is_in_tune(program):
    for pitch in range(52, 96, 5):
        y = rendering.play(np.array([[0.0, 2.0, pitch]]), 2.0, 0.1, 0.6, program).astype(float)
        assert _off_by(y[2000:8000], pitch) < 0.4, (pitch, _off_by(y[2000:8000], pitch))


def test_the_sound_font_as_shipped_is_not(monkeypatch):
    """Why `rendering.in_tune` exists: without it, a nylon string's C#4 is ten semitones off."""
    note = np.array([[0.0, 2.0, 61]])
    shipped = tunes_index.soundfont()
    monkeypatch.setattr(rendering, "read_soundfont", lambda: shipped)
    rendering._synthesizer.cache_clear()
    assert _off_by(rendering.play(note, 2.0, 0.1, 0.6, 24)[2000:8000].astype(float), 61) > 1
    monkeypatch.undo()
    rendering._synthesizer.cache_clear()
    assert _off_by(rendering.play(note, 2.0, 0.1, 0.6, 24)[2000:8000].astype(float), 61) < 0.2


def test_no_instrument_changes_another(melodies):
    """All instruments over all pitches, one after another and the other way round: what came before doesn't matter.

    symusic keeps a sample with the level of whichever instrument played it first (see `PROGRAMS`).
    """
    pitches = np.concatenate([notes[:, 2] for notes in melodies[0].values()])
    reach = range(int(pitches.min()) + TRANSPOSITIONS[0], int(pitches.max()) + TRANSPOSITIONS[-1])
    scale = np.array([[0.1 * n, 0.1, pitch] for n, pitch in enumerate(reach)])
    heard = []
    for programs in (list(PROGRAMS), list(PROGRAMS)[::-1]):
        rendering._synthesizer.cache_clear()
        heard.append({program: rendering.play(scale, 9, 0, 0.1 * len(scale), program) for program in programs})
    assert [program for program in PROGRAMS if not np.array_equal(heard[0][program], heard[1][program])] == []


def _off_by(y: np.ndarray, pitch: int) -> float:
    """Semitones between `pitch` and the first strong peak of the autocorrelation, octaves apart: overtones may rule."""
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 14)) ** 2
    correlation = np.fft.irfft(spectrum, 8 << 14)[: 8 * 200]
    lags = np.arange(8 * 5, len(correlation) - 1)
    peaks = lags[(correlation[lags] >= correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
    first = peaks[correlation[peaks] > 0.85 * correlation[peaks].max()][0]
    return abs((69 + 12 * np.log2(8 * SR / first / 440) - pitch + 6) % 12 - 6)


@pytest.mark.parametrize("seconds", [0.1, 10, 30])
def test_shape_range_and_level(tunes, free, sample, seconds):
    for corpus, track in itertools.product((tunes, free), sample[::4]):
        y = corpus.audio(track, seconds)
        assert y.shape == (round(seconds * SR),)
        assert y.dtype == np.float32
        level = 20 * np.log10(np.abs(y).max())
        assert abs(level - corpus.performance(track.track_id).gain_db) < 0.02
        assert np.array_equal(y * 32768, np.round(y * 32768))
        assert np.abs(y[[0, -1]]).max() < 1e-3  # no click


def test_no_clip_is_silent_for_long(tunes, sample):
    for track in sample:
        y = tunes.audio(track, 10)
        frames = np.sqrt(np.mean(y[: len(y) // SR * SR].reshape(-1, SR) ** 2, axis=1)) / np.abs(y).max()
        assert (frames > 0.01).all(), track.track_id


def test_a_bar_lasts_as_long_as_drawn(tunes, free):
    """A clip of `tunes-free` is the same music at another speed: onsets move by the ratio of the bars."""
    tune = scores.load_tunes()["ryans-money-musk-b"]
    notes = rendering.read_melody(tune.abc, tune.track_id)
    for corpus in (tunes, free):
        bar = corpus.performance(tune.track_id).bar_seconds
        period = rendering.whole_bars(notes, tune.bar_quarters) / tune.bar_quarters * bar
        y = corpus.audio(Track(tune.track_id, tune.label, tune.group), 3 * period)
        frames = np.abs(y[: len(y) // 220 * 220].reshape(-1, 220)).max(axis=1)
        n = round(period * SR / 220)
        one, two = frames[50:n], frames[50 + n : 2 * n]
        assert np.corrcoef(one, two)[0, 1] > 0.9  # it comes round after as many bars as it has


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_same_bytes_with_any_number_of_processes(sample, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {method}")
    some = sample[::3]
    alone = [_render(track) for track in some]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        assert list(pool.map(_render, [*some, *reversed(some)])) == [*alone, *alone[::-1]]


def test_many_processes_read_many_scores(melodies):
    """symusic's own reader loses tunes here: forked processes share the names of their temporary files."""
    chosen = list(scores.load_tunes().values())[::15]
    context = multiprocessing.get_context("spawn" if not hasattr(signal, "SIGALRM") else "fork")
    with ProcessPoolExecutor(8, mp_context=context) as pool:
        sizes = list(pool.map(_count_notes, [tune.abc for tune in chosen], chunksize=4))
    assert sizes == [len(melodies[0][tune.track_id]) for tune in chosen]


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch, tunes, sample):
    monkeypatch.setattr(rendering.tempfile, "tempdir", str(tmp_path))
    rendering._synthesizer.cache_clear()
    tunes.audio(sample[0], 1)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_temporary_folder_is_named(tmp_path, monkeypatch, tunes, sample):
    monkeypatch.setattr(rendering.tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(BnetError, match="could not write the score"):
        tunes.audio(sample[0], 1)


def _render(track: Track) -> str:
    corpus = corpora.get_corpus("tunes")
    return corpus.checksum(track, corpus.audio(track, 2))


def _count_notes(abc: str) -> int:
    return len(rendering.read_melody(abc, "tune"))
