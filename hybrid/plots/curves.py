"""Curves of several models in the unit square: ROC, precision against recall, reliability."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, GRID, legend_below, line_style, panel, plain_axes, set_title, wrapped

Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]
CORNER = 0.2
_LETTERS = 46


@rc_context(FONTS)
def roc_curves(curves: Curves, *, title: str = "") -> Figure:
    """Draw ROC curves, a line a model.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        False and true positive rates, by the model's name.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _square(curves, "false positive rate (1 − specificity)", "true positive rate (recall)", title)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":", label="chance")
    _enlarge(axes, (0.0, 1.0), (0.4, 0.08))
    legend_below(figure, axes)
    return figure


@rc_context(FONTS)
def precision_recall_curves(curves: Curves, *, prevalence: float | None = None, title: str = "") -> Figure:
    """Draw precision against recall, a line a model.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        Recall and precision, by the model's name.
    prevalence : float, optional
        Share of positives: the precision of chance, drawn as a line.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _square(curves, "recall", "precision", title, drawstyle="steps-pre")
    _enlarge(axes, (1.0, 1.0), (0.12, 0.3))
    if prevalence is not None:
        axes.axhline(prevalence, color=FAINT, linewidth=1, linestyle=":", label=f"chance ({prevalence:.2f})")
    legend_below(figure, axes)
    return figure


@rc_context(FONTS)
def reliability_curves(curves: Curves, *, event: str, title: str = "") -> Figure:
    """Draw how often the predicted event came true against its predicted probability, a line a model.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        Mean probability and share of images in each bin, by the model's name.
    event : str
        What is predicted, for the axis, such as ``"positive"``.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _square(curves, "predicted probability", f"share that is {event}", title, marker=".")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":", label="perfectly calibrated")
    legend_below(figure, axes)
    return figure


def _enlarge(axes: Axes, corner: tuple[float, float], place: tuple[float, float]) -> None:
    """Draw a corner again, larger and where there is nothing else, if all curves pass through it and not by it."""
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("chance")]
    edge = abs(corner[0] - CORNER)
    if (
        not lines
        or min(np.interp(edge, x, y) for x, y in (np.asarray(line.get_data()) for line in lines)) < 1 - CORNER / 2
    ):
        return
    inset = axes.inset_axes((*place, 0.5, 0.5))
    for line in lines:
        style = {key: getattr(line, f"get_{key}")() for key in ("color", "linestyle", "linewidth", "drawstyle")}
        inset.plot(*line.get_data(), **style)
    margin = CORNER / 40
    inset.set_xlim(*sorted((edge, corner[0] + (margin if corner[0] else -margin))))
    inset.set_ylim(1 - CORNER, 1 + margin)
    inset.grid(color=GRID)
    inset.tick_params(labelsize=8)
    inset.set_title("the corner, enlarged", fontsize=8)


def _square(curves: Curves, xlabel: str, ylabel: str, title: str, **style: Any) -> tuple[Figure, Axes]:
    names = [wrapped(name, _LETTERS, lines=2) for name in curves]
    figure, axes = panel([*names, "perfectly calibrated"], height=4.2)
    for number, (name, (x, y)) in enumerate(zip(names, curves.values(), strict=True)):
        axes.plot(x, y, label=name, linewidth=1.5, **line_style(number), **style)
    plain_axes(axes, xlabel, ylabel)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_box_aspect(1)
    set_title(figure, title)
    return figure, axes
