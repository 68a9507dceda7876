# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The claims, one by one
#
# Everything the paper says that could turn out true or false, in our words, with what would test it and what came out. A verdict is
# computed from the records in this book whenever the book is built. The paper's accuracies are of GTZAN, Extended Ballroom, HOMBURG and FMA; where
# only the embedded corpus `tunes` was at hand, a finding is about `tunes`, and says so.

# %% tags=["parameters"]
profile = "laptop"  # whose records count where the claim does not ask for a corpus of the paper

# %% tags=["remove-cell"]
from collections import Counter

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from bnet.audit import plots
from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import Evidence, Verdict
from bnet.book import myst
from bnet.paths import results_dir

plots.style()
evidence = Evidence(results_dir(), profile=profile)
findings = {claim.name: claim.check(evidence) for claim in CLAIMS}
count = Counter(finding.verdict for finding in findings.values())

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 1.7), layout="constrained")
colours = dict(zip(Verdict, [*(plots.PALETTE[i] for i in (2, 9, 3, 1, 4)), (0.75, 0.75, 0.75)], strict=True))
left = 0
for verdict in Verdict:
    if count[verdict]:
        ax.barh(
            0,
            count[verdict],
            left=left,
            color=colours[verdict],
            edgecolor="white",
            label=f"{verdict.value}: {count[verdict]}",
        )
        left += count[verdict]
ax.set(yticks=[], xlim=(0, left), xlabel="claims")
ax.grid(False)
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=10)
myst.figure(
    fig,
    f"The {len(CLAIMS)} claims by verdict.",
    "fig-claims-count",
    "A bar in parts: " + ", ".join(f"{verdict.value} {count[verdict]}" for verdict in Verdict if count[verdict]) + ".",
)

# %% tags=["hide-input"]
myst.table(
    pd.DataFrame([{"Verdict": f"**{v.value}**", "Means": v.meaning, "Claims": count[v]} for v in Verdict]),
    "The words. Two trainings on one split settle nothing, whatever their difference: luck of the training is then unknown.",
    "tab-claims-words",
)

# %% [markdown]
# ## All claims

# %% tags=["hide-input"]
for verdict in Verdict:
    some = [claim for claim in CLAIMS if findings[claim.name].verdict is verdict]
    if not some:
        continue
    slug = verdict.name.lower().replace("_", "-")
    rows = [
        {
            "Where": claim.section,
            "The paper says": claim.says,
            "Tested by": claim.test,
            "Found": f"{findings[claim.name].measured} {findings[claim.name].link}".strip(),
        }
        for claim in some
    ]
    caption = f"Verdict: **{verdict.value}** ({verdict.meaning})."
    display(myst.table(pd.DataFrame(rows), caption, f"tab-claims-{slug}", cards=True))

# %% tags=["hide-input"]
facts = [
    f"`{r.corpus.name}`, profile `{r.profile}`, protocol `{r.protocol}`: {len(r.records)} records, made with `{r.command(r.variants)}`"
    for r in evidence._reports.values()
    if r.records
]
myst.provenance([*facts, "The page behind each finding's link lists the single runs with commit and machine."])
