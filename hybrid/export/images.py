"""Choose the images on which an exported graph is checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hybrid.datasets import load_dataset, reopen
from hybrid.errors import InputError
from hybrid.export.assembling import PixelInput
from hybrid.extractors.images.source import ImageSource
from hybrid.files import expanded
from hybrid.models.predict import find_images

_SYNTHETIC_IMAGES = 64


def images_to_check(
    given: Any, dataset: Mapping[str, Any], inputs: Sequence[PixelInput], limit: int
) -> tuple[np.ndarray, str]:
    """Return the images for a check and a description of their source.

    Parameters
    ----------
    given : array-like or None
        Images to use. If None, the images of the dataset that the model was fitted to or, if it cannot be opened,
        synthetic images.
    dataset : mapping
        The record of the dataset that the model was fitted to.
    inputs : sequence of PixelInput
        Inputs of the graph. The first one sets the size of synthetic images.
    limit : int
        Maximum number of images. They are spread evenly over all available images.

    Returns
    -------
    X : ndarray
        Paths of shape (n,), or uint8 pixels.
    source : str

    Raises
    ------
    InputError
        If there are no images, or `given` does not hold images.
    """
    if given is not None:
        ImageSource(given)  # raises an error if these are not images
        X, source = np.asarray(given), "the given images"
    else:
        X, source = _training_images(dataset) or (_synthetic(inputs[0]), "synthetic images")
    if limit < 1 or not len(X):
        raise InputError(f"{min(limit, len(X))} images were given to check the graph on; expected at least one.")
    return X[np.unique(np.linspace(0, len(X) - 1, min(limit, len(X))).astype(int))], source


def read_images(data: str) -> np.ndarray:
    """Return the images in a folder, in a file, or in a dataset of any other format."""
    path = expanded(data)
    if path.is_dir():
        return np.array(find_images([data]))
    return load_dataset(data, together="none").X


def _training_images(dataset: Mapping[str, Any]) -> tuple[np.ndarray, str] | None:
    """Return images and name of the dataset that a model was fitted to, or None if it cannot be opened."""
    if not isinstance(dataset.get("arguments"), dict):
        return None
    try:
        return reopen(dataset["arguments"]).X, str(dataset.get("name", "its dataset"))
    except (InputError, OSError, TypeError):  # the dataset is gone, or the manifest is from elsewhere
        return None


def _synthetic(pixels: PixelInput) -> np.ndarray:
    """Return images with smooth patterns of various brightness and with noise."""
    rng, (height, width) = np.random.default_rng(0), pixels.size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = rng.uniform(1, 12, (_SYNTHETIC_IMAGES, 2, pixels.channels, 1, 1))
    smooth = np.sin(waves[:, 0] * x) * np.cos(waves[:, 1] * y)
    values = (
        rng.uniform(0, 255, (_SYNTHETIC_IMAGES, 1, 1, 1)) + rng.uniform(0, 90, (_SYNTHETIC_IMAGES, 1, 1, 1)) * smooth
    )
    values += rng.uniform(0, 30, (_SYNTHETIC_IMAGES, 1, 1, 1)) * rng.normal(size=smooth.shape)
    return values.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
