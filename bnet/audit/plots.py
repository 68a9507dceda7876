"""Axes-level plots of records: each takes arrays or frames and an `ax`, draws, and returns the `ax`; none reads a
folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from bnet.sound.pictures import PictureSettings

PALETTE = sns.color_palette("colorblind")
INK = "#222222"
_ABOVE = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "frameon": False}


def style() -> None:
    """One look for all figures: white ground (it reads in dark mode too), colour-blind safe, vector-like sharp."""
    sns.set_theme(style="whitegrid", context="notebook", palette="colorblind")
    plt.rcParams.update({"figure.dpi": 110, "savefig.dpi": 110, "savefig.bbox": "tight", "figure.facecolor": "white"})


def plain(name: str) -> str:
    """A name that a user gave, as Matplotlib shows it as typed: dollar signs start no formula."""
    return name.replace("$", r"\$")


def shifts(count: int, width: float = 0.2) -> np.ndarray:
    """Offsets that keep the marks of `count` series apart within one row."""
    return np.linspace(-width, width, count) if count > 1 else np.zeros(1)


def spectrogram(log_mel: np.ndarray, *, sr: int, hop_length: float, ax: Axes, title: str = "") -> Axes:
    """Draw a log-mel in dB [shape=(frames, n_mels)]: seconds to the right, mel bands up, loud is bright."""
    frames, n_mels = log_mel.shape
    edges = np.array([0.5, n_mels + 0.5]) * librosa.hz_to_mel(sr / 2) / (n_mels + 1)  # bands are equally wide in mel
    ax.set_yscale("function", functions=(librosa.hz_to_mel, librosa.mel_to_hz))
    # an image over the whole axes: drawn in a fraction of the time of specshow's mesh
    ax.imshow(
        log_mel.T, origin="lower", cmap="magma", interpolation="nearest", aspect="auto", extent=(0, 1, 0, 1),
        transform=ax.transAxes,
    )  # fmt: skip
    ax.set(title=plain(title), xlabel="seconds", ylabel="Hz", xlim=(0, frames * hop_length / sr))
    ax.set(ylim=librosa.mel_to_hz(edges), yticks=[hz for hz in (512, 1024, 2048, 4096, 8192) if hz < sr / 2])
    ax.grid(False)
    return ax


def published(values: np.ndarray, front_end: PictureSettings, *, axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw a log-mel that was read from a picture [shape=(columns, n_mels)], in dB: on the first of two axes as it was
    published, in its own colours and proportions, on the other as what a network takes in."""
    picture, decoded = axes
    size = (0, front_end.columns, 0, front_end.rows)
    picture.imshow(values.T, origin="lower", cmap=front_end.cmap, extent=size, aspect="equal", interpolation="nearest")
    picture.set(title="as published", xlabel="pixels", ylabel="pixels")
    picture.grid(False)
    spectrogram(values, sr=front_end.sr, hop_length=front_end.sr / front_end.frame_rate, ax=decoded, title="as decoded")
    decoded.figure.colorbar(decoded.images[0], ax=decoded, format="%+.0f dB")
    return axes


def learning_curves(histories: Mapping[str, Sequence[pd.DataFrame]], column: str, *, ax: Axes) -> Axes:
    """Draw one column of histories over epochs, one colour per network: each run thin, their mean thick.

    `histories` maps a network's title to those of its runs; `column` names the training value, its validation twin
    ``val_<column>`` is drawn dashed.
    """
    for (title, runs), color in zip(histories.items(), PALETTE, strict=False):
        for key, line, part in ((column, "-", "training"), (f"val_{column}", "--", "validation")):
            for run in runs:
                ax.plot(run["epoch"], run[key], line, color=color, alpha=0.25, linewidth=1)
            mean = pd.concat(runs).groupby("epoch")[key].mean()
            ax.plot(mean.index, mean, line, color=color, linewidth=2, marker=".", label=f"{title}, {part}")
    ax.set(xlabel="epoch", ylabel=column)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def curve_ends(histories: Mapping[str, Sequence[pd.DataFrame]], column: str = "val_accuracy") -> str:
    """Where the curves end, as alternative text: the mean over the runs of each network."""
    what = column.replace("val_", "validation ").replace("_", " ")
    ends = [f"{title} {np.mean([run[column].iloc[-1] for run in some]):.2f}" for title, some in histories.items()]
    return f"Mean {what} at the end: {', '.join(ends)}."


def still_rising(histories: Mapping[str, Sequence[pd.DataFrame]], least: float = 0.01) -> str:
    """Whether training accuracy still rose in the last epoch, by `least` or more, as a sentence."""
    rises = {
        title: np.mean([run["accuracy"].iloc[-1] - run["accuracy"].iloc[-2] for run in some if len(run) > 1] or [0.0])
        for title, some in histories.items()
    }
    told = ", ".join(f"{title} {100 * rise:+.1f} points" for title, rise in rises.items())
    if max(rises.values(), default=0.0) >= least:
        return f"**The trainings have not converged**: in the last epoch training accuracy still changed by {told}."
    return f"In the last epoch training accuracy changed by {told}."


def confusion(counts: np.ndarray, labels: Sequence[str], *, ax: Axes, title: str = "") -> Axes:
    """Draw a confusion matrix: row = true class, column = predicted; a cell holds the count and percent of the row."""
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    cells = [f"{n}\n{100 * s:.0f}%" if n else "" for n, s in zip(counts.flat, share.flat, strict=True)]
    names = [*map(plain, labels)]
    sns.heatmap(
        share, annot=np.array(cells).reshape(counts.shape), fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False,
        square=True, linewidths=0.5, xticklabels=names, yticklabels=names, annot_kws={"fontsize": 9}, ax=ax,
    )  # fmt: skip
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.tick_params(axis="x", rotation=45)
    ax.tick_params(axis="y", rotation=0)
    return ax


