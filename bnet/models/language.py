"""The chain language: how a variant writes operations, one after the other. No Keras here.

A chain is a text of tokens with spaces between them. A token is a word of `bnet.models.operations.WORDS`, which says
what each does, then (where the word takes them, in this order) a size in frames x bands, ``v`` for 'valid' padding
instead of 'same', ``/`` and a stride, ``:`` and a number: how many kernels or units (else the variant's `filters`),
channels per group, the ratio by which squeeze-and-excitation reduces, or the rate of dropout. ``conv3x3v/2:64`` has 64
kernels of 3 x 3, stride 2 and no padding; ``norm conv3x1 dropout:0.4`` are three operations.
"""

from __future__ import annotations

import re
from collections import Counter

from bnet.errors import BnetError, unknown
from bnet.models.operations import WORDS, Step

_TOKEN = re.compile(r"([a-z]+?)(?:(\d+)x(\d+)(v)?)?(?:/(\d+))?(?::(\d+(?:\.\d+)?))?")
_RANGES = {"": "none", "count": "a whole number, 1 or more", "rate": "a rate from 0 up to, not including, 1"}


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
    example = f"{match[1]}3x3" if word.size else f"{match[1]}:{word.needs}"
    faults = [
        (word.size and not step.size, f"needs a size, such as {example}"),
        (step.size and not word.size, "takes no size"),
        (step.size and 0 in step.size, "has a size of 0; expected 1 or more"),
        (step.valid and not word.valid, "takes no 'v' (valid padding)"),
        (match[5] is not None and not word.stride, "takes no stride"),
        (match[5] is not None and step.stride < 1, "has stride 0; expected 1 or more"),
        (step.number is None and word.needs, f"needs a number, such as {example}"),
        (step.number is not None and not word.number, "takes no number"),
        (not _in_range(step.number, word.number), f"has the number {match[6]}; expected {_RANGES[word.number]}"),
    ]
    for wrong, reason in faults:
        if wrong:
            raise BnetError(f"operation in {place}: {token!r} {reason}")
    return step


def _in_range(number: float | None, kind: str) -> bool:
    if number is None or not kind:
        return True
    return 0 <= number < 1 if kind == "rate" else number >= 1 and number == int(number)
