"""A score against the strength of corruptions, a panel for each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, PANEL, line_style, plain_axes, set_title, wrapped

_LABEL = 28  # letters in a line of an axis
_COLUMNS = 2
_WIDTH = 1.25 * PANEL


@dataclass(frozen=True)
class StressLine:
    """The scores of one panel, from the weakest strength to the strongest.

    Attributes
    ----------
    strengths : sequence of str
        The strengths as text.
    values : sequence of (float or None)
        The scores; None where one is not defined.
    intervals : sequence of ((float, float) or None)
        Their intervals.
    """

    strengths: Sequence[str]
    values: Sequence[float | None]
    intervals: Sequence[tuple[float, float] | None]


@rc_context(FONTS)
def stress_chart(
    lines: Mapping[str, StressLine],
    *,
    label: str,
    clean: float | None,
    clean_interval: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw a score against the strength of each kind of corruption, with intervals.

    Parameters
    ----------
    lines : mapping of str to StressLine
        The scores of each panel, by the label of its horizontal axis.
    label : str
        Title of the score.
    clean : float or None
        The score on unchanged images, which is the first point of each panel and a dotted line.
    clean_interval : (float, float), optional
        Its interval.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = -(-len(lines) // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, 2.1 * rows), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    style = line_style(0)
    for axes, (name, line) in zip(grid.flat, lines.items(), strict=False):
        values, ends = [clean, *line.values], [clean_interval, *line.intervals]
        known = [number for number, value in enumerate(values) if value is not None]
        plain_axes(axes, wrapped(name, _LABEL), label if axes.get_subplotspec().is_first_col() else "")
        if clean is not None:
            axes.axhline(clean, color=FAINT, linewidth=1, linestyle=":")
        axes.plot(known, [values[number] for number in known], color=style["color"], marker="o", markersize=4)
        for number in known:
            if (bounds := ends[number]) is not None:
                axes.plot([number, number], bounds, color=style["color"], linewidth=1.5, alpha=0.6)
        axes.set_xticks(range(len(values)), ["none", *line.strengths])
    for axes in grid.flat[len(lines) :]:
        axes.set_axis_off()
    set_title(figure, title)
    return figure
