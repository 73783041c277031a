"""Decision curves of several models."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, FONTS, INK, legend_below, line_style, panel, plain_axes, set_title, wrapped_names

if TYPE_CHECKING:
    from hybrid.evaluation import DecisionCurve

_LETTERS = 46


@rc_context(FONTS)
def decision_curves(
    curves: "Mapping[str, DecisionCurve]",
    *,
    band: str = "",
    own: Mapping[str, tuple[float, float]] | None = None,
    numbers: Mapping[str, int] | None = None,
    title: str = "",
) -> Figure:
    """Draw the net benefit of models against treating all and treating none.

    Parameters
    ----------
    curves : mapping of str to DecisionCurve
        Decision curves of one class on the same images, by model name.
    band : str, default=""
        Name of the model whose intervals are drawn as a band. By default none.
    own : mapping of str to (float, float), optional
        Each model's own threshold and its net benefit there, which are drawn as a dot.
    numbers : mapping of str to int, optional
        Number of each model, which decides its colour and line style in all figures. By default, it is the position.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = wrapped_names(curves, _LETTERS, lines=2)
    figure, axes = panel([*names, "treat all", "treat none"], height=3.8)
    first = next(iter(curves.values()))
    axes.plot(first.thresholds, first.treat_all, color=INK, linewidth=1, linestyle=(0, (5, 2)), label="treat all")
    axes.axhline(0, color=FAINT, linewidth=1, linestyle=":", label="treat none")
    for position, (label, (name, curve)) in enumerate(zip(names, curves.items(), strict=True)):
        style = line_style(numbers[name] if numbers else position)
        if name == band:
            for ends in (curve.low, curve.high):
                axes.plot(curve.thresholds, ends, color=style["color"], linewidth=0.7)
        axes.plot(curve.thresholds, curve.net_benefit, label=label, linewidth=1.5, **style)
        if own and name in own:
            axes.plot(*own[name], "o", color=style["color"], markersize=6)
    plain_axes(axes, "threshold probability", "net benefit")
    top = max(first.prevalence, *(float(np.nanmax(curve.net_benefit)) for curve in curves.values()))
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.25 * top, 1.1 * top)
    legend_below(figure, axes)
    set_title(figure, title)
    return figure
