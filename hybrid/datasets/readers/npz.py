"""Read an .npz in the format of MedMNIST: ``train_images``, ``train_labels``, and so on."""

import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np
from numpy.lib import format as npy

from hybrid.datasets.parts.further_columns import further_columns
from hybrid.datasets.parts.pixels import numbered_ids, tidy_images
from hybrid.datasets.parts.raw import RawDataset, ReaderOptions, name_of
from hybrid.datasets.parts.split import SPLITS
from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError
from hybrid.files import physical_memory
from hybrid.wording import first_few

_READ_ERRORS = (
    zipfile.BadZipFile, EOFError, OSError, zlib.error, struct.error, NotImplementedError, RuntimeError, MemoryError,
    ValueError, KeyError, SyntaxError, TokenError,
)  # fmt: skip
_EXPECTED_KEYS = "train_images and train_labels, and the same for val and test if there are such splits"


def is_npz(data: str) -> bool:
    """Return whether the path is a file with the signature of a zip archive."""
    return Path(data).is_file() and read_head(data).startswith((b"PK\x03\x04", b"PK\x05\x06"))


def load_npz(data: str, options: ReaderOptions) -> RawDataset:
    """Return the images and labels of the splits in the archive.

    The size in the header of each array is compared with its size in the archive before memory is allocated. Nothing
    is unpickled or written.

    Parameters
    ----------
    data : str
        Path of the archive.
    options : ReaderOptions
        Only `columns` applies: further arrays such as ``train_sex``, with one value for each image.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If the archive is damaged, contains no arrays, lacks keys, needs more memory than the machine has, or its arrays
        do not fit together.
    """
    try:
        with zipfile.ZipFile(data) as archive:
            members = archive.namelist()
            keys = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
            if "[Content_Types].xml" in members:
                raise InputError(f"{data!r} is an Excel workbook or another Office file: save the table as CSV.")
            if not keys:
                raise InputError(
                    f"{data!r} is a zip archive without arrays ({first_few(members)}): unpack it and give the folder."
                )
            pairs = {split: (f"{split}_images", f"{split}_labels") for split in _splits_of(keys, data)}
            _check_memory(archive, [key for pair in pairs.values() for key in pair], data)
            parts = {split: (_read(archive, x, data), _read(archive, y, data)) for split, (x, y) in pairs.items()}
            further = _further_arrays(archive, keys, {split: len(part[1]) for split, part in parts.items()}, data)
    except InputError:
        raise
    except _READ_ERRORS as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{data!r} is a damaged or incomplete archive ({reason}): copy or download it again."
        ) from error
    columns = further_columns(further, (), options.columns)
    return replace(join_splits(name_of(data), parts), columns=columns, offered=list(further))


def _further_arrays(archive: zipfile.ZipFile, keys: list[str], sizes: dict[str, int], data: str) -> dict[str, list]:
    """Return the values of arrays such as ``train_sex``, which have one value for each image, by their names."""
    taken = {f"{split}_{kind}" for split in sizes for kind in ("images", "labels")}
    found: dict[str, dict[str, list]] = {}
    for key in keys:
        split, _, name = key.partition("_")
        if key in taken or split not in sizes or not name or not _has_shape(archive, key, sizes[split]):
            continue
        found.setdefault(name, {})[split] = _read(archive, key, data).reshape(-1).tolist()
    return {
        name: [value for split, size in sizes.items() for value in parts.get(split, [None] * size)]
        for name, parts in found.items()
    }


def _has_shape(archive: zipfile.ZipFile, key: str, size: int) -> bool:
    """Return whether an array holds one number or text for each of `size` images."""
    with archive.open(f"{key}.npy") as file:
        shape, _, dtype = _header(file)
    return shape in ((size,), (size, 1)) and dtype.kind in "biufU"


def join_splits(
    name: str, parts: dict[str, tuple[np.ndarray, np.ndarray]], label_names: Sequence[str] | None = None
) -> RawDataset:
    """Return one dataset of the images and labels of several splits.

    Parameters
    ----------
    name : str
        Name of the dataset.
    parts : dict of str to (ndarray, ndarray)
        Images and labels by split.
    label_names : sequence of str, optional
        Names of the columns of two-dimensional labels.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If the numbers of images and labels of a split differ, or the shapes of the splits do.
    """
    images = {split: tidy_images(part[0], f"The {split} images of {name}") for split, part in parts.items()}
    for split, (_, labels) in parts.items():
        if len(labels) != len(images[split]):
            raise InputError(f"{name} has {len(images[split])} {split} images but {len(labels)} {split} labels.")
    for kind, shapes in (
        ("images", {split: image.shape[1:] for split, image in images.items()}),
        ("labels", {split: labels.shape[1:] for split, (_, labels) in parts.items()}),
    ):
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
            raise InputError(f"The {kind} of {name} have different shapes in different splits: {listed}.")
    split_of = np.repeat(list(parts), [len(image) for image in images.values()])
    return RawDataset(
        name=name,
        X=np.concatenate(list(images.values())),
        y=np.concatenate([labels for _, labels in parts.values()]),
        ids=numbered_ids(split_of),
        split=split_of,
        label_names=label_names,
    )


def _splits_of(keys: Sequence[str], data: str) -> list[str]:
    splits = [s for s in SPLITS if s == "train" or f"{s}_images" in keys or f"{s}_labels" in keys]
    missing = [f"{s}_{kind}" for s in splits for kind in ("images", "labels") if f"{s}_{kind}" not in keys]
    if missing:
        raise InputError(
            f"{data!r} lacks {', '.join(missing)}: it contains {', '.join(keys)}; expected {_EXPECTED_KEYS}."
        )
    arrays = {f"{s}_{kind}" for s in splits for kind in ("images", "labels")}
    if others := [key for key in keys if key.endswith(("_images", "_labels")) and key not in arrays]:
        raise InputError(
            f"{data!r} contains {first_few(others)} besides {', '.join(splits)}: call the arrays of a split "
            f"{_EXPECTED_KEYS}, and remove those that belong to no split."
        )
    return splits


def _check_memory(archive: zipfile.ZipFile, keys: list[str], data: str) -> None:
    """Raise `InputError` if the unpacked arrays need more memory than the machine has."""
    needed, memory = sum(archive.getinfo(f"{key}.npy").file_size for key in keys), physical_memory()
    if needed > memory:
        raise InputError(
            f"The arrays of {data!r} need {needed / 2**30:.1f} GiB, but this machine has {memory / 2**30:.1f} GiB: "
            "save the images as files, or save fewer of them."
        )


def _read(archive: zipfile.ZipFile, key: str, data: str) -> np.ndarray:
    info = archive.getinfo(f"{key}.npy")
    with archive.open(info) as file:
        shape, _, dtype = _header(file)
        if dtype.hasobject:
            raise InputError(
                f"{key} of {data!r} is pickled, and pickled data are never read: "
                "save images as uint8 and labels as integers or plain strings."
            )
        size = info.file_size - file.tell()
    if math.prod(shape) * dtype.itemsize != size or min(shape, default=0) < 0:
        raise ValueError(f"the header of {key} gives the shape {shape}, but it contains {size} bytes")
    with archive.open(info) as file:
        return npy.read_array(file, allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return the shape of an array, whether its order is that of Fortran, and its type, from its header."""
    version = npy.read_magic(file)
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
