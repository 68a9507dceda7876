# %% [markdown]
# # Your run
#
# `make reproduce` repeats some of the runs of this book on your machine. Their records go to `reproduced/`; every other page
# shows the committed records in `results/`. This page compares the two as `bnet compare results/ reproduced/` does: the same
# network on the same fold with the same settings, a difference being yours minus the book's. To have your records on all
# pages instead: `bnet pages build --results reproduced`, with `--profile` for the profile that you ran.

# %% tags=["parameters"]
folder = "reproduced"  # your records, below the checkout

# %% tags=["remove-cell"]
import os

import pandas as pd

from bnet.audit import agreement, tables
from bnet.book import myst
from bnet.errors import BnetError
from bnet.paths import project_dir, results_dir
from bnet.runs import records

path, rows, problem = project_dir() / folder, pd.DataFrame(columns=agreement.COLUMNS), ""
same = path.resolve() == results_dir().resolve()
try:
    if not same and os.listdir(path) and any(records.folders(path)):  # what is listed here makes the page stale
        rows = agreement.compare(results_dir(), path)
        rows = rows[rows["state"] != "only in A"]
except FileNotFoundError:
    pass
except BnetError as error:
    problem = str(error).replace(str(results_dir()), "results").replace(str(path), folder)
paired = rows[rows["folds"] > 0]

# %% tags=["remove-input"]
if same:
    myst.text(f"This book was built from the records in `{folder}/` themselves: there is nothing to compare.")
elif problem:
    myst.text(f"Your runs and the book's cannot be compared: {myst.plain(problem)}")
    made = tables.summary(records.find(path))[["corpus", "variant", "protocol", "profile", "runs", "accuracy"]]
    made["accuracy"] *= 100
    made.columns = ["Corpus", "Network", "Protocol", "Profile", "Folds", "Test %"]
    myst.table(made, "What your runs came to.", "tab-your-run", formats={"Test %": ".1f"})
elif not len(rows):
    myst.not_run("This copy of the book contains no runs of your own. To add some:", "make reproduce")
else:
    agree = int((paired["state"] != "differs").sum())
    said = f"**{agree} of {len(paired)} networks and baselines agree with the book**: {agreement.count(rows)}."
    myst.text(
        f"{said} *Identical* is prediction by prediction; *agrees* means that the 95 % interval of the difference holds "
        "zero. Training on another processor rounds differently, so small differences are expected. Of twenty networks "
        "that are equal in truth, one would be said to differ; more where one fold was run, since the interval then covers the "
        "test clips only."
    )

# %% tags=["remove-input"]
heads = ("Network", "Folds", "Book %", "Yours %", "Difference, points", "95 % interval", "State")
for number, (title, part) in enumerate(agreement.parts(rows), 1):
    table = agreement.readable(part, heads, myst.NOTHING)
    myst.table(table, f"Test accuracy, the book's and yours. {title}.", f"tab-your-run-{number}")
