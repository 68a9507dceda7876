"""From a Keras model to a diagram: what feeds what, cut into sections, and each section taken apart into branches."""

from __future__ import annotations

import graphlib
import re
from dataclasses import dataclass, replace
from typing import Any

from bnet.errors import BnetError
from bnet.models.drawing.steps import Step, describe, merge
from bnet.models.drawing.structure import Diagram, Parallel, Section, Series

_SECTION = re.compile(r"(stem|block\d+_input|block\d+|broadcast|transition|decision|probabilities)(?=_|$)")
_PART_OF = {"probabilities": "decision"}


def diagram(model: Any, title: str = "") -> Diagram:
    """Read a diagram off a Keras model.

    Parameters
    ----------
    model
        A functional Keras model in which every layer is called once. Layers whose names begin with a place
        (``stem_``, ``block2_branch1_``, ``transition_``, ``decision_``) are put there; others go with what feeds them.
    title
        What to call it; the model's name otherwise.

    Raises
    ------
    BnetError
        If it is no such model.
    """
    graph = _graph(model)
    place = _places(graph)
    order = list(dict.fromkeys(place[name] for name in graph))
    sections = []
    for section in _sorted(order, graph, place):
        sections.append(_section(section, [name for name in graph if place[name] == section], graph, place))
    initialisers = {
        type(layer.kernel_initializer).__name__ for layer in model.layers if getattr(layer, "kernel_initializer", None)
    }
    return Diagram(title or model.name, tuple(sections), model.count_params(), tuple(sorted(initialisers)))


@dataclass(frozen=True)
class _Node:
    step: Step
    sources: tuple[str, ...]


def _graph(model: Any) -> dict[str, _Node]:
    """Every operation of a model by name, in topological order, with the names of those that feed it."""
    try:
        operations = list(model.operations)
        maker = {id(tensor): op.name for op in operations for tensor in _tensors(op.output)}
        feeds = {op.name: [] if _is_input(op) else _tensors(op.input) for op in operations}
        names = {name: tuple(maker[id(tensor)] for tensor in tensors) for name, tensors in feeds.items()}
    except (AttributeError, ValueError, KeyError) as error:
        raise BnetError(
            f"can't draw {type(model).__name__} {getattr(model, 'name', '')!r}: expected a functional Keras model in "
            f"which each layer is called once, such as bnet.models.build gives ({type(error).__name__}: {error})"
        ) from error
    nodes = {}
    for op in operations:
        joined = tuple(tensor.shape[-1] for tensor in feeds[op.name]) if len(feeds[op.name]) > 1 else ()
        shape = tuple(_tensors(op.output)[0].shape[1:])
        nodes[op.name] = _Node(replace(describe(op), joined=joined, shape=shape), names[op.name])
    order = graphlib.TopologicalSorter({name: node.sources for name, node in nodes.items()}).static_order()
    made = {name: place for place, name in enumerate(nodes)}
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = 1 + max((depth[source] for source in nodes[name].sources), default=0)
    return {name: nodes[name] for name in sorted(nodes, key=lambda name: (depth[name], made[name]))}


