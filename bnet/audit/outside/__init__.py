"""Music from outside: what trained networks answer about corpora that they were not trained on.

An answer to every song is a committed record (`bnet.audit.outside.heard`), so that the book shows it where neither the
weights nor the songs are; `bnet.audit.outside.reading` makes tables of it.
"""

from __future__ import annotations

from bnet.audit.outside.heard import Heard, hear, read_all
from bnet.audit.outside.networks import Network, networks

__all__ = ["Heard", "Network", "hear", "networks", "read_all"]
