"""Axes-level plots of music from outside: each takes a table of `bnet.audit.outside.reading` and an `ax`, draws, and
returns the `ax`. Narrow enough for a phone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bnet.audit.plots import INK, PALETTE

_MARKERS = "osD^vP"


def confusion(counts: pd.DataFrame, *, ax: Axes, title: str = "") -> Axes:
    """Draw what songs of each genre are named: a column per genre, a row per class; the colour is the share of songs.

    `counts` is `reading.confusion`: a row per genre.
    """
    share = counts.div(counts.sum(axis=1), axis=0)
    text = counts.astype(str).where(counts > 0, "")
    sns.heatmap(
        share.T, annot=text.T, fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False, linewidths=0.5,
        annot_kws={"fontsize": 10}, ax=ax,
    )  # fmt: skip
    ax.set(xlabel="genre of the song", ylabel="named by the network", title=title)
    ax.tick_params(axis="x", rotation=0, labelsize=10)
    ax.tick_params(axis="y", rotation=0, labelsize=10)
    return ax


def recalls(tables: Mapping[str, pd.DataFrame], *, ax: Axes) -> Axes:
    """Draw recall with its interval: a row per genre and reading, a dot per network; `tables` maps a network's title to
    `reading.recalls`. Genres without a class have no row."""
    names = list(dict.fromkeys(name for table in tables.values() for name in _told(table)["name"]))
    shifts = np.linspace(-0.2, 0.2, len(tables)) if len(tables) > 1 else [0.0]
    for (title, table), shift, marker, colour in zip(tables.items(), shifts, _MARKERS, PALETTE, strict=False):
        told = _told(table)
        y = np.array([names.index(name) for name in told["name"]]) + shift
        ax.hlines(y, told["low"], told["high"], color=colour, linewidth=3, alpha=0.5)
        ax.plot(told["recall"], y, marker, linestyle="", color=colour, markersize=7, label=title)
    ax.set(yticks=range(len(names)), xlabel="share of the songs of that genre", xlim=(-0.03, 1.03))
    ax.set_yticklabels(names, fontsize=10)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.legend(loc="lower right", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=9)
    return ax


def _told(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[table["right"].notna() & ~table["counts"].isin(["strictly", "widely"])]
    words = [
        f"{genre},\ncalled {counts}" if genre != counts else genre
        for genre, counts in zip(rows["genre"], rows["counts"], strict=True)
    ]
    return rows.assign(name=words)


def reliability(tables: Mapping[str, pd.DataFrame], *, ax: Axes) -> Axes:
    """Draw how often a network is right against how sure it is: the area of a dot is its number of songs; `tables` maps
    a network's title to `bnet.statistics.metrics.reliability`."""
    ax.plot([0, 1], [0, 1], ":", color=INK, linewidth=1)
    for (title, table), colour in zip(tables.items(), PALETTE, strict=False):
        ax.plot(table["confidence"], table["accuracy"], color=colour, linewidth=1)
        ax.scatter(table["confidence"], table["accuracy"], s=6 * table["clips"], color=colour, alpha=0.8, label=title)
    ax.set(xlabel="probability of the named class", ylabel="share named rightly", xlim=(0, 1.03), ylim=(-0.03, 1.03))
    ax.legend(loc="lower right", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=9, markerscale=0.6)
    return ax


def named_over(table: pd.DataFrame, order: list[str], *, ax: Axes, xlabel: str, title: str = "") -> Axes:
    """Draw the class named against a quantity: a row per class, and within it a row per series.

    Parameters
    ----------
    table
        One row per clip: ``x``, ``named`` (the class) and ``series``. The area of a mark is the number of clips there.
    order
        Classes from top to bottom; those that are never named are left out.
    """
    shown = [name for name in order if name in set(table["named"])]
    series = list(dict.fromkeys(table["series"]))
    shifts = np.linspace(-0.2, 0.2, len(series)) if len(series) > 1 else [0.0]
    for name, shift, marker, colour in zip(series, shifts, _MARKERS, PALETTE, strict=False):
        counts = table[table["series"] == name].groupby(["x", "named"]).size().reset_index(name="clips")
        y = np.array([shown.index(said) for said in counts["named"]]) + shift
        ax.scatter(
            counts["x"], y, s=16 * counts["clips"], marker=marker, color=colour, label=name, alpha=0.8, linewidth=0
        )
    ax.set(yticks=range(len(shown)), xlabel=xlabel, title=title)
    ax.set_yticklabels(shown, fontsize=10)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return ax