def _tensors(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _is_input(operation: Any) -> bool:
    return type(operation).__name__ == "InputLayer"


def _places(graph: dict[str, _Node]) -> dict[str, str]:
    """Operation -> section: by the beginning of its name, else that of what feeds it."""
    place: dict[str, str] = {}
    for name, node in graph.items():
        match = _SECTION.match(name)
        if not node.sources:
            place[name] = "input"
        elif match:
            place[name] = _PART_OF.get(match[1], match[1])
        else:
            before = [place[source] for source in node.sources if place[source] != "input"]
            place[name] = before[-1] if before else "network"
    return place


def _sorted(order: list[str], graph: dict[str, _Node], place: dict[str, str]) -> list[str]:
    """The sections in the order of the data's way."""
    needs: dict[str, list[str]] = {section: [] for section in order}
    for name, node in graph.items():
        needs[place[name]] += [place[source] for source in node.sources if place[source] != place[name]]
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        raise BnetError(
            f"can't draw this model: its places {', '.join(sorted(set(error.args[1])))} feed each other in a circle; "
            "give its layers names whose first word says one place each (stem_..., block1_..., decision_...)"
        ) from error


_SOURCE, _SINK = "(source)", "(sink)"


def _section(section: str, members: list[str], graph: dict[str, _Node], place: dict[str, str]) -> Section:
    inside = set(members)
    entries = dict.fromkeys(s for name in members for s in graph[name].sources if s not in inside)
    used = {s for name, node in graph.items() if name not in inside for s in node.sources} & inside
    exits = [name for name in members if name in used] or members[-1:]
    before = {name: [s if s in inside else _SOURCE for s in graph[name].sources] or [_SOURCE] for name in members}
    before[_SINK] = exits
    body = _merged(_series(_SOURCE, _SINK, before, {name: graph[name].step for name in members}))
    return Section(
        section,
        body,
        tuple(place[name] for name in entries),
        tuple(graph[name].step.shape for name in entries),
        graph[exits[-1]].step.shape,
    )


def _merged(series: Series) -> Series:
    """`bnet.models.drawing.steps.merge` at every level of a tree."""
    return merge(
        Parallel(tuple(_merged(branch) for branch in item.branches)) if isinstance(item, Parallel) else item
        for item in series
    )


def _series(source: str, sink: str, before: dict[str, list[str]], steps: dict[str, Step]) -> Series:
    """What lies between `source` and `sink` of a graph, as steps and parallel branches.

    `before` maps each node to those that feed it, in topological order. What can't be taken apart so is given as a
    plain series in which each step names those that it follows.
    """
    items: list[Step | Parallel] = []
    here = source
    while here != sink:
        after = [name for name, sources in before.items() for s in sources if s == here]
        meet = _meeting_point(here, sink, before)
        if after != [meet]:
            between = _between(here, meet, before)
            branches = _branches(here, meet, before, between)
            if branches is None:
                items += _numbered([steps[name] for name in between], between, before)
            elif between:
                items.append(Parallel(tuple(_series(here, meet, branch, steps) for branch in branches)))
        if meet != sink:
            items.append(steps[meet])
        here = meet
    return tuple(items)


def _reached(start: str, before: dict[str, list[str]], without: str = "") -> set[str]:
    found = {start}
    for name, sources in before.items():
        if name != without and found.intersection(sources):
            found.add(name)
    return found


def _meeting_point(here: str, sink: str, before: dict[str, list[str]]) -> str:
    """The first node through which every way from `here` to `sink` leads."""
    for name in before:
        if name in _reached(here, before) and name != here and sink not in _reached(here, before, without=name):
            return name
    return sink


def _between(here: str, meet: str, before: dict[str, list[str]]) -> list[str]:
    reached = _reached(here, before, without=meet) - {here}
    return [name for name in before if name in reached and name != meet and meet in _reached(name, before)]


def _branches(here: str, meet: str, before: dict[str, list[str]], between: list[str]) -> list[dict] | None:
    """The parts between two nodes that do not touch each other, as graphs, in the order in which they are joined."""
    groups: list[set[str]] = []
    for name in between:
        touching = [group for group in groups if group.intersection(before[name])]
        groups = [group for group in groups if group not in touching] + [set().union({name}, *touching)]
    direct = before[meet].count(here)
    if len(groups) == 1 and not direct:
        return None
    parts = []
    for group in groups:
        ends = [s for s in before[meet] if s in group]
        part = {name: before[name] for name in between if name in group}
        parts.append((before[meet].index(ends[0]), {**part, meet: ends}))
    parts += [(place, {meet: [here]}) for place, s in enumerate(before[meet]) if s == here]
    return [part for _, part in sorted(parts, key=lambda pair: pair[0])]


def _numbered(steps: list[Step], names: list[str], before: dict[str, list[str]]) -> list[Step]:
    number = {name: place for place, name in enumerate(names, 1)}
    return [
        replace(
            step,
            operation=f"({number[name]}) {step.operation}",
            detail=", ".join(
                filter(None, (step.detail, "after " + " and ".join(str(number.get(s, "input")) for s in before[name])))
            ),
        )
        for step, name in zip(steps, names, strict=True)
    ]
