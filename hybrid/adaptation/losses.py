"""The log loss of each image."""

import numpy as np
from numpy.typing import NDArray

from hybrid.evaluation.labels import SMALLEST, truth_matrix


def log_losses(y: NDArray, proba: NDArray[np.floating], classes: NDArray) -> NDArray[np.float64]:
    """Return the log loss of each image, (n,): for several labels, the mean over the labels.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        True labels.
    proba : ndarray of shape (n, k)
    classes : ndarray of shape (k,)

    Examples
    --------
    >>> log_losses(np.array(["a", "b"]), np.array([[0.5, 0.5], [0.1, 0.9]]), np.array(["a", "b"])).round(3).tolist()
    [0.693, 0.105]
    """
    truth = truth_matrix(y, classes)
    clipped = np.clip(proba, SMALLEST, 1)
    if y.ndim == 1:
        return -np.log(clipped[truth])
    return -np.log(np.where(truth, clipped, np.clip(1 - proba, SMALLEST, 1))).mean(axis=1)
