"""Points of ROC and precision-recall curves, of one class or averaged over classes."""

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

Curve = tuple[np.ndarray, np.ndarray]
_GRID = np.linspace(0, 1, 201)
_MOST_POINTS = 400


def roc_points(truth: np.ndarray, proba: np.ndarray) -> Curve | None:
    """Return the false and true positive rates of the ROC curve; with several columns, of the mean curve.

    The mean covers the columns with both positives and negatives.

    Parameters
    ----------
    truth : ndarray of bool, of shape (n,) or (n, k)
        True labels.
    proba : ndarray of shape (n,) or (n, k)
        Predicted probabilities.

    Returns
    -------
    (ndarray, ndarray) or None
        None if no column has both positives and negatives.
    """
    curves = [roc_curve(true, score)[:2] for true, score in _columns(truth, proba)]
    if len(curves) == 1:
        return _thinned(*curves[0])
    if not curves:
        return None
    rates = np.mean([np.interp(_GRID, false, true) for false, true in curves], axis=0)
    return np.r_[0, _GRID], np.r_[0, rates]


def precision_recall_points(truth: np.ndarray, proba: np.ndarray) -> Curve | None:
    """Return the recall and precision of the precision-recall curve; with several columns, of the mean curve.

    The parameters, and the cases in which the result is None, are those of :func:`roc_points`.
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
    """Return at most `_MOST_POINTS` points of a curve, spread evenly along its length."""
    if len(x) <= _MOST_POINTS:
        return x, y
    length = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    kept = np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS))
    kept = np.unique(np.r_[0, np.minimum(kept, len(x) - 1), len(x) - 1])
    return x[kept], y[kept]
