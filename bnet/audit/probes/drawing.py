"""Axes-level plots of probes: each takes a table of `bnet.audit.probes.reading` and an `ax`, draws, and returns the
`ax`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bnet.audit.plots import INK, PALETTE, spectrogram
from bnet.sound.front_end import FrontEnd
from bnet.sound.log_mel import FeatureSettings

_MARKERS = "osD^vP"


def colours(titles: list[str]) -> dict[str, Any]:
    """Title -> colour and marker, the same on all axes of a page."""
    return {title: (PALETTE[i % len(PALETTE)], _MARKERS[i % len(_MARKERS)]) for i, title in enumerate(titles)}


def curves(table: pd.DataFrame, look: Mapping[str, Any], *, ax: Axes, title: str = "") -> Axes:
    """Draw accuracy over the values of a probe: one line a network, 95 % intervals as bars, no change as a grey band.

    `table` is that of `reading.with_unchanged`; steps along the axis are the values tried, not to scale.
    """
    first = table[table["title"] == table["title"].iloc[0]]
    ticks = ["as is" if value == "unchanged" else value for value in first["value"]]
    shifts = np.linspace(-0.12, 0.12, table["title"].nunique()) if table["title"].nunique() > 1 else [0.0]
    for (name, rows), shift in zip(table.groupby("title", sort=False), shifts, strict=True):
        colour, marker = look[name]
        x = rows["at"].to_numpy() + shift
        ax.vlines(x, rows["low"], rows["high"], color=colour, linewidth=1.5, alpha=0.45)
        ax.plot(x, rows["accuracy"], marker=marker, color=colour, markersize=5, linewidth=1.5, label=name)
    same = int(first.loc[first["value"] == "unchanged", "at"].iloc[0])
    ax.axvspan(same - 0.35, same + 0.35, color="#000000", alpha=0.06, linewidth=0)
    ax.set(xticks=range(len(ticks)), ylim=(0, 1), ylabel="test accuracy", title=title)
    ax.set_xticklabels(ticks)
    ax.set_xlabel(first["unit"].iloc[0])
    ax.grid(axis="x", visible=False)
    return ax


def changes(table: pd.DataFrame, look: Mapping[str, Any], *, ax: Axes, title: str = "") -> Axes:
    """Draw the change of accuracy for each value of a probe, one row per value, one dot with interval a network."""
    values = list(dict.fromkeys(table["value"]))
    names = list(dict.fromkeys(table["title"]))
    shifts = np.linspace(-0.15, 0.15, len(names)) if len(names) > 1 else [0.0]
    for name, shift in zip(names, shifts, strict=True):
        rows = table[table["title"] == name]
        y = np.array([values.index(value) for value in rows["value"]]) + shift
        colour, marker = look[name]
        ax.hlines(y, 100 * rows["change_low"], 100 * rows["change_high"], color=colour, linewidth=2, alpha=0.5)
        ax.plot(100 * rows["change"], y, linestyle="", marker=marker, color=colour, markersize=6, label=name)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set(yticks=range(len(values)), xlabel="change of test accuracy, points", title=title)
    ax.set_yticklabels([value.replace("_", ", ") for value in values])
    ax.set_ylim(len(values) - 0.5, -0.5)
    return ax


def look_at(
    log_mel: np.ndarray,
    clip: Mapping[str, Any],
    *,
    ax: Axes,
    title: str = "",
    top: int = 4,
    front_end: FrontEnd | None = None,
) -> Axes:
    """Draw a log-mel with frames around the `top` patches whose covering lowers the probability most.

    `clip` is one of `reading.looks`. The thicker the line, the more it falls; patches that don't lower it get none.
    `front_end` made the log-mel; None: the paper's.
    """
    front_end = front_end or FeatureSettings()
    second = 1 / front_end.frame_rate
    spectrogram(log_mel, sr=front_end.sr, hop_length=front_end.sr * second, ax=ax, title=title)
    edges = _mel_edges(front_end, log_mel.shape[1])
    frames = [*clip["frames"], len(log_mel)]
    bands = [*clip["bands"], log_mel.shape[1]]
    drop = np.asarray(clip["drop"])
    most = max(float(drop.max()), 1e-9)
    for flat in np.argsort(-drop, axis=None, kind="stable")[:top]:
        i, j = np.unravel_index(flat, drop.shape)
        if drop[i, j] <= 0:
            break
        left, right = frames[i] * second, frames[i + 1] * second
        low, high = edges[bands[j]], edges[bands[j + 1]]
        width = 0.6 + 2.4 * drop[i, j] / most
        ax.plot([left, right, right, left, left], [low, low, high, high, low], color="#7df9ff", linewidth=width)
    return ax


def _mel_edges(front_end: FrontEnd, n_mels: int) -> np.ndarray:
    """Frequencies between mel bands, in Hz [shape=(n_mels + 1,)]."""
    import librosa

    centres = librosa.mel_frequencies(n_mels + 2, fmin=front_end.fmin, fmax=front_end.fmax)
    return (centres[:-1] + centres[1:]) / 2
