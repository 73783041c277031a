"""Charts of comparisons of models: differences from a reference, and groups of models that cannot be told apart."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, GRID, INK, PANEL, SERIES, plain_axes, wrapped_names

Interval = tuple[float, float] | None
_LETTERS_OF_NAME = 24


@rc_context(FONTS)
def difference_chart(
    names: Sequence[str],
    differences: Sequence[float | None],
    intervals: Sequence[Interval],
    adjusted: Sequence[Interval],
    distinguishable: Sequence[bool],
    *,
    label: str,
    margin: float | None = None,
) -> Figure:
    """Draw the difference of each model from a reference with its interval, as a forest plot.

    Parameters
    ----------
    names : sequence of str
        Names of the models, drawn from top to bottom.
    differences : sequence of float or None
        The score of each model minus that of the reference. None is drawn as the text "not defined".
    intervals : sequence of (float, float) or None
        Intervals of the single differences, drawn as thick lines.
    adjusted : sequence of (float, float) or None
        Intervals that are corrected for the number of tests, drawn as thin lines.
    distinguishable : sequence of bool
        Whether each model differs significantly from the reference, which fills its marker.
    label : str
        Label of the axis.
    margin : float, optional
        Where a dotted line shows the margin of a non-inferiority test. By default there is none.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _rows(names)
    axes.axvline(0, color=INK, linewidth=1)
    if margin is not None:
        axes.axvline(margin, color=SERIES[1], linewidth=1.4, linestyle=(0, (2, 1.5)))
    for y, difference in enumerate(differences):
        if difference is None:
            axes.annotate("not defined", (0.02, y), xycoords=("axes fraction", "data"), va="center", fontsize=9)
            continue
        colour = SERIES[0] if distinguishable[y] else FAINT
        axes.plot(adjusted[y] or intervals[y] or (difference, difference), [y, y], color=colour, linewidth=1.2)
        axes.plot(intervals[y] or (difference, difference), [y, y], color=colour, linewidth=3.2)
        face = SERIES[0] if distinguishable[y] else "#ffffff"
        axes.plot([difference], [y], "D", markersize=6, markerfacecolor=face, markeredgecolor=colour)
    _finish(axes, names, label)
    return figure


@rc_context(FONTS)
def group_chart(
    names: Sequence[str],
    values: Sequence[float | None],
    groups: Sequence[Sequence[int]],
    *,
    label: str,
    chosen: int | None = None,
) -> Figure:
    """Draw one point per model with its score, and beside them a bar for each group that cannot be told apart.

    It is a critical-difference diagram that also holds where a group is interrupted: on its bar, a dot marks each
    model of the group.

    Parameters
    ----------
    names : sequence of str
        Names of the models, drawn from top to bottom.
    values : sequence of float or None
        Scores of the models.
    groups : sequence of sequence of int
        The rows of the models of each group.
    label : str
        Name of the score, used as the label of the axis.
    chosen : int, optional
        Index of the model that is drawn as a filled diamond. By default no model is highlighted.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _rows(names)
    for y, value in enumerate(values):
        if value is not None:
            marker, face = ("D", SERIES[0]) if y == chosen else ("o", "none")
            axes.plot([value], [y], marker, markersize=7, markerfacecolor=face, markeredgecolor=SERIES[0])
    _finish(axes, names, label)
    axes.grid(axis="y", color=GRID)
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    step = 0.07 * (high - low)
    for column, rows in enumerate(groups, start=1):
        x = high + column * step
        axes.plot([x, x], [min(rows), max(rows)], color=INK, linewidth=1.2)
        axes.plot([x] * len(rows), list(rows), "s", markersize=5, color=INK)
    axes.set_xlim(low, high + (len(groups) + 0.7) * step)
    axes.set_xticks([tick for tick in axes.get_xticks() if low <= tick <= high])
    axes.axvline(high, color=FAINT, linewidth=0.8)
    return figure


def _rows(names: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure that fits the screen of a phone, with a row for each name."""
    lines = sum(name.count("\n") + 1 for name in wrapped_names(names, _LETTERS_OF_NAME))
    figure = Figure(figsize=(PANEL, max(1.7, 0.9 + 0.12 * len(names) + 0.17 * lines)), layout="constrained")
    return figure, figure.subplots()


def _finish(axes: Axes, names: Sequence[str], label: str) -> None:
    plain_axes(axes, label, "")
    axes.set_yticks(range(len(names)), wrapped_names(names, _LETTERS_OF_NAME), parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
