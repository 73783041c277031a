"""List a folder: its images, subfolders, other files, links that lead out of the dataset, and junk."""
# ruff: noqa: PTH118, PTH119, PTH122
# Strings, not Paths: a Path for each file of a large folder is slow.

import os
from dataclasses import dataclass, field

from hybrid.errors import SKIP_BAD, InputError
from hybrid.wording import first_few, number

_JUNK = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"})


@dataclass
class Listing:
    """Sorted names of what is in a folder, or relative paths with "/".

    Attributes
    ----------
    images, folders, others : list of str
        Images, subfolders and other files.
    outside : list of str
        Links that lead out of the dataset. Their targets were not read.
    junk : int
        Number of junk files and folders, which are not listed.
    """

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    junk: int = 0


def list_folder(folder: str, within: str | None = None) -> Listing:
    """Return what is directly in a folder.

    A file is an image if its suffix or its first bytes are those of an image format. Pipes, sockets and devices count
    as other files. Hidden files and folders and files of operating systems (``.DS_Store``, ``._x.jpg``, ``Thumbs.db``,
    ``__MACOSX``) are junk.

    Parameters
    ----------
    folder : str
        Path of the folder.
    within : str, optional
        Folder that symbolic links must not lead out of. By default, all links are followed.

    Returns
    -------
    Listing

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    listing = Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name.lower() in _JUNK:
                    listing.junk += 1
                elif within is not None and entry.is_symlink() and leads_out(entry.path, within):
                    listing.outside.append(entry.name)
                elif _is_folder(entry):
                    listing.folders.append(entry.name)
                elif (entry.is_symlink() or entry.is_file()) and _is_image(entry.path):
                    listing.images.append(entry.name)
                else:
                    listing.others.append(entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder!r} cannot be read: {error.strerror}.") from error
    return listing


def list_below(folder: str, within: str | None = None, above: frozenset[str] = frozenset()) -> Listing:
    """Return what is in a folder and in all its subfolders, as relative paths. Folders are not listed.

    Parameters
    ----------
    folder : str
        Path of the folder.
    within : str, optional
        As for `list_folder`.
    above : frozenset of str, default=frozenset()
        The folders above in this search. A link back to one of them is not followed.

    Returns
    -------
    Listing

    Raises
    ------
    InputError
        If a folder cannot be read.
    """
    real = os.path.realpath(folder)
    if real in above:
        return Listing()
    listing = list_folder(folder, within)
    for subfolder in listing.folders:
        inner = list_below(os.path.join(folder, subfolder), within, above | {real})
        for kind in ("images", "others", "outside"):
            getattr(listing, kind).extend(f"{subfolder}/{name}" for name in getattr(inner, kind))
        listing.junk += inner.junk
    return Listing(sorted(listing.images), [], sorted(listing.others), sorted(listing.outside), listing.junk)


def leads_out(path: str, folder: str) -> bool:
    """Return whether a path, with all links resolved, is outside a folder."""
    inside = os.path.join(os.path.realpath(folder), "")
    return not os.path.join(os.path.realpath(path), "").startswith(inside)


def link_error(links: list[str], root: str, skippable: bool = True) -> InputError:
    """Return the error for links that lead out of a folder of images."""
    count = number(len(links), "symbolic link leads", "symbolic links lead")
    skip = f", or leave them out with {SKIP_BAD}" if skippable else ""
    return InputError(
        f"{count} out of {root!r}: {first_few(links)}; follow them with --follow-links (follow_links=True) "
        f"if you trust the folder{skip}."
    )


def links_note(links: list[str]) -> str:
    """Return a sentence about links that lead out of a folder and were left out."""
    count = number(len(links), "symbolic link that leads", "symbolic links that lead")
    return f"{count} out of the folder left out: {first_few(links)}."


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_image(path: str) -> bool:
    from hybrid.extractors.images.formats import IMAGE_SUFFIXES, sniff_format

    if os.path.basename(path).upper() == "DICOMDIR":  # the table of contents of a folder of DICOM files
        return False
    if os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES:
        return True
    return sniff_format(read_head(path)) is not None


def read_head(path: str, size: int = 160) -> bytes:
    """Return the first bytes of a file, or no bytes if it cannot be read."""
    from hybrid.extractors.images.limits import open_regular

    try:
        with open_regular(path) as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""
