"""A figure that shows augmented images."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, set_title, wrapped

CELL = 1.3  # inches


@rc_context(FONTS)
def augmentation_grid(rows: Sequence[tuple[str, Sequence[np.ndarray]]], *, title: str = "") -> Figure:
    """Draw images next to their augmented versions.

    Parameters
    ----------
    rows : sequence of (str, sequence of ndarray)
        Name and images of each row. Each image is a uint8 array of shape (height, width, 1) or (height, width, 3).
        The first one is the original. All rows have the same number of images.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

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
