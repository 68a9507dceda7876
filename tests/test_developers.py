"""The page for developers: every function that it names is there, its rooms are the package's, its recipes work."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from test_rooms import ROOMS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "reference" / "developers.md").read_text(encoding="utf-8")
STOPS = re.findall(r"^\| (\d+) \| `(\S+):(\w+)` \|", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`(bnet/[\w/]+\.py):(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:bnet|tests|benchmarks)/[\w/]+(?:\.py)?)`", PAGE)))


def fences(language: str) -> list[str]:
    """The fenced texts of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


BOOK = sorted(path for path in (ROOT / "book").rglob("*.md") if "_build" not in path.parts)
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *BOOK]
WRITTEN = ("status.md", "changelog.md")
"""Pages that are written by a program, or of the past."""


@pytest.mark.parametrize("page", [p for p in PROSE if p.name not in WRITTEN], ids=lambda path: path.name)
def test_commands_in_prose_exist_with_their_options(page):
    from typer.main import get_command

    from bnet.cli import app

    text = "\n".join(re.findall(r"^```bash\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    for line in text.replace("\\\n", " ").splitlines():
        if not re.search(r"(^|[ /])bnet ", line):
            continue
        words = [
            word.rsplit("/", 1)[-1] if word.endswith("/bnet") else word for word in shlex.split(line, comments=True)
        ]
        if "bnet" not in words:
            continue
        words, command = words[words.index("bnet") + 1 :], get_command(app)
        while hasattr(command, "commands"):
            assert words, line
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        assert {word.split("=")[0] for word in words if re.match("--?[a-z]", word)} <= known, line


def test_the_walk_has_ten_stops_and_the_house_ten_rooms():
    assert [int(number) for number, _, _ in STOPS] == [*range(1, 11)]
    rooms = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert tuple(rooms) == ROOMS


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_is_named_is_there(file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("file", FILES)
def test_files_that_are_named_are_there(file):
    assert (ROOT / file).exists()


def test_recipe_of_a_network(tmp_path):
    from bnet.models import VARIANTS
    from bnet.models.cost import cost
    from bnet.models.variants import load

    path = tmp_path / "wide.yaml"
    path.write_text(fences("yaml")[0], encoding="utf-8")
    row = load(path)["wide"]
    assert (row.name, row.filters, row.branches) == ("wide", 48, VARIANTS["bbnn"].branches)
    assert cost(row, 10, 216).parameters > cost(VARIANTS["bbnn"], 10, 216).parameters


def test_recipe_of_an_operation(monkeypatch):
    from bnet.models import VARIANTS, build, drawing
    from bnet.models.cost import cost
    from bnet.models.operations import WORDS

    monkeypatch.setitem(WORDS, "sigmoid", None)
    exec(fences("python")[0], {})
    row = replace(VARIANTS["1-block"], branches=("norm conv1x1 sigmoid",))
    model = build(row, 10, 216)
    assert model.get_layer("block1_branch1_sigmoid").output.shape[1:] == (54, 128, 32)
    assert cost(row, 10, 216).parameters == model.count_params()
    assert "sigmoid" in drawing.svg(row)


def test_recipe_of_a_metric(tmp_path):
    from synthetic import write_record

    from bnet.runs import records

    write_record(tmp_path, "gtzan-images", "bbnn", 0, right=0.5)
    (record,) = records.find(tmp_path)
    scope: dict = {}
    exec(fences("python")[1], scope)
    assert 0.5 <= scope["top_two"](record) <= 1


def test_recipe_of_a_page_is_how_the_pages_are():
    """One link to its source per page: no cell shows its code."""
    assert "reference/developers" in (ROOT / "_toc.yml").read_text(encoding="utf-8")
    sources = [path for path in (ROOT / "book").rglob("*.py") if "_build" not in path.parts]
    assert not [path for path in sources if 'tags=["hide-' in path.read_text(encoding="utf-8")]
