"""Whether a validation split is large enough for something to be chosen on it."""

import numpy as np

FEW = 100  # images
FEW_OF_A_CLASS = 20


def rarest(y: np.ndarray, classes: np.ndarray) -> int:
    """Return how many images the rarest class has; for several labels, the rarer value of a label.

    Parameters
    ----------
    y : ndarray, (n,) or (n, k)
        Labels, as in `Dataset`.
    classes : ndarray, (k,)
    """
    if not len(y):
        return 0
    if y.ndim == 2:
        return int(np.minimum(y.sum(axis=0), (1 - y).sum(axis=0)).min())
    return int(min((y == label).sum() for label in classes))


def is_few(y: np.ndarray, classes: np.ndarray) -> bool:
    """Return whether the images are too few to choose on: less than 100, or less than 20 of a class."""
    return len(y) < FEW or rarest(y, classes) < FEW_OF_A_CLASS
