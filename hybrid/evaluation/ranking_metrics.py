"""ROC AUC and average precision for many weightings of the same images, computed from a single sort."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ROUNDING = 1e-12


class Ranking:
    """Items sorted by score once, so that each weighting takes one sum over all items and two over the positive ones.

    Ties are treated as in scikit-learn: items of equal score pass the threshold together.

    Parameters
    ----------
    truth : ndarray of bool, shape (m,)
        Whether each item is positive.
    score : ndarray of shape (m,)
        Score of each item; higher means positive.
    rows : ndarray of int, shape (m,), optional
        The image that each item belongs to, because the labels of an image share its weight. By default item i
        belongs to image i.

    Examples
    --------
    >>> ranking = Ranking(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> auc, precision = ranking(np.ones((4, 1), dtype=np.int32))
    >>> auc.tolist(), precision.round(3).tolist()
    ([0.75], [0.833])
    """

    def __init__(self, truth: np.ndarray, score: np.ndarray, rows: np.ndarray | None = None):
        order = np.argsort(-score, kind="stable")
        ranked, positive = score[order], truth[order]
        rows = order if rows is None else rows[order]
        tie = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))  # items of equal score have one number
        positive_ties = np.unique(tie[positive])
        # Only ties with a positive item change the areas. A segment ends with such a tie and begins after the previous.
        segment = np.searchsorted(positive_ties, tie)
        tied = ~positive & np.isin(tie, positive_ties)
        n, self._n_segments = int(rows.max(initial=-1)) + 1, len(positive_ties)
        self._all = _sum_matrix(segment, rows, self._n_segments + 1, n)
        self._positive = _sum_matrix(segment[positive], rows[positive], self._n_segments, n)
        self._tied = _sum_matrix(segment[tied], rows[tied], self._n_segments, n)

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ROC AUC and average precision for each column of `weights`.

        Parameters
        ----------
        weights : ndarray of int32 or float64, shape (n, draws)
            How often each image counts in each draw, or its weight there, as whole numbers, whose sums are exact.

        Returns
        -------
        auc, average_precision : ndarray of shape (draws,)
            NaN for draws without positive or without negative items.
        """
        if self._n_segments == 0:
            undefined = np.full(weights.shape[1], np.nan)
            return undefined, undefined
        above = np.cumsum(self._all @ weights, axis=0, dtype=weights.dtype)
        gained, passed = self._positive @ weights, above[:-1]
        hits = np.cumsum(gained, axis=0, dtype=weights.dtype)
        # Twice the number of negatives above each positive, where negatives of equal score count half.
        overtaking = 2 * (passed - hits) - self._tied @ weights
        n_positive, n_negative = _split(above[-1], hits[-1])
        auc = 1 - np.einsum("ij,ij->j", gained, overtaking, dtype=np.float64) / (2 * n_positive * n_negative)
        auc = np.where(auc < ROUNDING, 0.0, auc)  # products of two weights are rounded
        precision = hits / np.maximum(passed, 1)
        return auc, np.einsum("ij,ij->j", gained, precision) / n_positive


def _sum_matrix(segments: np.ndarray, rows: np.ndarray, n_segments: int, n_rows: int) -> "csr_array":
    """Return the matrix whose product with weights of shape (n_rows, draws) is their sum over each segment."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows), np.int32), (segments, rows)), shape=(n_segments, n_rows))


def _split(total: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of positive and negative items of each draw; NaN if either is 0."""
    n_positive = positive.astype(np.float64)
    n_negative = total - n_positive
    defined = (n_positive > 0) & (n_negative > 0)
    return np.where(defined, n_positive, np.nan), np.where(defined, n_negative, np.nan)
