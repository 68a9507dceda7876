# %% [markdown]
# # Music from outside

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from bnet.audit import paper, plots
from bnet.audit.outside import read_all, reading
from bnet.book import myst
from bnet.corpora import get_corpus
from bnet.paths import results_dir
from bnet.statistics import metrics

plots.style()
songs = [heard for heard in read_all(results_dir(), "emotify") if heard.network["trained_on"] in reading.COUNTS_AS]
dances = {
    name: read_all(results_dir(), name, trained_on="extended-ballroom") for name in ("drums", "tunes", "tunes-free")
}
drums, order = get_corpus("drums"), list(get_corpus("extended-ballroom").labels)


def share(right, of):
    """A share in percent with Wilson's interval."""
    low, high = reading.wilson(right, of)
    return f"{100 * right / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def shown(rows):
    """A table of rows, without its column of networks where there is one network only."""
    frame = pd.DataFrame(rows)
    return frame if frame["Network"].nunique() > 1 else frame.drop(columns="Network")


def named_over(table, *, ax, xlabel, title):
    """The dance named against a quantity (``x``): a row per dance, a mark per ``series``, its area the number of clips."""
    counts = table.groupby(["series", "x", "named"], sort=False).size().reset_index(name="clips")
    counts = counts.sort_values("named", key=lambda names: names.map(order.index), kind="stable")
    look = plots.looks(table["series"].unique())
    plots.dots(counts, "x", "named", "series", ax=ax, look=look).set(xlabel=xlabel, title=title)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def drum_table(heard):
    """Of each drum clip: the class named, metre, pattern, who plays, tempo; by track id."""
    played = {own: drums.performance(own) for own in heard.table["track_id"]}
    facts = {own: (p.metre, p.name, players, tempo) for own, (p, players, tempo) in played.items()}
    frame = pd.DataFrame.from_dict(facts, orient="index", columns=["metre", "pattern", "players", "tempo"])
    return frame.assign(named=heard.named)


def pairs(frame, *shared):
    """Of all pairs of clips that share these columns: how many are named the same, and how many there are."""
    return reading.same_answer(frame["named"], frame[list(shared)].astype(str).agg(" ".join, axis=1))


# %% tags=["remove-input"]
said = []
for heard in songs:
    told = f"recognises {reading.counted(heard)} songs"
    said.append(f"{reading.title(heard)} on `{heard.network['trained_on']}`: {told}")
if dances["drums"]:
    found = [pairs(drum_table(heard), "players", "tempo") for heard in dances["drums"]]
    alone = all(same == of for same, of in found)
    said.append(
        f"the dance that networks trained on Extended Ballroom name {'follows' if alone else 'does not follow'} the tempo alone: two drum "
        "patterns at one tempo are named the same dance in "
        + " and ".join(f"{100 * same / of:.0f} %" for same, of in found)
        + " of the pairs"
    )
myst.text(
    "**In short.** "
    + (". ".join(line[0].upper() + line[1:] for line in said) + "." if said else "No network has been evaluated yet.")
)

# %% [markdown]
# The paper speaks of generalizability, and tests each network on the collection that it was trained on. This page tests trained
# networks on other music: songs of another label, recorded and chosen by other people, and synthetic drum
# patterns. Nothing is trained here: a network takes 30 s of each clip and names one of *its* classes.
#
# ## Songs of another collection
#
# Emotify {cite:p}`aljanaki2016` has songs of the label Magnatune in four genres. GTZAN has three of them, and lacks electronic
# music: a network trained on GTZAN is wrong on every electronic song. Rock is counted twice, strictly and
# with metal, since the two differ by degrees. The last column has, for a network trained here, the same share of the test
# clips of its own collection, which tells a weak network from unfamiliar music. A
# network that was trained on pictures of spectrograms takes in audio by the same steps that made the pictures (mel filters,
# frames, range); what is left of the difference ({doc}`corpora/gtzan`) is small, but may be a part of the fall.

# %% tags=["remove-input"]
rows = []
for heard in songs:
    home, own = reading.at_home(heard, results_dir()), reading.strictly(heard)["counts"]
    home["strictly"] = tuple(np.sum([home[name] for name in own], axis=0)) if home else ()
    for row in reading.recalls(heard).itertuples():
        rows.append(
            {
                "Network": reading.title(heard),
                "Songs": row.genre,
                "Count as right": {
                    "strictly": "all genres, strictly",
                    "widely": "all genres, rock or metal for rock",
                    "": "it has no such class",
                }.get(row.counts, row.counts),
                "Songs tested": row.songs,
                "Right": "" if row.right is None or np.isnan(row.right) else f"{int(row.right)}",
                "Recall %": "" if np.isnan(row.recall) else share(int(row.right), row.songs),
                "On its own test clips %": share(*home[row.counts]) if home.get(row.counts) else "",
            }
        )
