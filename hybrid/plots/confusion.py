"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, INCHES_PER_LETTER, longest, set_title, wrapped_names

MAX_CLASSES_WITH_NUMBERS = 20
MAX_CLASS_NAMES = 120
# From transparent to blue, so that cells with low shares have the colour of the page, light or dark.
HEAT = LinearSegmentedColormap.from_list("heat", [(0.03, 0.34, 0.6, 0.0), (0.03, 0.34, 0.6, 1.0)])
CELLS = ("true\npositive", "false\nnegative", "false\npositive", "true\nnegative")


@rc_context(FONTS)
def confusion_matrices(
    models: Sequence[str], confusions: Sequence[np.ndarray], classes: Sequence, *, title: str = ""
) -> Figure:
    """Draw one confusion matrix per model.

    Each cell shows the count and its percentage of the row, which also sets the colour.

    Parameters
    ----------
    models : sequence of str
        Names of the models.
    confusions : sequence of ndarray of int
        Confusion matrices of the models: of shape (n_classes, n_classes) with the true classes as rows or, for a
        multi-label task, of shape (n_labels, 2, 2), drawn as one row per label.
    classes : sequence of length n_classes or n_labels
        Names of the classes or labels.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = wrapped_names(classes, 18, lines=2 if len(classes) <= MAX_CLASSES_WITH_NUMBERS else 1)
    columns = min(len(confusions), 3)
    rows = -(-len(confusions) // columns)
    multilabel = confusions[0].ndim == 3
    margin = 0.4 + INCHES_PER_LETTER * longest(names)
    inner = 3.4 if multilabel else min(max(2.6, 0.62 * len(names)), 12)
    width, height = margin + inner, max(2.4, 0.9 + (0.5 if multilabel else margin) + min(0.5 * len(names), 11))
    figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    titles = wrapped_names(models, int(inner / INCHES_PER_LETTER))
    for panel, (model, counts) in zip(axes, zip(titles, confusions, strict=True), strict=False):
        _matrix(panel, counts, names, inner)
        panel.set_title(model, fontsize=10, parse_math=False)
    for panel in axes[len(confusions) :]:
        panel.set_axis_off()
    set_title(figure, title)
    return figure


def _matrix(axes: Axes, counts: np.ndarray, names: list[str], inner: float) -> None:
    """Draw one confusion matrix on axes that are about `inner` inches wide."""
    multilabel = counts.ndim == 3
    if multilabel:
        positives, negatives = counts[:, 1, ::-1], counts[:, 0, ::-1]
        cells, share = np.hstack([positives, negatives]), np.hstack([_shares(positives), _shares(negatives)])
        axes.axvline(1.5, color="white", linewidth=6)
    else:
        cells, share = counts, _shares(counts)
    axes.imshow(share, cmap=HEAT, vmin=0, vmax=1, aspect="auto")
    _label_axes(axes, names, CELLS if multilabel else names, inner)
    axes.set_xlabel("% of images with | without the label" if multilabel else "predicted (% of the true class)")
    axes.set_ylabel("label" if multilabel else "true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= MAX_CLASSES_WITH_NUMBERS:
        _write_counts(axes, cells, share)


def _label_axes(axes: Axes, names: list[str], columns: Sequence[str], inner: float) -> None:
    size = min(9.0, 600 / len(names))
    step = -(-len(names) // MAX_CLASS_NAMES)
    axes.set_yticks(range(0, len(names), step), names[::step], fontsize=max(size, 5), parse_math=False)
    step = -(-len(columns) // MAX_CLASS_NAMES)
    fits = longest(columns) * INCHES_PER_LETTER < inner / len(columns)
    positions = range(0, len(columns), step)
    axes.set_xticks(positions, columns[::step], fontsize=max(size, 5), parse_math=False, rotation=0 if fits else 90)


def _write_counts(axes: Axes, cells: np.ndarray, share: np.ndarray) -> None:
    for (i, j), count in np.ndenumerate(cells):
        text = f"{count}\n{_per_cent(float(share[i, j]))}" if count else "0"
        colour = "white" if share[i, j] > 0.8 else "black"
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)


def _per_cent(share: float) -> str:
    """Return a share as a percentage. The text is 0% or 100% only where that is exact."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
