"""Convert images to one of two forms: absolute paths, or uint8 pixels."""
# ruff: noqa: PTH100, PTH118, PTH120
# Strings, not Paths: a Path for each image of a large dataset is slow.

import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import numpy as np

from hybrid.errors import InputError

_EXPECTED = "give file paths (n,), or uint8 pixels from 0 to 255 of shape (n, h, w) or (n, h, w, 3)"


def tidy_images(X: object, where: str = "The images") -> np.ndarray:
    """Return images as absolute paths or as uint8 pixels.

    Parameters
    ----------
    X : array-like of shape (n,), (n, h, w), (n, h, w, 1) or (n, h, w, 3)
        Paths, or pixels of type uint8.
    where : str, default="The images"
        The subject of the sentence in an error message.

    Returns
    -------
    ndarray of str, shape (n,), or of uint8, shape (n, h, w) or (n, h, w, 3)

    Raises
    ------
    InputError
        If the images are neither paths nor pixels of such a shape and type.

    Examples
    --------
    >>> tidy_images(np.zeros((10, 28, 28, 1), np.uint8)).shape
    (10, 28, 28)
    """
    try:
        images = np.asarray(X)
    except ValueError as error:
        raise InputError(f"{where} are arrays of different shapes: resize them to one, or give file paths.") from error
    if images.dtype.kind == "O" and images.ndim == 1 and all(isinstance(item, str | os.PathLike) for item in images):
        images = np.array([os.fspath(item) for item in images], dtype=np.str_)
    if images.dtype.kind == "U" and images.ndim == 1:
        return np.array([os.path.abspath(path) for path in images.tolist()], dtype=np.str_)
    if images.dtype != np.uint8:
        raise InputError(f"{where} are of type {images.dtype}: {_EXPECTED}.")
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape[1:]:
        hint = " The channels come last." if images.ndim == 4 and images.shape[1] in (1, 3) else ""
        raise InputError(f"{where} have the shape {images.shape}: {_EXPECTED}.{hint}")
    return images


def common_folder(paths: Sequence[str]) -> str:
    """Return the deepest folder that contains all paths."""
    return os.path.commonpath([os.path.dirname(path) for path in paths])


def path_ids(paths: Sequence[str], root: str) -> list[str]:
    """Return absolute paths relative to a folder, given as an absolute path. A path outside it stays absolute.

    Examples
    --------
    >>> path_ids(["/data/NORMAL/1.jpg", "/other/2.jpg"], "/data")
    ['NORMAL/1.jpg', '/other/2.jpg']
    """
    start = os.path.join(root, "")
    return [path.removeprefix(start).replace(os.sep, "/") for path in paths]


def numbered_ids(split: np.ndarray) -> list[str]:
    """Return ids that number the images of each split.

    Examples
    --------
    >>> numbered_ids(np.array(["train", "train", "test"]))
    ['train/0', 'train/1', 'test/0']
    """
    numbers: defaultdict[str, count[int]] = defaultdict(count)
    return [f"{name}/{next(numbers[name])}" for name in split.tolist()]
