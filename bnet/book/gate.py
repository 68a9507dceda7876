"""What a strict Sphinx build does not see: the gate that every page must pass. A finding is one line of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bnet.book import freshness
from bnet.book.pages import Book, Page
from bnet.errors import BnetError

_MACHINE_PATH = re.compile(r"(?<![\w./~:-])/(?:home|root|tmp|Users|var/folders)/[\w.-]+[\w./-]*")
_IMAGE = re.compile(r"\S+\.(?:png|svg|jpe?g|gif|webp)", re.IGNORECASE)
_CSS_LINK = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")
_LOADED = {"src", "srcset", "poster", "data"}
_LOADING_RELS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "shortcut", "apple-touch-icon"}
_CRASH = "Traceback (most recent call last)"


def refuse(findings: list[str], what: str) -> None:
    """Raise a `BnetError` that lists the findings, if there are any."""
    if findings:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        raise BnetError(f"the gate refused the {what}, {count}:\n" + "\n".join(f"- {line}" for line in findings))


def check_notebooks(book: Book) -> list[str]:
    """Findings in all executed pages of `book`, with figure and table names compared between them."""
    findings = [finding for page in book.pages for finding in check_notebook(book, page)]
    names = Counter(name for page in book.pages for name in _names(freshness.read(book, page)))
    return findings + [f"label {name!r} is used {count} times" for name, count in names.items() if count > 1]


def check_notebook(book: Book, page: Page) -> list[str]:
    """Findings in one executed page: stale, failed or unfinished cells, unnamed images, paths of this machine."""
    reason = freshness.stale(book, page)
    node = freshness.read(book, page)
    if node is None:
        return [f"{page.name}: {reason}"]
    findings = [f"stale: {reason}"] if reason else []
    if node.metadata.get("papermill", {}).get("exception"):
        findings.append("papermill says that its run failed")
    for index, cell in enumerate(node.cells):
        findings += [f"cell {index}: {what}" for what in _check_cell(cell)]
    return [f"{page.name}: {finding}" for finding in findings]


def check_html(folder: Path, root: Path | None = None) -> list[str]:
    """Findings in a built book: links, images, sounds and anchors that lead nowhere, images without alt text,
    tracebacks, paths of this machine, and whatever a page would load from the network.

    Parameters
    ----------
    folder
        The built pages.
    root
        The checkout, whose path must not be on any page.
    """
    folder = Path(folder)
    docs = {path: _parse(path) for path in pages_of(folder)}
    if not docs:
        return [f"no page in {folder}"]
    findings = []
    for path, doc in docs.items():
        name = path.relative_to(folder).as_posix()
        found = [*_check_links(path, doc, docs, folder), *_check_images(doc), *_check_text(path, doc, root)]
        findings += [f"{name}: {finding}" for finding in dict.fromkeys(found)]
    for path in sorted(folder.rglob("*.css")):
        for link in dict.fromkeys(_CSS_LINK.findall(path.read_text(encoding="utf-8", errors="replace"))):
            findings.append(f"{path.relative_to(folder).as_posix()}: loads {link} from the network")
    return findings


def pages_of(folder: Path) -> list[Path]:
    """The pages of a built book, sorted; not the templates that the theme leaves beside them."""
    theme = {"_static", "_sources", "_downloads"}
    return [path for path in sorted(folder.rglob("*.html")) if not theme & set(path.relative_to(folder).parts)]


@dataclass
class _Doc(HTMLParser):
    """One parsed page: what it loads, links to and offers as anchors, its images and its text."""

    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    images: list[tuple[str, str | None]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    silent: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.silent += tag in ("script", "style")
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "img":
            self.images.append((values.get("src", ""), values.get("alt")))
        for name in _LOADED & values.keys():
            parts = values[name].split(",") if name == "srcset" else [values[name]]
            self.loads += [part.split()[0] if name == "srcset" else part for part in parts if part.strip()]
        if "href" in values:
            loaded = tag == "link" and _LOADING_RELS & set(values.get("rel", "").lower().split())
            (self.loads if loaded else self.links).append(values["href"])

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.text.append(data)


def _parse(path: Path) -> _Doc:
    doc = _Doc()
    doc.feed(path.read_text(encoding="utf-8"))
    doc.close()
    return doc


def _check_cell(cell: dict) -> Iterator[str]:
    if cell["cell_type"] != "code":
        return
    run = cell["metadata"].get("papermill", {})
    if cell["source"].strip() and (run.get("status") != "completed" or run.get("exception")):
        yield f"not completed ({run.get('status', 'never executed')})"
    images = 0
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            yield f"ends in {output['ename']}: {output['evalue']}"
        data = output.get("data", {})
        images += any(kind.startswith("image/") for kind in data)
        shown = output.get("text", "") + "".join(str(data.get(kind, "")) for kind in ("text/plain", "text/html"))
        for found in dict.fromkeys(_MACHINE_PATH.findall(shown)):
            yield f"shows a path of this machine, {found}"
    shown = cell["metadata"].get("mystnb", {})
    if images and not str(shown.get("image", {}).get("alt", "")).strip():
        yield "its image has no alt text; show it with bnet.book.myst.figure"
    if images and not shown.get("figure", {}).get("name"):
        yield "its image has no figure name; show it with bnet.book.myst.figure"
    if images and len(cell["outputs"]) > 1:
        yield f"{len(cell['outputs'])} outputs beside an image: all would get its caption and label"


def _names(node: dict | None) -> Iterator[str]:
    """Labels that the page's outputs define."""
    for cell in node["cells"] if node else []:
        if name := cell["metadata"].get("mystnb", {}).get("figure", {}).get("name"):
            yield name
        for output in cell.get("outputs", []):
            yield from re.findall(
                r"^:name: *(\S+)$", str(output.get("data", {}).get("text/markdown", "")), re.MULTILINE
            )


def _check_links(path: Path, doc: _Doc, docs: dict[Path, _Doc], folder: Path) -> Iterator[str]:
    yield from (f"loads {link} from the network" for link in doc.loads if _is_remote(link))
    for link in [*doc.loads, *doc.links]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not link:
            continue
        target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file() or not (target == path or target.is_relative_to(folder.resolve())):
            yield f"{link} leads nowhere"
        elif parts.fragment and target.suffix == ".html":
            known = docs.get(folder / target.relative_to(folder.resolve())) if target != path else doc
            if known is not None and unquote(parts.fragment) not in known.anchors:
                yield f"{link} leads to no anchor"


def _check_images(doc: _Doc) -> Iterator[str]:
    for source, alt in doc.images:
        if not (alt or "").strip():
            yield f"image {source} has no alt text"
        elif _IMAGE.fullmatch(alt.strip()):
            yield f"image {source} has a file name as alt text, {alt!r}"


def _check_text(path: Path, doc: _Doc, root: Path | None) -> Iterator[str]:
    if _CRASH in "".join(doc.text):
        yield "shows a traceback"
    raw = path.read_text(encoding="utf-8")
    found = list(_MACHINE_PATH.findall(raw))
    if root is not None and str(root) in raw:
        found.append(str(root))
    yield from (f"names a path of this machine, {name}" for name in dict.fromkeys(found))


def _is_remote(link: str) -> bool:
    return urlsplit(link).scheme in ("http", "https") or link.startswith("//")
