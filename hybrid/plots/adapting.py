"""Curves of scores against the number of labelled images of a new site."""

from collections.abc import Mapping, Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hybrid.plots.style import FONTS, INK, MARKS, legend_below, line_style, panel, plain_axes

Band = tuple[Sequence[int], Sequence[float], Sequence[float], Sequence[float]]


@rc_context(FONTS)
def adapting_curves(
    curves: Mapping[str, Band], *, label: str, plain: float | None = None, plain_label: str = "not adapted"
) -> Figure:
    """Draw scores against the number of labelled images, one curve for each method.

    Parameters
    ----------
    curves : mapping of str to (sizes, means, lows, highs)
        The numbers of images, and the mean, lowest and highest score for each, by the name of the method.
    label : str
        The score, for the vertical axis.
    plain : float, optional
        The score of the model as it is, which is drawn as a horizontal line.
    plain_label : str, default="not adapted"
        Its name in the legend.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panel([*curves, plain_label])
    if plain is not None:
        axes.axhline(plain, color=INK, linewidth=1, linestyle=":", label=plain_label)
    count = len(curves)
    sizes = sorted({size for numbers, *_ in curves.values() for size in numbers})
    for number, (name, (numbers, means, lows, highs)) in enumerate(curves.items()):
        shifted = [size * 1.035 ** (number - (count - 1) / 2) for size in numbers]  # so that ranges do not hide others
        style = line_style(number)
        errors = [
            [mean - low for mean, low in zip(means, lows, strict=True)],
            [high - mean for mean, high in zip(means, highs, strict=True)],
        ]
        axes.errorbar(
            shifted, means, errors, label=name, marker=MARKS[number % len(MARKS)], markersize=4, elinewidth=1, **style
        )
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    plain_axes(axes, "labelled images of the new site", label)
    legend_below(figure, axes)
    return figure
