"""The reference part of the book, read from the program itself: modules from their source, commands from Typer.

Modules are parsed, never imported, so the reference needs no TensorFlow and shows defaults as they are written.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

PACKAGE = Path(__file__).resolve().parents[1]


def modules(*rooms: str) -> dict[str, Path]:
    """Public modules of the package, dotted name -> file: those of `rooms`, or '' for the ones on the ground."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        *parts, last = path.relative_to(PACKAGE.parent).with_suffix("").parts
        parts += [last] * (last != "__init__")
        if "".join(parts[1:2]) in rooms or ("" in rooms and len(path.relative_to(PACKAGE).parts) == 1):
            found[".".join(parts)] = path
    return {name: path for name, path in found.items() if not any(part.startswith("_") for part in name.split("."))}


def api(*rooms: str) -> str:
    """The reference of `rooms` as MyST: a fold-out a module, with its docstring, functions, classes and constants."""
    # in one text: before each, MyST lets docutils read as many empty lines as it takes the page to have had
    body = "\n".join(module(name, path) for name, path in modules(*rooms).items())
    return f"````{{eval-rst}}\n{body}\n````"


def module(name: str, path: Path) -> str:
    """A module's fold-out, as reStructuredText."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    first, _, rest = inspect.cleandoc(ast.get_docstring(tree) or "").partition("\n\n")
    parts = [f"{_restructured(rest, 'module')}\n", *_members(tree, name, "function")]
    body = "\n".join(part for part in parts if part.strip()) or "Nothing but its parts."
    title = f"``{name}``" + (f": {' '.join(first.split())}" if first else "")
    options = f"   :name: api-{name.replace('.', '-')}"
    return f".. dropdown:: {title}\n{options}\n\n{textwrap.indent(body, '   ')}\n"


def commands(app: typer.Typer) -> str:
    """The reference of the command line as MyST, typer's own: every command with its help, arguments and options."""
    import typer
    from typer.cli import get_docs_for_click

    root = typer.main.get_command(app)
    said = get_docs_for_click(obj=root, ctx=typer.Context(root), name="bnet")
    _, *parts = re.split(r"^#+ `(.+)`$", said, flags=re.MULTILINE)
    shown = []
    for path, body in zip(parts[::2], parts[1::2], strict=True):
        label = f"cli-{path.replace(' ', '-')}"
        # headings may not stand in what a cell shows; examples are code, and names of commands are links
        shown.append(f"```{{rubric}} {path}\n:heading-level: 2\n:name: {label}\n```")
        body = re.sub(r"^(?:(Examples?:) *|  )(bnet .*)$", r"\1\n\n```bash\n\2\n```", body, flags=re.MULTILINE)
        shown.append(re.sub(r"^\* `([a-z]+)`: ", rf"* [`\1`](#{label}-\1): ", body, flags=re.MULTILINE))
    return "\n".join(shown)


def _members(tree: ast.Module | ast.ClassDef, prefix: str, kind: str) -> Iterator[str]:
    """The public, documented members of a module or class as reStructuredText."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        match node:
            case ast.ClassDef(name=name):
                inner = "\n".join(_members(node, f"{prefix}.{name}", "method"))
                shown, what, said = f"class:: {prefix}.{name}{_fields(node)}", "class", ast.get_docstring(node) or " "
            case ast.FunctionDef(name=name):
                inner, what, said = "", kind, ast.get_docstring(node)
                decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
                plain = decorators & {"property", "cached_property"}
                shown = f"property:: {prefix}.{name}" if plain else f"{kind}:: {prefix}.{name}{_signature(node)}"
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                match after:
                    case ast.Expr(value=ast.Constant(value=str(said))) if kind == "function":
                        inner, what, shown = "", "data", f"data:: {prefix}.{name}"
                    case _:
                        continue
            case _:
                continue
        if said and not name.startswith("_"):
            body = f"{_restructured(inspect.cleandoc(said), what)}\n\n{inner}"
            yield f".. py:{shown}\n\n{textwrap.indent(body, '   ')}\n"


def _signature(node: ast.FunctionDef) -> str:
    """Arguments and result as they are written; a method's without its first argument."""
    arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(node.args))
    return f"({arguments})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")


def _fields(node: ast.ClassDef) -> str:
    """The arguments of a dataclass, or of ``__init__``."""
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        rows = [row for row in node.body if isinstance(row, ast.AnnAssign) and "ClassVar" not in ast.unparse(row)]
        return "(" + ", ".join(ast.unparse(row) for row in rows) + ")"
    made = [row for row in node.body if isinstance(row, ast.FunctionDef) and row.name == "__init__"]
    return _signature(made[0]).partition(" -> ")[0] if made else ""


def _restructured(text: str, kind: str) -> str:
    """A docstring as reStructuredText."""
    from sphinx.ext.napoleon import Config
    from sphinx.ext.napoleon.docstring import NumpyDocstring

    return str(NumpyDocstring(text, Config(napoleon_use_param=False, napoleon_use_ivar=True), what=kind))
