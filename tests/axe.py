"""axe-core over every page of a built book in Chromium, light on a desktop and dark on a phone."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python

from bnet.book.gate import pages_of
from bnet.book.printing import browsing

IMPACTS = ("minor", "moderate", "serious", "critical")
"""axe-core's grades, from the mildest."""

LOOKS = ((1280, "light"), (390, "dark"))
"""Width of the screen in px, and colour scheme."""

SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = "axe.run(document, {resultTypes: ['violations']})"


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


def check(folder: Path) -> list[Violation]:
    """Run axe-core over the pages of a built book, the gravest violations first."""
    found = []
    with browsing(folder) as (browser, address):
        for width, scheme in LOOKS:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            for name in [path.relative_to(folder).as_posix() for path in pages_of(folder)]:
                page.goto(address + name, wait_until="load")
                page.evaluate(SCRIPT)
                for rule in page.evaluate(RUN)["violations"]:
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


if __name__ == "__main__":
    violations = check(Path(sys.argv[1] if sys.argv[1:] else "book/_build/html"))
    print(*violations, sep="\n")
    sys.exit(bool(grave(violations)))
