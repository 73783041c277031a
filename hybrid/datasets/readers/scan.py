"""What lies in a folder: images, subfolders, other files, links that lead out, junk."""
# ruff: noqa: PTH118, PTH122
# Strings, not Paths: a Path for each file of a large folder is slow.

import os
from dataclasses import dataclass, field

from hybrid.errors import InputError
from hybrid.wording import first_few, number

_JUNK = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"})


@dataclass
class Listing:
    """Names found in a folder, sorted, or paths below it with "/"; junk is only counted.

    `outside` are links that lead out of the dataset: nothing behind them was looked at.
    """

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    junk: int = 0


def list_folder(folder: str, within: str | None = None) -> Listing:
    """Return what lies directly in a folder.

    A file is an image if its suffix or else its first bytes say so. Pipes, sockets and devices are other files. Hidden
    files and folders and what operating systems leave behind (``.DS_Store``, ``._x.jpg``, ``Thumbs.db``, ``__MACOSX``)
    are junk.

    Parameters
    ----------
    folder : str
    within : str, optional
        Folder that symbolic links must not lead out of; without it they are followed wherever they lead.

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
                elif within is not None and entry.is_symlink() and leads_out(entry.path, within):
                    found.outside.append(entry.name)
                elif _is_folder(entry):
                    found.folders.append(entry.name)
                elif (entry.is_symlink() or entry.is_file()) and _is_image(entry.path):
                    found.images.append(entry.name)
                else:
                    found.others.append(entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder!r} cannot be read: {error.strerror}.") from error
    return found


def list_below(folder: str, within: str | None = None, above: frozenset[str] = frozenset()) -> Listing:
    """Return what lies in a folder and in all its subfolders, as relative paths; no folder is named.

    Parameters
    ----------
    folder : str
    within : str, optional
        As for `list_folder`.
    above : frozenset of str
        Folders the search came through: a link back to one of them is not followed.
    """
    real = os.path.realpath(folder)
    if real in above:
        return Listing()
    found = list_folder(folder, within)
    for name in found.folders:
        inner = list_below(os.path.join(folder, name), within, above | {real})
        for kind in ("images", "others", "outside"):
            getattr(found, kind).extend(f"{name}/{one}" for one in getattr(inner, kind))
        found.junk += inner.junk
    return Listing(sorted(found.images), [], sorted(found.others), sorted(found.outside), found.junk)


def leads_out(path: str, folder: str) -> bool:
    """Return whether what a path means, after all links, lies outside a folder."""
    inside = os.path.join(os.path.realpath(folder), "")
    return not os.path.join(os.path.realpath(path), "").startswith(inside)


def link_error(links: list[str], root: str, skippable: bool = True) -> InputError:
    """Return the error for links that lead out of a folder of images."""
    what = number(len(links), "symbolic link leads", "symbolic links lead")
    skip = ", or leave them out with --on-bad skip" if skippable else ""
    return InputError(
        f"{what} out of {root!r}: {first_few(links)}; follow them with --follow-links (follow_links=True) "
        f"if you trust the folder{skip}."
    )


def links_note(links: list[str]) -> str:
    """Return the sentence on links out of a folder that were left out."""
    what = number(len(links), "symbolic link that leads", "symbolic links that lead")
    return f"{what} out of the folder left out: {first_few(links)}."


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _is_image(path: str) -> bool:
    from hybrid.extractors.images.decode import IMAGE_SUFFIXES, sniff_format

    if os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES:
        return True
    return sniff_format(read_head(path)) is not None


def read_head(path: str, size: int = 32) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    from hybrid.extractors.images.limits import open_regular

    try:
        with open_regular(path) as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""
