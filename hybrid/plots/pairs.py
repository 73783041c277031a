"""Chart of shares of pairs with their intervals, against chance."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, INK, PANEL, SERIES, plain_axes, set_title, wrapped_names


@rc_context(FONTS)
def pair_chart(
    names: Sequence[str],
    shares: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    *,
    label: str,
    found: Sequence[bool] | None = None,
    title: str = "",
) -> Figure:
    """Draw shares of pairs, such as ROC AUCs, with their intervals and a line at chance.

    Parameters
    ----------
    names : sequence of str
        What is compared in the pairs, such as properties of images.
    shares : sequence of float
        Shares of pairs from 0 to 1, drawn as numbers of 100 pairs.
    intervals : sequence of (float, float) or None
        None if a share has no interval.
    label : str
        Label of the axis.
    found : sequence of bool, optional
        Whether each share differs from chance; those that do are drawn as filled points. By default all are filled.
    title : str, default=""

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = wrapped_names(names, 24)
    lines = sum(text.count("\n") + 1 for text in labels)
    figure = Figure(figsize=(PANEL, max(1.6, 0.9 + 0.16 * len(labels) + 0.17 * lines)), layout="constrained")
    axes = figure.subplots()
    for y, (share, interval) in enumerate(zip(shares, intervals, strict=True)):
        low, high = interval or (share, share)
        axes.plot([100 * low, 100 * high], [y, y], color=INK, linewidth=1.4)
        face = SERIES[0] if found is None or found[y] else "white"
        axes.plot([100 * share], [y], "o", markersize=7, markerfacecolor=face, markeredgecolor=SERIES[0])
    plain_axes(axes, label, "")
    axes.axvline(50, color=FAINT, linestyle="--", linewidth=1.2, zorder=0)
    axes.set_xlim(-2, 102)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    set_title(figure, title)
    return figure
