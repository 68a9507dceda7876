"""``bnet outside``."""

from __future__ import annotations

from typing import Annotated

import typer

from bnet import paths
from bnet.cli.options import CorpusOption, DataOption, JsonOption, PartialOption, ResultsOption, say, show


def outside(
    network: Annotated[
        list[str],
        typer.Argument(
            help="Trained networks: runs, shipped/..., weights files that BBNN's authors published (.hdf5), or folders "
            "of those."
        ),
    ],
    corpus: CorpusOption = "emotify",
    per_class: Annotated[int, typer.Option(help="At most so many clips of each class; 0 for all.")] = 0,
    results: ResultsOption = None,
    data: DataOption = None,
    partial: PartialOption = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate trained networks on a corpus that they were not trained on: what they say of each of its classes.

    The probabilities of every clip go to a record below RESULTS/outside, which the book's page 'Music from outside'
    shows; a record that is there is not made again. How often which class was named goes to stdout.

    Examples:

      bnet outside ~/published/0_fold_GTZAN_model.hdf5 --corpus emotify --data ~/corpora

      bnet outside ~/published --corpus drums

      bnet outside gtzan-images/proposed-official-0-desktop --corpus emotify
    """
    import pandas as pd

    from bnet.audit.outside import hear, networks
    from bnet.audit.outside.reading import confusion
    from bnet.corpora import get_corpus

    folder, found, tables = results or paths.results_dir(), get_corpus(corpus), []
    for one in networks(network, folder):
        heard = hear(one, found, folder, per_class=per_class or None, say=say)
        counts = confusion(heard)
        table = counts.rename_axis("label").reset_index().melt("label", var_name="named", value_name="clips")
        table = table[table["clips"] > 0].sort_values(["label", "clips"], ascending=[True, False])
        tables.append(table.assign(network=one.name, corpus=corpus))
    show(pd.concat(tables)[["network", "corpus", "label", "named", "clips"]], as_json)
