"""The reference part of the book, read from the program itself: modules from their source, commands from Typer.

Modules are parsed, never imported, so the reference needs no TensorFlow and shows defaults as they are written.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    import typer

PACKAGE = Path(__file__).resolve().parents[1]
HIDDEN = ("bnet.cli",)
"""Packages without a reference: commands have a page of their own."""

AREAS: dict[str, tuple[str, ...]] = {
    "sound": ("bnet.sound", "bnet.corpora"),
    "networks": ("bnet.models",),
    "runs": ("bnet.training", "bnet.runs"),
    "results": ("bnet.statistics", "bnet.audit"),
    "use": ("bnet.deploy",),
    "book": ("bnet.book",),
    "else": (),
}
"""Area of the page -> its modules and packages; the last takes whatever no other has."""


def modules() -> dict[str, Path]:
    """All public modules of the package: dotted name -> file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if not any(part.startswith("_") for part in name.split(".")) and not _within(name, HIDDEN):
            found[name] = path
    return found


def area(name: str) -> list[str]:
    """The modules of an area of `AREAS`, in its order."""
    taken = [module for prefixes in AREAS.values() for module in modules() if _within(module, prefixes)]
    if not AREAS[name]:
        return [module for module in modules() if module not in taken]
    return [module for prefix in AREAS[name] for module in modules() if _within(module, (prefix,))]


def api(name: str) -> str:
    """The reference of a module as MyST: a fold-out with its docstring, functions, classes and named constants."""
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    said = inspect.cleandoc(ast.get_docstring(tree) or "")
    first, _, rest = said.partition("\n\n")
    parts = [f"{_restructured(rest, 'module')}\n", *_members(tree, name, "function")]
    body = "\n".join(part for part in parts if part.strip())
    # a code span may hold what MyST would take for a role or a link
    title = f"`{name}`" + (f": {' '.join(first.split())}" if first else "")
    shown = f"\n\n````{{eval-rst}}\n{body}\n````" if body else "\n\nNothing but its parts."
    return f":::::{{dropdown}} {title}\n:name: api-{name.replace('.', '-')}{shown}\n:::::"


def commands(app: typer.Typer) -> str:
    """The reference of the command line as MyST: every command with its help, arguments and options."""
    import click
    import typer

    root = typer.main.get_command(app)
    context = click.Context(root, info_name="bnet")
    return "\n\n".join(_command(command, within) for command, within in _walk(root, context))


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    import click

    yield command, context
    for name, sub in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(sub, click.Context(sub, info_name=name, parent=context))


def _command(command: click.Command, context: click.Context) -> str:
    path = context.command_path
    lines = [
        f"```{{rubric}} {path}\n:heading-level: 2\n:name: cli-{path.replace(' ', '-')}\n```",
        _help(command.help or ""),
        f"```text\n{' '.join([path, *_usage(command, context)])}\n```",
    ]
    subs = sorted(getattr(command, "commands", {}))
    if subs:
        lines.append("Commands: " + ", ".join(f"[{sub}](#cli-{path.replace(' ', '-')}-{sub})" for sub in subs) + ".")
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    if records:
        rows = [f"| `{_cell(names)}` | {_cell(_plain(said))} |" for names, said in records]
        lines.append("\n".join(["| Argument or option | What it does |", "| :-- | :-- |", *rows]))
    return "\n\n".join(line for line in lines if line)


def _usage(command: click.Command, context: click.Context) -> list[str]:
    return [re.sub(r"\{(\w+)\}", r"\1", piece) for piece in command.collect_usage_pieces(context)]


def _help(text: str) -> str:
    """The help of a command as MyST: prose, and what begins with the program's name as code."""
    found = []
    for part in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        before, colon, code = part.partition(": ")
        if re.match(r"\s*bnet ", part):
            found.append(f"```bash\n{inspect.cleandoc(part)}\n```")
        elif colon and before.startswith("Example") and code.startswith("bnet "):
            found.append(f"{before}:\n\n```bash\n{code}\n```")
        else:
            found.append(_plain(" ".join(part.split())))
    return "\n\n".join(found)


def _members(tree: ast.Module | ast.ClassDef, prefix: str, kind: str) -> Iterator[str]:
    """The public, documented members of a module or class as reStructuredText."""
    seen: set[str] = set()
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        name = _name(node)
        if not name or name.startswith("_") or name in seen:
            continue
        seen.add(name)
        if isinstance(node, ast.ClassDef):
            inner = "\n".join(_members(node, f"{prefix}.{name}", "method"))
            said = _restructured(inspect.cleandoc(ast.get_docstring(node) or ""), "class")
            yield _object("class", f"{prefix}.{name}{_fields(node)}", f"{said}\n\n{inner}")
        elif isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            directive = "property" if decorators & {"property", "cached_property"} else kind
            signature = f"{prefix}.{name}" + ("" if directive == "property" else _signature(node, kind))
            if said := ast.get_docstring(node):
                yield _object(directive, signature, _restructured(inspect.cleandoc(said), kind))
        elif isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and kind == "function":
            yield _object("data", f"{prefix}.{name}", _restructured(inspect.cleandoc(str(after.value.value)), "data"))


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _signature(node: ast.FunctionDef, kind: str) -> str:
    """Arguments and result as they are written; a method's without its first argument."""
    arguments = ast.parse(ast.unparse(node)).body[0].args
    static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
    if kind == "method" and not static:
        (arguments.posonlyargs or arguments.args)[:1] = []
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){result}"


def _fields(node: ast.ClassDef) -> str:
    """The arguments of a dataclass, or of ``__init__``."""
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        rows = [row for row in node.body if isinstance(row, ast.AnnAssign) and "ClassVar" not in ast.unparse(row)]
        return "(" + ", ".join(ast.unparse(row) for row in rows) + ")"
    made = next((row for row in node.body if isinstance(row, ast.FunctionDef) and row.name == "__init__"), None)
    return _signature(made, "method").partition(" -> ")[0] if made else ""


def _object(directive: str, signature: str, body: str) -> str:
    indented = "\n".join(f"   {line}".rstrip() for line in body.splitlines())
    return f".. py:{directive}:: {signature}\n\n{indented}\n"


def _restructured(text: str, kind: str) -> str:
    """A docstring as reStructuredText."""
    from sphinx.ext.napoleon import Config
    from sphinx.ext.napoleon.docstring import NumpyDocstring

    return str(NumpyDocstring(text, Config(napoleon_use_param=False, napoleon_use_ivar=True), what=kind))


def _within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _plain(text: str) -> str:
    """Help text whose brackets, stars and dollars MyST must not read."""
    return re.sub(r"([\[\]$*<>~_{}])(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\\1", " ".join(text.split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