if songs:
    about = songs[0].about["corpus"]
    logs = paper.BASELINE_LOGS["test"]
    myst.table(
        shown(rows),
        f"Songs of `emotify` named correctly by {' and by '.join(map(reading.title, songs))}, with Wilson's 95 % interval. {songs[0].about['clips']} of its {about['whole']} songs "
        f"were at hand, their first {songs[0].network['seconds']:g} s. On excerpts of GTZAN held out at random, the log of BBNN's "
        f"authors has {100 * np.mean(logs):.1f} % on average over {len(logs)} networks ({100 * min(logs):.0f} to {100 * max(logs):.0f}).",
        "tab-outside-recall",
    )
else:
    myst.not_run(
        "No network has been evaluated on Emotify yet.",
        "bnet outside 0_fold_GTZAN_model.hdf5 --corpus emotify --data ~/corpora",
    )

# %% tags=["remove-input"]
if songs:
    table = pd.concat([reading.recalls(heard).assign(title=reading.title(heard)) for heard in songs])
    table = table[table["recall"].notna() & ~table["counts"].isin(["strictly", "widely"])]
    own = table["genre"] == table["counts"]
    table["row"] = table["genre"].where(own, table["genre"] + ",\ncalled " + table["counts"])
    fig, ax = plt.subplots(figsize=(4.6, 3.0 + 0.2 * len(songs)), layout="constrained")
    plots.dots(table, "recall", "row", "title", ax=ax)
    ax.set(xlabel="share of the songs of that genre", xlim=(-0.03, 1.03))
    ax.legend(**plots.ABOVE, fontsize=9)
    myst.figure(
        fig,
        "Share of the songs of each genre that a network names correctly, with Wilson's 95 % interval.",
        "fig-outside-recall",
        "Dots with intervals. "
        + " ".join(
            f"{name}: {', '.join(f'{r.genre} called {r.counts} {100 * r.recall:.0f} %' for r in rows.itertuples())}."
            for name, rows in table.groupby("title", sort=False)
        ),
    )

# %% tags=["remove-input"]
for number, heard in enumerate(songs):
    counts = reading.confusion(heard)
    fig, ax = plt.subplots(figsize=(4.6, 4.6), layout="constrained")
    plots.confusion(counts.T, ax=ax, axis=0).set(xlabel="genre of the song", ylabel="named by the network")
    most = {genre: (row.idxmax(), int(row.max()), int(row.sum())) for genre, row in counts.iterrows()}
    myst.figure(
        fig,
        f"{reading.title(heard)}: what it names the songs of `emotify`, by their genre; numbers of songs, and percent of the genre.",
        f"fig-outside-confusion-{number}",
        "Table of counts as a heat map. Named most often: "
        + ", ".join(f"{genre} songs '{name}' ({n} of {of})" for genre, (name, n, of) in most.items())
        + ".",
    )

# %% [markdown]
# ## Is it less certain where it is wrong?
#
# A network that is unsure where it is wrong could at least say so. Calibration is computed on the genres that the network has a
# class for, by the wider reading. For an electronic song no class is right; the last row of each network says how sure it is
# all the same.

# %% tags=["remove-input"]
if songs:
    answered = {reading.title(heard): reading.arrays(heard) for heard in songs}
    off = {title: metrics.calibration_error(*arrays, bins=5) for title, arrays in answered.items()}
    fig, ax = plt.subplots(figsize=(4.4, 4.2), layout="constrained")
    plots.reliability(answered, ax=ax, bins=5)
    myst.figure(
        fig,
        "How often a network is right against how sure it is, on songs of `emotify` whose genre it has a class for, in five bins; the "
        "area of a dot is its number of songs. Below the diagonal the network is overconfident.",
        "fig-outside-calibration",
        "; ".join(f"{name}: expected calibration error {100 * value:.0f} points" for name, value in off.items()) + ".",
    )
    rows = [
        {
            "Network": reading.title(heard),
            "Songs": {"right": "named correctly", "wrong": "named incorrectly"}.get(
                row.what, "of a genre that it lacks"
            ),
            "Number": row.songs,
            "Mean probability of the named class": row.sure,
            "Calibration error, points": f"{100 * off[reading.title(heard)]:.0f}" if row.what == "right" else "",
        }
        for heard in songs
        for row in reading.confidence(heard).itertuples()
    ]
    myst.table(
        shown(rows),
        f"How sure {' and '.join(map(reading.title, songs))} {'is' if len(songs) == 1 else 'are'} of the songs that it names correctly, incorrectly, and of those whose genre it has no class for.",
        "tab-outside-confidence",
        formats={"Mean probability of the named class": ".2f"},
    )
    myst.provenance(reading.provenance(songs))

