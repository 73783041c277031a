"""Check whether a validation split is large enough to choose a model or a threshold on it."""

import numpy as np

FEW = 100  # images
FEW_OF_A_CLASS = 20


def rarest(y: np.ndarray, classes: np.ndarray) -> int:
    """Return the number of images of the rarest class or, for several labels, of the rarest value of a label.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        Labels, as in `Dataset`.
    classes : ndarray of shape (k,)
        The classes, as in `Dataset`.

    Returns
    -------
    int
    """
    if not len(y):
        return 0
    if y.ndim == 2:
        return int(np.minimum(y.sum(axis=0), (1 - y).sum(axis=0)).min())
    return int(min((y == label).sum() for label in classes))


def is_few(y: np.ndarray, classes: np.ndarray) -> bool:
    """Return whether there are too few images to choose on: fewer than 100, or fewer than 20 of a class."""
    return len(y) < FEW or rarest(y, classes) < FEW_OF_A_CLASS


def larger_share(share: float) -> float | None:
    """Return a share of validation images that is clearly larger than a given one; None if that would be too large.

    Examples
    --------
    >>> larger_share(0.05), larger_share(0.15), larger_share(0.4)
    (0.15, 0.25, None)
    """
    return next((larger for larger in (0.15, 0.25, 0.4) if larger > share + 0.05), None)
