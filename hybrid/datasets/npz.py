"""An .npz in the manner of MedMNIST: ``train_images``, ``train_labels``, and so on."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hybrid.datasets.dataset import numbered_ids
from hybrid.datasets.loading import Options, Raw, name_of
from hybrid.datasets.pixels import tidy_images
from hybrid.datasets.scan import read_head
from hybrid.datasets.split import SPLITS
from hybrid.datasets.wording import first_few
from hybrid.errors import InputError

_WANTED = "train_images and train_labels, and for val and test likewise where there are any"


def is_npz(data: str) -> bool:
    """Return whether the path is a file that begins as a zip archive does."""
    return Path(data).is_file() and read_head(data).startswith((b"PK\x03\x04", b"PK\x05\x06"))


def load_npz(data: str, options: Options) -> Raw:
    """Return the images and labels of the splits that the archive holds.

    Raises
    ------
    InputError
        If the archive is broken, holds no arrays, lacks keys, or its arrays do not fit together.
    """
    try:
        with zipfile.ZipFile(data) as archive:
            members = archive.namelist()
        if not any(name.endswith(".npy") for name in members):
            raise InputError(
                f"{data!r} is a zip archive without arrays ({first_few(members)}): unpack it and give the folder."
            )
        with np.load(data, allow_pickle=False) as arrays:
            parts = {split: _read_part(arrays, split, data) for split in _splits_of(arrays.files, data)}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise InputError(f"{data!r} is a broken or incomplete archive ({error}): copy or download it again.") from error
    return join_splits(name_of(data), parts)


def join_splits(
    name: str, parts: dict[str, tuple[np.ndarray, np.ndarray]], label_names: Sequence[str] | None = None
) -> Raw:
    """Return one `Raw` of (images, labels) per split.

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
    return Raw(
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


def _read_part(arrays: np.lib.npyio.NpzFile, split: str, data: str) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for key in (f"{split}_images", f"{split}_labels"):
        try:
            found.append(arrays[key])
        except ValueError as error:
            raise InputError(
                f"{key} of {data!r} cannot be read without unpickling, which is never done: "
                "save images as uint8 and labels as integers or plain strings."
            ) from error
    return found[0], found[1]
