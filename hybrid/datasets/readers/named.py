"""Read datasets that have a name: the digits of scikit-learn, MedMNIST, and keras.datasets."""

import importlib

import numpy as np

from hybrid.datasets.parts.raw import RawDataset, ReaderOptions
from hybrid.datasets.readers.npz import join_splits
from hybrid.errors import InputError, MissingExtraError, reason_of, unknown_name

MEDMNIST = (
    "pathmnist", "chestmnist", "dermamnist", "octmnist", "pneumoniamnist", "retinamnist",
    "breastmnist", "bloodmnist", "tissuemnist", "organamnist", "organcmnist", "organsmnist",
)  # fmt: skip
MEDMNIST_SIZES = (28, 64, 128, 224)
KERAS = ("mnist", "fashion_mnist", "cifar10", "cifar100")

NAMES = ("digits", *(f"medmnist:{name}" for name in MEDMNIST), *(f"keras:{name}" for name in KERAS))


def is_digits(data: str) -> bool:
    """Return whether the name is "digits"."""
    return data == "digits"


def load_digits(data: str, options: ReaderOptions) -> RawDataset:
    """Return the 1797 digits of scikit-learn, 8×8 pixels, with their 17 grey levels scaled to 0 to 255."""
    from sklearn import datasets

    digits = datasets.load_digits()
    levels = digits.images.astype(np.int64)
    return RawDataset(
        name="digits",
        X=((levels * 255 + 8) // 16).astype(np.uint8),
        y=digits.target,
        ids=[str(i) for i in range(len(levels))],
    )


def is_medmnist(data: str) -> bool:
    """Return whether the name begins with "medmnist:"."""
    return data.startswith("medmnist:")


def load_medmnist(data: str, options: ReaderOptions) -> RawDataset:
    """Return a two-dimensional dataset of MedMNIST, which the medmnist package downloads on first use.

    Parameters
    ----------
    data : str
        ``medmnist:NAME`` for 28×28 pixels, or ``medmnist:NAME:SIZE``.
    options : ReaderOptions
        Not used.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If the name or the size is unknown, or the download fails.
    MissingExtraError
        If the package medmnist is not installed.
    """
    name, _, size_text = data.removeprefix("medmnist:").partition(":")
    if name not in MEDMNIST:
        raise unknown_name("MedMNIST dataset", name, MEDMNIST)
    if (size_text or "28") not in map(str, MEDMNIST_SIZES):
        raise unknown_name("MedMNIST size", size_text, map(str, MEDMNIST_SIZES))
    try:
        medmnist = importlib.import_module("medmnist")
    except ImportError as error:
        raise MissingExtraError("medmnist", "medmnist", data) from error
    info = medmnist.INFO[name]
    dataset_class = getattr(medmnist, info["python_class"])
    size = int(size_text or 28)
    try:
        parts = {s: dataset_class(split=s, download=s == "train", size=size) for s in ("train", "val", "test")}
    except Exception as error:  # the package raises whatever its download raises
        raise _download_error(data, error) from error
    names = [info["label"][str(i)] for i in range(len(info["label"]))]
    multilabel = parts["train"].labels.shape[1] > 1
    raw = join_splits(data, {s: (part.imgs, part.labels) for s, part in parts.items()}, names if multilabel else None)
    if not multilabel:
        raw.notes.append(f"Classes: {', '.join(f'{i} {label}' for i, label in enumerate(names))}.")
    return raw


def is_keras(data: str) -> bool:
    """Return whether the name begins with "keras:"."""
    return data.startswith("keras:")


def load_keras(data: str, options: ReaderOptions) -> RawDataset:
    """Return an image dataset of keras.datasets, which Keras downloads on first use.

    Parameters
    ----------
    data : str
        ``keras:NAME``.
    options : ReaderOptions
        Not used.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If the name is unknown, or the download fails.
    """
    name = data.removeprefix("keras:")
    if name not in KERAS:
        raise unknown_name("Keras image dataset", name, KERAS)
    module = importlib.import_module(f"keras.datasets.{name}")
    try:
        train, test = module.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise _download_error(data, error) from error
    return join_splits(data, {"train": train, "test": test})


def _download_error(data: str, error: Exception) -> InputError:
    return InputError(
        f"{data} could not be downloaded ({reason_of(error)}): the first use needs an internet connection; "
        "otherwise give a local .npz with train_images and train_labels."
    )
