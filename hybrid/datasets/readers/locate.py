"""The files that a manifest's rows mean."""
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH120, PTH122
# Strings, not Paths: a Path for each row of a long table is slow.

import os
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.datasets.readers.scan import leads_out, list_folder


@dataclass
class LocatedFiles:
    """Where a manifest's files are: `paths` holds None for a row without a file.

    `outside` are the paths of rows that mean a link out of the root.
    """

    root: str
    paths: list[str | None]
    unnamed: list[str]
    outside: list[str]


def locate(names: Sequence[str], roots: Sequence[str], follow_links: bool = False) -> LocatedFiles:
    """Return the file of each name, below the one of several folders in which most are found.

    A name may lack its suffix ("ISIC_0024306" means "ISIC_0024306.jpg"). Only folders in which a
    named file is looked for are read, and the images in them that no name means are `unnamed`.

    Parameters
    ----------
    names : sequence of str, (n,)
        Absolute paths, or paths below a root; with "/" or a backslash.
    roots : sequence of str
        Folders to try; of equals the first.
    follow_links : bool, default=False
        Whether a path below a root may be a link out of it. A path that says itself that it is elsewhere ("../x.png",
        "/data/x.png") is read as it stands.
    """
    best: LocatedFiles | None = None
    for root in roots:
        found = _locate_below(os.path.abspath(root), names, follow_links)
        if best is None or best.paths.count(None) > found.paths.count(None):
            best = found
        if None not in best.paths:
            break
    assert best is not None
    return best


def _locate_below(root: str, names: Sequence[str], follow_links: bool) -> LocatedFiles:
    wanted = [os.path.normpath(os.path.join(root, name.replace("\\", "/"))) for name in names]
    whole: set[str] = set()
    outside: set[str] = set()
    for folder in sorted({os.path.dirname(path) for path in wanted}):
        if os.path.isdir(folder):
            guarded = not follow_links and _is_below(folder, root)
            found = list_folder(folder, root if guarded else None)
            links = [*found.images, *found.outside] if guarded and leads_out(folder, root) else found.outside
            outside.update(os.path.join(folder, name) for name in links)
            whole.update(os.path.join(folder, name) for name in [*found.images, *found.outside])
    stems: dict[str, str | None] = {}
    for image in whole:
        stem = os.path.splitext(image)[0]
        stems[stem] = None if stem in stems else image  # None: the stem alone does not say which
    paths = [path if path in whole or os.path.isfile(path) else stems.get(path) for path in wanted]
    if not follow_links:  # what the folders' lists pass over, such as hidden files
        others = {path for path in paths if path and path not in whole and _is_below(path, root)}
        outside.update(path for path in others if leads_out(path, root))
    return LocatedFiles(root, paths, sorted(whole - outside - set(paths)), [path for path in paths if path in outside])


def _is_below(path: str, root: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(root, ""))
