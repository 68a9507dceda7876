"""bnet: broadcast networks for music genre classification, reproduced.

A small package behind a reproducible paper, in rooms that import from left to right only: `bnet.sound`, `bnet.corpora`,
`bnet.models`, `bnet.statistics`, `bnet.training`, `bnet.runs`, `bnet.deploy`, `bnet.audit`, `bnet.book`, `bnet.cli`.
The command line is `bnet --help`.
"""

__version__ = "0.1.0"
