"""What the tests of the page 'Listen' share: the page with the shipped networks in a folder, a tune, the networks."""

from __future__ import annotations

import functools
import http.server
import tempfile
import threading
from pathlib import Path

import numpy as np

from bnet import predict, weights
from bnet.web import clips, site, visit

DECODERS = {"wav": 1e-5, "16-bit.wav": 1e-5, "flac": 1e-5, "ogg": 1e-3, "mp3": 2e-2}
"""By how many dB two decoders, and two orders of summation, may differ, by `visit.FORMATS`.

Integers are decoded alike by all. Chromium's decoders of Vorbis and MP3 calculate as exactly as libsndfile's, in single
precision; what that amounts to shows in bands 70 to 80 dB below the loudest.
"""

_FOLDER = tempfile.TemporaryDirectory(prefix="bnet-listen-")


@functools.cache
def folder() -> Path:
    """The page, alone in a folder; both browsers' tests use the same."""
    return site.write_page(weights.shipped(), Path(_FOLDER.name), "Listen").parent


@functools.cache
def tune() -> np.ndarray:
    """A test clip at 22 050 Hz, 11.5 s of it: two windows."""
    corpus, tracks = clips.choose(weights.shipped())
    return corpus.audio(tracks[5], 11.5)


@functools.cache
def models() -> dict:
    """Networks and records, by id."""
    return {record.config.variant: (predict.load_network(record), record) for record in weights.shipped()}


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


def check(found: visit.Difference, decoder: float) -> None:
    """Assert that a difference to Python is no more than decoders and librosa's own rounding explain.

    soxr calculates in single precision: librosa's log-mel of the very same samples, begun a little later, differs by up
    to 2e-3 dB where a band is 70 to 80 dB below the loudest. No page can be nearer to it than that; wherever a band is
    within 50 dB of the loudest, 1e-4 dB holds.
    """
    assert found.most < decoder + 2 * found.own
    assert found.near < max(1e-4, decoder / 10)
    assert found.mean < max(1e-4, decoder / 20)
    assert found.probability < 1e-3
