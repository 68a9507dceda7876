# %% [markdown]
# # Does it hear rhythm or tempo?
#
# Dances differ in rhythm: how long and short notes alternate, and how many beats make a bar. They also differ in
# tempo: how fast they are played. Dance music as people play it has both at once, so a network that
# tells dances apart may use either. This page separates the two.
#
# This is possible because the corpora {doc}`tunes <corpora/tunes>` and {doc}`tunes-free <corpora/tunes-free>` are rendered from the
# same scores, on the same instruments, in the same keys, and split in the same way. In `tunes`, each dance has
# its traditional tempo; in `tunes-free`, the tempo is random. What a method loses from one to the other is what tempo
# revealed, plus the cost of a wider range of tempi: `tunes-free` is also the harder task.

# %% tags=["parameters"]
profile = "laptop"  # whose records are shown: smoke, laptop or paper
protocol = "grouped"  # how clips were split: grouped, holdout or kfold

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import pandas as pd
import soundfile

from bnet.audit import paper, plots
from bnet.audit.probes import PROBES, changes, reading
from bnet.audit.settings import train_command
from bnet.audit.tables import groups_of, origin
from bnet.audit.words import effort
from bnet.book import myst
from bnet.corpora import SR, get_corpus, select
from bnet.models import VARIANTS
from bnet.paths import results_dir
from bnet.runs import jobs
from bnet.runs.records import find
from bnet.training.baselines import BASELINES
from bnet.training.config import PROFILES

plots.style()
corpora = ("tunes", "tunes-free")
found = {name: find(results_dir(), corpus=name, profile=profile, protocol=protocol, exclude="") for name in corpora}
groups = groups_of("tunes")
order = [name for name in [*VARIANTS, *BASELINES] if any(r.config.variant == name for rs in found.values() for r in rs)]
of = {name: {v: [r for r in found[name] if r.config.variant == v] for v in order} for name in corpora}
look = plots.looks([jobs.title(name) for name in order if name != "majority"])
train = "\n".join(train_command(name, ("baselines", "bbnn", "proposed"), protocol, profile) for name in corpora)
ask = "\n".join(f"bnet probe {name}/VARIANT-{protocol}-0-{profile}" for name in corpora)


def answers(probe: str, corpus: str) -> tuple[pd.DataFrame, list]:
    """The table of a probe on the runs of one corpus (empty if it was not run), and what it was made from."""
    probed = reading.read_all(found[corpus], probe)
    return reading.accuracies(probed, groups), probed


def missing(probe: str, corpus: str) -> None:
    """Say that a probe has not been run, and how to run it."""
    runs_here = [r for r in found[corpus] if r.config.fold == 0 and r.config.variant != "majority"]
    command = reading.command(runs_here, probe) or f"{train}\n{ask}"
    myst.not_run(f"The probe `{probe}` has not been run on `{corpus}`.", command)


# %% tags=["remove-input"]
rows = []
for variant in order:
    pair = reading.across(of["tunes"][variant], of["tunes-free"][variant], groups)
    if pair:
        rows.append({"variant": variant, "title": jobs.title(variant), **pair})
kept = [
    f"{row['title']} falls from {100 * row['accuracy']:.1f} to {100 * row['other']:.1f} %"
    for row in rows
    if row["variant"] in ("bbnn", "proposed", "svm-rhythm")
]
chance = next(
    (f"; always naming the largest class gives {100 * r['other']:.1f} %" for r in rows if r["variant"] == "majority"),
    "",
)
if kept:
    myst.text(f"**In short.** At random tempo {', '.join(kept)}{chance}.")

# %% [markdown]
# ## Listen: one tune, two tempi
#
# The first clip of each dance in the corpora's seeded order, as `tunes` plays it and as `tunes-free` does.

# %% tags=["remove-input"]
first = {track.label: track for track in select(get_corpus("tunes").tracks(), 1)}
players = []
for label in list(first)[:4]:
    for name in corpora:
        corpus, track = get_corpus(name), first[label]
        target = myst.static_file(f"audio/{name}/{track.track_id}-10s.mp3")
        soundfile.write(target, corpus.audio(track, 10.0), SR, format="MP3")
        players.append((target, f"{name}, {label}: {corpus.describe(track)}"))
myst.audio(players)

# %% [markdown]
# ## How much of the accuracy is tempo?
#
# Each method was trained and tested on `tunes`, and again, from scratch, on `tunes-free`: the same clips in the same folds.
# The difference is counted clip by clip, with the interval of {doc}`table-2`, which accounts for clips and folds.

# %% tags=["remove-input"]
if rows:
    table = pd.DataFrame(
        {
            "Method": [row["title"] for row in rows],
            "Folds": [row["folds"] for row in rows],
            "Clips": [row["clips"] for row in rows],
            "On `tunes` %": [f"{100 * row['accuracy']:.1f}" for row in rows],
            "On `tunes-free` %": [f"{100 * row['other']:.1f}" for row in rows],
            "Traditional tempo adds, points": [reading.points(row) for row in rows],
        }
    )
    myst.table(
        table,
        f"Test accuracy at traditional and at random tempo, and their difference with its 95 % interval (profile `{profile}`: "
        f"{effort(PROFILES[profile]) if profile in PROFILES else 'set by hand'}; protocol `{protocol}`; all folds that both corpora have). Differences are taken before rounding.",
        "tab-rhythm-or-tempo-worth",
    )
    myst.provenance(
        [
            f"`{r.config.corpus}/{r.name}`: {origin(r.run['made'])}"
            for row in rows
            for name in corpora
            for r in of[name][row["variant"]]
        ]
    )
else:
    myst.not_run("There are no records of both corpora with a common fold.", train)

# %% [markdown]
# ## Trained on one, tested on the other
#
# From here on, single trained networks are tested: those of one fold, with the number of test clips in each table. Their
# intervals are over these clips and do not cover other trainings.
#
# The same trained networks, each given the test clips of the other corpus: the same tunes, at other tempi. A method that
# learnt rhythm alone is not affected; one that relies on tempo is misled where the tempo now suggests another
# dance.

# %% tags=["remove-input"]
sisters = [answers("sister", name) for name in corpora]
together = [table for table, _ in sisters if len(table)]
if together:
    table = pd.concat(together, ignore_index=True)
    shown = reading.readable(table, "Tested on").rename(columns={"Change, points": "Against its own corpus, points"})
    shown["Tested on"] = [f"`{name}`" for name in shown["Tested on"]]
    myst.table(
        shown,
        "Test accuracy on the other corpus, and the difference to the same run on the same tunes of its own corpus.",
        "tab-rhythm-or-tempo-sister",
    )
    myst.provenance(reading.provenance([one for _, probed in sisters for one in probed]))
for name, (table, _) in zip(corpora, sisters, strict=True):
    if not len(table):
        missing("sister", name)

# %% [markdown]
# ## A few per cent faster or slower
#
# No dance becomes another when played four per cent faster. Bob Sturm (2014, 2016) found a system for ballroom
# dances whose accuracy changed greatly when its clips were stretched by six per cent or less: it relied on tempo. Here
# every test clip was rendered again from its score at the other tempo, from the same place in the tune, without signal
# processing, so that only the tempo changes.

# %% tags=["remove-input"]
stretched = {name: answers("time-stretch", name) for name in corpora}
drawn = {name: pair for name, pair in stretched.items() if len(pair[0])}
if drawn:
    fig, axes = plt.subplots(1, len(drawn), figsize=(4.6 * len(drawn) + 0.4, 4.2), squeeze=False, layout="constrained")
    for ax, (name, (_, probed)) in zip(axes.flat, drawn.items(), strict=True):
        plots.curves(reading.accuracies(probed, groups, unchanged=True), look, ax=ax, title=f"trained on {name}")
    axes.flat[0].legend(fontsize=8, loc="lower left")
    far = {name: pair[0].sort_values("change").iloc[0] for name, pair in drawn.items()}
    myst.figure(
        fig,
        "Test accuracy when clips are played faster (+) or slower (−), with 95 % intervals; grey: as the corpus plays them.",
        "fig-rhythm-or-tempo-stretch",
        "Lines of accuracy over the change of tempo. Largest fall: "
        + "; ".join(
            f"trained on {name}, {row['title']} at {row['value']} %, {100 * row['change']:.0f} points"
            for name, row in far.items()
        )
        + ".",
    )

# %% tags=["remove-input"]
for name, (table, probed) in stretched.items():
    if not len(table):
        missing("time-stretch", name)
        continue
    myst.table(
        reading.readable(table, "Tempo"),
        f"Trained on `{name}`: test accuracy at other tempi. {PROBES['time-stretch'].what}",
        f"tab-rhythm-or-tempo-stretch-{name}",
    )
    myst.provenance(reading.provenance(probed))

# %% [markdown]
# ## What that says of Extended Ballroom

# %% tags=["remove-input"]
old, new = (paper.TABLE_2["extended-ballroom", name].test for name in ("bbnn", "proposed"))
myst.text(
    f"The paper reports {old:.1f} % for BBNN and {new:.1f} % for the proposed network on Extended Ballroom (its Table II). "
    "The classes there are ballroom dances {cite:p}`marchand2016`, each of which is danced within a narrow range of tempi; "
    "the file that lists the clips gives a tempo for every one. That corpus is in this respect like `tunes`: its accuracy "
    "alone can't show whether rhythm, tempo or both were used, and nothing in the paper separates them. The tables "
    "above do for our corpora; for Extended Ballroom itself, with a copy of it, two commands do: train, then "
    "`bnet probe RUN --probe time-stretch`, where clips are stretched by a phase vocoder."
)

# %% [markdown]
# ## Robustness
#
# Changes that a listener forgives: another key, another level, noise, an MP3, a shorter or longer clip. And one that no
# listener would: the clip cut into pieces, in random order. It keeps the average spectrum and loses what
# lasts longer than a piece; a method based on timbre alone is not affected.

# %% [markdown]
# One clip and its changes:

# %% tags=["remove-input"]
corpus, track = get_corpus("tunes"), next(iter(first.values()))
variants = {
    "as it is": corpus,
    "6 % slower": changes.replayed(corpus, 10.0, tempo=0.94),
    "6 % faster": changes.replayed(corpus, 10.0, tempo=1.06),
    "5 semitones higher": changes.replayed(corpus, 10.0, semitones=5),
    "white noise, 20 dB below the music": changes.noisy(corpus, 20),
    "MP3 at 32 kbit/s": changes.through_mp3(corpus, 32),
}
players = []
for number, (title, changed) in enumerate(variants.items()):
    target = myst.static_file(f"audio/rhythm-or-tempo/{track.track_id}-{number}.flac")
    soundfile.write(target, changed.audio(track, 10.0), SR, format="FLAC")
    players.append((target, title))
myst.text(f"{track.label}: {corpus.describe(track)}.")
myst.audio(players)

# %% tags=["remove-input"]
robust = ("transposition", "level", "noise", "mp3", "clip-length", "shuffle")
asked = {name: {probe: pair for probe in robust if len((pair := answers(probe, name))[0])} for name in corpora}
for name, parts in asked.items():  # a panel per probe
    if not parts:
        continue
    fig, axes = plt.subplots(-(-len(parts) // 2), 2, figsize=(9, 3.3 * -(-len(parts) // 2)), layout="constrained")
    for ax, (probe, (_, probed)) in zip(axes.flat, parts.items(), strict=False):
        plots.curves(reading.accuracies(probed, groups, unchanged=True), look, ax=ax, title=PROBES[probe].title)
    for ax in axes.flat[len(parts) :]:
        ax.axis("off")
    axes.flat[0].legend(fontsize=8, loc="lower left")
    worst = pd.concat([table for table, _ in parts.values()]).sort_values("change").iloc[0]
    myst.figure(
        fig,
        f"Trained on `{name}`: test accuracy under changes of the sound, with 95 % intervals; grey: as the corpus plays it.",
        f"fig-rhythm-or-tempo-robust-{name}",
        f"Panels of accuracy over the strength of a change, one line per method. The largest fall is that of {worst['title']} "
        f"under {PROBES[worst['probe']].title.lower()} {worst['value']} {worst['unit']}: {100 * worst['change']:.0f} points.",
    )


# %% tags=["remove-input"]
def largest(table: pd.DataFrame) -> pd.DataFrame:
    """A row per network, a column per probe: its largest change and where; in brackets where its interval holds 0."""
    rows = table.loc[table["change"].abs().groupby([table["probe"], table["title"]]).idxmax()]
    said = [f"{100 * r['change']:+.1f} at {r['value']} {r['unit']}".strip() for r in rows.to_dict("records")]
    open_ = (rows["change_low"] <= 0) & (rows["change_high"] >= 0)
    rows = rows.assign(said=[f"({cell})" if both else cell for cell, both in zip(said, open_, strict=True)])
    wide = rows.pivot(index="title", columns="probe", values="said").fillna("")
    wide = wide.loc[table["title"].unique(), table["probe"].unique()].rename(columns=lambda name: PROBES[name].title)
    return wide.rename_axis(index="Network", columns=None).reset_index()


myst.text("\n".join(f"- **{PROBES[probe].title}**: {PROBES[probe].what}" for probe in robust))
for name, parts in asked.items():
    for probe in robust:
        if probe not in parts:
            missing(probe, name)
    for one in parts.get("level", (None, []))[1][:1]:
        clipped = {value: about["clipped"] for value, about in one.about["values"].items() if about["clipped"]}
        said = ", ".join(f"{n} of {one.about['clips']} clips at {value} dB" for value, n in clipped.items())
        myst.text(f"Of `{name}`, clipped when made louder: {said or 'none'}.")
    if parts:
        myst.table(
            largest(pd.concat([table for table, _ in parts.values()], ignore_index=True)),
            f"Trained on `{name}`: the largest change of accuracy under each probe, in points, and where; in brackets "
            "where its own 95 % interval holds no change. The largest of several is more extreme than each: all of "
            "them are in the last table.",
            f"tab-rhythm-or-tempo-largest-{name}",
        )

# %% tags=["remove-input"]
every = [pair for parts in asked.values() for pair in parts.values()]
if every:
    table = pd.concat([table for table, _ in every], ignore_index=True)
    shown = reading.readable(table, "Value")
    shown.insert(2, "Change", [PROBES[name].title for name in table["probe"]])
    myst.table(
        shown,
        "All values of these probes. The last column is the difference to the same clips unchanged, with its 95 % interval.",
        "tab-rhythm-or-tempo-all",
    )
    myst.provenance(reading.provenance([one for _, probed in every for one in probed]))
