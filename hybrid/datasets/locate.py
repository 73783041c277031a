"""The files that a manifest's rows mean."""
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH120, PTH122
# Strings, not Paths: a Path for each row of a long table is slow.

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.datasets.scan import list_folder


@dataclass
class Located:
    """Where a manifest's files are: `paths` holds None for a row without a file."""

    root: str
    paths: list[str | None]
    unnamed: list[str]


def locate(names: Sequence[str], roots: Sequence[str]) -> Located:
    """Return the file of each name, below the one of several folders in which most are found.

    A name may lack its suffix ("ISIC_0024306" means "ISIC_0024306.jpg"). Only folders in which a
    named file is looked for are read, and the images in them that no name means are `unnamed`.

    Parameters
    ----------
    names : sequence of str, (n,)
        Absolute paths, or paths below a root; with "/" or a backslash.
    roots : sequence of str
        Folders to try; of equals the first.
    """
    best: Located | None = None
    for root in roots:
        found = _locate_below(os.path.abspath(root), names)
        if best is None or best.paths.count(None) > found.paths.count(None):
            best = found
        if None not in best.paths:
            break
    assert best is not None
    return best


def _locate_below(root: str, names: Sequence[str]) -> Located:
    wanted = [os.path.normpath(os.path.join(root, name.replace("\\", "/"))) for name in names]
    folders = sorted({os.path.dirname(path) for path in wanted})
    images = [
        os.path.join(folder, image)
        for folder in folders
        if os.path.isdir(folder)
        for image in list_folder(folder).images
    ]
    whole = set(images)
    stems: dict[str, str | None] = {}
    for image in images:
        stem = os.path.splitext(image)[0]
        stems[stem] = None if stem in stems else image  # None: the stem alone does not say which
    paths = [path if path in whole or os.path.isfile(path) else stems.get(path) for path in wanted]
    return Located(root, paths, sorted(whole - set(paths)))
