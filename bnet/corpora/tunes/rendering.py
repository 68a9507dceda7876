"""From a score to sound: abc2midi reads it, symusic plays it, both from the symusic package."""

from __future__ import annotations

import functools
import math
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bnet.corpora.base import SR, index_rows
from bnet.corpora.tunes.scores import package_folder
from bnet.errors import BnetError
from bnet.paths import disk_errors

VERSION = 1
"""Raised whenever this module makes other sound from the same score: part of `Corpus.source`."""

VELOCITY = 96
OVERSAMPLING = 2  # at 44 100 Hz the shortest sample loops stay in tune; at 22 050 Hz they are up to .8 semitones off
PREROLL, POSTROLL, FADE = 1.0, 0.5, 0.005  # seconds
PATIENCE = 60  # seconds for a score, which takes a hundredth
PITCHES = range(36, 105)  # beyond its highest zone the synthesizer is silent, or never returns

SOUND_FONT = "TimGM6mb.sf2"
"""The General MIDI sounds, which pretty_midi brings; put in tune for symusic (`in_tune`)."""


def read_melody(abc: str, name: str) -> np.ndarray:
    """The notes of a score: float64 [shape=(n, 3)], each onset and duration in crotchets and MIDI pitch, by onset.

    Parameters
    ----------
    abc
        One tune. Repeats are written out; fermatas don't lengthen; grace notes and ornaments are played.
    name
        For the error message.

    Raises
    ------
    BnetError
        If abc2midi finds no notes in it, or more than one track; says what abc2midi said. If it does not end.

    Notes
    -----
    symusic's own `Score.from_abc` names its temporary files alike in forked processes, which then read each other's.
    Here each call runs symusic's abc2midi in a folder of its own, so that any number of processes and threads can.
    """
    from symusic import Score

    program = package_folder("symusic", "it plays the corpus 'tunes'") / "bin" / f"abc2midi{'.exe' * (os.name == 'nt')}"
    with disk_errors(f"the score of {name} for abc2midi"), tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        source, target = Path(folder, "tune.abc"), Path(folder, "tune.mid")
        source.write_text(abc, encoding="utf-8")
        command = [program, source, "-o", target, "-NFER"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:  # the cause tells that the machine, not the score, is at fault
            raise BnetError(
                f"{name}: abc2midi did not read its score in {PATIENCE} s; run the same command again, with fewer jobs"
            ) from TimeoutError()
        midi = target.read_bytes() if target.exists() else b""
    tracks = [track.notes for track in Score.from_midi(midi).tracks if track.notes] if midi else []
    if len(tracks) != 1:
        said = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith("Error")]
        raise BnetError(
            f"{name}: abc2midi made {len(tracks)} melodies of its score, expected 1 ({'; '.join(said[:2])})"
        )
    notes = np.array([(note.start, note.duration, note.pitch) for note in tracks[0]], dtype=float)
    notes[:, :2] /= Score.from_midi(midi).ticks_per_quarter
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]


def whole_bars(notes: np.ndarray, bar: float) -> float:
    """The length of a melody in crotchets, rounded up to whole bars of `bar` crotchets, so that a repeat keeps time."""
    end = float((notes[:, 0] + notes[:, 1]).max())
    return max(1, math.ceil(end / bar - 0.02)) * bar


