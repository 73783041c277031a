"""Write figures to files."""

import os
from pathlib import Path

from matplotlib.figure import Figure

MAX_PIXELS = 8000  # of the longer side


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file.

    The resolution is 150 dots per inch, or less if the longer side would exceed 8000 pixels. An existing file
    is replaced only when the new one is complete.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
        File to write. Its suffix sets the format, such as ``.png`` or ``.svg``. Missing folders are created.

    Returns
    -------
    Path
        The written file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        figure.savefig(part, dpi=min(150, MAX_PIXELS / max(figure.get_size_inches())))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
