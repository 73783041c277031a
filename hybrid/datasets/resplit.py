"""Draw a new split of a dataset and save it: as a manifest for image files, as an .npz for pixels."""

import io
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.datasets import Dataset, load_dataset
from hybrid.datasets.parts.split import FRACTIONS, SPLITS, complete_split, how_drawn, make_split
from hybrid.datasets.quality.kept_together import copies_note, groups_kept_together
from hybrid.datasets.readers.columns import GROUP_NAMES, LABEL_NAMES, PATH_NAMES
from hybrid.datasets.readers.split_columns import SPLIT_NAMES
from hybrid.errors import InputError
from hybrid.files import csv_text, plain_start, write_atomic, write_output
from hybrid.progress import Progress
from hybrid.wording import first_few

_RESERVED = {*PATH_NAMES, *SPLIT_NAMES, *GROUP_NAMES, *LABEL_NAMES}


def split_dataset(
    dataset: Dataset,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    *,
    together: str = "duplicates",
    keep: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Return a dataset with a new stratified split that divides neither groups nor sets of copies.

    Parameters
    ----------
    dataset : Dataset
        The dataset to split.
    fractions, seed
        As for `make_split`.
    together : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies of an image stay in one split: identical ones, nearly identical ones as well, or none.
    keep : bool, default=False
        Whether images of val and test stay there. Only missing splits are then drawn, from train.
    progress : callable, optional
        Called with the number of measured images and of all images to measure.

    Returns
    -------
    Dataset
        The same images in the same order. Its groups are the images that were kept together.

    Raises
    ------
    InputError
        If there are too few images or groups for the splits, as for `make_split`.
    """
    groups, copies = groups_kept_together(dataset.X, dataset.groups, dataset.ids, together, progress)
    if keep:
        split, notes = complete_split(
            dataset.split, dataset.y, dataset.groups, dataset.ids, fractions, seed,
            together=lambda rows: (None if groups is None else groups[rows], []),
        )  # fmt: skip
    else:
        split, notes = make_split(dataset.y, groups, fractions, seed, dataset.ids), []
        notes.append(f"A new split was drawn: {how_drawn(seed, dataset.groups)}.")
    notes += copies_note(copies, together)
    return replace(dataset, split=split, groups=groups, notes=(*dataset.notes, *notes))


def save_split(dataset: Dataset, path: Path) -> Path:
    """Save the split of a dataset as a file that `load_dataset` reads. Image files are not changed.

    Parameters
    ----------
    dataset : Dataset
        The dataset whose split is saved.
    path : Path
        Path of the file. For image files it is a manifest (.csv), whose paths are relative to its folder. For pixels
        in an array, it is an .npz with a copy of the pixels.

    Returns
    -------
    Path
        The given path.

    Raises
    ------
    InputError
        If the path has another suffix, or the file would be read as a different dataset.
    """
    suffix = ".csv" if dataset.of_files else ".npz"
    if path.suffix.lower() != suffix:
        kind = "files: their split is a manifest" if dataset.of_files else "an array: its split is a new array file"
        raise InputError(f"{str(path)!r} was given, but the images are in {kind}, {suffix}.")
    data = _manifest(dataset, path.absolute().parent) if dataset.of_files else _arrays(dataset)
    draft = path.with_name(f".tmp-{uuid.uuid4().hex}{suffix}")
    try:
        write_atomic(draft, lambda file: file.write(data))
        _check_read_back(dataset, draft)
    finally:
        draft.unlink(missing_ok=True)
    write_output(path, lambda file: file.write(data))
    return path


def manifest_bytes(
    dataset: Dataset,
    paths: Sequence[str],
    *,
    with_split: bool = False,
    group_column: str = "group",
    further: Mapping[str, np.ndarray] | None = None,
) -> bytes:
    """Return the content of a CSV manifest of a dataset.

    Parameters
    ----------
    dataset : Dataset
        The dataset, with its labels, splits and groups.
    paths : sequence of str, shape (n,)
        The path of each image, as the manifest gives it.
    with_split : bool, default=False
        Whether there is a column of splits.
    group_column : str, default="group"
        Name of the column of groups, if the dataset has groups.
    further : mapping of str to ndarray of shape (n,), optional
        Further columns by name.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If a label's name would be read as another column.
    """
    multilabel = dataset.y.ndim == 2
    names = [str(name) for name in dataset.classes] if multilabel else ["label"]
    if multilabel and (taken := [name for name in names if name.lower() in _RESERVED]):
        raise InputError(
            f"The label {first_few(taken)} would be read as another column of the manifest: rename that label."
        )
    labels = dataset.y.T if multilabel else [dataset.y]
    columns: dict[str, Any] = {"path": list(paths), **dict(zip(names, labels, strict=True))}
    if with_split:
        columns["split"] = dataset.split
    if dataset.groups is not None:
        columns[group_column] = dataset.groups
    columns |= further or {}
    rows = list(zip(*(np.asarray(cells).tolist() for cells in columns.values()), strict=True))
    return csv_text(list(columns), rows).encode(errors="surrogateescape")


def _manifest(dataset: Dataset, folder: Path) -> bytes:
    paths = [_relative(path, folder) for path in dataset.X.tolist()]
    return manifest_bytes(dataset, paths, with_split=True)


def _relative(path: str, folder: Path) -> str:
    """Return a path relative to a folder, with "/". A path on another drive is returned unchanged."""
    try:
        relative = os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:  # another drive
        return path
    return plain_start(relative)


def _arrays(dataset: Dataset) -> bytes:
    arrays: dict[str, Any] = {}
    for split in SPLITS:
        in_split = dataset.split == split
        if in_split.any():
            arrays |= {f"{split}_images": dataset.X[in_split], f"{split}_labels": dataset.y[in_split]}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _check_read_back(dataset: Dataset, path: Path) -> None:
    """Raise `InputError` unless the written file is read as the same images, labels and splits."""
    read_back = load_dataset(path, fractions=(1.0, 0.0, 0.0))
    if _content(read_back) != _content(dataset):
        raise InputError(
            f"The split of {dataset.source} would be read differently from the saved file: paths or labels contain "
            "text that a manifest cannot hold, such as 1.0 as the name of a class; rename them."
        )


def _content(dataset: Dataset) -> list[tuple[str | bytes, str, str]]:
    images = dataset.X.tolist() if dataset.of_files else [image.tobytes() for image in dataset.X]
    return sorted(zip(images, map(str, dataset.y.tolist()), dataset.split.tolist(), strict=True))
