"""Is the built book accessible? axe-core over every page in Chromium, light on a desktop and dark on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bnet.book import chromium
from bnet.book.gate import pages_of
from bnet.errors import BnetError

IMPACTS = ("minor", "moderate", "serious", "critical")
"""axe-core's grades, from the mildest."""

LOOKS = ((1280, "light"), (390, "dark"))
"""Width of the screen in px, and colour scheme."""

_RUN = "axe.run(document, {resultTypes: ['violations']})"


@dataclass(frozen=True)
class Violation:
    """What axe-core objects to.

    Parameters
    ----------
    page, look
        Where: the file of the page, and the width and scheme it was shown in.
    impact
        One of `IMPACTS`.
    rule
        axe-core's name of the rule.
    what, html
        What the rule asks for, and the beginning of the element that breaks it.
    """

    page: str
    look: str
    impact: str
    rule: str
    what: str
    html: str

    def __str__(self) -> str:
        return f"{self.page} ({self.look}): {self.impact}, {self.rule}: {self.what}: {self.html}"


def check(folder: Path, pages: Iterable[str] | None = None) -> list[Violation]:
    """Run axe-core over the pages of a built book (all by default), the gravest violations first.

    Raises
    ------
    BnetError
        If there is no book, no Chromium, or axe-core is not installed.
    """
    script = _script()
    names = list(pages or [path.relative_to(folder).as_posix() for path in pages_of(folder)])
    found = []
    with chromium.browsing(folder) as (browser, address):
        for width, scheme in LOOKS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            for name in names:
                page.goto(address + name, wait_until="load")
                page.evaluate(script)
                for rule in page.evaluate(_RUN)["violations"]:
                    found += [
                        Violation(
                            name, f"{width} px, {scheme}", rule["impact"], rule["id"], rule["help"],
                            " ".join(node["html"].split())[:120],
                        )
                        for node in rule["nodes"]
                    ]  # fmt: skip
            context.close()
    return sorted(found, key=lambda one: (-IMPACTS.index(one.impact), one.rule, one.page, one.look))


def grave(found: Iterable[Violation]) -> list[Violation]:
    """Those that keep somebody from reading: serious and critical."""
    return [one for one in found if IMPACTS.index(one.impact) >= IMPACTS.index("serious")]


def _script() -> str:
    try:
        import axe_playwright_python
    except ImportError as error:
        raise BnetError(f"axe-core is not installed ({error}); pip install -r requirements.txt") from error
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
