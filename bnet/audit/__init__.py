"""Do the paper's claims hold? Claims, differences between its sources and later systems, as rows of data."""

from __future__ import annotations

from bnet.audit.claims import CLAIMS, Claim
from bnet.audit.evidence import Evidence, Finding, Verdict
from bnet.audit.since import SYSTEMS, System
from bnet.audit.sources import DIFFERENCES, Difference

__all__ = [
    "CLAIMS",
    "DIFFERENCES",
    "SYSTEMS",
    "Claim",
    "Difference",
    "Evidence",
    "Finding",
    "System",
    "Verdict",
]
