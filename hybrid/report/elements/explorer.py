"""Counts at every threshold for the threshold explorer, whose script only looks them up."""

from typing import Any

import numpy as np

STEPS = 1000
_STEPS_OF_MANY = 200
_MANY = 20


def explorer_counts(truth: np.ndarray, proba: np.ndarray, names: list[str], own: list[float]) -> dict[str, Any]:
    """Return the numbers of true and false positives at every threshold.

    An image is predicted positive if its probability is at least the threshold.

    Parameters
    ----------
    truth : ndarray of bool, of shape (n, k)
        True labels, one column per label; for two classes, a single column for the positive class.
    proba : ndarray of shape (n, k)
        Predicted probabilities.
    names : list of str of length k
        Names of the labels.
    own : list of float of length k
        The model's own thresholds, at which the explorer starts; they are added to the steps.

    Returns
    -------
    dict
        JSON values: ``labels``, a list with ``name``, ``thresholds`` (ascending, from 0 to 1), ``own`` (the index
        of the model's own), ``tp`` and ``fp`` (the counts at each threshold), ``positives`` and ``negatives``.
    """
    steps = STEPS if len(names) <= _MANY else _STEPS_OF_MANY
    columns = zip(names, truth.T.astype(bool), proba.T, own, strict=True)
    return {"labels": [_label(name, true, score, threshold, steps) for name, true, score, threshold in columns]}


def _label(name: str, truth: np.ndarray, proba: np.ndarray, own: float, steps: int) -> dict[str, Any]:
    thresholds = np.union1d(np.arange(steps + 1) / steps, own)
    positives = [_count_at_least(np.sort(proba[mask]), thresholds) for mask in (truth, ~truth)]
    return {
        "name": name,
        "thresholds": thresholds.tolist(),
        "own": int(np.searchsorted(thresholds, own)),
        "tp": positives[0].tolist(),
        "fp": positives[1].tolist(),
        "positives": int(truth.sum()),
        "negatives": int((~truth).sum()),
    }


def _count_at_least(ascending: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return len(ascending) - np.searchsorted(ascending, thresholds, side="left")
