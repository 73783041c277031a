"""A chart of the number of images of each class in each split."""

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, SERIES, legend_below, plain_axes, set_title, wrapped_names

_HATCHES = ("", "////", "....")


@rc_context(FONTS)
def class_counts(counts: Mapping[str, Mapping[str, int]], *, title: str = "") -> Figure:
    """Draw one bar per class, stacked by split, with the numbers of images as text.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        Number of images by split and class, as returned by `Dataset.counts_by_split`.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    classes = list(next(iter(counts.values())))
    labels = wrapped_names(classes, 34)
    lines = sum(text.count("\n") + 1 for text in labels)
    figure = Figure(figsize=(8, 1.6 + 0.2 * len(labels) + 0.2 * lines), layout="constrained")
    axes = figure.subplots()
    start = np.zeros(len(classes))
    for number, (split, of_class) in enumerate(counts.items()):
        width = np.array([of_class[name] for name in classes], float)
        axes.barh(
            range(len(classes)), width, left=start, height=0.66, label=split,
            color=SERIES[number], hatch=_HATCHES[number % len(_HATCHES)], edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        start += width
    for y, name in enumerate(classes):
        parts = [f"{of_class[name]:,}" for of_class in counts.values()]
        text = f"{start[y]:,.0f}" + (f"  ({' + '.join(parts)})" if len(parts) > 1 else "")
        axes.annotate(text, (1.02, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
    plain_axes(axes, "images", "")
    axes.set_yticks(range(len(classes)), labels, parse_math=False)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, max(start.max(), 1) * 1.02)
    legend_below(figure, axes)
    set_title(figure, title)
    return figure
