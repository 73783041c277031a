"""Preview the effect of an augmentation on the images of a dataset."""

import numpy as np

from hybrid.datasets import Dataset
from hybrid.extractors.images.augment import Augmentation
from hybrid.training.images import Images, input_shape

_DRAWS = 6  # augmented versions of each image
_IMAGES = 3


def preview(
    dataset: Dataset, augmentation: Augmentation, size: int | tuple[int, int] | None = None, seed: int = 0
) -> list[tuple[str, list[np.ndarray]]]:
    """Return rows of original and augmented images for `hybrid.plots.augmentation_grid`.

    The first rows show each operation alone on one training image. If there are several operations, the next rows show
    all of them together on one image from each of up to three classes.

    Parameters
    ----------
    dataset : Dataset
    augmentation : Augmentation
    size : int or (int, int), optional
        Height and width in pixels to which the images are resized first. The default is that of `train_network`.
    seed : int, default=0
        Seed of the choice of images and of the augmentation.

    Returns
    -------
    list of (str, list of ndarray)
        Name and images of each row. The images are uint8 arrays of shape (height, width, channels).
    """
    train = dataset.part("train")
    chosen = train.take(_one_per_class(train, seed))
    images = Images(chosen, input_shape(dataset, size))
    rows = [
        (Augmentation((operation,)).describe(), _with_augmented(images[0], Augmentation((operation,)), seed))
        for operation in augmentation.operations
    ]
    together = len(augmentation.operations) > 1
    for number in range(len(images) if together else 0):
        rows.append(
            ("all together" if number == 0 else "", _with_augmented(images[number], augmentation, seed, number))
        )
    return rows


def _one_per_class(train: Dataset, seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(train))
    _, first = np.unique(train.y[order], axis=0, return_index=True)
    return order[np.sort(first)[:_IMAGES]]


def _with_augmented(image: np.ndarray, augmentation: Augmentation, seed: int, number: int = 0) -> list[np.ndarray]:
    return [image, *(augmentation(image, (seed << 32) | (number * _DRAWS + draw)) for draw in range(_DRAWS))]
