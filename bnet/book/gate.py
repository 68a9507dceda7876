"""What a strict Sphinx build does not see: the gate that every page must pass. A finding is one line of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

_MACHINE_PATH = re.compile(r"(?<![\w./~:-])/(?:home|root|tmp|Users|var/folders)/[\w.-]+[\w./-]*")
_IMAGE = re.compile(r"\S+\.(?:png|svg|jpe?g|gif|webp)", re.IGNORECASE)
_CSS_LINK = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")
_LOADING_RELS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "shortcut", "apple-touch-icon"}


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
    folder = Path(folder).resolve()
    pages = {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in pages_of(folder)}
    if not pages:
        return [f"no page in {folder}"]
    anchors = {
        path: {tag.get(name) for tag in page.find_all(True) for name in ("id", "name")} for path, page in pages.items()
    }
    findings = []
    for path, page in pages.items():
        found = [*_check_links(path, page, anchors, folder), *_check_page(path, page, root)]
        findings += [f"{path.relative_to(folder).as_posix()}: {finding}" for finding in dict.fromkeys(found)]
    for path in sorted(folder.rglob("*.css")):
        for link in dict.fromkeys(_CSS_LINK.findall(path.read_text(encoding="utf-8", errors="replace"))):
            findings.append(f"{path.relative_to(folder).as_posix()}: loads {link} from the network")
    return findings


def pages_of(folder: Path) -> list[Path]:
    """The pages of a built book, sorted; not the templates that the theme leaves beside them."""
    theme = {"_static", "_sources", "_downloads"}
    return [path for path in sorted(folder.rglob("*.html")) if not theme & set(path.relative_to(folder).parts)]


def _addresses(page: BeautifulSoup) -> Iterator[tuple[str, bool]]:
    """Each address on a page, and whether it is loaded with the page or only linked to."""
    for tag in page.find_all(True):
        yield from ((tag[name], True) for name in ("src", "poster", "data") if tag.get(name))
        yield from ((part.split()[0], True) for part in tag.get("srcset", "").split(",") if part.strip())
        if tag.get("href"):
            yield tag["href"], tag.name == "link" and not _LOADING_RELS.isdisjoint(tag.get("rel", ()))


def _check_links(path: Path, page: BeautifulSoup, anchors: dict[Path, set], folder: Path) -> Iterator[str]:
    for link, loaded in _addresses(page):
        parts = urlsplit(link)
        if parts.netloc and loaded:
            yield f"loads {link} from the network"
        if parts.netloc or parts.scheme:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.is_file() or not target.is_relative_to(folder):
            yield f"{link} leads nowhere"
        elif parts.fragment and unquote(parts.fragment) not in anchors.get(target, {unquote(parts.fragment)}):
            yield f"{link} leads to no anchor"


def _check_page(path: Path, page: BeautifulSoup, root: Path | None) -> Iterator[str]:
    for image in page.find_all("img"):
        alt = image.get("alt", "").strip()
        if not alt:
            yield f"image {image.get('src')} has no alt text"
        elif _IMAGE.fullmatch(alt):
            yield f"image {image.get('src')} has a file name as alt text, {alt!r}"
    if "Traceback (most recent call last)" in page.get_text():
        yield "shows a traceback"
    raw = path.read_text(encoding="utf-8")
    found = _MACHINE_PATH.findall(raw) + [str(root)] * (root is not None and str(root) in raw)
    yield from (f"names a path of this machine, {name}" for name in found)
