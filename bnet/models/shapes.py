"""A variant, walked once: its sections, their operations and what these do to the shape of the input. No Keras here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnet.errors import BnetError, unknown
from bnet.models.language import named
from bnet.models.layers import Layer, Shape
from bnet.models.operations import WORDS, Operation, Step, dense
from bnet.models.variant import ACTIVATIONS, CONNECTIONS, INITIALIZERS, Variant

N_MELS = 128
PATCH = (24, 32)
"""Frames (1.1 s) and mel bands of a covered patch; a smaller one hardly moves a network that averages over time."""
Chain = tuple[Operation, ...]


@dataclass(frozen=True)
class Section:
    """Stem, a block, the transition or the decision.

    Parameters
    ----------
    name, number
        ``stem``, ``block2``, ``transition`` or ``decision``; of a block its number, from 1, else 0.
    sources, source
        Channels of each map that it reads, which are concatenated by a layer called `source` where there are several.
    entered, shape
        What goes into each of its branches, and what comes out of it.
    branches, after
        Chains of operations side by side, and the chain on their concatenation, which is called `name`.
    """

    name: str
    number: int
    sources: tuple[int, ...]
    source: str
    entered: Shape
    branches: tuple[Chain, ...]
    after: Chain
    shape: Shape

    @property
    def ends(self) -> tuple[int, ...]:
        """Channels in which each branch ends."""
        return tuple(_end(chain, self.entered)[-1] for chain in self.branches)

    @property
    def join(self) -> Layer | None:
        """The concatenation of what comes in, if there is one."""
        return Layer("Concatenate", self.entered) if len(self.sources) > 1 else None

    @property
    def merge(self) -> Layer | None:
        """The concatenation of its branches, if there is one."""
        return Layer("Concatenate", (*self.entered[:2], sum(self.ends))) if len(self.branches) > 1 else None

    @property
    def layers(self) -> Iterator[Layer]:
        """All its layers, in the order in which they are made."""
        yield from filter(None, [self.join])
        yield from (layer for chain in self.branches for op in chain for layer in op.layers)
        yield from filter(None, [self.merge])
        yield from (layer for op in self.after for layer in op.layers)


def sections(variant: Variant, frames: int | None = None, n_mels: int = N_MELS) -> list[Section]:
    """The sections of a network in order, for a log-mel [shape=(frames, n_mels, 1)]; frames None for any length.

    Raises
    ------
    BnetError
        If a value or an operation of the variant is not possible where it stands, or the network is too deep for its
        input: pooling would leave less than one frame or band.
    """
    _check_values(variant)
    parts = {f"block{number}": (variant.branches_of(number), variant.after) for number in range(1, variant.blocks + 1)}
    parts = {"stem": ((variant.stem,), ""), **parts, "transition": ((variant.transition,), "")}
    shape, found, pieces = (frames, n_mels, 1), [], []
    for name, (chains, after) in parts.items():
        number = int(name.removeprefix("block")) if name.startswith("block") else 0
        sources = (*pieces,) if pieces and variant.connection == "broadcast" else shape[-1:]
        entered = (*shape[:2], sum(sources))
        seen = entered if number else None
        places = [f"{name}_branch{i}" if number else name for i in range(1, len(chains) + 1)]
        branches = tuple(_chain(variant, *chain, entered, seen) for chain in zip(chains, places, strict=True))
        merged = (*_end(branches[0], entered)[:-1], sum(_end(branch, entered)[-1] for branch in branches))
        ending = _chain(variant, after, name, merged, seen)
        shape = _end(ending, merged)
        source = f"{name}_input" if number else "broadcast"
        found.append(Section(name, number, sources, source, entered, branches, ending, shape))
        pieces.append(shape[-1])
    decision = _chain(variant, variant.decision, "decision", shape)
    end = _end(decision, shape)
    if len(end) != 1:
        raise BnetError(
            f"network {variant.name!r}: its decision {variant.decision!r} lacks a global pool; add gap or gmp"
        )
    return [*found, Section("decision", 0, shape[-1:], "", shape, (decision,), (), end)]


def probabilities(variant: Variant, entered: Shape, classes: int) -> Layer:
    """The dense softmax layer over the classes that closes every network; a `BnetError` if there are fewer than two."""
    if classes < 2:
        raise BnetError(f"a classifier needs 2 classes or more; got {classes}")
    return dense(variant, (classes,), "softmax", entered=entered[-1])


def _check_values(variant: Variant) -> None:
    for what, value, known in (
        ("activation", variant.activation, ACTIVATIONS),
        ("initializer", variant.initializer, INITIALIZERS),
        ("connection", variant.connection, CONNECTIONS),
    ):
        if value not in known:
            raise unknown(f"{what} in network {variant.name!r}:", value, known)
    for what, value in (("blocks", variant.blocks), ("filters", variant.filters)):
        if value < 1:
            raise BnetError(f"network {variant.name!r}: {what} is {value}; expected 1 or more")
    if not all((variant.branches, *variant.later_branches)):
        raise BnetError(f"network {variant.name!r}: a block has no branches; expected one chain or more")
    if not 0 <= variant.label_smoothing < 1:
        raise BnetError(
            f"network {variant.name!r}: label_smoothing is {variant.label_smoothing}; expected 0 up to below 1"
        )


def _end(chain: Chain, entered: Shape) -> Shape:
    return chain[-1].after if chain else entered


def _chain(variant: Variant, chain: str, place: str, shape: Shape, seen: Shape | None = None) -> Chain:
    """The operations of a chain; `seen` is the input of the block that it belongs to, if any."""
    where = f"{place} of network {variant.name!r}"
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
        before, shape = shape, _after(variant, step, shape, where, seen)
        done.append(Operation(name, step, variant, before, shape, seen))
    if len(shape) == 1 and place != "decision":
        raise BnetError(f"{where} ends in a global pool; expected one in the decision only")
    return tuple(done)


def _after(variant: Variant, step: Step, shape: Shape, where: str, seen: Shape | None) -> Shape:
    word, channels = WORDS[step.word], shape[-1]
    if word.divides and channels % step.number:
        raise BnetError(
            f"operation in {where}: {step.token!r} does not divide the {channels} channels that it gets evenly"
        )
    if word.flattens:
        return (channels,)
    if word.makes:
        channels = int(step.number or variant.filters)
    elif seen and step.word == "residual":
        channels = seen[2]
    if len(shape) == 1:
        return (channels,)
    sizes = [_extent(step, axis, extent) for axis, extent in enumerate(shape[:2])]
    if any(size is not None and size < 1 for size in sizes):
        raise BnetError(
            f"network {variant.name!r} is too deep for its input: {where} applies {step.token!r} to {shape[0]} frames "
            f"x {shape[1]} bands; give longer clips (`--set clip_seconds=...`), or pool less"
        )
    return (*sizes, channels)


def _extent(step: Step, axis: int, extent: int | None) -> int | None:
    """Frames or bands after a step; 0 or less where too few came."""
    if extent is None or step.size is None:
        return extent
    lost = 0 if step.padded else step.size[axis] - 1
    return -((lost - extent) // step.strides[axis])
