# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Table II: is the proposed network better?
#
# The headline of the paper: on four corpora the proposed network classifies more clips correctly than BBNN. Its Table II has
# one number a cell, 'the highest test accuracy'. Here each cell stands beside what was measured, under three rules: the paper's (the
# best of the draws), the mean over the same random hold-outs, and splits whose test part holds no relative of a training clip.

# %% tags=["parameters"]
profile = ""  # smoke, laptop or paper; empty: for each corpus the fullest that has records of both networks

# %% tags=["remove-cell"]
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from bnet.audit import paper, plots
from bnet.audit.report import Report, chosen
from bnet.book import myst
from bnet.corpora import get_corpus
from bnet.paths import project_dir, results_dir
from bnet.runs import jobs
from bnet.statistics import comparison

plots.style()
NETWORKS = ("bbnn", "proposed", "proposed-released")
PAIR = ("bbnn", "proposed")
corpora = (*paper.CORPUS_TITLES, "tunes", "tunes-free")
protocols = {"holdout": "random hold-outs", "grouped": "grouped folds", "official": "official split"}


def reports_of(corpus: str) -> dict[str, Report]:
    """Protocol -> records of the networks in one profile; without records an empty one."""
    known = [name for name in protocols if name in get_corpus(corpus).protocols]
    one, _ = chosen(corpus, profile, "", results_dir(), networks=NETWORKS)
    return {name: Report.load(corpus, one, name, results_dir()) for name in known}


reports = {corpus: reports_of(corpus) for corpus in corpora}
shown = {
    (corpus, protocol): report
    for corpus, parts in reports.items()
    for protocol, report in parts.items()
    if set(PAIR) & set(report.variants)
}
compared = {
    (corpus, protocol, other): found
    for (corpus, protocol), report in shown.items()
    for other in NETWORKS[1:]
    if (found := report.comparison("bbnn", other))
}

# %% [markdown]
# ## In short

# %% tags=["hide-input"]
lines = []
for (corpus, protocol, other), found in compared.items():
    posterior = found.posterior
    odds = (
        f" It is better with probability {posterior.better:.2f}, within one point with {posterior.equivalent:.2f}, worse with {posterior.worse:.2f}."
        if posterior
        else " One split tells nothing of the luck of splits."
    )
    lines.append(
        f"- `{corpus}`, {protocols[protocol]} (profile `{shown[corpus, protocol].profile}`): **{jobs.title(other)}** against BBNN "
        f"{100 * found.difference:+.1f} points, 95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}.{odds} Verdict: **{found.verdict}**."
    )
absent = [paper.CORPUS_TITLES[corpus] for corpus in paper.CORPUS_TITLES if not any(key[0] == corpus for key in shown)]
if absent:
    lines.append(f"- {', '.join(absent)}: not run here. What Table II alone supports stands at the end of this page.")
myst.text("\n".join(lines))

# %% tags=["hide-input"]
marks = [
    {
        "title": paper.CORPUS_TITLES[c],
        "paper": paper.gain(c),
        "found": None,
    }
    for c in paper.CORPUS_TITLES
    if c not in {key[0] for key in compared}
]
marks += [
    {
        "title": f"{corpus}, {protocols[protocol]}" + ("" if other == "proposed" else f"\n({jobs.title(other)})"),
        "paper": paper.TABLE_2[corpus, other].test - paper.TABLE_2[corpus, "bbnn"].test
        if (corpus, other) in paper.TABLE_2
        else np.nan,
        "found": found,
    }
    for (corpus, protocol, other), found in compared.items()
]
fig, ax = plt.subplots(figsize=(7.6, 0.55 * len(marks) + 1.2), layout="constrained")
plots.changes(
    pd.DataFrame(
        {
            "title": [mark["title"] for mark in marks],
            "change": [100 * mark["found"].difference if mark["found"] else np.nan for mark in marks],
            "low": [100 * mark["found"].low if mark["found"] else np.nan for mark in marks],
            "high": [100 * mark["found"].high if mark["found"] else np.nan for mark in marks],
            "paper_change": [mark["paper"] for mark in marks],
        }
    ),
    ax=ax,
)
ax.get_legend().get_texts()[-1].set_text("the paper")
ax.set_xlabel("proposed network minus BBNN, points of test accuracy")
myst.figure(
    fig,
    "The difference between the proposed network and BBNN: the paper's as hollow diamonds, ours as dots with 95 % intervals. Right of the line the proposed network is better.",
    "fig-table-2-differences",
    "Dots and diamonds around a line at zero; the paper's lie right of it. "
    + " ".join(f"{m['title']}: {100 * m['found'].difference:+.1f} points." for m in marks if m["found"]),
)

