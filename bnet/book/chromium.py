"""Chromium with a folder of pages before it, served on this machine: for the PDF and the check of accessibility."""

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

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find() -> str | None:
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
    program = find()
    if program is None:
        raise BnetError(
            f"no Chromium on this machine (looked for {', '.join(NAMES)}); install one, such as Debian's package "
            "chromium, or Google Chrome"
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BnetError(f"playwright is not installed ({error}); pip install -r requirements.txt") from error
    handler = functools.partial(_Quiet, directory=str(folder))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as running,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = running.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser, f"http://127.0.0.1:{server.server_port}/"
        finally:
            browser.close()
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass
