"""Axes-level plots of what trained networks answer to changed or foreign clips: each takes a table of
`bnet.audit.probes.reading` or `bnet.audit.outside.reading` and an `ax`, draws, and returns the `ax`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import librosa
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bnet.audit.plots import INK, PALETTE, shifts, spectrogram
from bnet.sound.log_mel import FeatureSettings

_MARKERS = "osD^vP"
_ASIDE = {"loc": "lower right", "bbox_to_anchor": (1.02, 1.0), "frameon": False, "fontsize": 9}


def colours(titles: list[str]) -> dict[str, Any]:
    """Title -> colour and marker, the same on all axes of a page."""
    return {title: (PALETTE[i % len(PALETTE)], _MARKERS[i % len(_MARKERS)]) for i, title in enumerate(titles)}


def curves(table: pd.DataFrame, look: Mapping[str, Any], *, ax: Axes, title: str = "") -> Axes:
    """Draw accuracy over the values of a probe: one line per network, 95 % intervals as bars, no change as a grey band.

    `table` is that of `probes.reading.accuracies`, with `unchanged`; along the axis are the values tried, not to scale.
    """
    first = table[table["title"] == table["title"].iloc[0]]
    same = int(first.loc[first["value"] == "unchanged", "at"].iloc[0])
    apart = shifts(table["title"].nunique(), 0.12)
    for (name, rows), shift in zip(table.groupby("title", sort=False), apart, strict=True):
        colour, marker = look[name]
        x = rows["at"].to_numpy() + shift
        ax.vlines(x, rows["low"], rows["high"], color=colour, linewidth=1.5, alpha=0.45)
        ax.plot(x, rows["accuracy"], marker=marker, color=colour, markersize=5, linewidth=1.5, label=name)
    ax.axvspan(same - 0.35, same + 0.35, color="#000000", alpha=0.06, linewidth=0)
    ax.set(xticks=range(len(first)), ylim=(0, 1), ylabel="test accuracy", title=title)
    ax.set_xticklabels(first["value"].replace("unchanged", "as is"))
    ax.set_xlabel(first["unit"].iloc[0])
    ax.grid(axis="x", visible=False)
    return ax


def _downwards(ax: Axes, names: list[str], **kwargs: Any) -> None:
    """Name the rows of a plot, the first on top, at 0, 1, ..."""
    ax.set(yticks=range(len(names)))
    ax.set_yticklabels(names, **kwargs)
    ax.set_ylim(len(names) - 0.5, -0.5)


def changes(table: pd.DataFrame, look: Mapping[str, Any], *, ax: Axes, title: str = "") -> Axes:
    """Draw the change of accuracy for each value of a probe: one row per value, one dot with interval per network."""
    values, names = (list(dict.fromkeys(table[key])) for key in ("value", "title"))
    for name, shift in zip(names, shifts(len(names), 0.15), strict=True):
        rows = table[table["title"] == name]
        y = np.array([values.index(value) for value in rows["value"]]) + shift
        colour, marker = look[name]
        ax.hlines(y, 100 * rows["change_low"], 100 * rows["change_high"], color=colour, linewidth=2, alpha=0.5)
        ax.plot(100 * rows["change"], y, linestyle="", marker=marker, color=colour, markersize=6, label=name)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set(xlabel="change of test accuracy, points", title=title)
    _downwards(ax, [value.replace("_", ", ") for value in values])
    return ax


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
    most = max(float(drop.max()), 1e-9)
    for flat in np.argsort(-drop, axis=None, kind="stable")[:4]:
        i, j = np.unravel_index(flat, drop.shape)
        if drop[i, j] <= 0:
            break
        left, right = frames[i] * second, frames[i + 1] * second
        low, high = edges[bands[j]], edges[bands[j + 1]]
        width = 0.6 + 2.4 * drop[i, j] / most
        ax.plot([left, right, right, left, left], [low, low, high, high, low], color="#7df9ff", linewidth=width)
    return ax


def confusion(counts: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw what songs of each genre are named: a column per genre, a row per class; the colour is the share of songs.

    `counts` is `outside.reading.confusion`: a row per genre.
    """
    share = counts.div(counts.sum(axis=1), axis=0)
    text = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        share.T, annot=text.T, fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False, linewidths=0.5,
        annot_kws={"fontsize": 10}, ax=ax,
    )  # fmt: skip
    ax.set(xlabel="genre of the song", ylabel="named by the network")
    ax.tick_params(rotation=0, labelsize=10)
    return ax


def recalls(tables: Mapping[str, pd.DataFrame], *, ax: Axes) -> Axes:
    """Draw recall with its interval: a row per genre and reading, a dot per network; `tables` maps a network's title to
    `outside.reading.recalls`. Genres without a class have no row."""
    rows = {title: table[table["right"].notna() & ~table["counts"].isin(["strictly", "widely"])]
            for title, table in tables.items()}  # fmt: skip
    words = {
        title: [genre if genre == counts else f"{genre},\ncalled {counts}" for genre, counts in table.to_numpy()[:, :2]]
        for title, table in rows.items()
    }
    names = list(dict.fromkeys(name for some in words.values() for name in some))
    for title, shift, marker, colour in zip(rows, shifts(len(rows)), _MARKERS, PALETTE, strict=False):
        y, table = np.array([names.index(name) for name in words[title]]) + shift, rows[title]
        ax.hlines(y, table["low"], table["high"], color=colour, linewidth=3, alpha=0.5)
        ax.plot(table["recall"], y, marker, linestyle="", color=colour, markersize=7, label=title)
    ax.set(xlabel="share of the songs of that genre", xlim=(-0.03, 1.03))
    _downwards(ax, names, fontsize=10)
    ax.legend(**_ASIDE)
    return ax


def reliability(tables: Mapping[str, pd.DataFrame], *, ax: Axes) -> Axes:
    """Draw how often a network is right against how sure it is: the area of a dot is its number of songs; `tables` maps
    a network's title to `bnet.statistics.metrics.reliability`."""
    ax.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
    for (title, table), colour in zip(tables.items(), PALETTE, strict=False):
        ax.plot(table["confidence"], table["accuracy"], color=colour, linewidth=1)
        ax.scatter(table["confidence"], table["accuracy"], s=6 * table["clips"], color=colour, alpha=0.8, label=title)
    ax.set(xlabel="probability of the named class", ylabel="share named rightly", xlim=(0, 1.03), ylim=(-0.03, 1.03))
    ax.legend(**_ASIDE, markerscale=0.6)
    return ax


def named_over(table: pd.DataFrame, order: list[str], *, ax: Axes, xlabel: str, title: str = "") -> Axes:
    """Draw the class named against a quantity: a row per class, and within it a row per series.

    `table` has one row per clip: ``x``, ``named`` (the class) and ``series``; the area of a mark is the number of clips
    there. `order` has the classes from top to bottom; those that are never named are left out.
    """
    shown = [name for name in order if name in set(table["named"])]
    series = list(dict.fromkeys(table["series"]))
    for name, shift, marker, colour in zip(series, shifts(len(series)), _MARKERS, PALETTE, strict=False):
        counts = table[table["series"] == name].groupby(["x", "named"]).size().reset_index(name="clips")
        y = np.array([shown.index(said) for said in counts["named"]]) + shift
        ax.scatter(
            counts["x"], y, s=16 * counts["clips"], marker=marker, color=colour, label=name, alpha=0.8, linewidth=0
        )
    ax.set(xlabel=xlabel, title=title)
    _downwards(ax, shown, fontsize=10)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return ax
