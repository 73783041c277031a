"""Learning curves of networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hybrid.plots.style import FONTS, GRID, INK, PANEL, SERIES, legend_below, set_title, wrapped
from hybrid.wording import short_names

PARTS = ("train", "validation")


@rc_context(FONTS)
def training_curves(
    histories: Mapping[str, Any],
    *,
    monitor: str = "val_loss",
    title: str = "",
    stacked: bool = False,
    parts: Sequence[str] = PARTS,
) -> Figure:
    """Draw loss and accuracy by epoch on train and validation, and mark the best epoch.

    Parameters
    ----------
    histories : mapping
        A Keras history (``{"loss": […], "val_loss": […], "accuracy": […], …}``), or several histories by name. The best
        epoch of each history is marked by a dot.
    monitor : str, default="val_loss"
        Metric that defines the best epoch. It is minimised if its name contains "loss" and maximised otherwise. No
        epoch of a history without this metric is marked.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.
    stacked : bool, default=False
        Whether accuracy is drawn below the loss instead of next to it.
    parts : sequence of {"train", "validation"}, default=("train", "validation")
        Splits whose curves are drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    several = all(isinstance(history, Mapping) for history in histories.values())
    runs: Mapping[str, Mapping[str, Sequence[float]]] = histories if several else {"": histories}
    runs = dict(zip(short_names(list(runs)), runs.values(), strict=True))
    panels = _metrics_to_draw(runs)
    below = 0.21 * (len(runs) * len(parts) + 1) if several else 0.0  # inches, for the legend
    size = (PANEL, 3 * len(panels) + below) if stacked else (10, 4 + below)
    figure = Figure(figsize=size, layout="constrained")
    shape = (len(panels), 1) if stacked else (1, len(panels))
    all_axes = figure.subplots(*shape, squeeze=False).ravel()
    for axes, key in zip(all_axes, panels, strict=True):
        for i, (name, run) in enumerate(runs.items()):
            _draw_curves(axes, run, key, name, SERIES[i % len(SERIES)], monitor, parts)
            if key in run or f"val_{key}" in run:
                _mark_best(axes, run, key, SERIES[i % len(SERIES)], monitor, numbered=not several)
        axes.set_xlabel("epoch")
        axes.set_ylabel(key.replace("_", " "), parse_math=False)
        axes.set_xlim(0.5, max(len(series) for run in runs.values() for series in run.values()) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(color=GRID)
        axes.spines[["top", "right"]].set_visible(False)
        if not several:
            _legend(axes)
    if several:
        legend_below(figure, all_axes[0])
    set_title(figure, title)
    return figure


def _metrics_to_draw(runs: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return the names of the metrics to draw: the loss and, if there is one, an accuracy."""
    keys = [key for run in runs.values() for key in run]
    accuracy = [key for key in keys if key.endswith("accuracy") and not key.startswith("val_")]
    return ["loss", *accuracy[:1]]


def _draw_curves(
    axes: Axes,
    run: Mapping[str, Sequence[float]],
    key: str,
    name: str,
    colour: str,
    monitor: str,
    parts: Sequence[str],
) -> None:
    for series, style, part in ((key, "--", PARTS[0]), (f"val_{key}", "-", PARTS[1])):
        if series not in run or part not in parts:
            continue
        epochs = np.arange(1, len(run[series]) + 1)
        label = wrapped(", ".join(filter(None, [name, part if len(parts) > 1 or not name else ""])), 40)
        axes.plot(epochs, run[series], style, color=colour, label=label, marker="." if len(epochs) < 3 else "")


def _mark_best(
    axes: Axes, run: Mapping[str, Sequence[float]], key: str, colour: str, monitor: str, numbered: bool
) -> None:
    """Mark the best epoch on the validation curve or, if there is none, on the training curve."""
    series = f"val_{key}" if f"val_{key}" in run else key
    scores = np.asarray(run.get(monitor, ()), dtype=float)
    if not np.isfinite(scores).any():
        return
    best = int(np.nanargmin(scores) if "loss" in monitor else np.nanargmax(scores))
    value = run[series][best]
    label = f"best epoch: {best + 1}" if numbered else None
    axes.plot(best + 1, value, "o", color=colour, markeredgecolor=INK, markersize=8, label=label, zorder=3)


def _legend(axes: Axes) -> None:
    if not axes.get_legend_handles_labels()[0]:
        return
    for text in axes.legend(fontsize=9, frameon=False).get_texts():
        text.set_parse_math(False)
