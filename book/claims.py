# %% [markdown]
# # The claims, one by one
#
# What the paper claims, as far as it could be true or false, paraphrased, with the test and its result. Verdicts are computed from
# the records when the book is built. A claim about a corpus is judged on that corpus alone, from audio or from published
# pictures of its spectrograms; other corpora and splits are shown beside it and decide nothing. A claim that states a size is
# judged by the size too. Of what was trained, a verdict holds for the trainings that stand beside it: corpus, profile and
# split; all but the profile `paper` are shorter than the paper's. Verdicts are not adjusted for the number of comparisons:
# {doc}`table-2` and {doc}`ablations` say which differences remain after Holm's correction. The bound beside an interval is one on
# the size of a difference, whatever its sign; on one side the interval may reach a little further.

# %% tags=["remove-cell"]
from collections import Counter

import pandas as pd

from bnet.audit.claims import CLAIMS
from bnet.audit.evidence import MEANINGS, Evidence, Verdict
from bnet.book import myst
from bnet.paths import results_dir
from bnet.statistics.comparison import RULE

evidence = Evidence(results_dir())
findings = {claim.name: claim.check(evidence) for claim in CLAIMS}
count = Counter(finding.verdict for finding in findings.values())

# %% tags=["remove-input"]
myst.table(
    pd.DataFrame([{"Verdict": f"**{v.value}**", "Means": MEANINGS[v], "Claims": count[v]} for v in Verdict]),
    f"The words. Of comparisons: {RULE}",
    "tab-claims-words",
)

# %% [markdown]
# ## All claims

# %% tags=["remove-input"]
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
            "Other corpora and splits (not used for the verdict)": findings[claim.name].beside or myst.NOTHING,
        }
        for claim in some
    ]
    caption = f"Verdict: **{verdict.value}** ({MEANINGS[verdict]})."
    myst.table(pd.DataFrame(rows), caption, f"tab-claims-{slug}", cards=True)

# %% tags=["remove-input"]
facts = [
    f"`{r.corpus.name}`, profile `{r.profile}`, protocol `{r.protocol}`: {len(r.records)} records, made with `{r.command(r.variants)}`"
    for some in evidence.read.values()
    for r in some
    if r.records
]
myst.provenance([*facts, "The page behind each finding's link lists the single runs with commit and machine."])
