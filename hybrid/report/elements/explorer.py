"""What the threshold explorer knows: the counts of every threshold, worked out here and only looked up in the page."""

from typing import Any

import numpy as np

STEPS = 1000
_STEPS_OF_MANY = 200
_MANY = 20


def explorer_counts(truth: np.ndarray, proba: np.ndarray, names: list[str], own: list[float]) -> dict[str, Any]:
    """Return true and false positives at every threshold; an image is positive from the threshold on.

    Parameters
    ----------
    truth : ndarray of bool, (n, k)
        One column a label; one column in all for two classes.
    proba : ndarray, (n, k)
    names : list of str, (k,)
    own : list of float, (k,)
        The model's own thresholds, where the explorer begins; each is one of the steps.

    Returns
    -------
    dict
        JSON values: ``labels``, a list with ``name``, ``thresholds`` (ascending, from 0 to 1), ``own`` (which of
        them is the model's), ``tp`` and ``fp`` (counts at each), ``positives`` and ``negatives``.
    """
    steps = STEPS if len(names) <= _MANY else _STEPS_OF_MANY
    columns = zip(names, truth.T.astype(bool), proba.T, own, strict=True)
    return {"labels": [_label(name, true, score, threshold, steps) for name, true, score, threshold in columns]}


def _label(name: str, truth: np.ndarray, proba: np.ndarray, own: float, steps: int) -> dict[str, Any]:
    thresholds = np.union1d(np.arange(steps + 1) / steps, own)
    at_least = [_at_least(np.sort(proba[mask]), thresholds) for mask in (truth, ~truth)]
    return {
        "name": name,
        "thresholds": thresholds.tolist(),
        "own": int(np.searchsorted(thresholds, own)),
        "tp": at_least[0].tolist(),
        "fp": at_least[1].tolist(),
        "positives": int(truth.sum()),
        "negatives": int((~truth).sum()),
    }


def _at_least(ascending: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return len(ascending) - np.searchsorted(ascending, thresholds, side="left")
