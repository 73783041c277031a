"""DeLong's covariance of the areas under several ROC curves on the same images, independent or in groups."""

from dataclasses import dataclass

import numpy as np

from hybrid.evaluation.groups import group_sums, variance_with_floor
from hybrid.evaluation.student import cautious_degrees


def delong(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC AUC of each score and their covariance (DeLong, DeLong and Clarke-Pearson 1988).

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
    above, below = components(truth, scores)
    return above.mean(axis=1), _covariance_of_means(above) + _covariance_of_means(below)


@dataclass(frozen=True, eq=False)
class ClusteredAreas:
    """The ROC AUC of several models on images in groups, with their covariance (Obuchowski 1997).

    Attributes
    ----------
    area : ndarray of shape (m,)
        The ROC AUC of each model.
    positive, negative, shared : ndarray of shape (m, m)
        The parts of the covariance that come from positive images, from negative images, and from groups that have
        both. NaN if the positive or the negative images are of one group.
    of_images : tuple of two ndarrays of shape (m, m)
        The parts of positive and of negative images if the images of a group were independent.
    n_positive, n_negative : int
        Number of groups with positive and with negative images.
    """

    area: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    shared: np.ndarray
    of_images: tuple[np.ndarray, np.ndarray]
    n_positive: int
    n_negative: int

    @classmethod
    def from_scores(cls, truth: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> "ClusteredAreas":
        """Return the areas of scores; see :func:`delong`. `groups` holds the number of each image's group, (n,)."""
        parts, n_groups = components(truth, scores), int(groups.max()) + 1
        area, sums, sizes = parts[0].mean(axis=1), [], []
        for rows, part in zip((truth, ~truth), parts, strict=True):
            sums.append(group_sums(part - area[:, None], groups[rows], n_groups) / part.shape[1])
            sizes.append(len(np.unique(groups[rows])))
        (above, below), (n_positive, n_negative) = sums, sizes
        shared = above @ below.T * _correction(n_groups)
        return cls(
            area,
            above @ above.T * _correction(n_positive),
            below @ below.T * _correction(n_negative),
            shared + shared.T,
            (_covariance_of_means(parts[0]), _covariance_of_means(parts[1])),
            n_positive,
            n_negative,
        )

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the areas, (m, m)."""
        return self.positive + self.negative + self.shared

    def contrast(self, weights: np.ndarray) -> tuple[float, float]:
        """Return the variance of a weighted sum of the areas, and its degrees of freedom.

        Groups vary at least as :func:`~hybrid.evaluation.groups.variance_with_floor` says, and the degrees of freedom
        are those of :func:`~hybrid.evaluation.student.cautious_degrees`.
        """
        n_groups = np.array([self.n_positive, self.n_negative])
        of_groups = np.array([weights @ part @ weights for part in (self.positive, self.negative)])
        of_images = np.array([weights @ part @ weights for part in self.of_images])
        parts = variance_with_floor(of_groups, of_images, n_groups)
        variance = float(parts.sum() + weights @ self.shared @ weights)
        if not parts.sum() > 0:
            return variance, 1.0
        return variance, float(cautious_degrees(parts, n_groups - 1))


def components(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the structural components of the positive images, (m, n_positive), and of the negative ones.

    The structural component of an image is the share of images of the other class that it is ranked correctly against.
    It is computed from two ranks, among all images and within its class (Sun and Xu 2014), so sorting suffices.
    """
    from scipy.stats import rankdata

    positive, negative = scores[:, truth], scores[:, ~truth]
    ranks = rankdata(scores, axis=1)
    above = (ranks[:, truth] - rankdata(positive, axis=1)) / negative.shape[1]
    below = 1 - (ranks[:, ~truth] - rankdata(negative, axis=1)) / positive.shape[1]
    return above, below


def _covariance_of_means(components: np.ndarray) -> np.ndarray:
    """Return the covariance of the row means, (m, m)."""
    n = components.shape[1]
    centred = components - components.mean(axis=1, keepdims=True)
    return centred @ centred.T / (n * (n - 1) or np.nan)


def _correction(n_groups: int) -> float:
    return n_groups / (n_groups - 1) if n_groups > 1 else np.nan
