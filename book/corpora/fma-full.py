# %% [markdown]
# # The way to FMA-full
#
# The authors name lack of hardware as the reason for the smallest of FMA's four sets. What would the full archive of
# 106 574 tracks take, if a 30 s clip of each were used? Nothing on this page was run at that size: it is arithmetic on
# the rates that {doc}`/speed` measures; that memory does not grow with the number of clips is shown there too.

# %% tags=["remove-cell"]
import math

import pandas as pd

from bnet.audit import measured
from bnet.book import myst
from bnet.models import TABLE_3
from bnet.sound.log_mel import FeatureSettings, frames
from bnet.training.config import PROFILES

TRACKS, MACHINES = 106_574, (1, 4, 32)
RUNS = 10  # of each network, as in the paper
NETWORKS = 2 + len(TABLE_3)  # BBNN, the paper's network, and its variants
training, front_end = PROFILES["paper"].training, FeatureSettings()
SIZE = 4 * front_end.frames(training.clip_seconds) * front_end.n_mels  # bytes of a clip's log-mel
STEPS = training.epochs * math.ceil(TRACKS * 0.8 / training.batch_size)  # of a run: 8 in 10 clips are trained on


def rows_of(name, **wanted):
    """The rows of a benchmark's record that have these values."""
    found = (measured.read(name) or {}).get("rows", [])
    return [row for row in found if all(row.get(key) == value for key, value in wanted.items())]


whole = {"variant": "proposed", "frames": frames(training.clip_seconds)}
step = next(iter(rows_of("training_step", measure="s", **whole)), None)
memory = next(iter(rows_of("training_step", measure="bytes", **whole)), None)
extraction = next((row for row in rows_of("features", unit="s") if "MP3" in row.get("kind", "")), None)
gpu = [row for row in rows_of("gpu", frames=whole["frames"]) if " x " not in row["ours"]]


def said(value):
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def on_several(name, steps_per_s):
    """Hours and disk on several machines, a run on each at a time."""
    hours, clips_per_s = STEPS / steps_per_s / 3600, extraction["clips"] / extraction["ours_median"]
    return pd.DataFrame(
        {
            name: machines,
            f"{RUNS} runs of one network, hours": said(math.ceil(RUNS / machines) * hours),
            f"{RUNS} runs of each of {NETWORKS} networks, hours": said(math.ceil(RUNS * NETWORKS / machines) * hours),
            "Extraction, hours": said(TRACKS / clips_per_s / 3600),
            "Store on a machine, GiB": said(TRACKS * SIZE / 2**30),
            "Read by all while training, MiB/s": said(machines * steps_per_s * training.batch_size * SIZE / 2**20),
        }
        for machines in MACHINES
    )


# %% [markdown]
# ## On 1, 4 and 32 machines
#
# Runs do not depend on each other: {doc}`bnet train --cluster </tutorials/cluster>` hands them to as many machines as there
# are. One run stays on one machine, so that ten runs occupy ten at most; a study of all networks occupies any number. Each
# machine reads a feature store of its own; extraction is not shared out.

# %% tags=["remove-input"]
if step and extraction:
    record = measured.read("training_step")
    myst.table(
        on_several("Machines", 1 / step["ours_median"]),
        f"A forecast for {myst.number(TRACKS)} clips of 30 s and {myst.number(STEPS)} steps a run ({training.epochs} epochs, no run stops early), as if "
        f"every network took as long as `{step['variant']}`: {step['ours_median']:.2g} s for {step['batch']} clips "
        f"({step['ours']} step, {record['machine']['processor']}, {record['machine']['cores']} cores). A training process "
        f"takes {memory['ours_median'] / 2**30:.1f} GiB of memory.",
        "tab-fma-full-machines",
        cards=True,
    )
    myst.provenance(measured.origin(record, "training_step"))
else:
    myst.not_run("No step was measured.", f"{measured.command('training_step')}\n{measured.command('features')}")

# %% [markdown]
# Extraction is the smaller part. Training takes longest on a CPU: this is why the paper's study needs a GPU, and `bnet plan`
# says the same of the machine that you have.
#
# ## On 1, 4 and 32 GPUs

# %% tags=["remove-input"]
if gpu and extraction:
    record, best = measured.read("gpu"), min(gpu, key=lambda row: row["ours_median"])
    myst.table(
        on_several("GPUs", best["steps"] / best["ours_median"]),
        f"The same from the speed of a GPU: {record['device']['name']}, {best['ours']}, {best['backend']}, {best['steps']} "
        f"steps in {best['ours_median']:.0f} s; a run on each at a time.",
        "tab-fma-full-gpus",
        cards=True,
    )
    myst.provenance(measured.origin(record, "gpu"))
else:
    myst.not_run("No GPU was measured here. On a machine that has one:", measured.command("gpu"))

# %% [markdown]
# ```bash
# bnet plan --profile paper --corpus fma-small --variants proposed      # hours, disk and memory on your machine
# ```
