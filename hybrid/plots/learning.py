"""Scores against the number of training images, and widths of intervals against the number of test images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from hybrid.plots.style import (
    FAINT,
    FONTS,
    SERIES,
    legend_below,
    line_style,
    panel,
    plain_axes,
    set_title,
    wrapped_names,
)

Band = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
_LETTERS = 46


@rc_context(FONTS)
def learning_curve_chart(
    sizes: np.ndarray,
    scores: np.ndarray,
    fitted: Band | None,
    *,
    label: str,
    now: float,
    band: str = "90% band",
    title: str = "",
) -> Figure:
    """Draw the scores of repeats against the number of training images, with the fitted curve and its band.

    Parameters
    ----------
    sizes : ndarray of shape (m,)
        Numbers of training images.
    scores : ndarray of shape (repeats, m)
        The score of each repeat at each size.
    fitted : tuple of ndarray of shape (points,), or None
        Numbers of images, the fitted curve, and the lower and upper end of its band. None draws no curve.
    label : str
        Name of the score.
    now : float
        Number of all training images; beyond it, the curve is extrapolated and dashed.
    band : str, default="90% band"
        Name of the band in the legend.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panel(["mean", "repeats", "fitted", band], height=3.6)
    x = np.broadcast_to(sizes, scores.shape)
    axes.plot(x.ravel(), scores.ravel(), ".", color=FAINT, markersize=3, label="repeats")
    axes.plot(sizes, scores.mean(axis=0), "o", color=SERIES[0], markersize=5, label="mean of the repeats")
    if fitted is not None:
        n, value, low, high = fitted
        known = n <= now
        axes.plot(n[known], value[known], color=SERIES[0], linewidth=1.5, label="fitted curve")
        axes.plot(n[n >= now], value[n >= now], color=SERIES[0], linewidth=1.5, linestyle=(0, (5, 2)))
        for number, end in enumerate((low, high)):
            axes.plot(n, end, color=SERIES[1], linewidth=0.9, label="" if number else band)
    axes.axvline(now, color=FAINT, linewidth=1, linestyle=":")
    _images_axis(axes)
    plain_axes(axes, "training images", label)
    legend_below(figure, axes)
    set_title(figure, title)
    return figure


@rc_context(FONTS)
def interval_width_chart(images: np.ndarray, widths: Mapping[str, np.ndarray], *, title: str = "") -> Figure:
    """Draw the width of the interval of each score against the number of test images.

    Parameters
    ----------
    images : ndarray of shape (m,)
        Numbers of test images.
    widths : mapping of str to ndarray of shape (m,)
        Widths by the name of the score.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = wrapped_names(widths, _LETTERS, lines=2)
    figure, axes = panel(names, height=3.4)
    for number, (name, width) in enumerate(zip(names, widths.values(), strict=True)):
        axes.plot(images, width, marker=".", linewidth=1.5, label=name, **line_style(number))
    _images_axis(axes)
    axes.set_ylim(bottom=0)
    plain_axes(axes, "test images", "width of the interval")
    legend_below(figure, axes)
    set_title(figure, title)
    return figure


def _images_axis(axes: Axes) -> None:
    """Show numbers of images on the scale of logarithms, written out."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    steps = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    axes.set_xticks([step for step in steps if low <= step <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(_written))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _written(value: float, _: Any) -> str:
    return f"{value:,.0f}"
