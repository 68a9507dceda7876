# %% [markdown]
# # Inside the network
#
# In a broadcast network, the output of every block reaches all later ones. What does each part of a trained network contribute,
# and where in the spectrogram does it look? Both questions are put to trained networks, without retraining: those of one fold, with the
# number of test clips in each table. Intervals are over these clips and do not cover other trainings.

# %% tags=["parameters"]
profile = "laptop"  # whose records are shown: smoke, laptop or paper
protocol = "grouped"  # how clips were split: grouped, holdout or kfold

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
import soundfile

from bnet.audit import plots
from bnet.audit.probes import PROBES, changes, reading
from bnet.audit.settings import train_command
from bnet.audit.tables import groups_of
from bnet.book import myst
from bnet.corpora import SR, get_corpus
from bnet.models import VARIANTS
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.runs.records import find
from bnet.sound import log_mel

plots.style()
corpora = ("tunes", "tunes-free")
networks = [
    record
    for name in corpora
    for record in find(results_dir(), corpus=name, profile=profile, protocol=protocol, exclude="")
    if record.config.architecture
]
asked = {one.record.config.variant for one in reading.read_all(networks, "branches")}
groups = groups_of("tunes")
order = [name for name in VARIANTS if any(record.config.variant == name for record in networks)]
look = plots.looks([jobs.title(name) for name in order])
train = "\n".join(
    f"{train_command(name, ('bbnn', 'proposed'), protocol, profile, folds=[0])}\n"
    f"bnet probe {name}/bbnn-{protocol}-0-{profile} {name}/proposed-{protocol}-0-{profile}"
    for name in corpora
)


def missing(probe: str) -> None:
    """Say that a probe has not been run, and how to run it."""
    some = [record for record in networks if record.config.fold == 0]
    myst.not_run(f"The probe `{probe}` has not been run.", reading.command(some, probe) or train)


def show(probe: str, name: str, first: str, caption: str, height: float) -> None:
    """The changes of accuracy under a probe: one panel per corpus, the numbers behind it, and where they come from."""
    probed = reading.read_all(networks, probe)
    table = reading.accuracies(probed, groups)
    if not len(table):
        missing(probe)
        return
    table["value"] = table["value"].str.replace("_", ", ")
    parts = {corpus: table[table["corpus"] == corpus] for corpus in corpora if (table["corpus"] == corpus).any()}
    fig, axes = plt.subplots(
        1, len(parts), figsize=(4.6 * len(parts) + 0.6, height), squeeze=False, layout="constrained"
    )
    for ax, (corpus, part) in zip(axes.flat, parts.items(), strict=True):
        shown = 100 * part[["change", "change_low", "change_high"]].set_axis(["change", "low", "high"], axis=1)
        plots.dots(shown.join(part[["title", "value"]]), "change", "value", "title", ax=ax, look=look, width=0.15)
        ax.axvline(0, color=plots.INK, linewidth=1)
        ax.set(xlabel="change of test accuracy, points", title=f"trained on {corpus}")
    axes.flat[0].legend(fontsize=8)
    worst = table.sort_values("change").iloc[0]
    myst.figure(
        fig,
        f"{caption}, with 95 % intervals.",
        f"fig-inside-{name}",
        f"Dots with intervals, one row per part; the largest fall is {worst['value']} of {worst['title']} on "
        f"{worst['corpus']}, {100 * worst['change']:.0f} points.",
    )
    what = f"{PROBES[probe].what} The change is to the whole network on the same clips."
    myst.table(reading.readable(table, first), what, f"tab-inside-{name}")
    myst.provenance(reading.provenance(probed))


# %% tags=["remove-input"]
falls = reading.accuracies(reading.read_all(networks, "blocks"), groups)
if len(falls):
    blocks = falls[falls["value"] != "stem"]
    most = blocks.loc[blocks.groupby(["corpus", "title"], sort=False)["change"].idxmin()]
    told = [
        f"{row.value} of {row.title} on `{row.corpus}` ({-100 * row.change:.1f} points)" for row in most.itertuples()
    ]
    myst.text(f"**In short.** The block of each network that costs most to take out: {', '.join(told)}.")

# %% [markdown]
# ## What each block contributes
#
# A part is taken out *after* training: its output is replaced by its mean, so that later layers learn
# nothing from it about the clip. The rest of the network was not trained to do without it; a fall says that the part
# is used, not that another network could not do the same without it. Without the stem nothing of the clip is left: the
# network then gives one answer to all, which is the floor.

# %% tags=["remove-input"]
show(
    "blocks",
    "blocks",
    "Without",
    "Change of test accuracy when the output of the stem or of one block is replaced by its mean",
    3.4,
)

# %% [markdown]
# ## What each branch contributes
#
# The same, one branch at a time. {doc}`networks` tells what each branch is.

