"""What runs an extractor's graph, behind one small interface: a stream of pixel batches in, of embeddings out."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hybrid.extractors.runtimes.keras_import import import_keras

if TYPE_CHECKING:
    import keras

_BATCH_PIXELS = 32 * 224 * 224


def choose_batch_size(size: tuple[int, int]) -> int:
    """Return Keras's batch size for images of that height and width: 32 at 224×224, more if smaller."""
    return int(np.clip(_BATCH_PIXELS // (size[0] * size[1]), 8, 256))


def gpu_is_visible() -> bool:
    """Whether Keras has a GPU; it is imported to be asked only if the system shows one."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or not any(Path("/dev").glob("nvidia[0-9]*")):
        return False
    import_keras()
    import keras

    return bool(keras.distribution.list_devices("gpu"))


def tensorflow_on_cpu() -> bool:
    """Whether Keras runs on TensorFlow, and that on a CPU."""
    import_keras()
    import keras

    return keras.backend.backend() == "tensorflow" and not gpu_is_visible()


class Runtime(Protocol):
    """Turns pixels into embeddings.

    Attributes
    ----------
    name : str
        A word of :data:`hybrid.extractors.backbones.options.RUNTIMES`: what an embedding set records.
    batch_size : int
        The most images that a batch may hold.
    """

    name: str
    batch_size: int

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the embeddings (n, …), float32, of each batch of uint8 pixels (n, height, width, channels), in order.

        A runtime may read batches ahead of what it has yielded.
        """
        ...


class KerasRuntime:
    """Run a graph through Keras, on whatever device its backend uses; compiled once, for one batch shape.

    Parameters
    ----------
    model : keras.Model
        uint8 pixels to float32 embeddings.
    batch_size : int
        Every batch is padded to this many images.
    """

    name = "keras"

    def __init__(self, model: "keras.Model", batch_size: int):
        self.model = model
        self.batch_size = batch_size

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the embeddings of each batch, as `Runtime` says."""
        for pixels in batches:
            rows = self.model.predict_on_batch(padded(pixels, self.batch_size))
            yield np.asarray(rows, dtype=np.float32)[: len(pixels)]


def padded(pixels: np.ndarray, batch_size: int) -> np.ndarray:
    """Return a batch of full length; what is added is zero."""
    missing = batch_size - len(pixels)
    return np.pad(pixels, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pixels