# %% [markdown]
# ## The table
#
# A cell of the paper is one number; ours is a mean with its standard deviation over splits. 'Best of the draws' is the paper's rule
# and is shown to compare like with like: {doc}`luck` tells what it does.

# %% tags=["hide-input"]
NOT_RUN = "not run"


def mean_sd(report: Report | None, name: str) -> str:
    """Mean and standard deviation over splits, in percent."""
    values = [] if report is None else accuracies(report, name)
    if not values:
        return NOT_RUN
    sd = f"\u00a0±\u00a0{100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.1f}{sd} ({len(values)})"


def accuracies(report: Report, name: str) -> list[float]:
    """Test accuracy of each split."""
    from bnet.statistics import metrics

    return [metrics.accuracy(*record.arrays("test")[1:]) for record in report.of(name)]


rows = []
for corpus in corpora:
    for name in NETWORKS:
        parts = reports[corpus]
        drawn = accuracies(parts["holdout"], name) if "holdout" in parts else []
        printed = paper.TABLE_2.get((corpus, name))
        if not printed and not any(name in part.variants for part in parts.values()):
            continue
        rows.append(
            {
                "Corpus": paper.CORPUS_TITLES.get(corpus, f"`{corpus}`"),
                "Network": jobs.title(name),
                "Paper, test %": f"{printed.test:.1f}" if printed else myst.NOTHING,
                "Best of the draws %": f"{100 * max(drawn):.1f} (of {len(drawn)})" if drawn else NOT_RUN,
                "Hold-outs, mean %": mean_sd(parts.get("holdout"), name),
                "Grouped %": mean_sd(parts.get("grouped"), name) if "grouped" in parts else myst.NOTHING,
                "Official %": mean_sd(parts.get("official"), name) if "official" in parts else myst.NOTHING,
            }
        )
display(
    myst.table(
        pd.DataFrame(rows),
        "Table II again. **Paper** is what the paper prints; the other columns were measured here; in brackets the number of splits. A dash: there is no such number or split.",
        "tab-table-2",
    )
)
profiles = sorted({f"`{key[0]}` {report.profile}" for key, report in shown.items()})
display(
    myst.text(
        "Profiles: "
        + (", ".join(profiles) if profiles else "nothing was run")
        + ". A profile says how long clips are and how long networks train; only `paper` is the paper's."
    )
)
for (corpus, protocol), report in shown.items():
    facts = report.only(NETWORKS).provenance()
    display(myst.provenance(facts, f"Where these numbers come from: {corpus}, {protocols[protocol]}"))
if absent:
    display(
        myst.not_run(
            f"There are no records of {', '.join(absent)}: no copy of them was at hand. With a copy, and a GPU for the paper's profile:",
            "\n".join(
                f"bnet train --corpus {c} --variant bbnn,proposed,proposed-released --protocol {p} --profile paper"
                for c in paper.CORPUS_TITLES
                if paper.CORPUS_TITLES[c] in absent
                for p in ("holdout", get_corpus(c).protocols[0])
            )
            + "\nbnet pages build",
        )
    )

# %% [markdown]
# ## Paired comparisons
#
# Both networks hear the same clips of the same splits, so the difference is known better than either accuracy. The interval is Nadeau and
# Bengio's: training parts overlap, and a plain t-test forgets it. The posterior is the Bayesian correlated t-test with a region of
# practical equivalence of one point. McNemar's test pools clips, where each is tested once; Holm's correction takes it for the family of
# this table.

