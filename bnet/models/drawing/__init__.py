"""Pictures of networks, drawn from the Keras model itself: what feeds what, with shapes, channels and parameters.

``svg`` gives the picture, ``alt`` what to say to those who don't see it, ``differences`` what a network changes against
another. All three are computed from the model's graph, so they hold for every network that `bnet.models.build` makes,
and for other functional Keras models too.

>>> from bnet.models import drawing
>>> from bnet.models import build
>>> drawing.differences(build("dropout", 10), build("bbnn", 10))
['Decision: dropout 40 % is added.']
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bnet.errors import BnetError
from bnet.models.drawing import overview, panels, words
from bnet.models.drawing.canvas import SIZES, Canvas
from bnet.models.drawing.difference import compare
from bnet.models.drawing.metrics import wrap
from bnet.models.drawing.picture import render
from bnet.models.drawing.reading import diagram
from bnet.models.drawing.structure import Diagram, Section

if TYPE_CHECKING:
    import keras

__all__ = ["alt", "differences", "layout", "svg"]

WIDTH = 368.0
"""Units; on a phone of 390 pixels with margins of 16 one is about a pixel. More than five branches take more."""


def svg(
    model: keras.Model,
    *,
    reference: keras.Model | None = None,
    block: int | str | None = None,
    title: str = "",
    reference_title: str = "",
) -> str:
    """Draw a network as an SVG.

    Parameters
    ----------
    model
        A functional Keras model, such as `bnet.models.build` gives; shapes are shown for the frames it is built for.
    reference
        Another one to compare it with: what `model` adds, changes and removes is marked instead of kinds of steps.
    block
        None for the whole network, blocks that are alike but for their channels drawn once; a number for this block
        alone, with the parameters of every step; ``"all"`` for the whole network and every block with its parameters.
    title, reference_title
        What to call the models; their own names otherwise.

    Returns
    -------
    str
        An ``<svg>`` element: text as text, a ground of its own, light or dark as the reader has it, equal bytes for
        equal models. Each step carries the names of its Keras layers in ``data-layers``.

    Raises
    ------
    BnetError
        If the model is not functional, or has no such block.
    """
    canvas, height, network = layout(
        model, reference=reference, block=block, title=title, reference_title=reference_title
    )
    name = f"{network.title} compared with {network.compared}" if network.compared else network.title
    name += f", block {block}" if isinstance(block, int) else ""
    said = alt(model, reference=reference, block=block, title=title, reference_title=reference_title)
    return render(canvas, height, name, said)


def layout(
    model: keras.Model,
    *,
    reference: keras.Model | None = None,
    block: int | str | None = None,
    title: str = "",
    reference_title: str = "",
) -> tuple[Canvas, float, Diagram]:
    """Where everything lies: the shapes of the picture, its height, and the diagram that it shows. As for `svg`."""
    network = _diagram(model, reference, title, reference_title)
    chosen = _chosen(network, block)
    canvas = Canvas(max(WIDTH, panels.needed(network)))
    y = _heading(canvas, network, chosen[0].title if isinstance(block, int) else "")
    if isinstance(block, int):
        sections = chosen
    else:
        y = overview.draw(canvas, network, y) + 16
        sections = list(network.sections)
    if block is None:
        y = panels.insides(canvas, network, y)
    for section in chosen:
        y = panels.block(canvas, network, [section], y, title=section.title, parameters=True) + 12
    return canvas, panels.legend(canvas, network, y, sections=sections, parameters=bool(chosen)) + 8, network


def alt(
    model: keras.Model,
    *,
    reference: keras.Model | None = None,
    block: int | str | None = None,
    title: str = "",
    reference_title: str = "",
) -> str:
    """What the picture of `svg` shows, in words, for those who don't see it. Parameters and errors as there."""
    network = diagram(model, title)
    chosen = _chosen(network, block)
    said = words.describe_block(chosen[0]) if isinstance(block, int) else words.describe(network)
    if reference is None:
        return said
    other = diagram(reference, reference_title)
    changes = words.differences(network, other) or [words.SAME]
    return f"{said} Compared with {other.title}: {' '.join(changes)}"


def differences(model: keras.Model, reference: keras.Model) -> list[str]:
    """What `model` changes against `reference`, in short sentences; an empty list where nothing in them differs.

    What only training differs in (such as label smoothing) is no part of a model, and not told.

    Raises
    ------
    BnetError
        If one of them is not a functional Keras model.
    """
    return words.differences(diagram(model), diagram(reference))


def _diagram(model: keras.Model, reference: keras.Model | None, title: str, reference_title: str) -> Diagram:
    network = diagram(model, title)
    if reference is None:
        return network
    other = diagram(reference, reference_title)
    said = words.notes(network, other) if words.differences(network, other) else [words.SAME]
    return replace(compare(network, other), notes=tuple(said))


def _chosen(network: Diagram, block: int | str | None) -> list[Section]:
    """The blocks to draw large."""
    if block is None:
        return []
    if block == "all":
        return list(network.blocks)
    found = [section for section in network.blocks if section.number == block]
    if not found:
        known = ", ".join(str(section.number) for section in network.blocks) or "none"
        raise BnetError(f"{network.title} has no block {block!r}; give one of its numbers ({known}) or 'all'")
    return found


def _heading(canvas: Canvas, network: Diagram, part: str) -> float:
    """Title and parameters of the picture; returns where the next thing may begin."""
    y = 25.0
    text = f"{network.title}, {part.lower()}" if part else network.title
    text += f" compared with {network.compared}" if network.compared else ""
    for line in wrap(text, canvas.width - 2 * panels.MARGIN, *SIZES["title"]):
        canvas.text(panels.MARGIN, y, line, "title", "start")
        y += 18
    if not part:
        canvas.text(panels.MARGIN, y, panels.parameters_text(network.parameters), "small", "start", look="muted")
        y += 14
    return y - 4