# %% [markdown]
# ## What do the networks for Extended Ballroom hear?
#
# Networks that were trained on Extended Ballroom are at hand even where its audio is not: BBNN's authors published their
# weights. Ballroom dances have prescribed tempi, and tempo alone tells most of them apart {cite:p}`gouyon2004`; a system may then
# do well on such a collection without hearing any rhythm {cite:p}`sturm2014`. If these networks went by tempo alone, all audio at one tempo
# would be named the same dance.
#
# The sound: three drum patterns in four-four and the same three in three-four, by a kick, a snare and a hi-hat alone ('drums') or with a
# bass and a chord ('band'), computed by `bnet.corpora.drums`.

# %% tags=["remove-input"]
if dances["drums"]:
    fig, axes = plt.subplots(
        len(dances["drums"]), 1, figsize=(4.8, 3.8 * len(dances["drums"])), squeeze=False, layout="constrained"
    )
    words = []
    for ax, heard in zip(axes.flat, dances["drums"], strict=True):
        frame = drum_table(heard)
        played = frame.assign(x=frame["tempo"], series=frame["metre"])
        named_over(played, ax=ax, xlabel="beats per minute", title=heard.network["name"])
        top = frame["named"].value_counts()
        words.append(
            f"{heard.network['name']} names {len(top)} dances, {top.index[0]} for {top.iloc[0]} of {len(frame)} clips"
        )
    axes.flat[0].legend(**plots.ABOVE | {"bbox_to_anchor": (0.4, 1.1)}, ncols=2, fontsize=9)
    myst.figure(
        fig,
        "The dance that published networks name for drum patterns, against their tempo; the area of a mark is the number of "
        "patterns. If tempo alone decided, each tempo would have one dance.",
        "fig-outside-tempo",
        "Marks in rows of dances over tempo. " + "; ".join(words) + ".",
    )
else:
    myst.not_run(
        "No network for Extended Ballroom has been evaluated on the drum patterns yet.",
        "bnet outside 0_fold_ExtendedBallroom_model.hdf5 --corpus drums",
    )

# %% tags=["remove-input"]
KINDS = {
    "Any two clips": ("players",),
    "The same tempo": ("players", "tempo"),
    "The same tempo and pattern, another metre": ("players", "tempo", "pattern"),
    "The same tempo and metre, another pattern": ("players", "tempo", "metre"),
    "The same metre and pattern, another tempo": ("players", "metre", "pattern"),
    "The same but for bass and chord": ("tempo", "metre", "pattern"),
}
if dances["drums"]:
    frames = {heard.network["name"]: drum_table(heard) for heard in dances["drums"]}
    rows = []
    for kind, shared in KINDS.items():
        row = {"Two clips share": kind}
        for name, frame in frames.items():
            same, of = pairs(frame, *shared)
            row[name] = f"{100 * same / of:.0f} % of {of}"
        rows.append(row)
    myst.table(
        pd.DataFrame(rows),
        "Pairs of drum clips that a network names the same dance. But for the last row both clips are played by the same "
        "instruments.",
        "tab-outside-pairs",
        cards=True,
    )
    one, other, *_ = [*frames.values(), *frames.values()]
    agree = int((one["named"] == other["named"]).sum())
    myst.text(
        "**What this says.** "
        + " ".join(
            f"`{name}`: two patterns get the same dance in {100 * pairs(f, 'players', 'tempo')[0] / pairs(f, 'players', 'tempo')[1]:.0f} % of pairs at the same tempo, and in "
            f"{100 * pairs(f, 'players')[0] / pairs(f, 'players')[1]:.0f} % of all pairs; changing only the metre changes the answer in "
            f"{100 - 100 * pairs(f, 'players', 'tempo', 'pattern')[0] / pairs(f, 'players', 'tempo', 'pattern')[1]:.0f} % of pairs, adding a bass and a chord in "
            f"{100 - 100 * pairs(f, 'tempo', 'metre', 'pattern')[0] / pairs(f, 'tempo', 'metre', 'pattern')[1]:.0f} %."
            for name, f in frames.items()
        )
        + (
            f" Two networks with the same architecture and settings, trained on different splits of one corpus, agree on {100 * agree / len(one):.0f} % of the clips."
            if len(frames) > 1
            else ""
        )
    )

