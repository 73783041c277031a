"""Points of the curves: ROC and precision against recall, of one class or the mean over classes."""

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

Curve = tuple[np.ndarray, np.ndarray]
_GRID = np.linspace(0, 1, 201)
_MOST_POINTS = 400


def roc_points(truth: np.ndarray, proba: np.ndarray) -> Curve | None:
    """Return false and true positive rates; of several columns, the mean true positive rate over those that have one.

    Parameters
    ----------
    truth : ndarray of bool, (n,) or (n, k)
    proba : ndarray, (n,) or (n, k)

    Returns
    -------
    (ndarray, ndarray) or None
        None where no column has both positives and negatives.
    """
    curves = [roc_curve(true, score)[:2] for true, score in _columns(truth, proba)]
    if len(curves) == 1:
        return _thinned(*curves[0])
    if not curves:
        return None
    rates = np.mean([np.interp(_GRID, false, true) for false, true in curves], axis=0)
    return np.r_[0, _GRID], np.r_[0, rates]


def precision_recall_points(truth: np.ndarray, proba: np.ndarray) -> Curve | None:
    """Return recall and precision; of several columns, the mean precision over those that have one.

    Parameters and None are those of :func:`roc_points`.
    """
    curves = [precision_recall_curve(true, score)[:2] for true, score in _columns(truth, proba)]
    if len(curves) == 1:
        precision, recall = curves[0]
        return _thinned(recall[::-1], precision[::-1])
    if not curves:
        return None
    # a step of the curve holds the precision of the next higher recall that was reached
    steps = [precision[::-1][np.searchsorted(recall[::-1], _GRID)] for precision, recall in curves]
    return _GRID, np.mean(steps, axis=0)


def _columns(truth: np.ndarray, proba: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    if truth.ndim == 1:
        truth, proba = truth[:, None], proba[:, None]
    pairs = zip(truth.T, proba.T, strict=True)
    return [(true, score) for true, score in pairs if true.any() and not true.all()]


def _thinned(x: np.ndarray, y: np.ndarray) -> Curve:
    """Leave out points that a screen cannot tell apart: at most so many, evenly along the curve's length."""
    if len(x) <= _MOST_POINTS:
        return x, y
    length = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    kept = np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS))
    kept = np.unique(np.r_[0, np.minimum(kept, len(x) - 1), len(x) - 1])
    return x[kept], y[kept]
