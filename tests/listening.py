"""What the tests of the page 'Listen' share: the page with the shipped networks in a folder, a tune, the networks."""

from __future__ import annotations

import functools
import http.server
import tempfile
import threading
from pathlib import Path

import numpy as np

from benchmarks import visit
from bnet.deploy.networks import shipped
from bnet.deploy.predict import Classifier
from bnet.deploy.web import content, site

_FOLDER = tempfile.TemporaryDirectory(prefix="bnet-listen-")


@functools.cache
def folder() -> Path:
    """The page, alone in a folder; both browsers' tests use the same."""
    return site.write_page(shipped("tunes"), Path(_FOLDER.name), "Listen").parent


@functools.cache
def tune() -> np.ndarray:
    """A test clip at 22 050 Hz, 11.5 s of it: two windows."""
    corpus, tracks = content.choose_clips(shipped("tunes"))
    return corpus.audio(tracks[5], 11.5)


@functools.cache
def models() -> dict[str, Classifier]:
    """The networks of the page, by id."""
    return {record.config.variant: Classifier(record) for record in shipped("tunes")}


@functools.cache
def served() -> str:
    """The address of that folder, served as it is for as long as the tests run; ends with a slash."""
    handler = functools.partial(_Quiet, directory=str(folder()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


def check(found: visit.Difference) -> None:
    """Assert that a difference to Python is what rounding explains, and changes no probability's third digit."""
    assert found.share < 1
    assert found.probability < 1e-3