# %% tags=["hide-input"]
if compared:
    exact = [found.mcnemar for found in compared.values()]
    table = pd.DataFrame(
        [
            {
                "Corpus, splits": f"`{corpus}`, {protocols[protocol]}",
                "Against BBNN": jobs.title(other),
                "Folds": found.folds,
                "Δ points": f"{100 * found.difference:+.1f}",
                "95 % interval": f"{100 * found.low:+.1f}\u00a0to\u00a0{100 * found.high:+.1f}",
                "P(better / same / worse)": f"{found.posterior.better:.2f} / {found.posterior.equivalent:.2f} / {found.posterior.worse:.2f}"
                if found.posterior
                else myst.NOTHING,
                "McNemar, Holm": myst.NOTHING if np.isnan(adjusted) else f"{adjusted:.3f}",
                "Verdict": found.verdict,
            }
            for ((corpus, protocol, other), found), adjusted in zip(
                compared.items(), comparison.holm(exact), strict=True
            )
        ]
    )
    display(
        myst.table(
            table,
            f"Differences to BBNN on the same splits. A verdict needs a probability of {comparison.SURE} at least.",
            "tab-table-2-paired",
        )
    )
    remarks = sorted({f"`{key[0]}`, {key[2]}: {remark}" for key, found in compared.items() for remark in found.remarks})
    if remarks:
        display(myst.text("Worth knowing: " + "; ".join(remarks) + "."))

# %% [markdown]
# ## Can the intervals be trusted?
#
# Checked by simulation, where the truth is known: how often an interval that says 95 % covers it, and how often a test calls two
# networks different that are equally good. `python benchmarks/intervals.py` makes these figures.

# %% tags=["hide-input"]
path = project_dir() / "benchmarks" / "results" / "intervals.json"
found = json.loads(path.read_text()) if path.exists() else None
if found:
    display(
        myst.table(
            pd.DataFrame(
                [
                    {
                        "Simulated": row["what"],
                        "Method": row["method"],
                        "Aim %": 100 * row["aim"],
                        "Found %": 100 * row["found"],
                        "± %": 196 * row["se"],
                    }
                    for row in found["rows"]
                ]
            ),
            f"{found['runs']} simulated experiments a row, seed {found['seed']}.",
            "tab-table-2-coverage",
            formats=dict.fromkeys(("Aim %", "Found %", "± %"), ".1f"),
        )
    )
    display(myst.provenance({"Commit": found["commit"], "Date": found["date"], "Script": "benchmarks/intervals.py"}))
else:
    display(
        myst.not_run(
            "The simulation has not been run.",
            "python benchmarks/intervals.py",
        )
    )

# %% [markdown]
# ## What Table II alone supports
#
# Suppose every number of the paper came from one split drawn once, the kindest reading. Could the two networks then be told apart?

# %% tags=["hide-input"]
alone = []
for corpus, title in paper.CORPUS_TITLES.items():
    one, other, clips = (
        paper.TABLE_2[corpus, "bbnn"].test,
        paper.TABLE_2[corpus, "proposed"].test,
        paper.tested_clips(corpus),
    )
    alone.append(
        {
            "Corpus": title,
            "Clips tested": clips,
            "BBNN % (paper)": one,
            "Proposed % (paper)": other,
            "Difference in clips": round((other - one) / 100 * clips),
            "p, two proportions": comparison.two_proportions(one / 100, other / 100, clips),
            "Smallest difference found": f"{100 * comparison.smallest_difference(clips):.1f} points",
        }
    )
alone = pd.DataFrame(alone)
display(
    myst.table(
        alone,
        "The paper's test accuracies read as two proportions. The last column is what a paired test on one split finds with 80 % power if one clip in ten is classified correctly by one network only.",
        "tab-table-2-alone",
        formats={"BBNN % (paper)": ".1f", "Proposed % (paper)": ".1f", "p, two proportions": ".2f"},
    )
)
least = alone["p, two proportions"].min()
myst.text(
    "No difference in the paper's Table II can be told from a tie."
    if least > 0.05
    else f"The smallest p-value is {least:.3f}."
)
