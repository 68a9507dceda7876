# %% [markdown]
# # All runs
#
# Every run behind this book, and the hours that it took. A **run** is one training: a corpus, a network or baseline, one
# way of dividing the clips (a *fold* of a *protocol*), and a *profile*, which says how long clips and training are. Its
# **record** lies in `results/`: text files with the settings, the history of training and the answer to every test clip,
# sealed by checksums. {doc}`reproduce` explains how to remake them, and `bnet compare` tells whether two sets of runs agree.

# %% tags=["remove-cell"]
import pandas as pd

from bnet.audit import tables
from bnet.audit.outside import read_all
from bnet.book import myst
from bnet.paths import results_dir
from bnet.runs import jobs, records

found = records.find(results_dir())
spent = tables.spent(found)
KINDS = ["corpus", "profile", "protocol"]


def table_of_runs(shown, caption, name):
    """A table with a column ``Machine``, which the caption names instead where it is one machine only."""
    machines = shown["Machine"].unique()
    if len(machines) == 1:
        shown, caption = shown.drop(columns="Machine"), f"{caption}, all on one machine: {machines[0]}"
    else:  # each in a line of its own
        lines = shown["Machine"].str.replace(" ", "\u00a0").str.replace(";\u00a0", "; ")
        shown = shown.assign(Machine=lines)
    myst.table(shown, f"{caption}.", name, formats={"Minutes": ".1f"})


# %% [markdown]
# ## Hours

# %% tags=["remove-input"]
if found:
    total = spent.groupby(KINDS, sort=False).agg({"variant": "nunique", "runs": "sum", "hours": "sum"}).reset_index()
    total.loc[len(total)] = ["**all**", "", "", spent["variant"].nunique(), spent["runs"].sum(), spent["hours"].sum()]
    myst.table(
        total.set_axis(["Corpus", "Profile", "Protocol", "Networks and baselines", "Runs", "Hours"], axis=1),
        "Wall-clock hours of training and testing; the features of a corpus are extracted once, before, and are not in it.",
        "tab-runs-hours",
        formats={"Hours": ".1f"},
    )
else:
    myst.not_run("There are no records.", "make reproduce")

# %% [markdown]
# ## Run by run
#
# One row per network, with all its folds. *Step* says how a training step was computed: `lean` is this package's own, with the
# mathematics of the graph that Keras builds; `plain` is that graph, for networks with an operation that the lean step lacked at that commit; a
# dash is a baseline, or a record that does not say. `bnet evaluate --runs` prints one row per run.

# %% tags=["remove-input"]
for (corpus, profile), part in spent.groupby(["corpus", "profile"], sort=False) if found else []:
    steps = part["step"].str.split(":").str[0]
    shown = pd.DataFrame(
        {
            "Network": [jobs.title(name) for name in part["variant"]],
            "Protocol": part["protocol"]
            + part["exclude"].map(lambda kinds: f", without {kinds}" if kinds else "")
            + part["settings"].map(lambda changed: f", {changed}" if changed else ""),
            "Folds": part["folds"],
            "Minutes": 60 * part["hours"],
            "Step": [f"`{step}`" if step else myst.NOTHING for step in steps],
            "Commit": [f"`{commits}`" for commits in part["commits"]],
            "From": part["from"].str.replace("-", "\u2011"),  # not to be broken
            "Machine": part["machine"],
        }
    )
    table_of_runs(shown, f"Runs on `{corpus}` with the profile `{profile}`", f"tab-runs-{corpus}-{profile}")

# %% tags=["remove-input"]
for corpus in dict.fromkeys(spent["corpus"]) if found else []:
    names = [f"`{record.name}`" for record in found if record.config.corpus == corpus]
    myst.provenance(names, f"The names of the {len(names)} runs on {corpus}")

# %% [markdown]
# ## Networks on other corpora
#
# Trained networks that were evaluated on a corpus that they were not trained on ({doc}`outside`); nothing is trained, and the records lie in
# `results/outside`.

# %% tags=["remove-input"]
rows = [
    {
        "Network": f"`{heard.network['name']}`",
        "Trained on": f"`{heard.network['trained_on']}`",
        "Evaluated on": f"`{heard.corpus}`",
        "Clips": heard.about["clips"],
        "Minutes": made["wall_s"] / 60,
        "Commit": f"`{(made['commit'] or 'unknown')[:8]}`",
        "From": made["started"][:10].replace("-", "\u2011"),
        "Machine": tables.machine(made),
    }
    for heard in read_all(results_dir())
    for made in [heard.about["made"]]
]
if rows:
    shown = pd.DataFrame(rows)
    hours = shown["Minutes"].sum() / 60
    told = f"Networks on corpora that they were not trained on: {len(rows)} records, {hours:.2f} hours of wall clock"
    table_of_runs(shown, told, "tab-runs-outside")
else:
    myst.not_run("No network was evaluated on another corpus.", "bnet outside shipped/genres --corpus emotify")
