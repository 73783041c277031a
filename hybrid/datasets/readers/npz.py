"""An .npz in the manner of MedMNIST: ``train_images``, ``train_labels``, and so on."""

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy

from hybrid.datasets.parts.pixels import numbered_ids, tidy_images
from hybrid.datasets.parts.raw import RawDataset, ReaderOptions, name_of
from hybrid.datasets.parts.split import SPLITS
from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError
from hybrid.wording import first_few

_FAULTS = (
    zipfile.BadZipFile, EOFError, OSError, zlib.error, struct.error, NotImplementedError, RuntimeError, MemoryError,
    ValueError, KeyError, SyntaxError, TokenError,
)  # fmt: skip
_WANTED = "train_images and train_labels, and for val and test likewise where there are any"


def is_npz(data: str) -> bool:
    """Return whether the path is a file that begins as a zip archive does."""
    return Path(data).is_file() and read_head(data).startswith((b"PK\x03\x04", b"PK\x05\x06"))


def load_npz(data: str, options: ReaderOptions) -> RawDataset:
    """Return the images and labels of the splits that the archive holds.

    What each array's header says of its size is held against the archive before memory is taken; nothing is unpickled
    or written.

    Raises
    ------
    InputError
        If the archive is broken, holds no arrays, lacks keys, needs more memory than there is, or its arrays do not
        fit together.
    """
    try:
        with zipfile.ZipFile(data) as archive:
            members = archive.namelist()
            keys = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
            if not keys:
                raise InputError(
                    f"{data!r} is a zip archive without arrays ({first_few(members)}): unpack it and give the folder."
                )
            wanted = {split: (f"{split}_images", f"{split}_labels") for split in _splits_of(keys, data)}
            _check_memory(archive, [key for pair in wanted.values() for key in pair], data)
            parts = {split: (_read(archive, x, data), _read(archive, y, data)) for split, (x, y) in wanted.items()}
    except InputError:
        raise
    except _FAULTS as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{data!r} is a broken or incomplete archive ({reason}): copy or download it again."
        ) from error
    return join_splits(name_of(data), parts)


def join_splits(
    name: str, parts: dict[str, tuple[np.ndarray, np.ndarray]], label_names: Sequence[str] | None = None
) -> RawDataset:
    """Return one `RawDataset` of (images, labels) per split.

    Raises
    ------
    InputError
        If images and labels of a split differ in number, or the splits differ in shape.
    """
    images = {split: tidy_images(part[0], f"The {split} images of {name}") for split, part in parts.items()}
    for split, (_, labels) in parts.items():
        if len(labels) != len(images[split]):
            raise InputError(f"{name} has {len(images[split])} {split} images but {len(labels)} {split} labels.")
    for what, shapes in (
        ("images", {split: image.shape[1:] for split, image in images.items()}),
        ("labels", {split: labels.shape[1:] for split, (_, labels) in parts.items()}),
    ):
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
            raise InputError(f"The {what} of {name} have different shapes in different splits: {listed}.")
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
    lacking = [f"{s}_{what}" for s in splits for what in ("images", "labels") if f"{s}_{what}" not in keys]
    if lacking:
        raise InputError(f"{data!r} lacks {', '.join(lacking)}: it holds {', '.join(keys)}; expected are {_WANTED}.")
    return splits


def _check_memory(archive: zipfile.ZipFile, keys: list[str], data: str) -> None:
    """Raise `InputError` if arrays need more memory than the machine has: a small archive can unpack to that."""
    needed = sum(archive.getinfo(f"{key}.npy").file_size for key in keys)
    if needed > _memory():
        raise InputError(
            f"The arrays of {data!r} take {needed / 2**30:.1f} GiB, this machine has {_memory() / 2**30:.1f}: "
            "save the images as files, or fewer of them."
        )


def _memory() -> float:
    """Return the machine's memory in bytes; infinity where it cannot be told."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _read(archive: zipfile.ZipFile, key: str, data: str) -> np.ndarray:
    info = archive.getinfo(f"{key}.npy")
    with archive.open(info) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise InputError(
                f"{key} of {data!r} cannot be read without unpickling, which is never done: "
                "save images as uint8 and labels as integers or plain strings."
            )
        held = info.file_size - file.tell()
    if math.prod(shape) * dtype.itemsize != held or min(shape, default=0) < 0:
        raise ValueError(f"{key} says it has the shape {shape}, but holds {held} bytes")
    with archive.open(info) as file:
        return npy.read_array(file, allow_pickle=False)
