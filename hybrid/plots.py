"""Pictures of results: bars with intervals, confusion matrices, training curves.

Drawn through Matplotlib's object interface, so that no window system and no global state is needed. Names
come from strangers' files: they are shown as they are, never parsed as formulas.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

# Okabe and Ito's palette, told apart with every common colour blindness.
SKY = "#56B4E9"
CURVE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", SKY, "#E69F00", "#000000")
# Names in other scripts fall back on whichever of these the machine has.
FALLBACK_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "Hiragino Sans", "Arial Unicode MS")
FONTS: Any = {"font.family": ["DejaVu Sans", *(font for font in FALLBACK_FONTS if font in get_font_names())]}
MAX_CLASSES_WITH_NUMBERS = 20
MAX_CLASS_NAMES = 120
MAX_PIXELS = 8000
INCHES_PER_LETTER = 0.09
CELLS = ("true\npositive", "false\nnegative", "false\npositive", "true\nnegative")


@rc_context(FONTS)
def bar_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    *,
    label: str,
    title: str = "",
) -> Figure:
    """Draw one bar a model, with its interval as a whisker and its numbers beside it.

    Parameters
    ----------
    names : sequence of str
        Names of the models, best first; drawn from the top.
    values : sequence of float or None
        Their scores; None is written as "not defined".
    intervals : sequence of (float, float) or None
        Low and high ends.
    label : str
        Name of the score, for the axis.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = [_wrapped(name, 34) for name in names]
    lines = sum(text.count("\n") + 1 for text in labels)
    figure = Figure(figsize=(8, 1.3 + 0.25 * len(labels) + 0.2 * lines), layout="constrained")
    axes = figure.subplots()
    place = range(len(labels))
    axes.barh(place, [value or 0 for value in values], color=SKY, height=0.62)
    for y, value, interval in zip(place, values, intervals, strict=True):
        _whisker(axes, y, value, interval)
    axes.set_yticks(place, labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    ends = [0.0, *(v for v in values if v is not None), *(end for i in intervals if i for end in i)]
    axes.set_xlim(min(0, *ends) if min(ends) < 0 else 0, 1 if max(ends) <= 1 else max(ends) * 1.05)
    axes.set_xlabel(label, parse_math=False)
    axes.grid(axis="x", color="#DDDDDD")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    _title(figure, title)
    return figure


@rc_context(FONTS)
def confusion_matrices(
    models: Sequence[str], confusions: Sequence[np.ndarray], classes: Sequence, *, title: str = ""
) -> Figure:
    """Draw one confusion matrix a model: counts and the per cent of the row, which gives the colour.

    Parameters
    ----------
    models : sequence of str
        Names of the models.
    confusions : sequence of ndarray of int
        Their counts: (k, k), rows true; or, multi-label, (k, 2, 2), drawn as one row a label.
    classes : sequence of length k
        Names of the classes or labels.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [_wrapped(label, 18, lines=2 if len(classes) <= MAX_CLASSES_WITH_NUMBERS else 1) for label in classes]
    columns = min(len(confusions), 3)
    rows = -(-len(confusions) // columns)
    multilabel = confusions[0].ndim == 3
    margin = 0.4 + INCHES_PER_LETTER * _longest(names)
    inner = 3.4 if multilabel else min(max(2.6, 0.62 * len(names)), 12)
    width, height = margin + inner, max(2.4, 0.9 + (0.5 if multilabel else margin) + min(0.5 * len(names), 11))
    figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for panel, (model, counts) in zip(axes, zip(models, confusions, strict=True), strict=False):
        _matrix(panel, counts, names, inner)
        panel.set_title(_wrapped(model, int(inner / INCHES_PER_LETTER)), fontsize=10, parse_math=False)
    for panel in axes[len(confusions) :]:
        panel.set_axis_off()
    _title(figure, title)
    return figure


@rc_context(FONTS)
def training_curves(histories: Mapping[str, Any], *, monitor: str = "val_loss", title: str = "") -> Figure:
    """Draw loss and accuracy by epoch for train and validation, the best epoch marked.

    Parameters
    ----------
    histories : mapping
        A Keras history (``{"loss": […], "val_loss": […], "accuracy": […], …}``), or several of them by name.
    monitor : str, default="val_loss"
        What the best epoch is judged by: the lowest of a loss, the highest of anything else. Where a
        history lacks it, no epoch is marked.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    several = all(isinstance(history, Mapping) for history in histories.values())
    runs: Mapping[str, Mapping[str, Sequence[float]]] = histories if several else {"": histories}
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = _panels(runs)
    for axes, key in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for i, (name, run) in enumerate(runs.items()):
            _curves(axes, run, key, name, CURVE_COLOURS[i % len(CURVE_COLOURS)], monitor)
        axes.set_xlabel("epoch")
        axes.set_ylabel(key.replace("_", " "), parse_math=False)
        axes.set_xlim(0.5, max(len(series) for run in runs.values() for series in run.values()) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(color="#DDDDDD")
        axes.spines[["top", "right"]].set_visible(False)
        _legend(axes)
    _title(figure, title)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure in the format of the path's suffix; the file appears whole or not at all.

    It has 150 dots an inch, fewer where a side would be longer than 8000.

    Returns
    -------
    Path
        `path`, its folder made if need be.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        figure.savefig(part, dpi=min(150, MAX_PIXELS / max(figure.get_size_inches())))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _whisker(axes: Axes, y: int, value: float | None, interval: tuple[float, float] | None) -> None:
    text = "not defined" if value is None else f"{value:.3f}"
    if value is not None and interval is not None:
        low, high = interval
        # A percentile interval need not hold the value, so the whisker is drawn from end to end.
        axes.plot([low, high], [y, y], color="black", linewidth=1.4, solid_capstyle="butt")
        axes.plot([low, high], [y, y], color="black", linestyle="", marker="|", markersize=9, markeredgewidth=1.4)
        text += f"  ({low:.3f}–{high:.3f})"
    axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=10, annotation_clip=False)


def _matrix(axes: Axes, counts: np.ndarray, names: list[str], inner: float) -> None:
    """Draw one matrix on axes about `inner` inches wide."""
    multilabel = counts.ndim == 3
    if multilabel:
        positives, negatives = counts[:, 1, ::-1], counts[:, 0, ::-1]
        cells, share = np.hstack([positives, negatives]), np.hstack([_shares(positives), _shares(negatives)])
        axes.axvline(1.5, color="white", linewidth=6)
    else:
        cells, share = counts, _shares(counts)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name_cells(axes, names, CELLS if multilabel else names, inner)
    axes.set_xlabel("% of images with | without the label" if multilabel else "predicted (% of the true class)")
    axes.set_ylabel("label" if multilabel else "true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= MAX_CLASSES_WITH_NUMBERS:
        _numbers(axes, cells, share)


def _name_cells(axes: Axes, names: list[str], across: Sequence[str], inner: float) -> None:
    size = min(9.0, 600 / len(names))
    every = -(-len(names) // MAX_CLASS_NAMES)
    axes.set_yticks(range(0, len(names), every), names[::every], fontsize=max(size, 5), parse_math=False)
    every = -(-len(across) // MAX_CLASS_NAMES)
    fits = _longest(across) * INCHES_PER_LETTER < inner / len(across)
    places = range(0, len(across), every)
    axes.set_xticks(places, across[::every], fontsize=max(size, 5), parse_math=False, rotation=0 if fits else 90)


def _numbers(axes: Axes, cells: np.ndarray, share: np.ndarray) -> None:
    for (i, j), count in np.ndenumerate(cells):
        text = f"{count}\n{_per_cent(float(share[i, j]))}" if count else "0"
        colour = "white" if share[i, j] > 0.7 else "black"
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)


def _per_cent(share: float) -> str:
    """Return a share as text that is 0% or 100% only where that is exact."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _panels(runs: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return the series to draw: the loss, and whatever the accuracy is called."""
    keys = [key for run in runs.values() for key in run]
    accuracy = [key for key in keys if key.endswith("accuracy") and not key.startswith("val_")]
    return ["loss", *accuracy[:1]]


def _curves(axes: Axes, run: Mapping[str, Sequence[float]], key: str, name: str, colour: str, monitor: str) -> None:
    for series, style, part in ((key, "--", "train"), (f"val_{key}", "-", "validation")):
        if series not in run:
            continue
        epochs = np.arange(1, len(run[series]) + 1)
        label = _wrapped(f"{name}, {part}" if name else part, 40)
        axes.plot(epochs, run[series], style, color=colour, label=label, marker="." if len(epochs) < 3 else "")
        if part == "validation" or f"val_{key}" not in run:
            _mark_best(axes, run, series, colour, monitor)


def _mark_best(axes: Axes, run: Mapping[str, Sequence[float]], series: str, colour: str, monitor: str) -> None:
    watched = np.asarray(run.get(monitor, ()), dtype=float)
    if not np.isfinite(watched).any():
        return
    best = int(np.nanargmin(watched) if "loss" in monitor else np.nanargmax(watched))
    value = run[series][best]
    label = f"best epoch: {best + 1}"
    axes.plot(best + 1, value, "o", color=colour, markeredgecolor="black", markersize=8, label=label, zorder=3)


def _legend(axes: Axes) -> None:
    if not axes.get_legend_handles_labels()[0]:
        return
    for text in axes.legend(fontsize=9, frameon=False).get_texts():
        text.set_parse_math(False)


def _title(figure: Figure, title: str) -> None:
    if title:
        text: Text = figure.suptitle(_wrapped(title, int(figure.get_figwidth() * 10)), fontsize=12)
        text.set_parse_math(False)


def _wrapped(name: object, width: int, lines: int = 3) -> str:
    """Return a name on at most `lines` lines, broken after spaces and signs; the rest is an ellipsis."""
    text = "".join(c if c.isprintable() else " " for c in str(name)).strip() or " "
    rows = [""]
    for word in re.findall(rf"[^ _/:+,-]{{1,{width - 1}}}[ _/:+,-]?|[ _/:+,-]", text):
        if rows[-1] and len(rows[-1] + word.rstrip()) > width:
            rows.append("")
        rows[-1] += word
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1][: width - 1].rstrip() + "…"]
    return "\n".join(row.strip() for row in rows)


def _longest(names: Sequence[str]) -> int:
    return max(len(line) for name in names for line in name.split("\n"))
