"""Read a folder with one subfolder per class, or with split folders that contain such subfolders."""
# ruff: noqa: PTH100, PTH112, PTH118
# Strings, not Paths: a Path for each file of a large folder is slow.

import os

import numpy as np

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions, name_of
from hybrid.datasets.parts.split_names import SKIP, split_name
from hybrid.datasets.readers.scan import Listing, link_error, links_note, list_below, list_folder, read_head
from hybrid.datasets.readers.split_folders import Part, find_parts
from hybrid.errors import InputError
from hybrid.extractors.images.dicom_header import is_dicom
from hybrid.wording import first_few, number

Row = tuple[str, str, str]


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
        Only `split_names`, `follow_links` and `on_bad` apply. Unless links are followed, a link that leads out of the
        folder is an error, or is left out if `on_bad` is "skip".

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
    parts = find_parts(root, top.folders, reader.peek, options.split_names)
    splits = [part for part in parts if part.split]
    left_out = Listing(junk=top.junk, others=list(top.others), images=list(top.images), outside=list(top.outside))
    rows: list[Row] = []
    for part in parts:
        rows += _rows_of_part(root, part, left_out, reader)
    ids, labels, split_of = zip(*sorted(rows), strict=True)
    if len(set(labels)) == 1 and (
        tables := [name for name in top.others if name.lower().endswith((".csv", ".parquet"))]
    ):
        raise InputError(
            f"The folder {data!r} has only one class folder, but contains {first_few(tables)}: give that file instead."
        )
    if len(set(labels)) == 1 and not splits and len(inner := reader.peek(top.folders[0]).folders) > 1:
        raise InputError(
            f"The folder {data!r} contains only the folder {top.folders[0]!r}, in which there are {first_few(inner)}: "
            f"give {os.path.join(data, top.folders[0])!r} instead."
        )
    notes, counts = _left_out_notes(left_out)
    notes += _split_notes(splits, top.folders)
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
        self._root = root
        self._within = None if options.follow_links else root
        self._refuses = options.on_bad == "raise"
        self._seen: dict[str, Listing] = {}

    def peek(self, path: str) -> Listing:
        """Return what is in a folder, by its relative path, to find out what it is for. It is empty if unreadable."""
        if path not in self._seen:
            try:
                self._seen[path] = list_folder(os.path.join(self._root, *path.split("/")), self._within)
            except InputError:
                self._seen[path] = Listing()
        return self._seen[path]

    def list(self, folder: str) -> Listing:
        return self._checked(list_folder(folder, self._within), folder)

    def list_below(self, folder: str) -> Listing:
        return self._checked(list_below(folder, self._within), folder)

    def _checked(self, listing: Listing, folder: str) -> Listing:
        if listing.outside and self._refuses:
            raise link_error(listing.outside, folder)
        return listing


def _split_notes(splits: list[Part], folders: list[str]) -> list[str]:
    """Return a sentence about split folders without a plain name, and one about folders that were left out."""
    notes, read = [], {part.path.split("/")[0] for part in splits}
    meaning = {part.path.split("/")[1 if part.label else 0]: part.split for part in splits}
    if not all(split_name(name) for name in meaning) or any(part.label for part in splits):
        where = "Split folders in the class folders" if splits[0].label else "Split folders"
        notes.append(f"{where}: {', '.join(f'{name!r} is {split}' for name, split in meaning.items())}.")
    if splits and (others := [name for name in folders if name not in read]):
        notes.append(f"Folders next to the split folders were left out: {first_few(others)}.")
    return notes


def _rows_of_part(root: str, part: Part, left_out: Listing, reader: _Reader) -> list[Row]:
    """Return the id, class and split of every image in a part of the dataset."""
    if part.label:
        return _rows_of_class(root, part.path, part.label, part.split, left_out, reader)
    parent = os.path.join(root, part.path) if part.path else root
    listing = reader.list(parent)
    if not listing.folders:
        images = number(len(listing.images), "image") if listing.images else "no images"
        skip = f", or leave the folder out with --split-names {part.path.split('/')[0]}={SKIP}" if part.split else ""
        is_flat = listing.images and not part.path
        table = ", or give a table of file names and labels instead of the folder" if is_flat else ""
        tag = _tag_hint(parent, listing)
        raise InputError(
            f"The folder {parent!r} contains {images} and no class folders: "
            f"put the images of each class into a subfolder with the name of the class{table}{skip}{tag}."
        )
    prefix = f"{part.path}/" if part.path else ""
    rows = []
    for label in listing.folders:
        rows += _rows_of_class(root, prefix + label, label, part.split, left_out, reader)
    if part.path:
        _add_left_out(left_out, listing, prefix)
        left_out.images += [prefix + name for name in listing.images]
    return rows


def _rows_of_class(root: str, folder: str, label: str, split: str, left_out: Listing, reader: _Reader) -> list[Row]:
    """Return the id, class and split of every image in a folder with images of one class."""
    listing = reader.list_below(os.path.join(root, *folder.split("/")))
    if not listing.images:
        others = f", only {first_few(listing.others)}" if listing.others else ""
        raise InputError(f"The class folder {folder!r} of {root!r} contains no images{others}: fill or remove it.")
    _add_left_out(left_out, listing, f"{folder}/")
    return [(f"{folder}/{image}", label, split) for image in listing.images]


def _tag_hint(parent: str, listing: Listing) -> str:
    """Return what else can be done if a folder without class folders contains DICOM files."""
    if not listing.images or not is_dicom(read_head(os.path.join(parent, listing.images[0]))):
        return ""
    return "; or, for labels in a tag of DICOM files, name it, as in --label ViewPosition"


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
