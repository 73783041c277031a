"""Scores against what they cost."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hybrid.plots.style import FONTS, legend_below, mark_style, panel, plain_axes, set_title, wrapped

_LOG_FROM = 5  # a ratio of costs
Interval = tuple[float, float] | None


@rc_context(FONTS)
def cost_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    intervals: Sequence[Interval],
    costs: Sequence[float | None],
    *,
    label: str,
    cost: str,
    title: str = "",
) -> Figure:
    """Draw one point a model: its score, with its interval, over its cost; logarithmic where costs differ much.

    Parameters
    ----------
    names : sequence of str
        Names of the models.
    values : sequence of float or None
        Their scores; a model without one is left out.
    intervals : sequence of (float, float) or None
        Low and high ends.
    costs : sequence of float or None
        Above 0; a model without one is left out.
    label, cost : str
        Names of the two axes.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = [wrapped(name, 46, lines=2) for name in names]
    figure, axes = panel(labels)
    for number, (name, value, interval, x) in enumerate(zip(labels, values, intervals, costs, strict=True)):
        if value is None or not x:
            continue
        style = mark_style(number)
        if interval:
            axes.plot([x, x], interval, color=style["color"], linewidth=1.2)
        axes.plot([x], [value], markersize=8, label=name, **style)
    plain_axes(axes, cost, label)
    axes.margins(x=0.12)
    drawn = [x for value, x in zip(values, costs, strict=True) if value is not None and x]
    if drawn and max(drawn) > _LOG_FROM * min(drawn):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    legend_below(figure, axes)
    set_title(figure, title)
    return figure
