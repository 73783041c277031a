"""The interface of the runtimes that run an extractor's graph, and the runtime that uses Keras."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    import keras

_BATCH_PIXELS = 32 * 224 * 224
_compiled_for: "WeakKeyDictionary[keras.Model, int]" = WeakKeyDictionary()  # the last batch size


def choose_batch_size(size: tuple[int, int]) -> int:
    """Return the batch size for Keras, given the height and width of the images: 32 at 224×224, from 8 to 256."""
    return int(np.clip(_BATCH_PIXELS // (size[0] * size[1]), 8, 256))


def gpu_is_visible() -> bool:
    """Return whether Keras can use a GPU. Keras is imported only if the system has a GPU."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not any(Path("/dev").glob("nvidia[0-9]*")):
        return False
    import_keras()
    import keras

    return bool(keras.distribution.list_devices("gpu"))


def tensorflow_on_cpu() -> bool:
    """Return whether Keras uses the TensorFlow backend on a CPU."""
    import_keras()
    import keras

    return keras.backend.backend() == "tensorflow" and not gpu_is_visible()


class Runtime(Protocol):
    """The interface of a runtime, which computes embeddings from pixels. It is compiled when it is created.

    Attributes
    ----------
    name : str
        A name in :data:`hybrid.extractors.backbones.options.RUNTIMES`. It is recorded in embedding sets.
    batch_size : int
        Largest number of images in a batch.
    """

    name: str
    batch_size: int

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the embeddings of each batch, in order.

        Parameters
        ----------
        batches : iterable of ndarray of uint8, (n, height, width, channels)
            Batches of pixels. A runtime may read some batches ahead.

        Yields
        ------
        ndarray of float32, (n, …)
        """
        ...


class KerasRuntime:
    """Run a graph with Keras, on the device that its backend uses. It is compiled once, for one batch shape.

    Keras compiles a graph when its first batch is computed, which takes seconds: this is done here, with a black batch.

    Parameters
    ----------
    model : keras.Model
        A model from uint8 pixels to float32 embeddings.
    batch_size : int
        Number of images that every batch is padded to.
    """

    name = "keras"

    def __init__(self, model: "keras.Model", batch_size: int):
        self.model = model
        self.batch_size = batch_size
        if _compiled_for.get(model) != batch_size:
            _compiled_for[model] = batch_size
            model.predict_on_batch(np.zeros((batch_size, *model.input_shape[1:]), np.uint8))

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the embeddings of each batch, see `Runtime`."""
        for pixels in batches:
            rows = self.model.predict_on_batch(padded(pixels, self.batch_size))
            yield np.asarray(rows, dtype=np.float32)[: len(pixels)]


def padded(pixels: np.ndarray, batch_size: int) -> np.ndarray:
    """Return a batch padded with zeros to `batch_size` images."""
    missing = batch_size - len(pixels)
    return np.pad(pixels, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pixels
