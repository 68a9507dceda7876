# %% [markdown]
# # Listen
#
# Trained networks at work in this browser. *Genres*, the paper's network trained on pictures of {doc}`GTZAN <corpora/gtzan>`,
# names one of ten genres for any music: choose a file of your own. {doc}`outside` says how far to trust it. The two others
# name seven dances, and the clips are for them: random test tracks of `tunes`.

# %% tags=["remove-input"]
from IPython.display import HTML

from bnet.book import myst
from bnet.deploy.networks import shipped
from bnet.deploy.web import site

folder = myst.static_file("listen/listen.mjs").parent
description = site.write_files(shipped(), folder)
base = myst.static("listen/")
HTML(site.fragment(description, base))  # Jupyter Book links every .css below _static by itself

# %% [markdown]
# ## How close it is to Python
#
# The page decodes with the browser's own decoder, resamples with soxr's filter (librosa's default), and computes log-mel and
# windows as `bnet predict` does; the weights are those that come with the package. *librosa, itself*: how far librosa's own
# log-mel moves when the samples begin a few hops later, since soxr works in single precision. *near*: the bands within 50 dB
# of the loudest. MP3 differs more, because Chromium and libsndfile have different decoders.

# %% tags=["remove-input"]
import pandas as pd

from bnet.audit.measured import read

measured = read("listen")
COLUMNS = {
    "browser": "Browser", "kind": "File", "rate": "Hz", "most": "log-mel, at most (dB)", "own": "librosa, itself (dB)",
    "near": "near (dB)", "mean": "mean (dB)", "last": "last frame (dB)", "probability": "probability",
}  # fmt: skip


if measured:
    rows = pd.DataFrame(measured["differences"])[list(COLUMNS)]
    formats = {COLUMNS[name]: ".1e" for name in rows.select_dtypes("float")}
    rows["rate"] = rows["rate"].astype(str)
    caption = "Differences between this page and Python, by browser and kind of file."
    myst.table(rows.rename(columns=COLUMNS), caption, "tab-listen", formats=formats)
else:
    myst.text("Not run: `python benchmarks/listen.py`.")

# %% tags=["remove-input"]
if measured:
    loaded, memory, machine = measured["loaded"], measured["memory"], measured["machine"]
    last = max(memory, key=int)
    first = "; ".join(
        f"{browser} {min(times['cold']):.1f} to {max(times['cold']):.1f} s, and of the next file "
        f"{min(times['again']):.1f} to {max(times['again']):.1f} s"
        for browser, times in measured["first"].items()
    )
    myst.text(
        f"The first result of a file of 10 s, all loading included: {first}. Loaded before the first click: "
        f"{loaded['before'] / 1e3:.0f} kB beside the page itself; at that click {loaded['first'] / 1e6:.1f} MB (with the networks of that commit). Chromium, "
        f"all its processes: {memory['1'] / 2**20:.0f} MiB after one file, {memory[last] / 2**20:.0f} MiB after {last}. "
        f"The page's own thread was busy for {measured['longest_task']:.2f} s at a time, at most. Measured on "
        f"{machine['processor']}, {machine['cores']} cores, commit {measured['commit'][:10]}, with "
        f"{' and '.join(dict.fromkeys(row['version'] for row in measured['differences']))}."
    )

# %% [markdown]
# For a network of your own, the same page as a folder for any static host: `bnet export RUN --format web`.

# %% tags=["remove-input"]
myst.provenance(
    {
        network["title"]: f"`{network['corpus']}/{network['run']}`, profile {network['profile']}, commit "
        f"{network['commit'][:10]}, {100 * network['accuracy']:.1f} % of {network['tested']} test clips"
        for network in description["networks"]
    }
)
