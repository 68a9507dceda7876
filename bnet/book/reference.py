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


def api(name: str, path: Path) -> str:
    """The reference of a module as MyST: a fold-out with its docstring, functions, classes and named constants."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = inspect.cleandoc(ast.get_docstring(tree) or "")
    first, _, rest = said.partition("\n\n")
    parts = [f"{_restructured(rest, 'module')}\n", *_members(tree, name, "function")]
    body = "\n".join(part for part in parts if part.strip())
    # a code span may hold what MyST would take for a role or a link
    title = f"`{name}`" + (f": {' '.join(first.split())}" if first else "")
    shown = f"\n\n````{{eval-rst}}\n{body}\n````" if body else "\n\nNothing but its parts."
    return f":::::{{dropdown}} {title}\n:name: api-{name.replace('.', '-')}{shown}\n:::::"


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
