"""What a row does to the shape of its input, worked out without Keras: checks a row at the door."""

from __future__ import annotations

from typing import NamedTuple

from bnet.errors import BnetError, unknown
from bnet.models.language import WORDS, Step, named
from bnet.models.variant import ACTIVATIONS, CONNECTIONS, INITIALIZERS, Variant

N_MELS = 128
PATCH = (24, 32)
"""Frames (1.1 s) and mel bands of a covered patch; a smaller one hardly moves a network that averages over time."""
Shape = tuple[int | None, ...]
"""(frames, bands, channels), or (channels,) after a global pool; frames None for any length."""


class Operation(NamedTuple):
    """A step of a row where it stands: `name` of its layer, shapes `before` and `after`, its block's input `seen`."""

    name: str
    step: Step
    before: Shape
    after: Shape
    seen: Shape | None = None


def shapes(row: Variant, frames: int | None = None, n_mels: int = N_MELS) -> dict[str, Shape]:
    """The shape after every part of a network, for a log-mel [shape=(frames, n_mels, 1)].

    Returns
    -------
    dict
        For ``stem``, ``block1_input``, ``block1_branch1``, ..., ``block1``, ..., ``broadcast`` (what the transition
        sees), ``transition``, ``decision``: a `Shape`.

    Raises
    ------
    BnetError
        If a value or an operation of the row is not possible where it stands, or the network is too deep for its
        input: pooling would leave less than one frame or band.
    """
    return walk(row, frames, n_mels)[0]


def walk(
    row: Variant, frames: int | None = None, n_mels: int = N_MELS
) -> tuple[dict[str, Shape], dict[str, list[Operation]]]:
    """As `shapes`, and beside them the operations of every chain of the row, by its place (as in `Variant.chains`)."""
    _check_values(row)
    found: dict[str, Shape] = {}
    done: dict[str, list[Operation]] = {}

    def through(place: str, chain: str, shape: Shape, seen: Shape | None = None) -> Shape:
        done[place] = _operations(row, chain, shape, place, seen)
        found[place] = done[place][-1].after if done[place] else shape
        return found[place]

    pieces = [through("stem", row.stem, (frames, n_mels, 1))]
    for number in range(1, row.blocks + 1):
        place = f"block{number}"
        seen = found[f"{place}_input"] = _connected(row, pieces)
        branches = enumerate(row.branches_of(number), 1)
        ends = [through(f"{place}_branch{i}", chain, seen, seen) for i, chain in branches]
        pieces.append(through(place, row.after, (*seen[:2], sum(end[2] for end in ends)), seen))
    found["broadcast"] = _connected(row, pieces)
    through("decision", row.decision, through("transition", row.transition, found["broadcast"]))
    if len(found["decision"]) != 1:
        raise BnetError(f"network {row.name!r}: its decision {row.decision!r} lacks a global pool; add gap or gmp")
    return found, done


def check(row: Variant, frames: int | None = None, n_mels: int = N_MELS) -> None:
    """As `shapes`, for its errors alone."""
    shapes(row, frames, n_mels)


def _check_values(row: Variant) -> None:
    for what, value, known in (
        ("activation", row.activation, ACTIVATIONS),
        ("initializer", row.initializer, INITIALIZERS),
        ("connection", row.connection, CONNECTIONS),
    ):
        if value not in known:
            raise unknown(f"{what} in network {row.name!r}:", value, known)
    for what, value in (("blocks", row.blocks), ("filters", row.filters)):
        if value < 1:
            raise BnetError(f"network {row.name!r}: {what} is {value}; expected 1 or more")
    if not all((row.branches, *row.later_branches)):
        raise BnetError(f"network {row.name!r}: a block has no branches; expected one chain or more")
    if not 0 <= row.label_smoothing < 1:
        raise BnetError(f"network {row.name!r}: label_smoothing is {row.label_smoothing}; expected 0 up to below 1")


def _connected(row: Variant, pieces: list[Shape]) -> Shape:
    if row.connection == CONNECTIONS[0]:
        return (*pieces[0][:2], sum(piece[2] for piece in pieces))
    return pieces[-1]


def _operations(row: Variant, chain: str, shape: Shape, place: str, seen: Shape | None) -> list[Operation]:
    """The operations of a chain; `seen` is the input of the block that it belongs to, if any."""
    where = f"{place} of network {row.name!r}"
    done = []
    for name, step in named(chain, place, where):
        if len(shape) == 1 and not WORDS[step.word].vector:
            raise BnetError(f"operation in {where}: {step.token!r} comes after a global pool; expected norm or dropout")
        if seen and not step.keeps_size:
            raise BnetError(
                f"operation in {where}: {step.token!r} changes the size inside a block, whose parts are concatenated; "
                "use pool3x3, or a convolution without stride and 'v'"
            )
        if not seen and step.word == "residual":
            raise BnetError(
                f"operation in {where}: 'residual' sums with a block's input; use it in branches or `after`"
            )
        before, shape = shape, _after(row, step, shape, where, seen)
        done.append(Operation(name, step, before, shape, seen))
    if len(shape) == 1 and not place.startswith("decision"):
        raise BnetError(f"{where} ends in a global pool; expected one in the decision only")
    return done


def _after(row: Variant, step: Step, shape: Shape, where: str, seen: Shape | None) -> Shape:
    word, channels = WORDS[step.word], shape[-1]
    if word.number == "count!" and not word.makes:
        _check_share(step, channels, where)
    if word.flattens:
        return (channels,)
    if word.makes:
        channels = int(step.number or row.filters)
    elif seen and step.word == "residual":
        channels = seen[2]
    if len(shape) == 1:
        return (channels,)
    sizes = [_extent(step, axis, extent) for axis, extent in enumerate(shape[:2])]
    if any(size is not None and size < 1 for size in sizes):
        raise BnetError(
            f"network {row.name!r} is too deep for its input: {where} applies {step.token!r} to {shape[0]} frames x "
            f"{shape[1]} bands; give longer clips (`--set clip_seconds=...`), or pool less"
        )
    return (*sizes, channels)


def _extent(step: Step, axis: int, extent: int | None) -> int | None:
    """Frames or bands after a step; 0 or less where too few came."""
    if extent is None or step.size is None:
        return extent
    lost = 0 if step.padded else step.size[axis] - 1
    return -((lost - extent) // step.strides[axis])


def _check_share(step: Step, channels: int, where: str) -> None:
    """Groups and ratios must divide the channels evenly."""
    if channels % step.number:
        raise BnetError(
            f"operation in {where}: {step.token!r} does not divide the {channels} channels that it gets evenly"
        )
