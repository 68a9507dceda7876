"""Probes: what a trained run does on changed sound, on the sister corpus, and with parts of it taken out.

A probe is a row of `PROBES`. Its answers are text files beside the run's record (`bnet.audit.probes.files`), so that
the book shows them where the weights are not; `bnet.audit.probes.reading` makes tables of them.
"""

from __future__ import annotations

from bnet.audit.probes.table import PROBES, Probe, get_probe

__all__ = ["PROBES", "Probe", "get_probe"]
