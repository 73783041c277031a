"""Read a folder with one subfolder per class, or with train, val and test folders that contain such subfolders."""
# ruff: noqa: PTH100, PTH112, PTH118
# Strings, not Paths: a Path for each file of a large folder is slow.

import os

import numpy as np

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions, name_of
from hybrid.datasets.parts.split import split_name
from hybrid.datasets.readers.scan import Listing, link_error, links_note, list_below, list_folder
from hybrid.errors import InputError
from hybrid.wording import first_few, number


def is_folder(data: str) -> bool:
    """Return whether the path is a folder."""
    return os.path.isdir(data)


def load_folder(data: str, options: ReaderOptions) -> RawDataset:
    """Return the images in the class folders, sorted by relative path.

    Parameters
    ----------
    data : str
        The folder. Images may be in subfolders of the class folders.
    options : ReaderOptions
        Only `follow_links` and `on_bad` apply. Unless links are followed, a link that leads out of the folder is an
        error, or is left out if `on_bad` is "skip".

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If there are no class folders, a class folder contains no images, or a link leads out of the folder.
    """
    root = os.path.abspath(data)
    reader = _Reader(root, options)
    top = reader.list(root)
    splits = _split_folders(root, top.folders, reader)
    left_out = Listing(junk=top.junk, others=list(top.others), images=list(top.images), outside=list(top.outside))
    rows: list[tuple[str, str, str]] = []
    for split, folder in splits.items() if splits else [("", "")]:
        rows += _class_rows(root, folder, split, left_out, reader)
    ids, labels, split_of = zip(*sorted(rows), strict=True)
    if len(set(labels)) == 1 and (
        tables := [name for name in top.others if name.lower().endswith((".csv", ".parquet"))]
    ):
        raise InputError(
            f"The folder {data!r} has only one class folder, but contains {first_few(tables)}: give that file instead."
        )
    notes, counts = _left_out_notes(left_out)
    if splits and (others := [name for name in top.folders if name not in splits.values()]):
        notes.append(f"Folders next to the split folders were left out: {first_few(others)}.")
    return RawDataset(
        name=name_of(root),
        X=np.array([os.path.join(root, *image_id.split("/")) for image_id in ids], dtype=np.str_),
        y=np.array(labels, dtype=np.str_),
        ids=list(ids),
        split=np.array(split_of, dtype=np.str_) if splits else None,
        notes=notes,
        counts=counts,
        left_out={
            "unlabelled_files": left_out.images,
            "other_files": left_out.others,
            "links_out": left_out.outside,
        },
    )


class _Reader:
    """Lists the folders of a dataset; refuses, leaves out or follows links that lead out of it, as the options say."""

    def __init__(self, root: str, options: ReaderOptions):
        self._within = None if options.follow_links else root
        self._refuses = options.on_bad == "raise"

    def list(self, folder: str) -> Listing:
        return self._checked(list_folder(folder, self._within), folder)

    def list_below(self, folder: str) -> Listing:
        return self._checked(list_below(folder, self._within), folder)

    def _checked(self, listing: Listing, folder: str) -> Listing:
        if listing.outside and self._refuses:
            raise link_error(listing.outside, folder)
        return listing


def _split_folders(root: str, folders: list[str], reader: _Reader) -> dict[str, str]:
    """Return the name of each split's folder, or an empty dict if the folders are classes.

    A class may be called "train", too: if there are other folders, "train" is a class if it has no subfolders or if
    there is neither a val nor a test folder.
    """
    named = [(split, name) for name in folders if (split := split_name(name))]
    splits = dict(named)
    if "train" not in splits:
        if named and len(named) == len(folders):
            raise InputError(f"The folder {root!r} has {first_few(folders)} but no train folder: add one.")
        return {}
    train_may_be_a_class = len(splits) == 1 or not reader.list(os.path.join(root, splits["train"])).folders
    if train_may_be_a_class and len(named) < len(folders):
        return {}
    if len(named) > len(splits):
        raise InputError(
            f"The folder {root!r} has two folders for the same split among {first_few(n for _, n in named)}: "
            "merge them."
        )
    return splits


def _class_rows(root: str, folder: str, split: str, left_out: Listing, reader: _Reader) -> list[tuple[str, str, str]]:
    """Return the id, class and split of every image in the class folders of one folder."""
    parent = os.path.join(root, folder) if folder else root
    listing = reader.list(parent)
    if not listing.folders:
        images = number(len(listing.images), "image") if listing.images else "no images"
        raise InputError(
            f"The folder {parent!r} contains {images} and no class folders: "
            "put the images of each class into a subfolder with the name of the class."
        )
    rows = []
    for label in listing.folders:
        class_listing = reader.list_below(os.path.join(parent, label))
        prefix = f"{folder}/{label}/" if folder else f"{label}/"
        if not class_listing.images:
            others = f", only {first_few(class_listing.others)}" if class_listing.others else ""
            raise InputError(
                f"The class folder {prefix[:-1]!r} of {root!r} contains no images{others}: fill or remove it."
            )
        rows += [(prefix + image, label, split) for image in class_listing.images]
        _add_left_out(left_out, class_listing, prefix)
    if folder:
        _add_left_out(left_out, listing, f"{folder}/")
        left_out.images += [f"{folder}/{name}" for name in listing.images]
    return rows


def _add_left_out(left_out: Listing, listing: Listing, prefix: str) -> None:
    left_out.others += [prefix + name for name in listing.others]
    left_out.outside += [prefix + name for name in listing.outside]
    left_out.junk += listing.junk


def _left_out_notes(left_out: Listing) -> tuple[list[str], dict[str, int]]:
    counts = {
        "junk": left_out.junk,
        "other_files": len(left_out.others),
        "links_out": len(left_out.outside),
        "unlabelled_files": len(left_out.images),
    }
    notes = []
    if left_out.junk:
        junk = number(left_out.junk, "junk file or folder", "junk files or folders")
        notes.append(f"{junk} ignored (hidden, .DS_Store, Thumbs.db and the like).")
    if left_out.others:
        others = number(len(left_out.others), "file that is not an image", "files that are not images")
        notes.append(f"{others} left out: {first_few(left_out.others)}.")
    if left_out.outside:
        notes.append(links_note(left_out.outside))
    if left_out.images:
        images = number(len(left_out.images), "image without a label", "images without labels")
        notes.append(f"{images}, outside the class folders, left out: {first_few(left_out.images)}.")
    return notes, counts
