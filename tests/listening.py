"""What the tests of the page 'Listen' share: the page with the shipped networks in a folder, a tune, the networks."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import visit
from bnet.book.printing import serving
from bnet.deploy.networks import shipped
from bnet.deploy.predict import Classifier
from bnet.deploy.web import content, site

_SERVERS = contextlib.ExitStack()
_FOLDER = tempfile.TemporaryDirectory(prefix="bnet-listen-")


@functools.cache
def folder() -> Path:
    """The page, alone in a folder; both browsers' tests use the same."""
    return site.write_page(shipped("tunes"), Path(_FOLDER.name)).parent


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
    return _SERVERS.enter_context(serving(folder()))


def check(found: visit.Difference) -> None:
    """Assert that a difference to Python is what rounding explains, and changes no probability's third digit."""
    assert found.share < 1
    assert found.probability < 1e-3
