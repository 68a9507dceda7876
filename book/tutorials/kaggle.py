# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # GTZAN on Kaggle or Colab
#
# Installs `bnet`, finds GTZAN where Kaggle mounts it (`.../Data/genres_original`), trains BBNN and the paper's network, and
# shows the table beside the one of this project's records.
#
# **Not run on Kaggle's or Colab's machines.** A test executes this notebook on a miniature copy, on a processor.
#
# - **Kaggle**: new notebook, *File → Import notebook*; add the data set `andradaolteanu/gtzan-dataset-music-genre-classification`
#   as input, switch on a GPU and the internet, and set `repository` to the address of your copy of this project.
# - **Colab**: *File → Upload notebook*, a runtime with a GPU; set `repository`, unpack GTZAN somewhere and name that folder in `corpora`.
# - **papermill**: `papermill kaggle.ipynb out.ipynb -p repository ... -p corpora ...`

# %% tags=["parameters"]
repository = ""  # address (git clones it) or folder of this project, for its records too; empty: bnet is installed
install = True  # whether pip installs the repository
corpora = "/kaggle/input"  # a folder with a folder genres_original or genres somewhere below it
profile = "gpu"  # smoke, laptop, desktop, gpu or paper
protocol = "holdout"  # the paper's random draws; official, the fault-filtered split, also fetches three small lists
variants = "bbnn,proposed"
folds = "0,1,2"  # of ten draws
settings = ""  # such as epochs=5 clip_seconds=10
partial = False  # True: an incomplete copy is used as it is
work = "gtzan-work"  # where everything is written

# %% [markdown]
# ## Install

# %%
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

work_folder = Path(work).resolve()
work_folder.mkdir(parents=True, exist_ok=True)
checkout = Path(repository).resolve() if repository and Path(repository).is_dir() else None
if repository and checkout is None:
    checkout = work_folder / "bnet"
    if not checkout.is_dir():
        subprocess.run(["git", "clone", "--depth", "1", repository, str(checkout)], check=True)
if install and checkout:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(checkout)], check=True)
elif importlib.util.find_spec("bnet") is None:
    raise SystemExit("bnet is not installed here; set `repository` to the address or the folder of this project")


def run(*words):
    """Run a bnet command and show what it says; a failure ends the notebook."""
    done = subprocess.run(
        [sys.executable, "-m", "bnet", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout)
    done.check_returncode()


run("doctor")

# %% [markdown]
# ## Find GTZAN
#
# Kaggle mounts data sets read-only, under a name that has changed over time: the folder of genres is searched, and linked to
# from the data folder of `bnet`. Kaggle's copy has one file that can't be decoded, `jazz.00054`: it is left out, and named.

# %%
genres = sorted(
    folder
    for folder, _, _ in os.walk(corpora, followlinks=True)
    if Path(folder).name in ("genres_original", "genres") and (Path(folder) / "blues").is_dir()
)
if not genres:
    raise SystemExit(
        f"no folder genres_original or genres with blues in it below {corpora}; add the data set, or set `corpora`"
    )
home = work_folder / "corpora" / "gtzan"
home.mkdir(parents=True, exist_ok=True)
link = home / "genres"
if not link.is_symlink():
    link.symlink_to(Path(genres[0]).resolve(), target_is_directory=True)
data = ["--corpus", "gtzan", "--data", home.parent, *["--partial"] * partial]
if protocol == "official":
    run("corpora", "get", "gtzan", "--data", home.parent)
print(f"GTZAN: {genres[0]}")

# %% [markdown]
# ## Train
#
# A run that was stopped resumes when the cell is executed again. Each run becomes a record, a folder of text files, below
# `runs` in the work folder: download it to keep it.

# %%
runs = work_folder / "runs"
chosen = [word for fold in folds.split(",") for word in ("--fold", fold)]
changed = [word for setting in settings.split() for word in ("--set", setting)]
run(
    "train", *data, "--variant", variants, "--protocol", protocol, "--profile", profile, *chosen, *changed,
    "--results", runs,
)  # fmt: skip

# %% [markdown]
# ## The table, beside ours
#
# Test accuracy in percent: mean, standard deviation over folds, and a 95 % interval. Ours are the records of the repository,
# from sound or from published pictures, in the profile that has most of these networks.

# %%
import pandas as pd

from bnet.audit.evidence import Evidence
from bnet.audit.report import load
from bnet.runs.records import find

names = variants.split(",")
made = find(runs, corpus="gtzan", protocol=protocol)[0].config.profile
yours = load("gtzan", runs, made, protocol)[0]
parts = {f"yours, profile {made}": yours.only(names).results()}
if checkout:
    ours = Evidence(checkout / "results").fullest("gtzan", *names, protocol=protocol)
    if ours:
        parts[f"ours, {ours.corpus.title}, profile {ours.profile}"] = ours.only(names).results()
    else:
        print(f"The repository has no records of {variants} with protocol {protocol} yet.")
table = pd.concat(parts, names=["Whose"]).reset_index(level=0).reset_index(drop=True)
table
