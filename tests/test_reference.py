"""The reference: complete, from the program itself, and readable for docutils."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import test_rooms
import typer
from docutils.core import publish_doctree
from pygments.lexers import BashLexer
from pygments.token import Error

from bnet import cli
from bnet.book import reference

ROOT = Path(__file__).resolve().parents[1]


ROOMS = ("sound", "corpora", "models", "training", "runs", "statistics", "audit", "deploy", "book", "")
MODULES = reference.modules(*ROOMS)


def test_every_module_stands_in_one_room_and_every_room_on_the_page():
    rooms = [reference.modules(room) for room in ROOMS]
    assert sum(map(len, rooms)) == len(MODULES)
    assert {"bnet", "bnet.errors", "bnet.sound", "bnet.sound.log_mel", "bnet.models.builder"} <= set(MODULES)
    assert not any(name.startswith("bnet.cli") or "._" in name for name in MODULES)
    page = (ROOT / "book" / "reference" / "api.py").read_text(encoding="utf-8")
    shown = [
        name
        for call in re.findall(r"^myst.text\(reference.api\((.*)\)\)$", page, re.MULTILINE)
        for name in call.split(", ")
    ]
    assert sorted(shown) == sorted(f'"{room}"' for room in ROOMS)
    assert set(ROOMS) == {*test_rooms.ROOMS, ""} - {"cli"}


@pytest.mark.parametrize("name", MODULES)
def test_docutils_reads_every_docstring(name):
    shown = re.sub(r"^ +:name: .*$", "", reference.module(name, MODULES[name]), flags=re.MULTILINE)
    rest = re.sub(r"^( *)\.\. py:\w+:: .*$", r"\1.. container:: object", shown, flags=re.MULTILINE)
    rest = re.sub(r"^\.\. dropdown:: (.*)$", r"\1\n\n.. container:: module\n", rest, flags=re.MULTILINE)
    publish_doctree(rest, settings_overrides={"report_level": 5, "halt_level": 2, "file_insertion_enabled": False})


def test_a_module_shows_signatures_defaults_and_contracts():
    shown = reference.module("bnet.statistics.comparison", MODULES["bnet.statistics.comparison"])
    signature = "corrected_variance(differences: Sequence[float] | np.ndarray, ratio: float)"
    assert f".. py:function:: bnet.statistics.comparison.{signature}" in shown
    assert ".. py:data:: bnet.statistics.comparison.ROPE" in shown
    assert ".. py:property:: bnet.statistics.comparison.Comparison.verdict" in shown
    assert "bnet.statistics.comparison.Fold(ids: Sequence[str], truth: np.ndarray" in shown
    assert "_scale" not in shown


def test_a_member_begins_after_a_blank_line():
    for name in MODULES:
        lines = reference.module(name, MODULES[name]).splitlines()
        starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(".. py:")]
        assert not [lines[i] for i in starts if lines[i - 1].strip()], name


def test_every_command_and_option_is_on_the_page():
    page = reference.commands(cli.app)

    def look(command: click.Command, path: str) -> None:
        assert f"```{{rubric}} {path}\n" in page
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert param.opts[-1] in page
        for name, sub in getattr(command, "commands", {}).items():
            look(sub, f"{path} {name}")

    look(typer.main.get_command(cli.app), "bnet")
    assert page.count(":name: cli-") > 15


def test_every_example_can_be_read_as_shell():
    blocks = re.findall(r"```bash\n(.*?)```", reference.commands(cli.app), flags=re.DOTALL)
    assert len(blocks) > 15
    for block in blocks:
        assert Error not in {kind for kind, _ in BashLexer().get_tokens(block)}, block
