"""The built book in Chromium, and as one PDF: its pages as one document, so that links between pages stay links."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bnet.errors import BnetError
from bnet.paths import write_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = (
    "chromium", "chromium-browser", "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


def chromium() -> str | None:
    """The program of Chromium or Chrome on this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def browsing(folder: Path) -> Iterator[tuple[Browser, str]]:
    """A headless browser, and the address at which it finds the pages of `folder`.

    Raises
    ------
    BnetError
        If there is no built book in `folder`, no Chromium, or playwright is not installed.
    """
    if not (folder / "index.html").is_file():
        raise BnetError(f"no built book in {folder}; build it first: bnet pages build")
    program = chromium()
    if program is None:
        raise BnetError(
            f"no Chromium on this machine (looked for {', '.join(NAMES)}); install one, such as Debian's package "
            "chromium, or Google Chrome"
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BnetError(f"playwright is not installed ({error}); pip install -r requirements.txt") from error
    with serving(folder) as address, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser, address
        finally:
            browser.close()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address, which ends with a slash, at which this process serves the files of `folder` meanwhile."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


WIDTH = 680
"""Width of the text in px: A4 without its margins, at 96 px an inch."""

_CONTENTS = "all => all.map(a => a.href.split('#')[0])"

# Each page's article gets ids of its own; links to pages and anchors of the book lead within the document, others to
# files of the book lose their target. What is folded is shown; code and players, which paper can't fold or play, go,
# and so do the lists of runs behind each table: the page of all runs has them.
_JOIN = """async urls => {
  const top = new Map(urls.map((url, i) => [url, `page${i}-`]));
  const book = document.createElement('div');
  book.className = 'bd-content bnet-print';
  for (const url of urls) {
    const doc = new DOMParser().parseFromString(await (await fetch(url)).text(), 'text/html');
    const article = document.importNode(doc.querySelector('article.bd-article'), true);
    const dropped = 'script, style, audio, button, .headerlink, .bnet-made, .bnet-provenance, .bnet-head, '
      + '.bnet-listen, .cell_input, details.hide > summary, details.hide:not(:has(.cell_output))';
    article.querySelectorAll(dropped).forEach(e => e.remove());
    article.querySelectorAll('[id]').forEach(e => { e.id = top.get(url) + e.id; });
    article.querySelectorAll('details').forEach(e => { e.open = true; });
    article.querySelectorAll('img').forEach(e => {
      e.src = new URL(e.getAttribute('src'), url).href; e.loading = 'eager';
    });
    article.querySelectorAll('a[href]').forEach(e => {
      const to = new URL(e.getAttribute('href'), url), at = top.get(to.href.split('#')[0]);
      if (at !== undefined) { e.setAttribute('href', '#' + at + decodeURIComponent(to.hash.slice(1))); }
      else if (to.origin === location.origin) { e.removeAttribute('href'); }
    });
    article.id = top.get(url);
    book.append(article);
  }
  document.documentElement.dataset.theme = 'light';
  document.title = document.title.split(' — ').pop();
  document.body.replaceChildren(book);
  await Promise.allSettled(Array.from(document.images).map(i => i.decode()));
  document.querySelectorAll('table').forEach(e => {
    const room = e.parentElement.clientWidth, wide = e.scrollWidth;
    if (wide > room) { e.style.zoom = Math.max(0.45, room / wide); }
  });
  return Array.from(document.images).filter(i => !i.naturalWidth).map(i => i.src);
}"""
_FOOT = (
    '<div style="width: 100%; font-size: 8px; text-align: center; color: #555"><span class="title"></span> · '
    '<span class="pageNumber"></span></div>'
)


def pdf(folder: Path, output: Path) -> Path:
    """Print the built book in `folder` to the file `output`, pages in the order of the contents.

    Raises
    ------
    BnetError
        If there is no built book or no Chromium, a picture does not load, or the file can't be written.
    """
    with browsing(folder) as (browser, address):
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
        page.emulate_media(media="print", color_scheme="light")
        page.goto(address + "index.html")
        links = page.eval_on_selector_all(".bd-sidebar-primary a.reference.internal", _CONTENTS)
        urls = list(dict.fromkeys([address + "index.html", *links]))
        if broken := page.evaluate(_JOIN, urls):
            raise BnetError(f"{len(broken)} pictures do not load, such as {broken[0]}; build the book again")
        data = page.pdf(
            format="A4",
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=_FOOT,
            margin={"top": "15mm", "bottom": "18mm", "left": "15mm", "right": "15mm"},
            outline=True,
            tagged=True,
        )
    write_bytes(output, data)
    return output
