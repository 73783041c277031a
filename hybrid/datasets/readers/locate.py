"""Find the files that the rows of a manifest name."""
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119, PTH120, PTH122, PTH208
# Strings, not Paths: a Path for each row of a long table is slow.

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hybrid.datasets.readers.scan import leads_out, list_below, list_folder


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
    by_case : list of str
        Paths of rows whose file has a name in other upper and lower case.
    other_suffix : str
        An image that differs from the path of a row without a file only in its suffix, or "".
    by_name : bool
        Whether the files were found by their names in any folder below the root.
    """

    root: str
    paths: list[str | None]
    unnamed: list[str]
    outside: list[str]
    by_case: list[str]
    other_suffix: str
    by_name: bool = False


def locate(names: Sequence[str], roots: Sequence[str], follow_links: bool = False) -> LocatedFiles:
    """Return the file of each name, relative to the folder in which most of them exist.

    A name may lack its suffix: "ISIC_0024306" stands for "ISIC_0024306.jpg". It may be written in another Unicode form
    than on disk, or in other upper and lower case if only one file and one name are alike. Only folders that should
    contain a named file are listed, unless no file is found at all and the names have no folders: then the files with
    these names are looked for in all folders below the first root.

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
    if not any(best.paths) and not any("/" in name or "\\" in name for name in names):
        return _locate_by_name(os.path.abspath(roots[0]), names, follow_links)
    return best


def _locate_below(root: str, names: Sequence[str], follow_links: bool) -> LocatedFiles:
    on_disk = _FoldersOnDisk()
    named = []
    for name in names:
        folder, file = os.path.split(os.path.normpath(os.path.join(root, name.replace("\\", "/"))))
        named.append(os.path.join(on_disk.find(folder), file))
    images: set[str] = set()
    outside: set[str] = set()
    for folder in sorted({os.path.dirname(path) for path in named}):
        if os.path.isdir(folder):
            guarded = not follow_links and _is_below(folder, root)
            listing = list_folder(folder, root if guarded else None)
            links = [*listing.images, *listing.outside] if guarded and leads_out(folder, root) else listing.outside
            outside.update(os.path.join(folder, name) for name in links)
            images.update(os.path.join(folder, name) for name in [*listing.images, *listing.outside])
    paths: list[str | None] = [path if path in images or os.path.isfile(path) else None for path in named]
    by_case = _find_alike(named, paths, images)
    if not follow_links:  # files that the listings leave out, such as hidden ones
        unlisted = {path for path in paths if path and path not in images and _is_below(path, root)}
        outside.update(path for path in unlisted if leads_out(path, root))
    linked = [path for path in paths if path in outside]
    return LocatedFiles(
        root, paths, sorted(images - outside - set(paths)), linked, by_case, _other_suffix(named, paths, images)
    )


def _locate_by_name(root: str, names: Sequence[str], follow_links: bool) -> LocatedFiles:
    """Return the files with the given names in any folder below the root, unless several files have one name."""
    listing = list_below(root, None if follow_links else root)
    images = [os.path.join(root, *name.split("/")) for name in listing.images]
    outside = [os.path.join(root, *name.split("/")) for name in listing.outside]
    by_name = _unique((key, path) for path in [*images, *outside] for key in _keys(os.path.basename(path), _nfc))
    paths = [by_name.get(_nfc(name)) for name in names]
    folders = {os.path.dirname(path) for path in paths if path}
    unnamed = sorted(image for image in set(images) - set(paths) if os.path.dirname(image) in folders)
    located = LocatedFiles(root, paths, unnamed, [path for path in paths if path in outside], [], "")
    located.by_name = any(paths)
    return located


class _FoldersOnDisk:
    """Finds folders whose names are written in another Unicode form, or in other upper and lower case."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def find(self, folder: str) -> str:
        """Return the path of the folder as it is on disk, or the given path if there is none."""
        if folder not in self._found:
            self._found[folder] = folder if os.path.isdir(folder) else self._similar(folder)
        return self._found[folder]

    def _similar(self, folder: str) -> str:
        parent, name = os.path.split(folder)
        if parent == folder:
            return folder
        parent = self.find(parent)
        try:
            others = sorted(os.listdir(parent))
        except OSError:
            return folder
        for form in (str, _nfc, _folded):
            same = [other for other in others if form(other) == form(name)]
            if len(same) == 1:
                return os.path.join(parent, same[0])
        return folder


def _find_alike(named: Sequence[str], paths: list[str | None], images: set[str]) -> list[str]:
    """Fill in the files whose names lack the suffix, or are written in another Unicode form or case.

    A name in another case stands for a file only if no other name does. Return the names that were found in this way.
    """
    if None not in paths:
        return []
    for form in (str, _nfc):
        known = _unique((key, image) for image in images for key in _keys(image, form))
        for row, path in enumerate(paths):
            paths[row] = path or known.get(form(named[row]))
    free = images - set(paths)
    known = _unique((key, image) for image in free for key in _keys(image, _folded))
    rows = [row for row, path in enumerate(paths) if path is None and known.get(_folded(named[row]))]
    wanted = _unique((_folded(named[row]), named[row]) for row in rows)
    found = [row for row in rows if wanted[_folded(named[row])]]
    for row in found:
        paths[row] = known[_folded(named[row])]
    return [named[row] for row in found]


def _other_suffix(named: Sequence[str], paths: Sequence[str | None], images: set[str]) -> str:
    """Return an image that differs from a name that was not found only in its suffix, or ""."""
    missing = [path for path, found in zip(named, paths, strict=True) if found is None]
    stems = {_folded(os.path.splitext(image)[0]): image for image in sorted(images - set(paths))} if missing else {}
    return next((stems[stem] for path in missing if (stem := _folded(os.path.splitext(path)[0])) in stems), "")


def _keys(image: str, form: Callable[[str], str]) -> set[str]:
    return {form(image), form(os.path.splitext(image)[0])}


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return a dictionary of the pairs, with None for a key that has several values."""
    values: dict[str, str | None] = {}
    for key, value in pairs:
        values[key] = value if values.get(key, value) == value else None
    return values


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _nfc(_nfc(text).casefold())


def _is_below(path: str, root: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(root, ""))
