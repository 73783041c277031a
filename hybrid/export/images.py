"""The images that an exported graph is checked on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.datasets import load_dataset, reopen
from hybrid.errors import InputError
from hybrid.export.assembling import PixelInput
from hybrid.extractors.images.source import ImageSource
from hybrid.models.predict import find_images

_MADE = 64


def images_to_check(
    given: Any, info: Mapping[str, Any], inputs: Sequence[PixelInput], most: int
) -> tuple[np.ndarray, str]:
    """Return images, paths or uint8 pixels (n, …), and words for where they are from.

    Parameters
    ----------
    given : array-like or None
        Images to take; else those of the model's own dataset, where it can be opened again, else made ones.
    info : mapping
        Of the saved model.
    inputs : sequence of PixelInput
        The first tells the size of made images.
    most : int
        Evenly spread over all there are.
    """
    if given is not None:
        ImageSource(given)  # tells what is wrong with it
        X, source = np.asarray(given), "the given images"
    else:
        X, source = _own(info) or (_made(inputs[0]), "made images")
    if most < 1 or not len(X):
        raise InputError(f"{min(most, len(X))} images were given to check the graph on; expected at least one.")
    return X[np.unique(np.linspace(0, len(X) - 1, min(most, len(X))).astype(int))], source


def read_images(data: str) -> np.ndarray:
    """Return the images that DATA names: those of a folder, a file, or a dataset of any other format."""
    path = Path(data).expanduser()
    if path.is_dir():
        return np.array(find_images([data]))
    return load_dataset(data).X


def _own(info: Mapping[str, Any]) -> tuple[np.ndarray, str] | None:
    """Return the images of the dataset that a model was fitted to, None if it cannot be opened again."""
    record = info.get("dataset")
    if not isinstance(record, dict) or not isinstance(record.get("arguments"), dict):
        return None
    try:
        return reopen(record["arguments"]).X, str(record.get("name", "its dataset"))
    except (InputError, OSError, TypeError):  # gone, or a manifest by others
        return None


def _made(pixels: PixelInput) -> np.ndarray:
    """Return smooth images of all brightnesses, and noise."""
    rng, (height, width) = np.random.default_rng(0), pixels.size
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = rng.uniform(1, 12, (_MADE, 2, pixels.channels, 1, 1))
    smooth = np.sin(waves[:, 0] * x) * np.cos(waves[:, 1] * y)
    values = rng.uniform(0, 255, (_MADE, 1, 1, 1)) + rng.uniform(0, 90, (_MADE, 1, 1, 1)) * smooth
    values += rng.uniform(0, 30, (_MADE, 1, 1, 1)) * rng.normal(size=smooth.shape)
    return values.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
