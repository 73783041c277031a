"""The metrics that settings are chosen by: one table, the same names for every task, higher is better."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from hybrid.errors import InputError, unknown_name

MULTILABEL = "average_precision"
SINGLE_LABEL = "roc_auc"


@dataclass(frozen=True)
class ScoredRows:
    """Labels and probabilities of some rows.

    Attributes
    ----------
    truth : ndarray of bool, shape (n, k)
        One column a class, or a label.
    proba : ndarray of float, shape (n, k)
    multilabel : bool
    """

    truth: NDArray[np.bool_]
    proba: NDArray[np.floating]
    multilabel: bool

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """What the probabilities amount to, (n, k)."""
        if self.multilabel:
            return self.proba > 0.5
        return np.eye(self.proba.shape[1], dtype=bool)[self.proba.argmax(axis=1)]

    @property
    def columns(self) -> list[int]:
        """The columns that are scored one by one: of a binary task the second class, else those with both values."""
        if not self.multilabel and self.truth.shape[1] == 2:
            return [1]
        return np.flatnonzero(both_values(self.truth)).tolist()


def both_values(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each column of labels (n, k) whether it holds positives and negatives, (k,)."""
    positives = truth.sum(axis=0)
    return (positives > 0) & (positives < len(truth))


def truth_matrix(y: NDArray, classes: NDArray | None = None) -> NDArray[np.bool_]:
    """Return labels (n,) or (n, k) as one column a class or label; classes are those of `y` if not given."""
    if y.ndim == 2:
        return y.astype(bool)
    return y[:, None] == (np.unique(y) if classes is None else classes)[None, :]


def _mean_over_columns(metric: Callable) -> Callable[[ScoredRows], float]:
    def score(scored: ScoredRows) -> float:
        return float(np.mean([metric(scored.truth[:, k], scored.proba[:, k]) for k in scored.columns]))

    return score


def _balanced_accuracy(scored: ScoredRows) -> float:
    hit = scored.truth == scored.predicted
    recall = [hit[scored.truth[:, k], k].mean() for k in np.flatnonzero(scored.truth.any(axis=0))]
    if not scored.multilabel:
        return float(np.mean(recall))
    specificity = [hit[~scored.truth[:, k], k].mean() for k in np.flatnonzero(~scored.truth.all(axis=0))]
    return float((np.mean(recall) + np.mean(specificity)) / 2)


def _f1(scored: ScoredRows) -> float:
    truth, predicted = scored.truth[:, scored.columns], scored.predicted[:, scored.columns]
    return float(np.mean(2 * (truth & predicted).sum(axis=0) / (truth.sum(axis=0) + predicted.sum(axis=0))))


def _negative_log_loss(scored: ScoredRows) -> float:
    eps = np.finfo(np.float64).eps
    proba = np.clip(scored.proba.astype(np.float64), eps, 1 - eps)
    if scored.multilabel:
        return float(np.log(np.where(scored.truth, proba, 1 - proba)).mean())
    return float(np.log(proba[scored.truth]).mean())


METRICS: dict[str, Callable[[ScoredRows], float]] = {
    "roc_auc": _mean_over_columns(roc_auc_score),
    "average_precision": _mean_over_columns(average_precision_score),
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "log_loss": _negative_log_loss,
}


class Scorer:
    """A scorer as scikit-learn's searches take it, on probabilities; for more than two classes, one against the rest.

    Parameters
    ----------
    metric : str
        A name in `METRICS`. Log loss counts as its negative, so that higher is better.

    Raises
    ------
    InputError
        If there is no such metric.
    """

    def __init__(self, metric: str):
        if metric not in METRICS:
            raise unknown_name("metric", metric, METRICS)
        self.metric = metric

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Return the score of a fitted classifier on images or embeddings X and labels y."""
        if not hasattr(estimator, "predict_proba"):
            raise InputError("The head gives no probabilities (predict_proba), which all metrics here are made of.")
        y = np.asarray(y)
        truth = truth_matrix(y, estimator.classes_ if y.ndim == 1 else None)
        return METRICS[self.metric](ScoredRows(truth, estimator.predict_proba(X), y.ndim == 2))

    def __repr__(self) -> str:
        return f"Scorer({self.metric!r})"
