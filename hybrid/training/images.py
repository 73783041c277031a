"""The pixels that a network is trained on: kept in memory if they fit, otherwise decoded at each access."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.extractors.images.decoding import decode, read_bytes
from hybrid.extractors.images.dicom_header import dicom_size

LARGEST = 64  # default side of the input in pixels, for files that are larger or differ in size
MOST_BYTES = 4 * 2**30  # limit for the pixels of one split that are kept in memory
_SAMPLE = 200  # files that are opened to find the sizes of a dataset's images


class Images:
    """The images of one split as uint8 pixels of one shape.

    Parameters
    ----------
    part : Dataset
        The split.
    shape : (int, int, int)
        Height, width and number of channels. Images are resized to it.

    Raises
    ------
    InputError
        If an image cannot be decoded. If the images are not kept in memory, this happens when the image is accessed.
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
        """Return one image as a uint8 array of shape (height, width, channels).

        The array must not be changed, because it can be a view of the images in memory.
        """
        return self._decode(row) if self._kept is None else self._kept[row]

    @property
    def in_memory(self) -> bool:
        """Whether all images are kept in memory."""
        return self._kept is not None

    def _decode(self, row: int) -> np.ndarray:
        part = self._part
        data = read_bytes(part.X[row]) if part.of_files else part.X[row]
        return decode(data, self.shape[:2], self.shape[2], name=str(part.ids[row]), reading=part.reading)

    def _decode_all(self) -> np.ndarray:
        pixels = np.empty((len(self), *self.shape), np.uint8)

        def load(row: int) -> None:
            pixels[row] = self._decode(row)

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(load, range(len(self))):
                pass
        return pixels


def input_shape(dataset: Dataset, size: int | tuple[int, int] | None) -> tuple[int, int, int]:
    """Return the input shape of a network for a dataset.

    Parameters
    ----------
    dataset : Dataset
    size : int or (int, int), optional
        Height and width in pixels. By default the size of the images if they all have the same size and, for files, are
        at most 64 pixels high and wide. Otherwise 64.

    Returns
    -------
    (int, int, int)
        Height, width and number of channels: 1 if all images are greyscale, otherwise 3. Only a sample of the files is
        opened to find sizes and channels.
    """
    if dataset.of_files:
        sizes, grey = _sample_files(dataset.X)
    else:
        sizes, grey = {dataset.X.shape[1:3]}, dataset.X.ndim == 3
    if size is None:
        first = next(iter(sizes))
        size = first if len(sizes) == 1 and (max(first) <= LARGEST or not dataset.of_files) else (LARGEST, LARGEST)
    height, width = (size, size) if isinstance(size, int) else size
    return height, width, 1 if grey else 3


def _sample_files(paths: np.ndarray) -> tuple[set[tuple[int, int]], bool]:
    """Return the sizes in a sample of the files, and whether all files in it are greyscale."""
    sizes, grey = set(), True
    for path in paths[np.linspace(0, len(paths) - 1, min(len(paths), _SAMPLE)).astype(int)]:
        try:
            if (found := dicom_size(path)) is not None:
                height, width, is_grey = found
            else:
                with Image.open(path) as image:
                    height, width, is_grey = image.height, image.width, image.mode[0] in "1LIF"
            sizes.add((height, width))
            grey = grey and is_grey
        except (OSError, ValueError):
            continue  # the error is raised with its name when the file is decoded
    return sizes or {(LARGEST, LARGEST)}, grey
