"""Axes-level plots of records and of answers: each takes arrays or frames and an `ax`, draws, and returns the `ax`;
none reads a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from bnet.sound.log_mel import FeatureSettings
from bnet.sound.pictures import PictureSettings
from bnet.statistics import metrics

PALETTE = sns.color_palette("colorblind")
INK = "#222222"
ABOVE = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "frameon": False}
"""Options of a legend above its axes."""
_MARKERS = "osD^vP"


def style() -> None:
    """One look for all figures: white ground (it reads in dark mode too), colour-blind safe, vector-like sharp."""
    sns.set_theme(style="whitegrid", context="notebook", palette="colorblind")
    plt.rcParams.update({"figure.dpi": 110, "savefig.dpi": 110, "savefig.bbox": "tight", "figure.facecolor": "white"})


def plain(name: str) -> str:
    """A name that a user gave, as Matplotlib shows it as typed: dollar signs start no formula."""
    return name.replace("$", r"\$")


def looks(names: Iterable[str]) -> dict[str, tuple[Any, str]]:
    """Name of a series -> its colour and marker, the same on all axes of a page."""
    return {name: (PALETTE[i % len(PALETTE)], _MARKERS[i % len(_MARKERS)]) for i, name in enumerate(names)}


def _shifts(count: int, width: float) -> np.ndarray:
    """Offsets that keep the marks of `count` series apart within one row."""
    return np.linspace(-width, width, count) if count > 1 else np.zeros(1)


def dots(
    table: pd.DataFrame,
    x: str,
    y: str = "title",
    series: str = "",
    *,
    ax: Axes,
    look: Mapping[str, tuple[Any, str]] | None = None,
    width: float = 0.2,
) -> Axes:
    """Draw one row per value of the column `y`, the first on top, with a mark at `x` for each line of `table`.

    Where it has ``low`` and ``high``, a line is an interval; with ``clips``, the area of a mark is their number. Each
    value of the column `series` has its `look` and, within a row, its place, up to `width` off the middle.
    """
    names = list(dict.fromkeys(table[y]))
    parts = dict(iter(table.groupby(series, sort=False))) if series else {"": table}
    look, sized = look or looks(parts), "clips" in table and "low" not in table
    for (name, rows), shift in zip(parts.items(), _shifts(len(parts), width), strict=True):
        (colour, marker), at = look[name], rows[y].map(names.index) + shift
        if "low" in rows:
            ax.hlines(at, rows["low"], rows["high"], color=colour, linewidth=3, alpha=0.5)
        ax.scatter(rows[x], at, s=16 * rows["clips"] if sized else 64, marker=marker, color=colour, alpha=0.9,
                   linewidth=0, label=plain(name), zorder=3)  # fmt: skip
    ax.set(yticks=range(len(names)), ylim=(len(names) - 0.4, -0.6))
    ax.set_yticklabels([*map(plain, names)])
    return ax


def changes(
    table: pd.DataFrame, *, ax: Axes, measured: str = "measured here", printed: str = "the paper, GTZAN"
) -> Axes:
    """Draw differences in percentage points: the paper's as a hollow diamond, ours as a dot with its interval; the
    legend calls them `printed` and `measured`.

    `table` is `bnet.audit.ablation.changes`; rows without a value get no mark. Left of the line is worse. The axis
    holds all marks; an interval may run off it, as one of two folds does, and has an arrow there.
    """
    reach = 1.3 * max(10.0, np.nanmax(np.abs(table[["change", "paper_change"]].to_numpy(float)), initial=0.0))
    ax.axvline(0, color=INK, linewidth=1)
    dots(table.assign(series=measured), "change", series="series", ax=ax)
    rows = np.arange(len(table))
    for edge, arrow, off in ((-reach, "<", table["low"] < -reach), (reach, ">", table["high"] > reach)):
        for row in rows[off.to_numpy()]:
            ax.plot(edge, row, arrow, color=PALETTE[0], markersize=8, clip_on=False)
    if table["paper_change"].notna().any():
        ax.plot(table["paper_change"], rows + 0.25, "D", markerfacecolor="white", markeredgecolor=PALETTE[3],
                markeredgewidth=1.8, markersize=7, label=printed)  # fmt: skip
    ax.set(xlabel="points of test accuracy", xlim=(-reach, reach))
    ax.legend(**ABOVE, ncols=2)
    return ax


def contrasts(table: pd.DataFrame, words: tuple[str, str], *, ax: Axes, floor: float | None = None) -> Axes:
    """Draw one row per method: its accuracy under two conditions, joined by a line; `floor` as a dotted line.

    `table` has the columns ``title, one, other`` (in percent; one may be missing), `words` names the conditions.
    """
    ax.hlines(range(len(table)), table["one"], table["other"], color=INK, linewidth=2, alpha=0.35)
    long = table.rename(columns=dict(zip(("one", "other"), words, strict=True)))
    dots(long.melt("title", list(words), "when", "accuracy"), "accuracy", series="when", ax=ax, width=0)
    near = {"textcoords": "offset points"}
    for one, other, colour in (("one", "other", PALETTE[0]), ("other", "one", PALETTE[1])):
        beyond = table[one] - table[other]  # of numbers that are near, which is where
        for row, (x, side) in enumerate(zip(table[one], beyond, strict=True)):
            if np.isfinite(x):
                place = "center" if not abs(side) < 5 else "left" if side > 0 else "right"
                ax.annotate(f"{x:.0f}", (x, row), (0, 7), ha=place, fontsize=8, color=colour, **near)
    if floor is not None:
        ax.axvline(floor, color=INK, linestyle=":", linewidth=1.2)
        ax.annotate("largest class", (floor, len(table) - 0.5), (3, 0), fontsize=7, color=INK, **near)
    ax.set(xlim=(0, 100))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=9, handletextpad=0.3)
    return ax


def curves(table: pd.DataFrame, look: Mapping[str, tuple[Any, str]], *, ax: Axes, title: str = "") -> Axes:
    """Draw accuracy over the values of a probe: one line per network, 95 % intervals as bars, no change as a grey band.

    `table` is that of `probes.reading.accuracies`, with `unchanged`; along the axis are the values tried, not to scale.
    """
    first = table[table["title"] == table["title"].iloc[0]]
    same = int(first.loc[first["value"] == "unchanged", "at"].iloc[0])
    for (name, rows), shift in zip(
        table.groupby("title", sort=False), _shifts(table["title"].nunique(), 0.12), strict=True
    ):
        (colour, marker), x = look[name], rows["at"] + shift
        ax.vlines(x, rows["low"], rows["high"], color=colour, linewidth=1.5, alpha=0.45)
        ax.plot(x, rows["accuracy"], marker=marker, color=colour, markersize=5, linewidth=1.5, label=name)
    ax.axvspan(same - 0.35, same + 0.35, color="#000000", alpha=0.06, linewidth=0)
    ax.set(xticks=range(len(first)), ylim=(0, 1), ylabel="test accuracy", title=title, xlabel=first["unit"].iloc[0])
    ax.set_xticklabels(first["value"].replace("unchanged", "as is"))
    ax.grid(axis="x", visible=False)
    return ax


def reliability(answers: Mapping[str, tuple[np.ndarray, np.ndarray]], *, ax: Axes, bins: int = 10) -> Axes:
    """Draw how often networks are right against how sure they are, with their expected calibration errors; the area of
    a dot is its share of the clips. `answers` maps a title to true class indices and probabilities."""
    ax.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
    for (title, (truth, probabilities)), colour in zip(answers.items(), PALETTE, strict=False):
        table, error = (of(truth, probabilities, bins) for of in (metrics.reliability, metrics.calibration_error))
        ax.plot(table["confidence"], table["accuracy"], color=colour, linewidth=1)
        ax.scatter(table["confidence"], table["accuracy"], s=600 * table["clips"] / len(truth), color=colour, alpha=0.8,
                   label=f"{title}, error {100 * error:.1f} points")  # fmt: skip
    ax.set(xlabel="how sure the network is", ylabel="how often it is right", xlim=(0, 1.03), ylim=(-0.03, 1.03))
    ax.legend(**ABOVE, fontsize=9, markerscale=0.5)
    return ax


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


def confusion(counts: pd.DataFrame, *, ax: Axes, axis: int = 1) -> Axes:
    """Draw a table of counts, whose index and columns are named: a cell holds the count and its percentage of the row
    (`axis` 1) or of the column (0)."""
    total = counts.sum(axis=axis)
    share = counts.div(total.where(total > 0, 1), axis=1 - axis)
    cells = counts.astype(str) + (100 * share).map("\n{:.0f}%".format)
    names = {"xticklabels": [*map(plain, counts.columns)], "yticklabels": [*map(plain, counts.index)]}
    sns.heatmap(share, annot=cells.where(counts > 0, ""), fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False,
                linewidths=0.5, annot_kws={"fontsize": 9}, **names, ax=ax)  # fmt: skip
    ax.tick_params(axis="x", rotation=45 if len(counts.columns) > 5 else 0)
    ax.tick_params(axis="y", rotation=0)
    return ax


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


def look_at(log_mel: np.ndarray, clip: Mapping[str, Any], *, ax: Axes) -> Axes:
    """Draw a log-mel with frames around the four patches whose covering lowers the probability most.

    `clip` is one of `probes.reading.looks`. The thicker the line, the more it falls; patches that don't lower it get
    none.
    """
    front_end = FeatureSettings()
    second, n_mels = 1 / front_end.frame_rate, log_mel.shape[1]
    spectrogram(log_mel, sr=front_end.sr, hop_length=front_end.sr * second, ax=ax)
    centres = librosa.mel_frequencies(n_mels + 2, fmin=front_end.fmin, fmax=front_end.fmax)
    edges = (centres[:-1] + centres[1:]) / 2
    frames, bands, drop = [*clip["frames"], len(log_mel)], [*clip["bands"], n_mels], np.asarray(clip["drop"])
    for flat in np.argsort(-drop, axis=None, kind="stable")[:4]:
        i, j = np.unravel_index(flat, drop.shape)
        if drop[i, j] > 0:
            left, right = frames[i] * second, frames[i + 1] * second
            corner, width = (left, edges[bands[j]]), 0.6 + 2.4 * drop[i, j] / drop.max()
            height = edges[bands[j + 1]] - edges[bands[j]]
            ax.add_patch(plt.Rectangle(corner, right - left, height, fill=False, color="#7df9ff", linewidth=width))
    return ax
