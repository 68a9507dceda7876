"""The reference: complete, from the program itself, and readable for docutils."""

from __future__ import annotations

import re

import click
import pytest
import typer
from docutils.core import publish_doctree
from pygments.lexers import BashLexer
from pygments.token import Error

from bnet import cli
from bnet.book import reference


def test_every_module_stands_in_one_area():
    areas = [module for area in reference.AREAS for module in reference.area(area)]
    assert sorted(areas) == sorted(reference.modules())
    assert {"bnet.sound.log_mel", "bnet.models.builder", "bnet.errors"} <= set(areas)
    assert not any(name.startswith("bnet.cli") or "._" in name for name in areas)
    for area, prefixes in reference.AREAS.items():
        if area != "use":  # a page may come before its module
            assert all(any(m == p or m.startswith(f"{p}.") for m in areas) for p in prefixes)


@pytest.mark.parametrize("name", reference.modules())
def test_docutils_reads_every_docstring(name):
    blocks = re.findall(r"````\{eval-rst}\n(.*?)````", reference.api(name), flags=re.DOTALL)
    rest = re.sub(r"^( *)\.\. py:\w+:: .*$", r"\1.. container:: object", "\n".join(blocks), flags=re.MULTILINE)
    publish_doctree(rest, settings_overrides={"report_level": 5, "halt_level": 2, "file_insertion_enabled": False})


def test_a_module_shows_signatures_defaults_and_contracts():
    shown = reference.api("bnet.statistics.comparison")
    signature = "corrected_variance(differences: Sequence[float] | np.ndarray, ratio: float)"
    assert f".. py:function:: bnet.statistics.comparison.{signature}" in shown
    assert ".. py:data:: bnet.statistics.comparison.ROPE" in shown
    assert ".. py:property:: bnet.statistics.comparison.Comparison.verdict" in shown
    assert "bnet.statistics.comparison.Fold(ids: Sequence[str], truth: np.ndarray" in shown
    assert "_scale" not in shown


def test_a_member_begins_after_a_blank_line():
    for name in reference.modules():
        lines = reference.api(name).splitlines()
        starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(".. py:")]
        assert not [lines[i] for i in starts if lines[i - 1].strip() and "eval-rst" not in lines[i - 1]], name


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Do it.\n\nExample: bnet doctor", "Do it.\n\nExample:\n\n```bash\nbnet doctor\n```"),
        (
            "Do it.\n\nExamples:\n\n  bnet a\n\n  bnet b",
            "Do it.\n\nExamples:\n\n```bash\nbnet a\n```\n\n```bash\nbnet b\n```",
        ),
        ("A [list] of `a_b` and *stars*", r"A \[list\] of `a_b` and \*stars\*"),
    ],
)
def test_help_becomes_prose_and_code(text, shown):
    assert reference._help(text) == shown
