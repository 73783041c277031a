"""What an augmentation makes of a dataset's images, to look at before training on it."""

import numpy as np

from hybrid.datasets import Dataset
from hybrid.extractors.images.augment import Augmentation
from hybrid.training.images import Images, input_shape

_DRAWS = 6
_IMAGES = 3


def preview(
    dataset: Dataset, augmentation: Augmentation, size: int | tuple[int, int] | None = None, seed: int = 0
) -> list[tuple[str, list[np.ndarray]]]:
    """Return rows of images for `hybrid.plots.augmentation_grid`.

    Each operation alone, on one image of train; then all together, on images of up to three classes.

    Parameters
    ----------
    dataset : Dataset
    augmentation : Augmentation
    size : int or (int, int), optional
        Height and width, in pixels, that images are resized to first; as for `train_network`.
    seed : int, default=0
        Of which images, and of what is drawn.
    """
    train = dataset.part("train")
    chosen = train.take(_one_a_class(train, seed))
    images = Images(chosen, input_shape(dataset, size))
    rows = [
        (Augmentation((operation,)).describe(), _drawn(images[0], Augmentation((operation,)), seed))
        for operation in augmentation.operations
    ]
    together = len(augmentation.operations) > 1
    for place in range(len(images) if together else 0):
        rows.append(("all together" if place == 0 else "", _drawn(images[place], augmentation, seed, place)))
    return rows


def _one_a_class(train: Dataset, seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(train))
    _, first = np.unique(train.y[order], axis=0, return_index=True)
    return order[np.sort(first)[:_IMAGES]]


def _drawn(image: np.ndarray, augmentation: Augmentation, seed: int, place: int = 0) -> list[np.ndarray]:
    return [image, *(augmentation(image, (seed << 32) | (place * _DRAWS + draw)) for draw in range(_DRAWS))]
