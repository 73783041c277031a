"""ROC, precision-recall and reliability curves of several models."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, GRID, legend_below, line_style, panel, plain_axes, set_title, wrapped_names

Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]
Numbers = Mapping[str, int] | None
CORNER = 0.2  # side of the enlarged corner, in units of the axes
_LETTERS = 46


@rc_context(FONTS)
def roc_curves(curves: Curves, *, numbers: Numbers = None, title: str = "") -> Figure:
    """Draw one ROC curve per model.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        False positive rates and true positive rates by model name.
    numbers : mapping of str to int, optional
        Number of each model, which decides its colour and line style in all figures. By default, it is the position.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _unit_square(
        curves, "false positive rate (1 − specificity)", "true positive rate (recall)", numbers, title
    )
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":", label="chance")
    _enlarge(axes, (0.0, 1.0), (0.4, 0.08))
    legend_below(figure, axes)
    return figure


@rc_context(FONTS)
def precision_recall_curves(
    curves: Curves, *, prevalence: float | None = None, numbers: Numbers = None, title: str = ""
) -> Figure:
    """Draw one precision-recall curve per model.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        Recall and precision by model name.
    prevalence : float, optional
        Share of positive images. It is drawn as a line, since it is the precision of random guessing.
    numbers : mapping of str to int, optional
        Number of each model, which decides its colour and line style in all figures. By default, it is the position.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _unit_square(curves, "recall", "precision", numbers, title, drawstyle="steps-pre")
    _enlarge(axes, (1.0, 1.0), (0.12, 0.3))
    if prevalence is not None:
        axes.axhline(prevalence, color=FAINT, linewidth=1, linestyle=":", label=f"chance ({prevalence:.2f})")
    legend_below(figure, axes)
    return figure


@rc_context(FONTS)
def reliability_curves(curves: Curves, *, event: str, numbers: Numbers = None, title: str = "") -> Figure:
    """Draw one reliability curve per model: the observed frequency of an event against its predicted probability.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        Mean predicted probability and observed share of the event in each bin, by model name.
    event : str
        The predicted event, such as ``"positive"``, used in the label of the axis.
    numbers : mapping of str to int, optional
        Number of each model, which decides its colour and line style in all figures. By default, it is the position.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _unit_square(curves, "predicted probability", f"share that is {event}", numbers, title, marker=".")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=":", label="perfectly calibrated")
    legend_below(figure, axes)
    return figure


def _enlarge(axes: Axes, corner: tuple[float, float], position: tuple[float, float]) -> None:
    """Draw an enlarged corner as an inset with its lower left at `position`, if all curves pass through that corner."""
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("chance")]
    edge = abs(corner[0] - CORNER)
    if (
        not lines
        or min(np.interp(edge, x, y) for x, y in (np.asarray(line.get_data()) for line in lines)) < 1 - CORNER / 2
    ):
        return
    inset = axes.inset_axes((*position, 0.5, 0.5))
    for line in lines:
        style = {key: getattr(line, f"get_{key}")() for key in ("color", "linestyle", "linewidth", "drawstyle")}
        inset.plot(*line.get_data(), **style)
    margin = CORNER / 40
    inset.set_xlim(*sorted((edge, corner[0] + (margin if corner[0] else -margin))))
    inset.set_ylim(1 - CORNER, 1 + margin)
    inset.grid(color=GRID)
    inset.tick_params(labelsize=8)
    inset.set_title("the corner, enlarged", fontsize=8)


def _unit_square(
    curves: Curves, xlabel: str, ylabel: str, numbers: Numbers, title: str, **style: Any
) -> tuple[Figure, Axes]:
    names = wrapped_names(curves, _LETTERS, lines=2)
    figure, axes = panel([*names, "perfectly calibrated"], height=4.2)
    for position, (label, (name, (x, y))) in enumerate(zip(names, curves.items(), strict=True)):
        number = numbers[name] if numbers else position
        axes.plot(x, y, label=label, linewidth=1.5, **line_style(number), **style)
    plain_axes(axes, xlabel, ylabel)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_box_aspect(1)
    set_title(figure, title)
    return figure, axes
