"""The order of the rooms of the package, read from all its imports, lazy ones too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bnet"
ROOMS = ("sound", "corpora", "models", "statistics", "training", "runs", "deploy", "audit", "book", "cli")
"""Each imports from those before it, from itself and from `GROUND`."""
GROUND = ("errors", "paths", "backend")
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """The dotted name of a module or package."""
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(file) for file in FILES}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each module of the package that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in MODULES else str(node.module) for name in inner]
        else:
            continue
        yield from ((node.lineno, name) for name in found if name.split(".")[0] == "bnet")


def room(name: str) -> str:
    """The first part of a module's name below the package; '' for the package itself."""
    return [*name.split("."), ""][1]


def test_the_package_has_its_rooms_and_nothing_else():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert folders == set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__", *GROUND}
    assert all((file.parent / "__init__.py").is_file() for file in FILES)


@pytest.mark.parametrize("here", ["", *GROUND, *ROOMS])
def test_a_room_imports_only_from_rooms_before_it(here):
    allowed = {"", *GROUND, *(ROOMS[: ROOMS.index(here) + 1] if here in ROOMS else ())}
    wrong = [
        f"{file.relative_to(PACKAGE.parent)}:{line} imports {name}"
        for file in FILES
        if room(name_of(file)) == here
        for line, name in imports(file)
        if room(name) not in allowed
    ]
    assert not wrong


def test_no_imports_go_round_in_circles():
    """Neither in a room nor between rooms, wherever an import stands: in a function, or for type checkers only."""
    graph = {name_of(file): {name for _, name in imports(file)} for file in FILES}
    TopologicalSorter(graph).prepare()  # names the circle if there is one
