"""Figures as files."""

import os
from pathlib import Path

from matplotlib.figure import Figure

MAX_PIXELS = 8000


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure in the format of the path's suffix; the file appears whole or not at all.

    It has 150 dots an inch, fewer where a side would be longer than 8000.

    Returns
    -------
    Path
        `path`, its folder made if need be.
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
