"""What a probe changes: the sound of a corpus (faster, higher, louder, noisy, out of an MP3), or log-mels themselves.

Changed sound is a `Corpus`, so that `bnet.corpora.store.FeatureStore` extracts, keeps and resumes its log-mels like any
other's.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import soundfile

from bnet.corpora import SR, Corpus, Track, draw
from bnet.corpora.tunes.corpus import Performance, Tunes
from bnet.corpora.tunes.rendering import read_melody, whole_bars
from bnet.paths import sha256
from bnet.sound import log_mel
from bnet.sound.log_mel import FeatureSettings

SISTERS = {"tunes": ("tunes-free",), "tunes-free": ("tunes",)}
"""Corpus -> those with the same tracks and other sound."""
BANDS = ("low", "mid", "high")
"""Thirds of the mel bands."""


class Changed(Corpus):
    """The clips of `base` after ``alter(y, track)``, which is given `longer` times as much of them; unlike other
    corpora's, the sound may leave [-1, 1]. `change` says what is altered, for the store."""

    def __init__(
        self, base: Corpus, change: str, alter: Callable[[np.ndarray, Track], np.ndarray], longer: float = 1.0
    ):
        self.base, self.alter, self.longer, self.front_end = base, alter, longer, base.front_end
        self.name, self.title, self.labels = f"{base.name}-changed", base.title, base.labels
        self.source = f"{base.source}, {change}"

    def tracks(self) -> list[Track]:
        """Those of the base."""
        return self.base.tracks()

    def audio(self, track: Track, seconds: float) -> np.ndarray:
        """The changed sound, mono at `SR`."""
        return log_mel.fit(self.alter(self.base.audio(track, seconds * self.longer), track), seconds)

    def checksum(self, track: Track, y: np.ndarray) -> str:
        """SHA-256 of the file's bytes, or where the base renders its sound, of the samples as float32."""
        return self.base.checksum(track, y) if track.path else sha256(y.astype("<f4").tobytes())


class Replayed(Tunes):
    """`tunes` or `tunes-free`, rendered again at `tempo` times its tempo or `semitones` higher: no signal processing.

    A clip of `seconds` begins at the same place of the tune as the unchanged one of `clip_seconds` does.
    """

    def __init__(self, base: Tunes, clip_seconds: float, seconds: float, tempo: float, semitones: int):
        super().__init__(free=base.free)
        self.name = f"{base.name}-changed"
        self.was, self.now, self.tempo, self.semitones = clip_seconds, seconds, tempo, semitones

    @property
    def source(self) -> str:
        """That of the base, and the change."""
        change = f"tempo x {self.tempo:g}, {self.semitones:+d} semitones, from where a clip of {self.was:g} s begins"
        return f"{super().source}, {change}"

    def performance(self, track_id: str) -> Performance:
        """As the base plays it, but for tempo and transposition; `place` may exceed 1, where the tune comes again."""
        tune, played = self.tune(track_id), super().performance(track_id)
        bars = whole_bars(read_melody(tune.abc, track_id), tune.bar_quarters) / tune.bar_quarters
        period = bars * played.bar_seconds
        start = played.place * (period - self.was if period > self.was else period) / self.tempo
        period /= self.tempo
        return dataclasses.replace(
            played,
            bar_seconds=played.bar_seconds / self.tempo,
            transposition=played.transposition + self.semitones,
            place=start / (period - self.now if period > self.now else period),
        )


def replayed(
    base: Corpus, clip_seconds: float, *, seconds: float | None = None, tempo: float = 1.0, semitones: int = 0
) -> Corpus:
    """The corpus at `tempo` times its tempo, `semitones` higher, in clips of `seconds` (None: `clip_seconds`).

    What is rendered from a score is rendered again (`Replayed`). Of sound files, clips are stretched by librosa's phase
    vocoder, which smears onsets; they are cut as the corpus cuts clips of that length.
    """
    if isinstance(base, Tunes):
        return Replayed(base, clip_seconds, seconds or clip_seconds, tempo, semitones)

    def alter(y: np.ndarray, track: Track) -> np.ndarray:
        import librosa

        y = librosa.effects.time_stretch(y, rate=tempo) if tempo != 1 else y
        return librosa.effects.pitch_shift(y, sr=SR, n_steps=semitones) if semitones else y

    return Changed(base, f"phase vocoder, tempo x {tempo:g}, {semitones:+d} semitones", alter, tempo)


