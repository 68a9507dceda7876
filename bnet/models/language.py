"""The chain language: how a row of the table writes operations, one after the other. No Keras here.

A chain is a text of tokens with spaces between them. A token is a word, then (where the word takes them, in this order)
a size in frames x bands, ``v`` for 'valid' padding, ``/`` and a stride, ``:`` and a number:

================== =====================================================================================================
``conv3x1``        convolution with kernels of 3 frames x 1 band, 'same' padding, with bias; ``conv3x3v/2:64`` has 64
                   kernels instead of the row's `filters`, stride 2 and no padding
``sepconv3x3``     depthwise-separable convolution: one kernel a channel, then 1x1; ``sepconv3x3:128`` for 128 maps
``norm``           batch normalisation, then the activation
``groupnorm:16``   group normalisation with 16 channels a group, then the activation
``maxpool4x1``     max-pooling over 4 frames x 1 band, stride equal to its size unless given (for downsampling)
``avgpool2x2``     average pooling, likewise
``pool3x3``        max-pooling 3 x 3 with stride 1 and 'same' padding (inside a block: keeps the size)
``lstm``           LSTM along the frames of each band by itself, the same weights for all; ``lstm:16`` for 16 units
``se:8``           squeeze-and-excitation with reduction ratio 8, squeezed by the global average
``semax:8``        likewise, squeezed by the global maximum
``residual``       1x1 convolution to the channels of the block's input, then the sum with that input
``gap``            global average pooling over frames and bands
``gmp``            global max-pooling over frames and bands
``dropout:0.4``    dropout of 40 % of the values, while training
================== =====================================================================================================
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from bnet.errors import BnetError, unknown


class Word(NamedTuple):
    """What a word takes (`size`, `stride`, `valid` padding, `number`) and does.

    `number` is ``""`` (none), ``"count"`` or ``"rate"``, with a ``!`` where it must be given. `makes` says that the
    word makes new maps (`filters`, or as many as its number); `flattens` that it ends in a vector; `vector` that it
    also works on one.
    """

    what: str
    size: bool = False
    stride: bool = False
    valid: bool = False
    number: str = ""
    makes: bool = False
    flattens: bool = False
    vector: bool = False


WORDS: dict[str, Word] = {
    "conv": Word("convolution", size=True, stride=True, valid=True, number="count", makes=True),
    "sepconv": Word("separable convolution", size=True, stride=True, valid=True, number="count", makes=True),
    "norm": Word("batch normalisation and activation", vector=True),
    "groupnorm": Word("group normalisation and activation", number="count!", vector=True),
    "maxpool": Word("max-pooling", size=True, stride=True),
    "avgpool": Word("average pooling", size=True, stride=True),
    "pool": Word("max-pooling of the same size", size=True),
    "lstm": Word("LSTM along the frames", number="count", makes=True),
    "se": Word("squeeze-and-excitation by the mean", number="count!"),
    "semax": Word("squeeze-and-excitation by the maximum", number="count!"),
    "residual": Word("sum with the block's input"),
    "gap": Word("global average pooling", flattens=True),
    "gmp": Word("global max-pooling", flattens=True),
    "dropout": Word("dropout", number="rate!", vector=True),
}
_SHRINKING = {"maxpool", "avgpool"}
_TOKEN = re.compile(r"([a-z]+?)(?:(\d+)x(\d+)(v)?)?(?:/(\d+))?(?::(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Step:
    """A token, read: `size` in (frames, bands) or None, `stride` (frames and bands alike) or 0 where not given."""

    token: str
    word: str
    size: tuple[int, int] | None = None
    valid: bool = False
    stride: int = 0
    number: float | None = None

    @property
    def base(self) -> str:
        """The word and its size, for the name of a layer: ``conv3x1``."""
        return self.word + ("x".join(map(str, self.size)) if self.size else "")

    @property
    def strides(self) -> tuple[int, int]:
        """Stride in (frames, bands): of a downsampling pool its size, otherwise 1, unless given."""
        return (self.stride,) * 2 if self.stride else self.size if self.word in _SHRINKING else (1, 1)

    @property
    def padded(self) -> bool:
        """Whether the borders are padded ('same'), so that nothing is lost there."""
        return not self.valid and self.word not in _SHRINKING

    @property
    def keeps_size(self) -> bool:
        """Whether frames and bands stay as many as they were."""
        return self.padded and self.strides == (1, 1) and not WORDS[self.word].flattens


def parse(chain: str, place: str = "a chain") -> tuple[Step, ...]:
    """The steps of a chain.

    >>> [step.base for step in parse("norm conv3x3v/2:64")]
    ['norm', 'conv3x3']

    Raises
    ------
    BnetError
        If a token is not of the language; names it, the `place` where it stands, and what is possible.
    """
    return tuple(_step(token, place) for token in chain.split())


def named(chain: str, place: str, where: str = "") -> list[tuple[str, Step]]:
    """The steps of a chain, each with the name of its Keras layer at `place`; repeated ones are numbered.

    >>> [name for name, _ in named("norm conv1x1 norm", "transition")]
    ['transition_norm_1', 'transition_conv1x1', 'transition_norm_2']
    """
    steps = parse(chain, where or place)
    total, count = Counter(step.base for step in steps), Counter()
    found = []
    for step in steps:
        count[step.base] += 1
        found.append((f"{place}_{step.base}" + f"_{count[step.base]}" * (total[step.base] > 1), step))
    return found


def _step(token: str, place: str) -> Step:
    match = _TOKEN.fullmatch(token)
    letters = re.match("[a-z]*", token)[0]
    if letters not in WORDS:
        raise unknown(f"operation in {place} ({token!r}):", letters, WORDS)
    if not match:
        raise BnetError(
            f"operation in {place}: {token!r} can't be read; expected a word, then where it takes them size, 'v', "
            "stride and number, as in conv3x3v/2:64"
        )
    word = WORDS[match[1]]
    step = Step(
        token,
        match[1],
        size=(int(match[2]), int(match[3])) if match[2] else None,
        valid=bool(match[4]),
        stride=int(match[5] or 0),
        number=float(match[6]) if match[6] else None,
    )
    faults = [
        (word.size and not step.size, f"needs a size, such as {match[1]}3x3"),
        (step.size and not word.size, "takes no size"),
        (step.size and 0 in step.size, "has a size of 0; expected 1 or more"),
        (step.valid and not word.valid, "takes no 'v' (valid padding)"),
        (match[5] is not None and not word.stride, "takes no stride"),
        (match[5] is not None and step.stride < 1, "has stride 0; expected 1 or more"),
        (step.number is None and word.number.endswith("!"), f"needs a number, such as {_EXAMPLES.get(match[1])}"),
        (step.number is not None and not word.number, "takes no number"),
        (not _in_range(step.number, word.number), f"has the number {match[6]}; expected {_RANGES[word.number[:5]]}"),
    ]
    for wrong, reason in faults:
        if wrong:
            raise BnetError(f"operation in {place}: {token!r} {reason}")
    return step


_EXAMPLES = {"groupnorm": "groupnorm:16", "se": "se:8", "semax": "semax:8", "dropout": "dropout:0.4"}
_RANGES = {"": "none", "count": "a whole number, 1 or more", "rate!": "a rate from 0 up to, not including, 1"}


def _in_range(number: float | None, kind: str) -> bool:
    if number is None or not kind:
        return True
    return 0 <= number < 1 if kind.startswith("rate") else number >= 1 and number == int(number)
