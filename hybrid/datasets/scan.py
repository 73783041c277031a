"""What lies in a folder: images, subfolders, other files, junk."""
# ruff: noqa: PTH118, PTH122, PTH123
# Strings, not Paths: a Path for each file of a large folder is slow.

import os
from dataclasses import dataclass, field

from hybrid.errors import InputError

_JUNK = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"})


@dataclass
class Listing:
    """Names found in a folder, sorted, or paths below it with "/"; junk is only counted."""

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    junk: int = 0


def list_folder(folder: str) -> Listing:
    """Return what lies directly in a folder.

    A file is an image if its suffix or else its first bytes say so. Hidden files and folders and
    what operating systems leave behind (``.DS_Store``, ``._x.jpg``, ``Thumbs.db``, ``__MACOSX``) are junk.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    found = Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name.lower() in _JUNK:
                    found.junk += 1
                elif entry.is_dir():
                    found.folders.append(entry.name)
                elif _is_image(entry.path):
                    found.images.append(entry.name)
                else:
                    found.others.append(entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder!r} cannot be read: {error.strerror}.") from error
    return found


def list_below(folder: str, above: frozenset[str] = frozenset()) -> Listing:
    """Return what lies in a folder and in all its subfolders, as relative paths; no folder is named.

    Parameters
    ----------
    folder : str
    above : frozenset of str
        Folders the search came through: a link back to one of them is not followed.
    """
    real = os.path.realpath(folder)
    if real in above:
        return Listing()
    found = list_folder(folder)
    for name in found.folders:
        inner = list_below(os.path.join(folder, name), above | {real})
        found.images += [f"{name}/{image}" for image in inner.images]
        found.others += [f"{name}/{other}" for other in inner.others]
        found.junk += inner.junk
    return Listing(sorted(found.images), [], sorted(found.others), found.junk)


def _is_image(path: str) -> bool:
    from hybrid.extractors.images import IMAGE_SUFFIXES, sniff_format

    if os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES:
        return True
    return sniff_format(read_head(path)) is not None


def read_head(path: str, size: int = 32) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""
