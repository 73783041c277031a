"""Charts of the scores of models with their confidence intervals, as bars or as points."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, GRID, INK, PANEL, SERIES, SKY, plain_axes, set_title, wrapped_names


@rc_context(FONTS)
def bar_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    *,
    label: str,
    title: str = "",
) -> Figure:
    """Draw one bar per model, with its confidence interval as a whisker and its values as text.

    Parameters
    ----------
    names : sequence of str
        Names of the models, drawn from top to bottom.
    values : sequence of float or None
        Scores of the models. None is drawn as the text "not defined".
    intervals : sequence of (float, float) or None
        Lower and upper limits of the confidence intervals. None if a score has no interval.
    label : str
        Name of the score, used as the label of the axis.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = wrapped_names(names, 34)
    lines = sum(text.count("\n") + 1 for text in labels)
    figure = Figure(figsize=(8, 1.3 + 0.25 * len(labels) + 0.2 * lines), layout="constrained")
    axes = figure.subplots()
    positions = range(len(labels))
    axes.barh(positions, [value or 0 for value in values], color=SKY, height=0.62)
    for y, value, interval in zip(positions, values, intervals, strict=True):
        _whisker(axes, y, value, interval)
    axes.set_yticks(positions, labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    limits = [0.0, *(v for v in values if v is not None), *(limit for i in intervals if i for limit in i)]
    axes.set_xlim(min(0, *limits) if min(limits) < 0 else 0, 1 if max(limits) <= 1 else max(limits) * 1.05)
    axes.set_xlabel(label, parse_math=False)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    set_title(figure, title)
    return figure


@rc_context(FONTS)
def interval_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    *,
    label: str,
    chosen: int | None = None,
    title: str = "",
) -> Figure:
    """Draw one point per model with its confidence interval.

    Unlike the axis of :func:`bar_chart`, this one need not start at 0, so small differences are visible.

    Parameters
    ----------
    names, values, intervals, label, title
        As in :func:`bar_chart`.
    chosen : int, optional
        Index of the model that is drawn as a filled diamond. By default no model is highlighted.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = wrapped_names(names, 24)
    lines = sum(text.count("\n") + 1 for text in labels)
    figure = Figure(figsize=(PANEL, max(2.0, 0.9 + 0.16 * len(labels) + 0.17 * lines)), layout="constrained")
    axes = figure.subplots()
    for y, (value, interval) in enumerate(zip(values, intervals, strict=True)):
        if value is None:
            axes.annotate("not defined", (0.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)
            continue
        axes.plot(interval or (value, value), [y, y], color=INK, linewidth=1.4)
        marker, face = ("D", SERIES[0]) if y == chosen else ("o", "none")
        axes.plot([value], [y], marker, markersize=7, markerfacecolor=face, markeredgecolor=SERIES[0])
    plain_axes(axes, label, "")
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    set_title(figure, title)
    return figure


def _whisker(axes: Axes, y: int, value: float | None, interval: tuple[float, float] | None) -> None:
    text = "not defined" if value is None else f"{value:.3f}"
    if value is not None and interval is not None:
        low, high = interval
        # A percentile interval may exclude the value, so the whisker does not start from it.
        axes.plot([low, high], [y, y], color="black", linewidth=1.4, solid_capstyle="butt")
        axes.plot([low, high], [y, y], color="black", linestyle="", marker="|", markersize=9, markeredgewidth=1.4)
        text += f"  ({low:.3f}–{high:.3f})"
    axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=10, annotation_clip=False)
