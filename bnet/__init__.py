"""bnet: broadcast networks for music genre classification, reproduced.

A small package behind a reproducible paper: networks (`bnet.models`), features (`bnet.audio`, `bnet.features`),
corpora (`bnet.corpora`), protocols (`bnet.splits`), training and records (`bnet.training`, `bnet.runs`), evaluation,
tables, plots and the book (`bnet.book`). The command line is `bnet --help`.
"""

__version__ = "0.1.0"
