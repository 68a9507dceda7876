"""What a page says of one corpus: its records of one profile and protocol, as tables, sentences and provenance."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bnet.audit import settings, tables
from bnet.audit.settings import CUSTOM
from bnet.audit.words import SAID, points, spell
from bnet.corpora import Corpus, get_corpus
from bnet.corpora.splits import PROTOCOLS
from bnet.errors import unknown
from bnet.models import VARIANTS
from bnet.runs import jobs, records
from bnet.runs.records import Record
from bnet.statistics import comparison, metrics
from bnet.training.baselines import BASELINES
from bnet.training.config import PROFILES, Profile, get_profile


def chosen(
    corpus: str, profile: str, protocol: str, results: Path, exclude: str = "", networks: Sequence[str] = ()
) -> tuple[str, str]:
    """The profile and protocol whose records a page shows: those asked for; where one is '', the first with records.

    Profiles are looked through from the fullest to the shortest, protocols in the order of the corpus; where there are
    no records at all, it is the first of each. Of several, those with records of the most `networks` come first.
    Runs whose settings were changed by hand (profile ``custom``) are shown where there are no others.
    """
    profiles = [profile] if profile else [*PROFILES][::-1]
    protocols = [protocol] if protocol else list(get_corpus(corpus).protocols)
    have: dict[tuple[str, str], set[str]] = {}
    for record in records.find(results, corpus=corpus, exclude=exclude):
        have.setdefault((record.config.profile, record.config.protocol), set()).add(record.config.variant)
    pairs = list(itertools.product(profiles, protocols))
    by_hand = [pair for pair in have if profile in ("", CUSTOM) and pair == (CUSTOM, protocol or pair[1])]
    fits = [pair for pair in pairs if pair in have] or by_hand or pairs[:1]
    return max(fits, key=lambda pair: len(have.get(pair, set()).intersection(networks)))


def shown(corpus: str, profile: str, protocol: str, results: Path, exclude: str = "") -> list[Report]:
    """All that the page of a corpus shows, '' as in `chosen`: a report per protocol, and per settings of runs whose
    settings were changed by hand; one without records where there are none."""
    profile, first = chosen(corpus, profile, protocol, results, exclude)
    protocols = [first] if protocol else dict.fromkeys([first, *get_corpus(corpus).protocols])
    reports = [report for one in protocols for report in Report.every(corpus, profile, one, results, exclude)]
    return [report for report in reports if report.records] or reports[:1]


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

    @classmethod
    def load(cls, corpus: str, profile: str, protocol: str, results: Path, exclude: str = "") -> Report:
        """Read the records below `results`.

        Raises
        ------
        BnetError
            If a name is unknown, a record is damaged, two records claim one fold of one network, or records are not of
            one kind: other clips, another front end, another number of folds, or another version of the profile.
        """
        return cls.every(corpus, profile, protocol, results, exclude)[0]

    @classmethod
    def every(cls, corpus: str, profile: str, protocol: str, results: Path, exclude: str = "") -> list[Report]:
        """As `load`; of runs whose settings were changed by hand a report per settings, that of the most runs first."""
        known = get_corpus(corpus)
        if profile != CUSTOM:
            get_profile(profile)
        if protocol not in PROTOCOLS:
            raise unknown("protocol", protocol, PROTOCOLS)
        same: dict[str, list[Record]] = {}
        for record in records.find(results, corpus=corpus, profile=profile, protocol=protocol, exclude=exclude):
            settings.check_profile(record)
            same.setdefault(str(settings.settings(record.config)) if profile == CUSTOM else "", []).append(record)
        parts = sorted(same.values(), key=len, reverse=True) or [[]]
        for part in parts:
            settings.check_alike(part, results)
        return [cls(known, profile, protocol, tuple(part), exclude) for part in parts]

    @property
    def variants(self) -> list[str]:
        """What has records: networks in the order of their table, then baselines."""
        have = {record.config.variant for record in self.records}
        return [name for name in [*VARIANTS, *BASELINES] if name in have]

    @property
    def networks(self) -> list[str]:
        """The networks among `variants`."""
        return [name for name in self.variants if name in VARIANTS]

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
        table["kind"] = ["network" if name in VARIANTS else "baseline" for name in table["variant"]]
        return table

    def results(self) -> pd.DataFrame:
        """The summary as a reader's table, in percent."""
        table = self.summary
        percent = 100 * table[["accuracy", "accuracy_sd", "low", "high", "macro_f1", "validation"]]
        spread = [f"\u00a0±\u00a0{sd:.1f}" if np.isfinite(sd) else "" for sd in percent["accuracy_sd"]]
        return pd.DataFrame(
            {
                "Network": table["title"],
                "Folds": [self.folds_of(name) for name in table["variant"]],
                "Clips": table["clips"],
                "Test %": [f"{mean:.1f}{sd}" for mean, sd in zip(percent["accuracy"], spread, strict=True)],
                "95 % interval": [
                    f"{a:.1f}\u00a0to\u00a0{b:.1f}" for a, b in zip(percent["low"], percent["high"], strict=True)
                ],
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
        return f"{first} {SAID[gap.verdict].format(second)}: {points(gap)}, over {spell(gap)}."

    def folds_of(self, variant: str) -> str:
        """The folds of a network: their number, and where some are missing in between, which ones there are."""
        have = [record.config.fold for record in self.of(variant)]
        return str(len(have)) if have == [*range(len(have))] else f"{len(have)} ({tables.spans(have)})"

    def histories(self, names: Iterable[str]) -> dict[str, list[pd.DataFrame]]:
        """Title -> learning curves of all folds, for the networks among `names` that have records."""
        return {jobs.title(name): [r.history for r in self.of(name)] for name in names if name in self.networks}

    def chance(self) -> float | None:
        """Accuracy of always naming the largest class, from the baseline's records; None without them."""
        return (
            None if "majority" not in self.variants else float(self.summary.set_index("variant").accuracy["majority"])
        )

    def command(self, variants: Sequence[str] = ("baselines", "bbnn", "proposed", "proposed-released")) -> str:
        """The command that makes the records of this report."""
        if self.records:
            return settings.command(self.records[0].config, variants, fold=False)
        by_hand = {"NAME": "VALUE"} if self.profile == CUSTOM else {}
        profile = "smoke" if by_hand else self.profile
        return settings.train_command(self.corpus.name, variants, self.protocol, profile, by_hand, exclude=self.exclude)

    @property
    def described(self) -> str:
        """The profile in words: its name, or the settings that were changed by settings."""
        return settings.described(self.records[0].config) if self.records else f"profile `{self.profile}`"

    @property
    def settings(self) -> Profile:
        """The profile as a row: of `PROFILES`, or with the settings that were changed by settings."""
        return (
            settings.profile(self.records[0].config) if self.records else PROFILES.get(self.profile, PROFILES["smoke"])
        )

    def provenance(self) -> list[str]:
        """The command that makes the records, and one line per run: name, date, commit, device, duration."""
        return [
            f"Corpus `{self.corpus.name}`, protocol `{self.protocol}`, {self.described}; made with "
            f"`{self.command(self.variants)}`",
            *(f"`{record.name}`: {tables.origin(record.run['made'])}" for record in self.records),
        ]
