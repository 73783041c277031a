"""Run an extractor's graph through Keras, one compiled function for one batch shape."""

import keras
import numpy as np


class KerasRuntime:
    """Call a graph on batches of any length up to a fixed one.

    Parameters
    ----------
    model : keras.Model
        uint8 pixels to float32 embeddings.
    batch_size : int
        Every batch is padded to this many images, so that the graph is compiled once.
    """

    name = "keras"

    def __init__(self, model: keras.Model, batch_size: int):
        self.model = model
        self.batch_size = batch_size

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the embeddings (n, …), float32, of uint8 pixels (n, height, width, channels), n <= batch_size."""
        padding = self.batch_size - len(pixels)
        batch = np.pad(pixels, [(0, padding), (0, 0), (0, 0), (0, 0)]) if padding else pixels
        return np.asarray(self.model.predict_on_batch(batch), dtype=np.float32)[: len(pixels)]
