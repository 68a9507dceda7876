"""Sound files as `librosa.load` gives them: decoded, mixed to mono, resampled.

Whatever libsndfile reads: WAV, FLAC, MP3, OGG (Vorbis, Opus), AIFF, AU and more, at any rate, width and number of
channels. What is wrong with a file is told by one `BnetError`, never by an empty or a shorter array.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from bnet.errors import BnetError
from bnet.sound import streams
from bnet.sound.log_mel import SR, fit

MIN_SECONDS = 1.0
"""Less sound than this is refused, in s: a clip of a broken file (FMA's three have 0.5 to 1.6 s), not music."""

SILENCE = 1e-4
"""A clip whose absolute peak (full scale is 1) stays below this, -80 dB, is silent; 16-bit dither has 3e-5."""

CANCELLED = 1e-2
"""Channels whose mean has less than this part of their energy, -20 dB, cancel: one is the other upside down."""


def load(path: str | os.PathLike[str], *, sr: int = SR, **part: Any) -> np.ndarray:
    """Decode a sound file, average its channels and resample it, as `librosa.load` does.

    Parameters
    ----------
    path, sr, **part
        As for `blocks`.

    Returns
    -------
    np.ndarray [shape=(n,)]
        Mono, float32, at `sr`; full scale is 1, which decoders, resampling and float files can overshoot. Shorter than
        `seconds` where the file ends earlier (`fit` pads it).

    Raises
    ------
    BnetError
        As `blocks` does.
    """
    return np.concatenate(list(blocks(path, sr=sr, **part)))


def blocks(
    path: str | os.PathLike[str],
    *,
    sr: int = SR,
    seconds: float | None = None,
    offset: float = 0.0,
    min_seconds: float = MIN_SECONDS,
    allow_silent: bool = False,
) -> Iterator[np.ndarray]:
    """A sound file as `load` gives it, block by block: memory does not grow with its length.

    Parameters
    ----------
    path
        Any file that libsndfile decodes.
    sr
        Wanted sample rate, in Hz; resampled by soxr's HQ, librosa's default, to ``ceil(n * sr / rate)`` samples.
    seconds, offset
        Which part: at most `seconds` s (default: all) from `offset` s on (0). Only that part is decoded and checked.
    min_seconds
        The least that must be there from `offset` on, in s (`MIN_SECONDS`, or `seconds`, if that is less).
    allow_silent
        Whether to accept silence too (no).

    Yields
    ------
    np.ndarray [shape=(n,)]
        The next samples, some 65 000 at most at the file's own rate.

    Raises
    ------
    BnetError
        If the file is missing, a folder, unreadable, empty, no audio, damaged, truncated, joined of several, too short,
        silent, of channels that cancel, or holds NaN or infinite samples: perhaps in place of the last block only. Its
        `__cause__` is an `OSError` where the system, not the content, is at fault.

    Notes
    -----
    Truncation is noticed where part of what was asked for is missing and the file tells that there was more: the data
    size of WAV, AIFF, AU, CAF, W64 and RF64; the frames of FLAC; the Xing or Info header of MP3; the end-of-stream page
    of OGG, or at least a whole last page. An MP3 without such a header, cut between two frames, looks like a whole
    shorter one, and so does an OGG cut between two pages.

    An MP3's own count of frames is not trusted: where it ends too early (no header and a variable bit rate, a header
    that says too little, files joined end to end) the frames are counted, and all of them decoded. Files joined end to
    end of which libsndfile reads but the first (a chained OGG, an MP3 whose rate or channels change) are refused.
    """
    path = Path(path)
    if not offset >= 0 or (seconds is not None and not seconds > 0):
        raise BnetError(f"{seconds} s from {offset} s on of {path}; expected more than 0 s, from 0 s or later")
    least = min_seconds if seconds is None else min(min_seconds, seconds)
    _check_readable(path)
    end, given, loudest, energies, resampler = 0, 0, 0.0, np.zeros(2), None
    for y, energy, rate, truncated in streams.blocks(path, seconds, offset):
        last = truncated is not None
        end += len(y)
        if truncated:
            raise BnetError(f"{path} is truncated: {truncated}; expected a whole file; copy or download it again")
        if not np.isfinite(y).all():
            raise BnetError(
                f"{path} holds NaN or infinite samples; expected finite ones; export it again or leave it out"
            )
        loudest = max(loudest, float(np.abs(y).max(initial=0.0)))
        energies += energy
        if last and end < max(1, int(least * rate)):
            raise BnetError(
                f"{path} is too short: {end / rate:.2f} s of sound{f' after {offset:g} s' if offset else ''}; expected "
                f"at least {least:g} s; leave it out, or give a longer file"
            )
        if last and not allow_silent:
            _check_sound(path, loudest, *energies)
        if rate != sr:
            resampler = resampler or soxr.ResampleStream(rate, sr, 1, dtype="float32", quality="soxr_hq")
            y = resampler.resample_chunk(y, last=last)
        if last:
            y = fit(y, int(np.ceil(end * (sr / rate))) - given, sr=1)
        given += len(y)
        yield y


def _check_sound(path: Path, loudest: float, energy: float, of_channels: float) -> None:
    """Refuse silence, and a mean of channels that lacks what each of them has."""
    if energy < CANCELLED * of_channels and of_channels > SILENCE**2:
        raise BnetError(
            f"the channels of {path} cancel: each has sound, their mean is silent (one is the other upside down); "
            f"expected channels in phase; keep one of them: ffmpeg -i {path.name} -af 'pan=mono|c0=c0' out.wav"
        )
    if loudest < SILENCE:
        raise BnetError(f"{path} is silent: no sample reaches -80 dB of full scale; expected sound; leave it out")


def _check_readable(path: Path) -> None:
    try:
        status = os.stat(path)
        if not stat.S_ISFIFO(status.st_mode):  # to open one is to wait
            open(path, "rb").close()
    except FileNotFoundError as error:
        raise BnetError(f"no file {path}; expected a sound file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise BnetError(f"{path} is a folder; expected one sound file; name a file in it") from error
    except OSError as error:
        raise BnetError(f"cannot read {path} ({error.strerror or error}); make it readable, e.g. chmod u+r") from error
    if not stat.S_ISREG(status.st_mode):
        raise BnetError(f"{path} is no regular file; expected a sound file")
    if not status.st_size:
        raise BnetError(f"{path} is empty (0 bytes); expected a sound file; copy or download it again")
