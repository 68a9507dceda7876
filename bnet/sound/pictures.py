"""Log-mels from published pictures of spectrograms, and from sound what the picture of that sound would hold.

A picture is a mel spectrogram drawn by ``librosa.display.specshow``: decibels below the clip's maximum, stretched to
the clip's own minimum, one colour of a matplotlib table per level. `levels` takes that back: rows to bands, colours to
levels. `PictureSettings` makes the same numbers from sound, so that a network trained on pictures can hear.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bnet.errors import BnetError, unknown
from bnet.sound.log_mel import FeatureSettings, log_mel

FARTHEST = 0.5
"""Greatest mean distance, of 441 between black and white, at which colours are taken for those of the table, rounded as
matplotlib does when it draws: published pictures lie at 0, one that has been a JPEG at 0.9 and more, one that was drawn
with another table at 25 and more."""

COLOURS = 256
"""Colours of a table, and so levels of a picture: one is 0.31 dB where the picture shows 80 dB."""


@dataclass(frozen=True, kw_only=True)
class PictureSettings(FeatureSettings):
    """What a picture of a mel spectrogram shows, and how; names are librosa's.

    Parameters
    ----------
    cmap
        Name of the colour table, one of matplotlib's with 256 colours.
    columns, rows, seconds
        Size of a picture in pixels, and length of the sound that it shows in s.
    hop_length
        And the other fields of `bnet.sound.log_mel.FeatureSettings`: of the mel spectrogram that was drawn.
    levels
        Colours of the table that a picture uses.
    kind
        ``picture``: tells these settings from others in a record.

    Notes
    -----
    Values are ``(level + 0.5) / 256 * top_db - top_db``: -80 to 0 dB where the clip's own minimum is 80 dB below its
    maximum, as in most clips; a more compressed clip is stretched to that range, for its minimum can't be known from
    its picture. A column shows one frame, the one at its middle: nothing is averaged.

    Raises
    ------
    BnetError
        If a size is not positive.
    """

    cmap: str
    columns: int
    rows: int
    seconds: float = 30.0
    hop_length: int = 512
    levels: int = COLOURS
    kind: str = "picture"

    def __post_init__(self) -> None:
        if not (min(self.columns, self.rows) >= 1 and 0 < self.seconds < math.inf):
            raise BnetError(
                f"pictures of {self.columns} x {self.rows} pixels and {self.seconds} s; expected a pixel or more each "
                "way, and more than 0 s"
            )

    def frames(self, seconds: float) -> int:
        """Columns of so many seconds, at least one: 129 of 10 s where a picture has 387."""
        return max(1, round(self.columns * seconds / self.seconds))

    @property
    def frame_rate(self) -> float:
        """Columns per second."""
        return self.columns / self.seconds

    @property
    def about(self) -> str:
        """Sample rate, columns, bands and range."""
        return (
            f"what a picture of sound at {self.sr} Hz holds ({self.columns} columns for {self.seconds:g} s, "
            f"{self.frame_rate:.1f} per second), {self.n_mels} bands, in {self.levels} levels below the maximum; short "
            "sound is repeated"
        )

    def decibels(self, y: np.ndarray) -> np.ndarray:
        """Log-mel before columns are chosen: float32 [shape=(1 + n // hop_length, n_mels)], dB below its maximum, as
        by ``librosa.power_to_db(..., ref=numpy.max)``; errors of `bnet.sound.log_mel.log_mel`."""
        mel = log_mel(y, self)
        return mel - mel.max()

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """What the picture of mono sound `y` [shape=(n,)] would hold: float32 [shape=(frames, n_mels)], in dB, at most
        0. The range is that of `y`; sound without any (digital silence) is the lowest level, as matplotlib draws it.
        """
        drawn = self.decibels(y)
        columns, span = self.frames(len(y) / self.sr), -drawn.min()
        drawn = drawn / span + 1 if span else np.zeros_like(drawn)  # 0 to 1, as matplotlib's Normalize
        return self._values(
            (drawn[middles(columns, len(drawn))] * self.levels).clip(0, self.levels - 1).astype(np.uint8)
        )

    def fit(self, y: np.ndarray, seconds: float) -> np.ndarray:
        """`y` cut to `seconds`, or repeated from its beginning: silence would change the range of the picture."""
        return np.resize(y, round(seconds * self.sr))

    def read(self, rgb: np.ndarray, path: Path) -> np.ndarray:
        """The log-mel of a picture [shape=(rows, columns, 3)]: float32 [shape=(columns, n_mels)], in dB; a `BnetError`
        that names `path` if the colours are not those of the table."""
        rows = self.rows - 1 - middles(self.n_mels, self.rows)  # the lowest band is at the bottom
        return self._values(_levels(rgb[rows], self.cmap, path).T)

    def _values(self, levels: np.ndarray) -> np.ndarray:
        return ((levels.astype(np.float32) + 0.5) / self.levels - 1) * np.float32(self.top_db)


def front_end(text: str) -> FeatureSettings:
    """The front end that a record names: the inverse of `FeatureSettings.to_json`; a `BnetError` says in which fields
    it is none of this version of `bnet`."""
    try:
        values = json.loads(text)
        made = PictureSettings if values.get("kind") == "picture" else FeatureSettings
        odd = sorted(set(values) ^ {field.name for field in dataclasses.fields(made)})
        if not odd:
            return made(**values)
        reason = f"{made.__name__} differs in {', '.join(odd)}"
    except (ValueError, TypeError, AttributeError, BnetError) as error:  # no JSON, no object, values of other types
        reason = str(error)
    raise BnetError(f"features {text} are not of this version of bnet ({reason}); train the run again")


def middles(shown: int, of: int) -> np.ndarray:
    """Which of `of` items stands at the middle of each of `shown` equal parts: int [shape=(shown,)]."""
    return ((2 * np.arange(shown) + 1) * of) // (2 * shown)


def pixels(path: Path, settings: PictureSettings) -> np.ndarray:
    """The colours of a picture, decoded: uint8 [shape=(rows, columns, 3)].

    A `BnetError` tells a file that is missing or unreadable, no PNG, of another size, grey, or damaged; nothing larger
    than expected is ever decoded.
    """
    wanted = f"a PNG of {settings.columns} x {settings.rows} pixels in colour"
    again = "get the published picture again"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size is checked before it is decoded
            image = Image.open(path)
        with image:
            known = image.format == "PNG" and image.mode in ("RGB", "RGBA", "P")
            if not known or image.size != (settings.columns, settings.rows):
                held = f"a {image.format} of {image.size[0]} x {image.size[1]} pixels, mode {image.mode}"
                raise BnetError(f"{path} is {held}; expected {wanted}; {again}")
            return np.asarray(image.convert("RGB"))
    except BnetError:  # a ValueError, too
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if getattr(error, "errno", None):
            raise BnetError(f"cannot read {path} ({error.strerror}); expected {wanted}; check the path") from error
        raise BnetError(f"{path} is damaged or no picture ({_first_line(error)}); expected {wanted}; {again}") from None


def digest(rgb: np.ndarray) -> str:
    """SHA-256 of a picture's decoded pixels: equal however the file was packed."""
    return hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).hexdigest()


def _levels(rgb: np.ndarray, cmap: str, path: Path) -> np.ndarray:
    """The row of the colour table that is nearest to each pixel: uint8 [shape=rgb.shape[:2]]."""
    packed = rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    codes, where, counts = np.unique(packed.ravel(), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], axis=1)
    distances, levels = _tree(cmap).query(colours)
    mean = float(distances @ counts / counts.sum())
    if mean > FARTHEST:
        raise BnetError(
            f"the colours of {path} lie {mean:.1f} of 441 from the table {cmap!r} on average; expected at most "
            f"{FARTHEST:g}: it was drawn with another table, or has been a JPEG; get the published picture again"
        )
    return levels.astype(np.uint8)[where].reshape(rgb.shape[:2])


@functools.lru_cache(maxsize=4)
def _tree(cmap: str):
    import matplotlib  # half a second to import: only where pictures are read
    from scipy.spatial import KDTree

    if cmap not in matplotlib.colormaps:
        raise unknown("colour table", cmap, matplotlib.colormaps)
    return KDTree(np.round(255 * matplotlib.colormaps[cmap](np.arange(COLOURS))[:, :3]))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
