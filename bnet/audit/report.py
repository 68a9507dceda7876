"""What a page says of one corpus: its records of one profile and protocol, as tables, sentences and provenance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bnet.audit import settings, tables
from bnet.audit.settings import CUSTOM
from bnet.audit.words import SAID, briefly, ends
from bnet.corpora import Corpus, get_corpus
from bnet.corpora.splits import PROTOCOLS
from bnet.errors import unknown
from bnet.models import VARIANTS
from bnet.runs import jobs, records
from bnet.runs.records import Record
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES
from bnet.training.config import PROFILES, Profile, get_profile


def load(corpus: str, results: Path, profile: str = "", protocol: str = "", exclude: str = "") -> list[Report]:
    """The records of `corpus` below `results`, a report per profile and protocol, of those asked for ('': of all); of
    runs without the kinds of clips in `exclude`.

    The fullest profile comes first, then the protocols in the order of the corpus. Runs whose settings were changed by
    hand (profile ``custom``) have a report per settings, that of the most runs first; where nobody asked for them, they
    are left out if there are others. Where there are no records at all, it is one report without any.

    Raises
    ------
    BnetError
        If a name is unknown, a record is damaged, two records claim one fold of one network, or records are not of one
        kind: other clips, another front end, another number of folds, or another version of the profile.
    """
    known = get_corpus(corpus)
    if profile and profile != CUSTOM:
        get_profile(profile)
    if protocol and protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    wanted = {key: value for key, value in (("profile", profile), ("protocol", protocol)) if value}
    profiles, protocols = [*PROFILES][::-1], [*known.protocols, *PROTOCOLS]
    order, same = [*profiles, CUSTOM], {}
    for record in records.find(results, corpus=corpus, exclude=exclude, **wanted):
        c = record.config
        if c.profile in order:
            key = (c.profile, c.protocol, str(settings.settings(c)) if c.profile == CUSTOM else "")
            same.setdefault(key, []).append(record)
    if any(key[0] != CUSTOM for key in same):
        same = {key: part for key, part in same.items() if key[0] != CUSTOM}
    keys = sorted(same, key=lambda key: (order.index(key[0]), protocols.index(key[1]), -len(same[key])))
    for part in same.values():
        settings.check(part, results)
    none = Report(known, profile or profiles[0], protocol or protocols[0], (), exclude)
    return [Report(known, *key[:2], tuple(same[key]), exclude) for key in keys] or [none]


def most(reports: Sequence[Report], networks: Iterable[str]) -> Report:
    """The report with records of the most of these networks, the first of equals."""
    return max(reports, key=lambda report: len(set(report.variants).intersection(networks)))


@dataclass(frozen=True)
class Report:
    """The records of one corpus, profile and protocol, sorted by variant and fold; it may hold none.

    `exclude` names the kinds of clips that the runs left out, comma-separated. Other profiles never mix in.
    """

    corpus: Corpus
    profile: str
    protocol: str
    records: tuple[Record, ...]
    exclude: str = ""

    @property
    def variants(self) -> list[str]:
        """What has records: networks in the order of their table, then a reader's own, then baselines."""
        have = {record.config.variant for record in self.records}
        own = sorted(have.difference(VARIANTS, BASELINES))
        return [name for name in [*VARIANTS, *own, *BASELINES] if name in have]

    @property
    def networks(self) -> list[str]:
        """The networks among `variants`."""
        return [name for name in self.variants if name not in BASELINES]

    @property
    def labels(self) -> list[str]:
        """The classes: those of the records, else the corpus's."""
        return self.records[0].labels if self.records else list(self.corpus.labels)

    def only(self, names: Iterable[str]) -> Report:
        """The same report with the records of some networks and baselines."""
        wanted = set(names)
        return dataclasses.replace(self, records=tuple(r for r in self.records if r.config.variant in wanted))

    def of(self, variant: str) -> list[Record]:
        """The records of one network or baseline, by fold."""
        return [record for record in self.records if record.config.variant == variant]

    @cached_property
    def groups(self) -> dict[str, str]:
        """Track id -> group (`tables.groups_of`)."""
        return tables.groups_of(self.corpus.name)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """`bnet.audit.tables.summary` with ``title`` and ``kind`` (network or baseline), in the order of `variants`."""
        if not self.records:
            return pd.DataFrame()
        table = tables.summary(self.records, self.groups).set_index("variant").loc[self.variants].reset_index()
        table["title"] = [jobs.title(name) for name in table["variant"]]
        table["kind"] = ["baseline" if name in BASELINES else "network" for name in table["variant"]]
        return table

    def results(self) -> pd.DataFrame:
        """The summary as a reader's table, in percent."""
        table = self.summary
        percent = 100 * table[["accuracy", "accuracy_sd", "macro_f1", "validation"]]
        spread = [f"\u00a0±\u00a0{sd:.1f}" if sd >= 0.05 else "" for sd in percent["accuracy_sd"]]
        seeds = self.kind == "seeds"  # of one split, whose clips are the same each time
        return pd.DataFrame(
            {
                "Network": table["title"],
                "Seeds" if seeds else "Folds": [self.folds_of(name) for name in table["variant"]],
                "Clips": table["clips"] // table["runs"] if seeds else table["clips"],
                "Test %": [f"{mean:.1f}{sd}" for mean, sd in zip(percent["accuracy"], spread, strict=True)],
                "95 % interval": [ends(*pair).replace(" ", "\u00a0") for pair in table[["low", "high"]].to_numpy()],
                "Macro F1 %": [f"{value:.1f}" for value in percent["macro_f1"]],
                "Validation %": [f"{value:.1f}" for value in percent["validation"]],
            }
        )

    def pooled(self, variant: str) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Of all test parts of a network: track ids, true class indices and probabilities."""
        parts = [record.arrays("test") for record in self.of(variant)]
        return (
            [track_id for ids, _, _ in parts for track_id in ids],
            np.concatenate([truth for _, truth, _ in parts]),
            np.concatenate([probabilities for _, _, probabilities in parts]),
        )

    def accuracies(self, variant: str) -> list[float]:
        """Test accuracy of a network on each of its folds."""
        return [metrics.accuracy(*record.arrays("test")[1:]) for record in self.of(variant)]

    def folds(self, one: str, other: str, labels: Sequence[str] = ()) -> list[comparison.Fold]:
        """The folds on which both were tested (`tables.paired`), of some `labels` only."""
        return tables.paired(self.of(one), self.of(other), self.groups, labels)

    def comparison(self, one: str, other: str, labels: Sequence[str] = ()) -> comparison.Comparison | None:
        """`other` against `one` on their common folds (`bnet.statistics.comparison.compare`); None without one."""
        folds = self.folds(one, other, labels)
        return comparison.compare(folds) if folds else None

    def compare(self, one: str, other: str) -> str:
        """A sentence on `comparison`, in percentage points, with its verdict: it claims no more than that allows."""
        gap = self.comparison(other, one)
        first, second = f"**{jobs.title(one)}**", f"**{jobs.title(other)}**"
        if gap is None:
            return f"{first} and {second} have not been run on the same folds."
        return f"{first} {SAID[gap.verdict].format(second)}: {briefly(gap)}."

    @property
    def kind(self) -> str:
        """Of the folds, as `bnet.statistics.comparison` names it: ``seeds`` of one split, or ``splits``."""
        return "seeds" if self.protocol == "official" else "splits"

    def enough(self, variant: str) -> bool:
        """Whether a network has folds enough for a verdict."""
        return len(self.of(variant)) >= comparison.ENOUGH[self.kind]

    def folds_of(self, variant: str) -> str:
        """The folds of a network: their number, and where some are missing in between, which ones there are."""
        have = [record.config.fold for record in self.of(variant)]
        return str(len(have)) if have == [*range(len(have))] else f"{len(have)} ({tables.spans(have)})"

    def histories(self, names: Iterable[str]) -> dict[str, list[pd.DataFrame]]:
        """Title -> learning curves of all folds, for the networks among `names` that have records."""
        return {jobs.title(name): [r.history for r in self.of(name)] for name in names if name in self.networks}

    def last_epochs(self, names: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Title -> training accuracy in the last epoch, in [0, 1], and its change in it, means of a network's folds."""
        curves = {title: [run["accuracy"] for run in runs] for title, runs in self.histories(names).items()}
        ends = {title: np.mean([c.iloc[-2:].iloc[[0, -1]] for c in some], axis=0) for title, some in curves.items()}
        return {title: (last, last - before) for title, (before, last) in ends.items()}

    def how_far(self, names: Iterable[str]) -> str:
        """How far networks were trained, as a sentence."""
        ends = self.last_epochs(names).items()
        told = ", ".join(f"{title} {100 * end:.1f} % ({100 * change:+.1f} points)" for title, (end, change) in ends)
        return (
            f"Training accuracy in the last epoch, and its change in it: {told}."
            + " The learning rate ends at zero, so that a small change does not show convergence."
            * (self.settings.training.schedule == "cosine")
        )

    def chance(self) -> float | None:
        """Accuracy of always naming the largest class, from the baseline's records; None without them."""
        return float(np.mean(self.accuracies("majority"))) if "majority" in self.variants else None

    @cached_property
    def nearest(self) -> tuple[Profile, dict[str, Any]]:
        """The profile, or of runs whose settings were changed by hand the nearest one; and these settings."""
        if self.records:
            return settings.nearest(self.records[0].config)
        return PROFILES.get(self.profile, PROFILES["smoke"]), {"NAME": "VALUE"} if self.profile == CUSTOM else {}

    @property
    def settings(self) -> Profile:
        """The profile as a row: of `PROFILES`, or with the settings that were changed."""
        base, different = self.nearest
        return get_profile(base.name, {name: str(value) for name, value in different.items()} if self.records else None)

    @property
    def described(self) -> str:
        """The profile for a caption: its name, or the nearest one's with what was changed, ``epochs=1``."""
        base, different = self.nearest
        changes = ", ".join(f"`{name}={value}`" for name, value in different.items())
        return f"profile `{base.name}`" + (f" with {changes}" if changes else "")

    def command(self, variants: Sequence[str] = ("baselines", "bbnn", "proposed", "proposed-released")) -> str:
        """The command that makes the records of this report."""
        base, different = self.nearest
        return settings.train_command(
            self.corpus.name, variants, self.protocol, base.name, different, exclude=self.exclude
        )

    def provenance(self) -> list[str]:
        """The command that makes the records, and one line per run: name, date, commit, device, duration."""
        return [
            f"Corpus `{self.corpus.name}`, protocol `{self.protocol}`, {self.described}; made with "
            f"`{self.command(self.variants)}`",
            *(f"`{record.name}`: {tables.origin(record.run['made'])}" for record in self.records),
        ]
