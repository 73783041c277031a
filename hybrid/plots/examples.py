"""A grid of example images in named rows."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FONTS, set_title, wrapped

CELL = 1.6  # inches

Captioned = tuple[str, str, np.ndarray]


@rc_context(FONTS)
def example_grid(rows: Sequence[tuple[str, Sequence[Captioned]]], *, title: str = "") -> Figure:
    """Draw rows of images, each image with its name and a remark below it.

    Parameters
    ----------
    rows : sequence of (str, sequence of (str, str, ndarray))
        Name and images of each row. Each image is a tuple of its name, a remark and its pixels: a uint8 array of shape
        (height, width) or (height, width, 3). Images and rows may differ in size and length.
    title : str, default=""
        Title of the figure. No title is drawn if it is empty.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = max(len(images) for _, images in rows)
    figure = Figure(figsize=(CELL * (columns + 1), (CELL + 0.6) * len(rows) + 0.5), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for panels, (name, images) in zip(grid, rows, strict=True):
        panels[0].set_ylabel(wrapped(name, 18, 5), rotation=0, ha="right", va="center", fontsize=9, parse_math=False)
        for panel in panels[len(images) :]:
            panel.set_visible(False)
        for panel, (image_name, remark, image) in zip(panels, images, strict=False):
            panel.imshow(image, cmap="gray", vmin=0, vmax=255)
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_xlabel(f"{wrapped(image_name, 24)}\n{wrapped(remark, 24, 2)}", fontsize=7, parse_math=False)
    set_title(figure, title)
    return figure
