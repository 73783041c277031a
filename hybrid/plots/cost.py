"""A chart of the scores of models against their cost."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hybrid.plots.style import FAINT, FONTS, legend_below, mark_style, panel, plain_axes, set_title, wrapped_names

_LOG_SCALE_FROM = 5  # ratio of the largest to the smallest cost
_MOST_NAMED = 8  # models; of more, only those that matter have a colour
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
    chosen: int | None = None,
    lower_is_better: bool = False,
) -> Figure:
    """Draw the score of each model, with its confidence interval, against its cost.

    The cost axis is logarithmic if the largest cost is more than 5 times the smallest. Of more than 8 models, only the
    chosen one and those that no cheaper model surpasses have a colour and a name.

    Parameters
    ----------
    names : sequence of str
        Names of the models.
    values : sequence of float or None
        Scores of the models. A model whose score is None is left out.
    intervals : sequence of (float, float) or None
        Lower and upper limits of the confidence intervals. None if a score has no interval.
    costs : sequence of float or None
        Costs of the models, such as seconds or bytes. A model whose cost is None or 0 is left out.
    label, cost : str
        Labels of the score axis and the cost axis.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.
    chosen : int, optional
        Index of the chosen model, which always has a colour and a name.
    lower_is_better : bool, default=False
        Whether lower scores are better.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = wrapped_names(names, 46, lines=2)
    named = set(range(len(labels)))
    if len(labels) > _MOST_NAMED:
        named = {*_unsurpassed(values, costs, lower_is_better), *([] if chosen is None else [chosen])}
    others = [number for number in range(len(labels)) if number not in named and values[number] is not None]
    figure, axes = panel([labels[number] for number in sorted(named)] + ["other models"] * bool(others))
    for number, (name, value, interval, x) in enumerate(zip(labels, values, intervals, costs, strict=True)):
        if value is None or not x or number not in named:
            continue
        style = mark_style(number)
        if interval:
            axes.plot([x, x], interval, color=style["color"], linewidth=1.2)
        axes.plot([x], [value], markersize=8, label=name, **style)
    if points := [(costs[number], values[number]) for number in others if costs[number]]:
        axes.plot(*zip(*points, strict=True), "o", markersize=5, color=FAINT, label="other models", zorder=1)
    plain_axes(axes, cost, label)
    axes.margins(x=0.12)
    drawn = [x for value, x in zip(values, costs, strict=True) if value is not None and x]
    if drawn and max(drawn) > _LOG_SCALE_FROM * min(drawn):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    legend_below(figure, axes)
    set_title(figure, title)
    return figure


def _unsurpassed(values: Sequence[float | None], costs: Sequence[float | None], lower_is_better: bool) -> list[int]:
    """Return the models that are better than every cheaper one."""
    sign = -1 if lower_is_better else 1
    known = [
        (x, -sign * value, n) for n, (value, x) in enumerate(zip(values, costs, strict=True)) if x and value is not None
    ]
    found, best = [], float("inf")
    for _, loss, number in sorted(known):
        if loss < best:
            found.append(number)
            best = loss
    return found
