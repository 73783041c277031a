"""ROC AUC and average precision of many weightings of the same rows, from one sort."""

import numpy as np


class Ranking:
    """The rows ordered by a score once; each weighting then costs two cumulative sums.

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
    >>> auc, precision = ranking(np.ones((1, 4), dtype=np.int32))
    >>> auc.tolist(), precision.round(3).tolist()
    ([0.75], [0.833])
    """

    def __init__(self, truth: np.ndarray, score: np.ndarray, rows: np.ndarray | None = None):
        order = np.argsort(-score, kind="stable")
        ranked, positive = score[order], truth[order]
        self._rows = order if rows is None else rows[order]
        self._positive_rows = self._rows[positive]
        end = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        start = np.append(0, end[:-1] + 1)
        positives = np.cumsum(positive)[end]
        # Only groups of equal score that hold a positive add to either area.
        holds = np.diff(positives, prepend=0) > 0
        self._end, self._start, self._last = end[holds], start[holds], positives[holds] - 1

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ROC AUC and average precision for each row of `weights`.

        Parameters
        ----------
        weights : ndarray of int32, shape (draws, n)
            How often every row of the data counts in each draw. Whole numbers, because their cumulative sums
            take a third of the time of floating point's, and are exact.

        Returns
        -------
        auc, average_precision : ndarray of shape (draws,)
            NaN where a draw lacks positives or negatives.
        """
        if len(self._last) == 0:
            undefined = np.full(len(weights), np.nan)
            return undefined, undefined
        above = np.cumsum(weights[:, self._rows], axis=1, dtype=np.int32)
        hits = np.cumsum(weights[:, self._positive_rows], axis=1, dtype=np.int32)[:, self._last]
        passed = above[:, self._end]
        passed_before = np.where(self._start > 0, above[:, self._start - 1], 0)
        gained = np.diff(hits, axis=1, prepend=0)
        # Twice the negatives above each positive, those of the same score counted half.
        overtaking = passed + passed_before + gained - 2 * hits
        n_positive, n_negative = _split(above, hits)
        auc = 1 - np.einsum("ij,ij->i", gained, overtaking, dtype=np.float64) / (2 * n_positive * n_negative)
        precision = hits / np.maximum(passed, 1)
        return auc, np.einsum("ij,ij->i", gained, precision) / n_positive


def _split(above: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each draw's positives and negatives, NaN where it lacks one of the two."""
    n_positive = hits[:, -1].astype(np.float64)
    n_negative = above[:, -1] - n_positive
    defined = (n_positive > 0) & (n_negative > 0)
    return np.where(defined, n_positive, np.nan), np.where(defined, n_negative, np.nan)
