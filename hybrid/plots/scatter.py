"""Two-dimensional maps of embeddings, with one point per image."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, SERIES, legend_below, mark_style, panel, set_title, wrapped_names


@rc_context(FONTS)
def class_map(points: np.ndarray, codes: np.ndarray, names: Sequence[str], *, title: str = "") -> Figure:
    """Draw one point per image. Each class has its own colour and marker.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Coordinates of the images.
    codes : ndarray of int of shape (n,)
        Index into `names` of the class of each image, or -1 for all other classes.
    names : sequence of str
        Names of at most ten classes.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = wrapped_names(names, 20, lines=1)
    figure, axes = panel(["other classes", *labels], height=4.0)
    others = codes < 0
    if others.any():
        axes.plot(*points[others].T, ".", color=FAINT, markersize=3, label="other classes")
    for code, label in enumerate(labels):
        axes.plot(*points[codes == code].T, markersize=4, markeredgewidth=0, label=label, **mark_style(code))
    return _finish(figure, title)


@rc_context(FONTS)
def error_map(points: np.ndarray, wrong: np.ndarray, *, title: str = "") -> Figure:
    """Draw one point per image. Images that a model classified incorrectly are crosses.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Coordinates of the images.
    wrong : ndarray of bool of shape (n,)
        Whether the prediction for each image is wrong.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

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
