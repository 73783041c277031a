"""The pixels that a network is trained on: kept in memory where they fit, else decoded anew each time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.extractors.images.decode import decode, read_bytes

LARGEST = 64  # pixels: what a network for files of several sizes is trained at
MOST_BYTES = 4 * 2**30  # that one split may take in memory
_SAMPLE = 200


class Images:
    """The images of a split as uint8 pixels of one shape.

    Parameters
    ----------
    part : Dataset
    shape : (int, int, int)
        Height, width, channels.

    Raises
    ------
    InputError
        If one cannot be decoded; where they are not kept in memory, as soon as it is met.
    """

    def __init__(self, part: Dataset, shape: tuple[int, int, int]):
        self.shape = shape
        self._part = part
        self._kept: np.ndarray | None = None
        if len(part) * int(np.prod(shape)) <= MOST_BYTES:
            self._kept = self._decode_all()

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, row: int) -> np.ndarray:
        """Return one image, uint8, (height, width, channels); not to be changed."""
        return self._decode(row) if self._kept is None else self._kept[row]

    @property
    def in_memory(self) -> bool:
        """Whether all images are kept there."""
        return self._kept is not None

    def _decode(self, row: int) -> np.ndarray:
        part = self._part
        data = read_bytes(part.X[row]) if part.of_files else part.X[row]
        return decode(data, self.shape[:2], self.shape[2], name=str(part.ids[row]))

    def _decode_all(self) -> np.ndarray:
        pixels = np.empty((len(self), *self.shape), np.uint8)

        def load(row: int) -> None:
            pixels[row] = self._decode(row)

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(load, range(len(self))):
                pass
        return pixels


def input_shape(dataset: Dataset, size: int | tuple[int, int] | None) -> tuple[int, int, int]:
    """Return height, width and channels that a network for a dataset takes; 1 channel only if all images are grey."""
    if dataset.of_files:
        sizes, grey = _sample_files(dataset.X)
    else:
        sizes, grey = {dataset.X.shape[1:3]}, dataset.X.ndim == 3
    if size is None:
        own = next(iter(sizes))
        size = own if len(sizes) == 1 and (max(own) <= LARGEST or not dataset.of_files) else (LARGEST, LARGEST)
    height, width = (size, size) if isinstance(size, int) else size
    return height, width, 1 if grey else 3


def _sample_files(paths: np.ndarray) -> tuple[set[tuple[int, int]], bool]:
    """Return the sizes of some of the files, and whether all of them are grey."""
    sizes, grey = set(), True
    for path in paths[np.linspace(0, len(paths) - 1, min(len(paths), _SAMPLE)).astype(int)]:
        try:
            with Image.open(path) as image:
                sizes.add((image.height, image.width))
                grey = grey and image.mode in ("1", "L", "I;16", "I")
        except OSError:
            continue  # decoding will name it
    return sizes or {(LARGEST, LARGEST)}, grey