def upwards(ax: Axes, names: Sequence[str], room: float = 0.4) -> np.ndarray:
    """Name the rows of a plot, the first on top, and return their positions."""
    positions = np.arange(len(names))[::-1]
    ax.set(yticks=positions, yticklabels=list(names), ylim=(-0.6, len(names) - room))
    return positions


def intervals(table: pd.DataFrame, *, ax: Axes, floor: float | None = None) -> Axes:
    """Draw one row per network: mean accuracy as a dot, its 95 % interval as a line; `floor` as a dotted line.

    `table` has the columns ``title, accuracy, low, high`` and, for the colour, ``kind``.
    """
    positions = upwards(ax, table["title"])
    for kind, color in zip(dict.fromkeys(table["kind"]), PALETTE, strict=False):
        rows = (table["kind"] == kind).to_numpy()
        ax.hlines(positions[rows], table["low"][rows], table["high"][rows], color=color, linewidth=3, alpha=0.6)
        ax.plot(table["accuracy"][rows], positions[rows], "o", color=color, markersize=8, label=kind)
    if floor is not None:
        ax.axvline(floor, color=INK, linestyle=":", linewidth=1.2, label="always the largest class")
    ax.set(xlabel="test accuracy", xlim=(0, max(0.6, float(table["high"].max()) + 0.05)))
    ax.legend(**_ABOVE, ncols=3)
    return ax


def changes(table: pd.DataFrame, *, ax: Axes, measured: str = "measured here") -> Axes:
    """Draw differences in percentage points: the paper's as a hollow diamond, ours as a dot with its interval.

    `table` is `bnet.audit.ablation.changes`; rows without a value get no mark. Left of the line is worse. The axis
    holds all marks; an interval may run off it, as one of two folds does, and has an arrow there.
    """
    positions = upwards(ax, table["title"])
    marks = table[["change", "paper_change"]].to_numpy(float)
    reach = 1.3 * max(10.0, np.nanmax(np.abs(marks), initial=0.0))
    ax.axvline(0, color=INK, linewidth=1)
    ax.hlines(positions + 0.12, table["low"], table["high"], color=PALETTE[0], linewidth=3, alpha=0.6)
    for edge, arrow, off in ((-reach, "<", table["low"] < -reach), (reach, ">", table["high"] > reach)):
        for at in positions[off.to_numpy()] + 0.12:
            ax.plot(edge, at, arrow, color=PALETTE[0], markersize=8, clip_on=False)
    ax.plot(table["change"], positions + 0.12, "o", color=PALETTE[0], markersize=8, label=measured)
    if table["paper_change"].notna().any():
        ax.plot(
            table["paper_change"], positions - 0.18, "D", markerfacecolor="white", markeredgecolor=PALETTE[3],
            markeredgewidth=1.8, markersize=7, label="the paper, GTZAN",
        )  # fmt: skip
    ax.set(xlabel="points of test accuracy", xlim=(-reach, reach))
    ax.legend(**_ABOVE, ncols=2)
    return ax


def contrasts(table: pd.DataFrame, words: tuple[str, str], *, ax: Axes, floor: float | None = None) -> Axes:
    """Draw one row per method: its accuracy under two conditions, joined by a line; `floor` as a dotted line.

    `table` has the columns ``title, one, other`` (in percent; one may be missing), `words` names the conditions.
    """
    positions = upwards(ax, table["title"], room=0.2)
    ax.hlines(positions, table["one"], table["other"], color=INK, linewidth=2, alpha=0.35)
    near = {"textcoords": "offset points"}
    for key, name, marker, color in zip(("one", "other"), words, "os", PALETTE, strict=False):
        ax.plot(table[key], positions, marker, color=color, markersize=9, label=name)
        beyond = table[key] - table["other" if key == "one" else "one"]  # of numbers that are near, which is where
        for x, y, side in zip(table[key], positions, beyond, strict=True):
            if np.isfinite(x):
                place = "center" if not abs(side) < 5 else "left" if side > 0 else "right"
                ax.annotate(f"{x:.0f}", (x, y), (0, 7), ha=place, fontsize=8, color=color, **near)
    if floor is not None:
        ax.axvline(floor, color=INK, linestyle=":", linewidth=1.2)
        ax.annotate("largest class", (floor, -0.5), (3, 0), fontsize=7, color=INK, **near)
    ax.set(xlim=(0, 100))
    legend = ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=9, handletextpad=0.3)
    legend.set_in_layout(False)
    return ax


def recalls(values: Mapping[str, np.ndarray], labels: Sequence[str], *, ax: Axes) -> Axes:
    """Draw recall per class: one dot per network and class; `values` maps a network's title to [shape=(classes,)]."""
    for (title, row), offset, color in zip(values.items(), shifts(len(values)), PALETTE, strict=False):
        ax.plot(np.asarray(row), np.arange(len(labels)) + offset, "o", color=color, markersize=7, label=title)
    ax.set(yticks=np.arange(len(labels)), xlabel="recall", xlim=(-0.03, 1.03))
    ax.set_yticklabels([*map(plain, labels)])
    ax.invert_yaxis()
    ax.legend(**_ABOVE, ncols=3)
    return ax
