"""What a page's cells show: numbered tables, figures, sound, notes, as MyST that Jupyter Book renders.

Each function that makes one shows it; a cell may show several. A table, figure or sound has a `name`, unique in the
whole book (start it with ``{{ slug }}-`` in a template), by which any page refers to it:
``{numref}`tab-tunes-classes```.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnet.errors import BnetError
from bnet.paths import project_dir

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FIGURE = "bnet_figure"
NOTHING = "–"
CAPTION = 190
"""Characters of a caption that stay in sight, about two lines; the sentences beyond them fold."""
LONG = 12
"""Rows of a table beyond which it scrolls in a box of its own."""
_SPACE = "\u202f"
_page = "index"


def set_page(name: str) -> None:
    """Tell which page the process shows, so that links out of it are right; `start_page` calls it."""
    global _page
    _page = name


def static(name: str) -> str:
    """The link from the current page to ``book/_static/<name>``."""
    return "../" * _page.count("/") + f"_static/{name}"


def static_file(name: str) -> Path:
    """The file ``book/_static/<name>``, its folder made, for a page that writes sound."""
    root = project_dir()
    if root is None:
        raise BnetError(f"no book above {Path.cwd()}; run the page in a checkout of bnet")
    path = root / "book" / "_static" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def number(value: Any, format: str = ".3f") -> str:
    """A value as a table shows it: integers in groups of three, floats by `format`, a dash for what is missing.

    >>> number(190826), number(0.65432), number(float("nan")), number(True)
    ('190\\u202f826', '0.654', '–', 'yes')
    """
    value = value.item() if hasattr(value, "item") else value  # NumPy's numbers
    if value is None or type(value).__name__ == "NAType" or value != value:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", _SPACE)
    return f"{value:{format}}" if isinstance(value, float) else str(value)


def table(frame: pd.DataFrame, caption: str, name: str, **options: Any) -> None:
    """Show a numbered table (`table_text`)."""
    text(table_text(frame, caption, name, **options))


def table_text(
    frame: pd.DataFrame,
    caption: str,
    name: str,
    *,
    formats: Mapping[str, str] | None = None,
    cards: bool = False,
    names: Sequence[str] = (),
) -> str:
    """A numbered table, as MyST.

    Parameters
    ----------
    frame
        Its columns are the heads; the index is not shown. Cells may hold MyST (links, ``{cite:t}`` roles).
    caption
        One or more sentences; may hold roles. Those beyond `CAPTION` characters stand in a fold-out below.
    name
        Its label, such as ``tab-tunes-classes``.
    formats
        Column -> format of its floats; ``.3f`` otherwise. Columns of numbers are right-aligned.
    cards
        For cells that hold prose: on a phone each row is a card, a cell under the other, not a table to push aside.
    names
        Columns of names that users gave: shown as they were typed (`plain`).
    """
    formats = formats or {}
    heads = [str(column) for column in frame.columns]
    rules = ["--:" if frame[column].dtype.kind in "iuf" else ":--" for column in frame.columns]
    rows = [
        [
            plain(value) if head in names else number(value, formats.get(head, ".3f"))
            for head, value in zip(heads, row, strict=True)
        ]
        for row in frame.itertuples(index=False, name=None)
    ]
    body = "\n".join([_row(heads), "| " + " | ".join(rules) + " |", *map(_row, rows)])
    classes = ["bnet-cards"] * cards + ["bnet-long"] * (len(rows) > LONG)
    options = f":name: {name}\n" + f":class: {' '.join(classes)}\n" * bool(classes)
    first, rest = _split(caption)
    return f"::::{{table}} {first}\n{options}\n{body}\n::::" + f"\n\n{_more(rest)}" * bool(rest)


def figure(fig: Figure, caption: str, name: str, alt: str, *, kind: str = "svg") -> None:
    """Show a Matplotlib figure with number, caption and alternative text, and close it.

    Caption and alt text may be computed, since they travel with the output; `bnet.book.execution` hands them to
    myst-nb.

    Parameters
    ----------
    fig
        The figure; equal figures give equal bytes.
    caption, name
        Caption (MyST), folded as that of a `table`, and label such as ``fig-tunes-confusion``.
    alt
        What a reader who does not see it should know: one or two sentences, not the caption again.
    kind
        ``svg`` for lines and bars, ``png`` for spectrograms and other dense pictures.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    if kind not in ("svg", "png") or not alt.strip():
        raise BnetError(f"figure {name!r}: kind is svg or png (came {kind!r}), and alt must say what is to be seen")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        fig.savefig(buffer, format=kind, dpi=144, bbox_inches="tight", metadata={"svg": {"Date": None}}.get(kind))
    plt.close(fig)
    made = buffer.getvalue()
    image = {"image/svg+xml": made.decode()} if kind == "svg" else {"image/png": base64.b64encode(made).decode()}
    _publish(image, caption, name, alt)