# %% [markdown]
# ### The same tune at two tempi
#
# The embedded tunes are played at the traditional tempo in `tunes` and at a random one in `tunes-free`; all else is the same
# ({doc}`rhythm-or-tempo`). A network that goes by tempo names another dance as soon as the tempo is another; one that goes by the
# tune doesn't.

# %% tags=["remove-input"]
by_name = {kind: {heard.network["name"]: heard for heard in dances[kind]} for kind in ("tunes", "tunes-free")}
both = [name for name in by_name["tunes"] if name in by_name["tunes-free"]]
if both:
    fig, axes = plt.subplots(len(both), 1, figsize=(4.8, 3.8 * len(both)), squeeze=False, layout="constrained")
    rows, words = [], []
    for ax, name in zip(axes.flat, both, strict=True):
        frames = []
        for kind in by_name:
            bars = [60 / get_corpus(kind).performance(own).bar_seconds for own in by_name[kind][name].table["track_id"]]
            frames.append(by_name[kind][name].named.to_frame("named").assign(x=np.round(bars), series=kind))
        named_over(pd.concat(frames), ax=ax, xlabel="bars per minute", title=name)
        slow, fast = (frame["named"] for frame in frames)
        same = int((slow == fast.reindex(slow.index)).sum())
        top = slow.value_counts()
        rows.append(
            {
                "Network": name,
                "Tunes": len(slow),
                "Same dance at both tempi, %": share(same, len(slow)),
                "By chance, %": 100
                * float(slow.value_counts(normalize=True).mul(fast.value_counts(normalize=True)).sum()),
                "Named most often": f"{top.index[0]}, {top.iloc[0]} of {len(slow)}",
            }
        )
        words.append(f"{name}: {top.index[0]} for {top.iloc[0]} of {len(slow)} tunes at their own tempo")
    axes.flat[0].legend(**plots.ABOVE | {"bbox_to_anchor": (0.4, 1.1)}, ncols=2, fontsize=9)
    myst.figure(
        fig,
        "The dance that published networks name for the embedded tunes, against the tempo at which they are played.",
        "fig-outside-tunes",
        "Marks in rows of dances over bars per minute. " + "; ".join(words) + ".",
    )
    myst.table(
        pd.DataFrame(rows),
        f"Tunes that a network names the same dance at the traditional tempo and at a random one, with Wilson's 95 % interval; "
        f"at most {by_name['tunes'][both[0]].about['corpus']['per_class']} tunes of each class, in the corpus's seeded order. 'By chance': the "
        "agreement to be expected if the two answers were independent, given how often each dance is named.",
        "tab-outside-tunes",
        formats={"By chance, %": ".0f"},
    )
    myst.provenance(reading.provenance([heard for found in dances.values() for heard in found]))
else:
    myst.not_run(
        "No network for Extended Ballroom has been evaluated on the tunes at two tempi yet.",
        "bnet outside 0_fold_ExtendedBallroom_model.hdf5 --corpus tunes --per-class 20\n"
        "bnet outside 0_fold_ExtendedBallroom_model.hdf5 --corpus tunes-free --per-class 20",
    )

# %% [markdown]
# ## How far this goes
#
# A melody on one instrument and a computed drum pattern are far from a dance orchestra, and a network's answers to such sound may say
# more about what it does with the unknown than about what it learnt: two networks of one recipe may then answer differently. The drum
# patterns are a design, not a sample, so their shares have no interval.
#
# About the songs: a genre is what one label's catalogue says, each song is tested once, on its beginning, and songs of one artist may
# be among them; the intervals take songs as independent. Every network that is named here was trained on one split; another
# may answer differently.
#
# ## Not run, and how to run it
#
# BBNN's authors published ten networks for GTZAN and ten for Extended Ballroom (`CaifengLiu/music-genre-classification`). They carry no licence,
# so they are not part of this project; the records name the files that were evaluated, by checksum. The other networks, the rest of Emotify
# and networks of your own have not been evaluated; the same command does it, and adds records that this page then shows:
#
# ```bash
# bnet corpora get emotify --data ~/corpora
# bnet outside ~/published --corpus emotify --data ~/corpora              # every weights file in a folder
# bnet outside gtzan-images/proposed-official-0-desktop --corpus emotify --data ~/corpora
# bnet outside ~/published --corpus drums
# bnet outside ~/published --corpus tunes --per-class 20
# bnet pages update outside
# ```
