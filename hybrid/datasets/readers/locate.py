"""Find the files that the rows of a manifest name."""
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH120, PTH122
# Strings, not Paths: a Path for each row of a long table is slow.

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.datasets.readers.scan import leads_out, list_folder


@dataclass
class LocatedFiles:
    """The files that the rows of a manifest name.

    Attributes
    ----------
    root : str
        The folder to which the paths of the rows are relative.
    paths : list of str or None, length n
        Absolute path of each row's file. None if the file does not exist.
    unnamed : list of str
        Images in the same folders that no row names.
    outside : list of str
        Those of the paths that are links out of the root.
    """

    root: str
    paths: list[str | None]
    unnamed: list[str]
    outside: list[str]


def locate(names: Sequence[str], roots: Sequence[str], follow_links: bool = False) -> LocatedFiles:
    """Return the file of each name, relative to the folder in which most of them exist.

    A name may lack its suffix: "ISIC_0024306" stands for "ISIC_0024306.jpg". Only folders that should contain a named
    file are listed.

    Parameters
    ----------
    names : sequence of str, shape (n,)
        Absolute paths, or paths relative to a root, with "/" or a backslash.
    roots : sequence of str
        Folders to try. If several match equally well, the first one is used.
    follow_links : bool, default=False
        Whether a path below a root may be a link out of it. A path that is written as outside the root, such as
        "../x.png" or "/data/x.png", is always accepted.

    Returns
    -------
    LocatedFiles
    """
    best: LocatedFiles | None = None
    for root in roots:
        located = _locate_below(os.path.abspath(root), names, follow_links)
        if best is None or best.paths.count(None) > located.paths.count(None):
            best = located
        if None not in best.paths:
            break
    assert best is not None
    return best


def _locate_below(root: str, names: Sequence[str], follow_links: bool) -> LocatedFiles:
    named = [os.path.normpath(os.path.join(root, name.replace("\\", "/"))) for name in names]
    images: set[str] = set()
    outside: set[str] = set()
    for folder in sorted({os.path.dirname(path) for path in named}):
        if os.path.isdir(folder):
            guarded = not follow_links and _is_below(folder, root)
            listing = list_folder(folder, root if guarded else None)
            links = [*listing.images, *listing.outside] if guarded and leads_out(folder, root) else listing.outside
            outside.update(os.path.join(folder, name) for name in links)
            images.update(os.path.join(folder, name) for name in [*listing.images, *listing.outside])
    stems: dict[str, str | None] = {}
    for image in images:
        stem = os.path.splitext(image)[0]
        stems[stem] = None if stem in stems else image  # None: several images have this stem
    paths = [path if path in images or os.path.isfile(path) else stems.get(path) for path in named]
    if not follow_links:  # files that the listings leave out, such as hidden ones
        unlisted = {path for path in paths if path and path not in images and _is_below(path, root)}
        outside.update(path for path in unlisted if leads_out(path, root))
    return LocatedFiles(root, paths, sorted(images - outside - set(paths)), [path for path in paths if path in outside])


def _is_below(path: str, root: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(root, ""))
