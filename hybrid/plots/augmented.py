"""The picture of what augmentation does to images."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, set_title, wrapped

CELL = 1.3  # inches


@rc_context(FONTS)
def augmentation_grid(rows: Sequence[tuple[str, Sequence[np.ndarray]]], *, title: str = "") -> Figure:
    """Draw images beside what augmentation makes of them.

    Parameters
    ----------
    rows : sequence of (str, sequence of ndarray)
        A row's name and its images, uint8, (h, w, 1 or 3): the original first. All rows are of one length.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = len(rows[0][1])
    figure = Figure(figsize=(CELL * (columns + 1.2), CELL * len(rows) + 0.7), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for panels, (name, images) in zip(grid, rows, strict=True):
        panels[0].set_ylabel(wrapped(name, 16), rotation=0, ha="right", va="center", fontsize=9, parse_math=False)
        for panel, image in zip(panels, images, strict=True):
            panel.imshow(image.squeeze() if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
            panel.set_xticks([])
            panel.set_yticks([])
    grid[0][0].set_title("original", fontsize=9)
    set_title(figure, title)
    return figure
