"""ROC AUC and average precision of many weightings of the same rows, from one sort."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Ranking:
    """The rows ordered by a score once; each weighting then costs a sum over the rows and two over the positives.

    Ties are treated as scikit-learn does: rows of equal score pass the threshold together.

    Parameters
    ----------
    truth : ndarray of bool, shape (m,)
        Whether each item is positive.
    score : ndarray of shape (m,)
        Score of each item; high means positive.
    rows : ndarray of int, shape (m,), optional
        The row of the data that each item belongs to (several labels of one image share its weight);
        by default item i is row i.

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
        group = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))  # of equal score
        holding = np.unique(group[positive])
        # Only groups that hold a positive add to either area; a stretch is such a group and all before it, to the last.
        stretch = np.searchsorted(holding, group)
        tied = ~positive & np.isin(group, holding)
        n, self._groups = int(rows.max(initial=-1)) + 1, len(holding)
        self._all = _sums(stretch, rows, self._groups + 1, n)
        self._positive = _sums(stretch[positive], rows[positive], self._groups, n)
        self._tied = _sums(stretch[tied], rows[tied], self._groups, n)

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ROC AUC and average precision for each column of `weights`.

        Parameters
        ----------
        weights : ndarray of int32, shape (n, draws)
            How often every row of the data counts in each draw; whole numbers, whose sums are exact.

        Returns
        -------
        auc, average_precision : ndarray of shape (draws,)
            NaN where a draw lacks positives or negatives.
        """
        if self._groups == 0:
            undefined = np.full(weights.shape[1], np.nan)
            return undefined, undefined
        above = np.cumsum(self._all @ weights, axis=0, dtype=np.int32)
        gained, passed = self._positive @ weights, above[:-1]
        hits = np.cumsum(gained, axis=0, dtype=np.int32)
        # Twice the negatives above each positive, those of the same score counted half.
        overtaking = 2 * (passed - hits) - self._tied @ weights
        n_positive, n_negative = _split(above[-1], hits[-1])
        auc = 1 - np.einsum("ij,ij->j", gained, overtaking, dtype=np.float64) / (2 * n_positive * n_negative)
        precision = hits / np.maximum(passed, 1)
        return auc, np.einsum("ij,ij->j", gained, precision) / n_positive


def _sums(places: np.ndarray, rows: np.ndarray, n_places: int, n_rows: int) -> "csr_array":
    """Return the matrix whose product with weights, (n_rows, draws), sums those of the rows that share a place."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows), np.int32), (places, rows)), shape=(n_places, n_rows))


def _split(total: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each draw's positives and negatives, NaN where it lacks one of the two."""
    n_positive = positive.astype(np.float64)
    n_negative = total - n_positive
    defined = (n_positive > 0) & (n_negative > 0)
    return np.where(defined, n_positive, np.nan), np.where(defined, n_negative, np.nan)
