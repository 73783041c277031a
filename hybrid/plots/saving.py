"""Write figures to files."""

import io
import os
from pathlib import Path
from typing import BinaryIO

from matplotlib.figure import Figure

from hybrid.files import write_output
from hybrid.plots.style import visible_svg

MAX_PIXELS = 8000  # of the longer side


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file.

    The resolution is 150 dots per inch, or less if the longer side would exceed 8000 pixels. An existing file
    is replaced only when the new one is complete; a link stays a link, and a device or pipe is written into.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
        File to write. Its suffix sets the format, such as ``.png`` or ``.svg``. Missing folders are created.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    target = Path(path)
    dpi = min(150, MAX_PIXELS / max(figure.get_size_inches()))
    kind = target.suffix[1:].lower() or "png"

    def draw(file: BinaryIO) -> None:
        if kind != "svg":
            figure.savefig(file, format=kind, dpi=dpi)
            return
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=dpi)
        file.write(visible_svg(buffer.getvalue().decode()).encode())

    write_output(target, draw)
    return target
