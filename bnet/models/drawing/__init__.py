"""Figures of networks, drawn from their variants: what feeds what, with shapes, channels and parameters. No Keras here.

>>> from bnet.models import VARIANTS, drawing
>>> drawing.differences(VARIANTS["dropout"], VARIANTS["bbnn"])
['Decision: dropout 40 % is added.']
"""

from __future__ import annotations

from bnet.errors import BnetError
from bnet.models.drawing import words
from bnet.models.drawing.canvas import render
from bnet.models.drawing.difference import compare
from bnet.models.drawing.figure import COLUMN, WIDTH, Figure
from bnet.models.drawing.parts import Diagram, read
from bnet.models.variant import Variant

__all__ = ["alt", "differences", "svg"]


def svg(
    variant: Variant,
    *,
    reference: Variant | None = None,
    block: int | str | None = None,
    classes: int = 10,
    frames: int | None = 646,
) -> str:
    """Draw a network as an SVG.

    Parameters
    ----------
    variant, reference
        The network; and one to compare it with: what `variant` adds, changes and removes is marked instead of kinds.
    block
        None for the whole network, blocks that are alike but for their channels drawn once; a number for this block
        alone, with the parameters of every step; ``"all"`` for the whole network with every block and its parameters.
    classes, frames
        Number of classes, and of frames of the log-mel (646 for 30 s; None: any length), for shapes and parameters.

    Returns
    -------
    str
        An ``<svg>`` element: text as text, a ground of its own, light or dark as the reader has it, equal bytes for
        equal networks. Each box carries the names of its Keras layers in ``data-layers``, with ``data-shape`` (of their
        output) and ``data-parameters`` (of all of them).

    Raises
    ------
    BnetError
        If the variant is impossible for so many frames, or has no such block, or there are fewer than two classes.
    """
    network, title = _read(variant, classes, frames, block), variant.title
    if isinstance(block, int):
        title += f", block {block}"
    if reference:
        network, title = compare(network, _read(reference, classes, frames)), f"{title} compared with {reference.title}"
    branches = max(len(part.chains) for part in network.parts)
    figure = Figure(max(WIDTH, COLUMN * branches + 62), parameters=block is not None)
    height = figure.block(network, title, block) if isinstance(block, int) else figure.network(network, title)
    return render(figure, height, title, alt(variant, reference=reference, block=block, classes=classes, frames=frames))


def alt(variant: Variant, *, reference=None, block=None, classes: int = 10, frames: int | None = 646) -> str:
    """What the figure of `svg` shows, in words, for those who don't see it. Parameters and errors as there."""
    network = _read(variant, classes, frames, block)
    said = words.describe_block(network.blocks[block - 1]) if isinstance(block, int) else words.describe(network)
    if reference:
        changes = differences(variant, reference, classes=classes, frames=frames) or [words.SAME]
        said += f" Compared with {reference.title}: {' '.join(changes)}"
    return said


def differences(variant: Variant, reference: Variant, *, classes: int = 10, frames: int | None = 646) -> list[str]:
    """What `variant` changes against `reference`, in short sentences; an empty list where nothing in them differs.

    What only training differs in (such as label smoothing) is no part of a network, and not told.
    """
    return words.differences(compare(_read(variant, classes, frames), _read(reference, classes, frames)))


def _read(variant: Variant, classes: int, frames: int | None, block: int | str | None = None) -> Diagram:
    numbers = range(1, variant.blocks + 1)
    if block not in (None, "all", *numbers):
        known = ", ".join(map(str, numbers))
        raise BnetError(f"{variant.title} has no block {block!r}; give one of its numbers ({known}) or 'all'")
    return read(variant, classes, frames)
