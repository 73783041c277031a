"""A folder with one subfolder a class, or with train, val and test folders of them."""
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
    """Return the images below the class folders, sorted by relative path.

    Parameters
    ----------
    data : str
        The folder. Images may lie in subfolders of the class folders.
    options : ReaderOptions
        `follow_links`; without it, links that lead out of the folder are refused, or left out if `on_bad` is "skip".

    Raises
    ------
    InputError
        If there are no class folders, one of them holds no images, or a link leads out.
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
            f"The folder {data!r} has one class folder only, but holds {first_few(tables)}: give that file."
        )
    notes, counts = _left_out_notes(left_out)
    if splits and (beside := [name for name in top.folders if name not in splits.values()]):
        notes.append(f"Folders beside the splits were left out: {first_few(beside)}.")
    return RawDataset(
        name=name_of(root),
        X=np.array([os.path.join(root, *one.split("/")) for one in ids], dtype=np.str_),
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
    """Lists the folders of a dataset; links that lead out of it are refused, left out or followed, as was asked for."""

    def __init__(self, root: str, options: ReaderOptions):
        self._within = None if options.follow_links else root
        self._refuses = options.on_bad == "raise"

    def list(self, folder: str) -> Listing:
        return self._checked(list_folder(folder, self._within), folder)

    def list_below(self, folder: str) -> Listing:
        return self._checked(list_below(folder, self._within), folder)

    def _checked(self, found: Listing, folder: str) -> Listing:
        if found.outside and self._refuses:
            raise link_error(found.outside, folder)
        return found


def _split_folders(root: str, folders: list[str], reader: _Reader) -> dict[str, str]:
    """Return split → folder name, or nothing: a class may be called "train" too.

    With other folders beside it, it is a class if it has no subfolders or there is neither val nor test.
    """
    named = [(split, name) for name in folders if (split := split_name(name))]
    splits = dict(named)
    if "train" not in splits:
        if named and len(named) == len(folders):
            raise InputError(f"The folder {root!r} has {first_few(folders)} but no train folder: add one.")
        return {}
    alone = len(splits) == 1 or not reader.list(os.path.join(root, splits["train"])).folders
    if alone and len(named) < len(folders):
        return {}
    if len(named) > len(splits):
        raise InputError(
            f"The folder {root!r} has two folders for one split among {first_few(n for _, n in named)}: join them."
        )
    return splits


def _class_rows(root: str, folder: str, split: str, left_out: Listing, reader: _Reader) -> list[tuple[str, str, str]]:
    """Return (id, class, split) of every image below the class folders of one folder."""
    where = os.path.join(root, folder) if folder else root
    here = reader.list(where)
    if not here.folders:
        what = number(len(here.images), "image") if here.images else "no images"
        raise InputError(
            f"The folder {where!r} holds {what} and no class folders: "
            "put the images of each class into a subfolder that bears its name."
        )
    rows = []
    for label in here.folders:
        inner = reader.list_below(os.path.join(where, label))
        prefix = f"{folder}/{label}/" if folder else f"{label}/"
        if not inner.images:
            other = f", only {first_few(inner.others)}" if inner.others else ""
            raise InputError(f"The class folder {prefix[:-1]!r} of {root!r} holds no images{other}: fill or remove it.")
        rows += [(prefix + image, label, split) for image in inner.images]
        _add(left_out, inner, prefix)
    if folder:
        _add(left_out, here, f"{folder}/")
        left_out.images += [f"{folder}/{name}" for name in here.images]
    return rows


def _add(left_out: Listing, found: Listing, prefix: str) -> None:
    left_out.others += [prefix + name for name in found.others]
    left_out.outside += [prefix + name for name in found.outside]
    left_out.junk += found.junk


def _left_out_notes(left_out: Listing) -> tuple[list[str], dict[str, int]]:
    counts = {
        "junk": left_out.junk,
        "other_files": len(left_out.others),
        "links_out": len(left_out.outside),
        "unlabelled_files": len(left_out.images),
    }
    notes = []
    if left_out.junk:
        what = number(left_out.junk, "junk file or folder", "junk files or folders")
        notes.append(f"{what} ignored (hidden, .DS_Store, Thumbs.db and the like).")
    if left_out.others:
        what = number(len(left_out.others), "file that is no image", "files that are no images")
        notes.append(f"{what} left out: {first_few(left_out.others)}.")
    if left_out.outside:
        notes.append(links_note(left_out.outside))
    if left_out.images:
        what = number(len(left_out.images), "image without a label", "images without labels")
        notes.append(f"{what}, beside the class folders, left out: {first_few(left_out.images)}.")
    return notes, counts
