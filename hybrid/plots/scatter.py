"""Maps of embeddings: one point an image."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, SERIES, legend_below, mark_style, panel, set_title, wrapped


@rc_context(FONTS)
def class_map(points: np.ndarray, codes: np.ndarray, names: Sequence[str], *, title: str = "") -> Figure:
    """Draw points, each class with its own colour and mark.

    Parameters
    ----------
    points : ndarray, (n, 2)
    codes : ndarray of int, (n,)
        Which of `names` a point is; -1 for all other classes.
    names : sequence of str
        At most ten.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = [wrapped(name, 20, lines=1) for name in names]
    figure, axes = panel(["other classes", *labels], height=4.0)
    others = codes < 0
    if others.any():
        axes.plot(*points[others].T, ".", color=FAINT, markersize=3, label="other classes")
    for code, label in enumerate(labels):
        axes.plot(*points[codes == code].T, markersize=4, markeredgewidth=0, label=label, **mark_style(code))
    return _finish(figure, title)


@rc_context(FONTS)
def error_map(points: np.ndarray, wrong: np.ndarray, *, title: str = "") -> Figure:
    """Draw points, those that a model got wrong as crosses.

    Parameters
    ----------
    points : ndarray, (n, 2)
    wrong : ndarray of bool, (n,)
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panel(["right", "wrong"], height=4.0)
    axes.plot(*points[~wrong].T, ".", color=FAINT, markersize=3, label=f"right ({(~wrong).sum()})")
    axes.plot(*points[wrong].T, "x", color=SERIES[1], markersize=6, label=f"wrong ({wrong.sum()})")
    return _finish(figure, title)


def _finish(figure: Figure, title: str) -> Figure:
    axes = figure.axes[0]
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", "datalim")
    legend_below(figure, axes)
    set_title(figure, title)
    return figure
