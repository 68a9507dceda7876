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
class Network:
    """A trained network, whatever it comes from.

    Parameters
    ----------
    name
        Run's name or file's name, without folder and suffix.
    source
        ``published``, or ``run`` (shipped networks are runs too).
    variant
        Its network, of `bnet.models.VARIANTS`.
    trained_on
        The corpus whose classes it names.
    labels
        Those classes, in the order of its output.
    weights
        SHA-256 of the file of its weights.
    features
        Its front end, as `FrontEnd.to_json` has it.
    seconds
        Length of the clips that it was trained on.
    model
        From log-mels [shape=(n, frames, n_mels, 1)] to class probabilities.
    """

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


def networks(names: Iterable[str], results: Path) -> Iterator[Network]:
    """The networks that a user names: runs, ``shipped/...``, published files, or folders of those.

    Parameters
    ----------
    names
        A run's name, its beginning or its folder (`bnet.deploy.predict.find_run`); a file that ends with `SUFFIX`; or a
        folder with such files.
    results
        Folder of records.

    Raises
    ------
    BnetError
        If there is no such run or file, its weights are not here, or they are of another network.
    """
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


def published(path: Path) -> Network:
    """A network from the weights that its authors published.

    Raises
    ------
    BnetError
        If the file is missing, holds something else, or has another number of classes than theirs.
    """
    from bnet import backend

    backend.prepare()
    from bnet.models import load_published_bbnn

    model = load_published_bbnn(path)
    found = {len(CORPORA[name].labels): name for name in PUBLISHED}
    classes = model.output_shape[-1]
    if classes not in found:
        known = ", ".join(f"{name} ({n})" for n, name in found.items())
        raise BnetError(f"{path} is a BBNN for {classes} classes; those that were published are for {known}")
    corpus = CORPORA[found[classes]]
    return Network(
        name=path.name.removesuffix(SUFFIX),
        source="published",
        variant="bbnn",
        trained_on=corpus.name,
        labels=tuple(corpus.labels),
        weights=sha256_file(path),
        features=FeatureSettings().to_json(),
        seconds=SECONDS,
        model=model,
    )


def trained(name: str, results: Path) -> Network:
    """The network of a run.

    Raises
    ------
    BnetError
        As `bnet.deploy.predict.find_run` and `bnet.deploy.predict.load_network` do.
    """
    from bnet.deploy.predict import find_run, load_network

    record = find_run(results, name)
    return Network(
        name=record.name,
        source="run",
        variant=record.config.variant,
        trained_on=record.config.corpus,
        labels=tuple(record.labels),
        weights=sha256_file(record.weights),
        features=record.config.features,
        seconds=record.config.training.clip_seconds,
        model=load_network(record),
    )