def louder(base: Corpus, decibel: float) -> Corpus:
    """The corpus `decibel` louder; what exceeds full scale is clipped, as a converter does."""
    gain = np.float32(10 ** (decibel / 20))
    return Changed(base, f"{decibel:+g} dB", lambda y, track: np.clip(y * gain, -1, 1))


def noisy(base: Corpus, snr: float) -> Corpus:
    """The corpus with white Gaussian noise, `snr` dB below the clip's mean power; drawn from the track's id."""

    def alter(y: np.ndarray, track: Track) -> np.ndarray:
        noise = _random(track.track_id, "noise").standard_normal(len(y))
        return (y + noise * np.sqrt(np.mean(y.astype(float) ** 2)) * 10 ** (-snr / 20)).astype(np.float32)

    return Changed(base, f"white noise at {snr:g} dB", alter)


def through_mp3(base: Corpus, kbps: float) -> Corpus:
    """The corpus encoded as MP3 by LAME (in libsndfile) at a constant bit rate, mono at `SR`, and decoded again.

    At low rates a frame has no room for LAME's header, so that the decoder can't know the delay of the codec, and
    leaves it in; it is cut off here, so that the sound begins where it began.
    """

    def alter(y: np.ndarray, track: Track) -> np.ndarray:
        back = soundfile.read(io.BytesIO(encode_mp3(y, kbps)), dtype="float32")[0]
        return back if len(back) == len(y) else back[_DELAY:]

    return Changed(base, f"MP3 at {kbps:g} kbit/s without delay, {soundfile.__libsndfile_version__}", alter)


_DELAY = 576 + 529  # samples: LAME's encoder, and a layer III decoder


def encode_mp3(y: np.ndarray, kbps: float) -> bytes:
    """Mono sound at `SR` as MP3 with a constant bit rate in kbit/s, 8 to 160.

    libsndfile takes no bit rate but a level from 0 to 1, linear between the highest and the lowest rate of MPEG-2 layer
    III, 160 and 8 kbit/s.
    """
    stream, level = io.BytesIO(), (160 - kbps) / (160 - 8)
    with soundfile.SoundFile(
        stream, "w", SR, 1, format="MP3", bitrate_mode="CONSTANT", compression_level=level
    ) as file:
        file.write(y)
    return stream.getvalue()


def _random(track_id: str, what: str) -> np.random.Generator:
    return np.random.default_rng(int(draw(track_id, what) * 2**53))


def band_range(band: str, n_mels: int) -> tuple[int, int]:
    """First mel band of a third, and the first after it.

    >>> band_range("mid", 128)
    (43, 85)
    """
    third = BANDS.index(band)
    return round(third * n_mels / 3), round((third + 1) * n_mels / 3)


def muted(values: np.ndarray, track_id: str, band: str, front_end: FeatureSettings) -> np.ndarray:
    """A log-mel [shape=(frames, n_mels)] with a third of the bands lowered to its quietest value."""
    first, end = band_range(band, values.shape[1])
    result = values.copy()
    result[:, first:end] = values.min()
    return result


def shuffled(values: np.ndarray, track_id: str, seconds: float, front_end: FeatureSettings) -> np.ndarray:
    """A log-mel in pieces of `seconds` (0: single frames), in an order drawn from the track's id; no frame is lost."""
    size = max(1, round(seconds * front_end.frame_rate))
    pieces = [values[start : start + size] for start in range(0, len(values), size)]
    return np.concatenate([pieces[i] for i in _random(track_id, "shuffle").permutation(len(pieces))])