def drawing(svg: str, caption: str, name: str, alt: str) -> None:
    """Show a figure that is SVG text (`bnet.models.drawing.svg`), as `figure` does; it brings its own dark colours."""
    if not svg.lstrip().startswith("<svg") or not alt.strip():
        raise BnetError(f"drawing {name!r}: expected SVG text, and an alt that says what is to be seen")
    _publish({"image/svg+xml": svg}, caption, name, alt, classes="dark-light bnet-drawing")


def audio(clips: Iterable[tuple[str | Path, str]]) -> None:
    """Show players side by side, one for each (file, caption): files below ``book/_static/`` (a path, or a name
    relative to that folder), and what one hears."""
    from IPython.display import HTML, display

    base = static_file("audio").parent
    figures = []
    for clip, caption in clips:
        link, said = html.escape(static((base / clip).relative_to(base).as_posix())), html.escape(caption)
        player = f'<audio controls preload="none" src="{link}" aria-label="{said}"></audio>'
        figures.append(f'<figure class="bnet-audio">{player}<figcaption>{said}</figcaption></figure>')
    display(HTML(f'<div class="bnet-audio-grid">{"".join(figures)}</div>'))


def not_run(what: str, command: str) -> None:
    """Say that there is no record of `what` yet, and the `command` that makes it."""
    text(f":::{{admonition}} Not run\n:class: bnet-not-run\n\n{what}\n\n```bash\n{command.strip()}\n```\n:::")


def provenance(facts: Mapping[str, Any] | Sequence[str], title: str = "Where these numbers come from") -> None:
    """Show a fold-out with the facts behind a table or figure: pairs (corpus, profile, commit ...), or sentences."""
    pairs = facts.items() if isinstance(facts, Mapping) else ()
    body = "\n".join(f"- {line}" for line in [f"**{name}:** {number(value)}" for name, value in pairs] or facts)
    text(f":::{{dropdown}} {_one_line(title)}\n:class-container: bnet-provenance\n\n{body}\n:::")


def text(markdown: str) -> None:
    """Show a computed paragraph: MyST with numbers put in by the page."""
    from IPython.display import Markdown, display

    display(Markdown(markdown))


def plain(text: str) -> str:
    """A name that a user gave, such as a class's or a file's, as MyST that shows it as it was typed.

    >>> plain("A$AP_Rocky")
    'A&#36;AP&#95;Rocky'
    """
    return re.sub(r"[^\w\s]|_", lambda match: f"&#{ord(match[0])};", _one_line(text))


def _split(caption: str) -> tuple[str, str]:
    """The sentences of a caption that stay in sight, and the others."""
    text = _one_line(caption)
    ends = [m.start() for m in re.finditer(r"(?<=[.!?]) (?=[A-Z*'{`])", text) if text[: m.start()].count("`") % 2 == 0]
    if len(text) <= CAPTION or not ends:
        return text, ""
    end = max((at for at in ends if at <= CAPTION), default=ends[0])
    return text[:end], text[end + 1 :]


def _more(text: str) -> str:
    return f":::{{dropdown}} More on this\n:class-container: bnet-more\n\n{text}\n:::"


def _publish(image: dict[str, str], caption: str, name: str, alt: str, **look: str) -> None:
    """Show an image that `bnet.book.execution` makes a numbered figure, and fold what its caption says beyond."""
    from IPython.display import publish_display_data

    first, rest = _split(caption)
    shown = {"figure": {"caption": first, "name": name}, "image": {"alt": _one_line(alt), **look}}
    publish_display_data({"text/plain": alt, **image}, metadata={FIGURE: shown})
    if rest:
        text(_more(rest))


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", str(text)).strip()


def _row(values: Iterable[str]) -> str:
    return "| " + " | ".join(_one_line(value).replace("|", "\\|") for value in values) + " |"
