"""DeLong's covariance of the areas under several ROC curves on the same images."""

import numpy as np


def delong(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC AUC of each score and their covariance (DeLong, DeLong and Clarke-Pearson 1988).

    The structural component of an image is the share of images of the other class that it is ranked correctly against.
    It is computed from two ranks, among all images and within its class (Sun and Xu 2014), so sorting suffices.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is positive. There must be positive and negative images.
    scores : ndarray of shape (m, n)
        One row per model; higher means positive.

    Returns
    -------
    auc : ndarray of shape (m,)
    covariance : ndarray of shape (m, m)
        NaN if one of the classes has a single image.

    Examples
    --------
    >>> truth = np.array([False, False, True, True])
    >>> auc, covariance = delong(truth, np.array([[0.1, 0.4, 0.35, 0.8]]))
    >>> auc.tolist(), covariance.tolist()
    ([0.75], [[0.125]])
    """
    from scipy.stats import rankdata

    positive, negative = scores[:, truth], scores[:, ~truth]
    ranks = rankdata(scores, axis=1)
    above = (ranks[:, truth] - rankdata(positive, axis=1)) / negative.shape[1]
    below = 1 - (ranks[:, ~truth] - rankdata(negative, axis=1)) / positive.shape[1]
    return above.mean(axis=1), _covariance_of_means(above) + _covariance_of_means(below)


def _covariance_of_means(components: np.ndarray) -> np.ndarray:
    """Return the covariance of the row means, (m, m)."""
    n = components.shape[1]
    centred = components - components.mean(axis=1, keepdims=True)
    return centred @ centred.T / (n * (n - 1) or np.nan)