def window(notes: np.ndarray, period: float, start: float, seconds: float) -> np.ndarray:
    """The notes that sound between `start` and `start + seconds` of a melody repeated for ever.

    Parameters
    ----------
    notes
        Onset, duration (both in seconds) and pitch [shape=(n, 3)], all within one period.
    period
        Seconds from one repeat to the next.

    Returns
    -------
    np.ndarray
        [shape=(m, 3)], onsets relative to `start`; a note that has begun before begins at 0.
    """
    repeats = np.arange(max(0, int(start // period) - 1), int((start + seconds) // period) + 1)
    shifted = np.tile(notes, (len(repeats), 1))
    shifted[:, 0] += np.repeat(repeats * period, len(notes)) - start
    ends = np.minimum(shifted.sum(axis=1) - shifted[:, 2], seconds)
    shifted[:, 0] = np.maximum(shifted[:, 0], 0)
    shifted[:, 1] = ends - shifted[:, 0]
    return shifted[shifted[:, 1] > 1e-3]


def play(notes: np.ndarray, period: float, start: float, seconds: float, program: int) -> np.ndarray:
    """The sound of a repeated melody from `start` on: float32 [shape=(round(seconds * SR),)], mono, at `SR`, any peak.

    Only what is heard is synthesized: one second more before, so that a note that is already sounding is heard to
    have begun, and half a second after. All notes are equally loud; 5 ms at either end are faded.

    A `BnetError` if a pitch is outside of `PITCHES`.
    """
    import scipy.signal  # here, for it takes half a second to import, and most corpora are files
    from symusic import Note, Score, Track

    lowest, highest = notes[:, 2].min(), notes[:, 2].max()
    if not (PITCHES.start <= lowest and highest < PITCHES.stop):
        raise BnetError(f"pitches {lowest:.0f}-{highest:.0f}; the synthesizer plays {PITCHES.start}-{PITCHES.stop - 1}")
    lead = min(PREROLL, start)
    heard = window(notes, period, start - lead, lead + seconds + POSTROLL)
    track = Track("melody", program, False, ttype="second")
    for onset, duration, pitch in heard:
        track.notes.append(Note(float(onset), float(duration), int(pitch), VELOCITY, ttype="second"))
    score = Score(480).to("second")
    score.tracks.append(track)
    y = _synthesizer(os.getpid()).render(score, stereo=False)[0]
    y = scipy.signal.resample_poly(y, 1, OVERSAMPLING)[round(lead * SR) :]
    size, fade = round(seconds * SR), np.linspace(0, 1, round(FADE * SR), dtype=np.float32)
    y = np.pad(y[:size], (0, max(0, size - len(y)))).astype(np.float32)
    n = min(len(fade), size // 2)
    y[:n] *= fade[:n]
    y[size - n :] *= fade[:n][::-1]
    return y


@functools.cache
def _synthesizer(process: int):  # one per process: a forked child must not share its parent's
    from symusic import Synthesizer

    with disk_errors("the sound font"), tempfile.TemporaryDirectory(prefix="bnet-") as folder:
        path = Path(folder, "sounds.sf2")
        path.write_bytes(read_soundfont())
        return Synthesizer(str(path), SR * OVERSAMPLING, 0)


def read_soundfont() -> bytes:
    """The sound font, in tune (see `in_tune`). A `BnetError` if pretty_midi, which brings the file, is not installed,
    or brings it no more."""
    path = package_folder("pretty_midi", f"the sounds of the corpus 'tunes' ({SOUND_FONT}) lie in it") / SOUND_FONT
    try:
        return in_tune(path.read_bytes())
    except FileNotFoundError:
        raise BnetError(f"{path} is missing; run: pip install --force-reinstall pretty_midi==0.2.11.post0") from None


def in_tune(soundfont: bytes) -> bytes:
    """The same sound font with the key at which each sample was recorded written where symusic looks for it.

    A SoundFont says a sample's key twice: in the sample's header, and, overriding that, in the instrument's zone.
    symusic 0.5.9 reads the header only (its synthesizer: github.com/lzqlzzq/prestosynth, src/soundfont.cpp), where
    TimGM6mb holds 60 for most samples: violin, accordion, guitar and others sound wrong by up to two octaves,
    differently in each zone, and the synthesizer never returns for some high notes.
    This writes the zone's key, of ``indexes/tunes-keys.csv``, into the header. Where zones of several instruments
    disagree about one sample, the one that plays most keys decides; `bnet.corpora.tunes.corpus.PROGRAMS` holds only
    instruments that are in tune then.
    """
    font = bytearray(soundfont)
    headers = font.index(b"shdr", font.index(b"pdta")) + 8  # 46 bytes each (SoundFont 2.01 specification, section 7.10)
    for row in index_rows("tunes-keys"):
        font[headers + 46 * int(row["sample"]) + 40] = int(row["key"])
    return bytes(font)