# %% tags=["remove-input"]
rows = [
    {"Network": jobs.title(name), "Branch": i, "Operations": f"`{chain}`"}
    for name in order
    if name in asked
    for i, chain in enumerate(VARIANTS[name].branches_of(1), 1)
]
if rows:
    myst.table(
        pd.DataFrame(rows),
        "Branches of a block, in the words of the table of networks.",
        "tab-inside-words",
    )

# %% tags=["remove-input"]
show(
    "branches",
    "branches",
    "Without",
    "Change of test accuracy when the output of one branch of one block is replaced by its mean",
    7.5,
)

# %% [markdown]
# ## Low, middle and high

# %% tags=["remove-input"]
import librosa

settings = log_mel.FeatureSettings()
centres = librosa.mel_frequencies(settings.n_mels + 2, fmin=settings.fmin, fmax=settings.fmax)[1:-1]
ranges = {band: changes.band_range(band, settings.n_mels) for band in changes.BANDS}
said = ", ".join(
    f"{band} is {centres[first]:.0f} to {centres[end - 1]:.0f} Hz" for band, (first, end) in ranges.items()
)
myst.text(f"A third of the {settings.n_mels} mel bands is made silent at a time: {said} (centres of the bands).")

# %% tags=["remove-input"]
show("mel-bands", "bands", "Silent", "Change of test accuracy when a third of the mel bands is silent", 3.0)

# %% [markdown]
# ## Where it looks
#
# A patch of the spectrogram, about a second long and a quarter of the mel bands high, is covered: within it every band is set
# to its mean over the clip, as if nothing happened there. The more the probability of the network's answer falls, the
# more the network relied on that patch. Covering asks the network itself, in units of probability, and works on every
# backend; a gradient tells only what an infinitesimal change would do.
#
# Shown are the clips on which a network was most and least confident, among those it got right and those it got wrong. Frames
# mark the four patches that matter most, thicker where the probability falls more; above each clip stands the largest
# fall. A small fall means that no single second decides: dances repeat, and these networks average over time.


# %% tags=["remove-input"]
def clips_of(corpus_name: str, variant: str) -> None:
    """The clips of one network as a figure: log-mels with the patches that matter."""
    some = [r for r in networks if (r.config.corpus, r.config.variant) == (corpus_name, variant)]
    probed = reading.read_all(some, "looks")[:1]
    if not probed:
        return
    corpus, record = get_corpus(corpus_name), probed[0].record
    tracks = {track.track_id: track for track in corpus.tracks()}
    clips = reading.looks(probed[0])
    rows = -(-len(clips) // 2)
    fig, axes = plt.subplots(rows, 2, figsize=(9, 2.9 * rows), layout="constrained", sharex=True, sharey=True)
    for ax, clip in zip(axes.flat, clips, strict=False):
        y = corpus.audio(tracks[clip["track_id"]], record.config.training.clip_seconds)
        answer = (
            clip["predicted"]
            if clip["label"] == clip["predicted"]
            else f"{clip['label']}, taken for {clip['predicted']}"
        )
        title = f"{clip['kind']}: {answer}\n{100 * clip['probability']:.1f} %, falls by up to {100 * clip['drop'].max():.1f} points"
        plots.look_at(log_mel.log_mel(y), clip, ax=ax)
        ax.set_title(title, fontsize=9)
        ax.label_outer()
    for ax in axes.flat[len(clips) :]:
        ax.axis("off")
    most = max(clips, key=lambda clip: clip["drop"].max())
    myst.figure(
        fig,
        f"{jobs.title(variant)}, trained on `{corpus_name}`: the four patches of each clip whose covering lowers the "
        "probability of the answer most.",
        f"fig-inside-looks-{corpus_name}-{variant}",
        f"{len(clips)} log-mel spectrograms with framed patches. The largest fall is {100 * most['drop'].max():.0f} points, on a "
        f"{most['label']}.",
        kind="png",
    )


for name in corpora:
    for variant in ("proposed", "bbnn"):
        clips_of(name, variant)

# %% [markdown]
# The clips:

# %% tags=["remove-input"]
probed = reading.read_all(networks, "looks")
for one in probed:
    corpus, record = get_corpus(one.record.config.corpus), one.record
    tracks = {track.track_id: track for track in corpus.tracks()}
    players = []
    for clip in reading.looks(one):
        track = tracks[clip["track_id"]]
        target = myst.static_file(f"audio/{corpus.name}/{track.track_id}.mp3")
        soundfile.write(target, corpus.audio(track, record.config.training.clip_seconds), SR, format="MP3")
        players.append(
            (
                target,
                f"{clip['kind']}: {clip['label']}, the network says {clip['predicted']} ({100 * clip['probability']:.1f} %): "
                f"{corpus.describe(track)}",
            )
        )
    myst.text(f"**{jobs.title(record.config.variant)}**, trained on `{corpus.name}`:")
    myst.audio(players)
if probed:
    myst.provenance(reading.provenance(probed))
else:
    missing("looks")
