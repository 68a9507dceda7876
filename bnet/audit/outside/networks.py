"""The networks that hear music from outside: trained runs, shipped networks, and the weights that BBNN's authors
published, by files that the user has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnet.corpora import CORPORA
from bnet.errors import BnetError
from bnet.paths import sha256_file
from bnet.sound.log_mel import FeatureSettings

if TYPE_CHECKING:
    import keras

PUBLISHED = ("gtzan", "extended-ballroom")
"""Corpora on which the baseline's authors trained the networks that they published; a file tells which by its number of
classes, which are the corpus's in alphabetical order."""
SUFFIX = ".hdf5"
"""Of the files that they published."""
SECONDS = 30.0
"""Length of the clips that they trained on: 647 frames."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, whatever it comes from: name of its run or file; `source` (``published``, or ``run``); network
    of the table; the corpus whose classes it names, and these in the order of its output; SHA-256 of its weights; its
    front end, as `FrontEnd.to_json` has it; length of the clips that it was trained on; and the model, from log-mels
    [shape=(n, frames, n_mels, 1)] to class probabilities."""

    name: str
    source: str
    variant: str
    trained_on: str
    labels: tuple[str, ...]
    weights: str
    features: str
    seconds: float
    model: keras.Model = field(repr=False, compare=False)

    def about(self) -> dict[str, Any]:
        """All but the model, as a record holds it."""
        return {key: value for key, value in vars(self).items() if key != "model"} | {"labels": list(self.labels)}


def networks(names: Iterable[str], results: Path) -> Iterator[TrainedNetwork]:
    """The networks that a user names: runs below `results` (a name, its beginning or its folder) or ``shipped/...``
    (`bnet.deploy.networks.find_run`), files that end with `SUFFIX`, or folders of those. A `BnetError` if there is no
    such run or file, its weights are not here, or they are of another network."""
    for name in names:
        path = Path(name)
        if path.suffix == SUFFIX:
            yield published(path)
        elif path.is_dir() and not (path / "run.json").is_file():
            files = sorted(path.glob(f"*{SUFFIX}"))
            if not files:
                raise BnetError(
                    f"no weights in {path}; expected files that BBNN's authors published, such as "
                    f"0_fold_GTZAN_model{SUFFIX}, or the folder of a run (with run.json)"
                )
            yield from map(published, files)
        else:
            yield trained(name, results)


def published(path: Path) -> TrainedNetwork:
    """A network from the weights that its authors published; a `BnetError` if the file is missing, holds something
    else, or has another number of classes than theirs."""
    from bnet import backend

    backend.prepare()
    from bnet.models import load_published_bbnn

    model = load_published_bbnn(path)
    found, classes = {len(CORPORA[name].labels): CORPORA[name] for name in PUBLISHED}, model.output_shape[-1]
    if classes not in found:
        known = ", ".join(f"{corpus.name} ({n})" for n, corpus in found.items())
        raise BnetError(f"{path} is a BBNN for {classes} classes; those that were published are for {known}")
    corpus, features = found[classes], FeatureSettings().to_json()
    about = ("published", "bbnn", corpus.name, tuple(corpus.labels), sha256_file(path), features, SECONDS)
    return TrainedNetwork(path.name.removesuffix(SUFFIX), *about, model)


def trained(name: str, results: Path) -> TrainedNetwork:
    """The network of a run; errors are those of `bnet.deploy.networks.find_run` and `load_network`."""
    from bnet.deploy.networks import find_run
    from bnet.runs.weights import load_network

    record = find_run(results, name)
    config, weights = record.config, sha256_file(record.weights)
    about = ("run", config.variant, config.corpus, tuple(record.labels), weights, config.features)
    return TrainedNetwork(record.name, *about, config.training.clip_seconds, load_network(record))
