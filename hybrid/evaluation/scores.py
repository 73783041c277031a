"""All scores of a model, for any weighting of its rows: the data itself, or bootstrap draws."""

import numpy as np

from hybrid.evaluation.inputs import Problem
from hybrid.evaluation.ranking import Ranking

# The binary scores that are those of the positive class, and their names among the scores of a class.
OF_POSITIVE_CLASS = {
    "sensitivity": "recall",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "f1",
    "roc_auc": "roc_auc",
    "average_precision": "average_precision",
}

Overall = dict[str, np.ndarray]
PerClass = dict[str, np.ndarray]


class Scores:
    """Compute every score of a problem under many row weightings at once.

    What does not depend on the weights (orders, losses of each row) is worked out once. A score that is
    not defined in a draw, such as the recall of a class that the draw lacks, is NaN there. A class without
    images has no scores; macro averages run over the classes that have images, and there a class that
    is never predicted has precision 0, as in scikit-learn.

    Parameters
    ----------
    problem : Problem
        Labels, predictions and probabilities.
    """

    def __init__(self, problem: Problem):
        self._problem = problem
        truth, predicted, proba = problem.truth, problem.predicted, problem.proba
        self._hits, self._predicted, self._truth = (
            part.astype(np.float64) for part in (truth & predicted, predicted, truth)
        )
        self._rankings = [Ranking(truth[:, k], proba[:, k]) for k in range(truth.shape[1])]
        # scikit-learn clips so too: a certain, wrong model gets a large loss, not an infinite one.
        eps = np.finfo(np.float64).eps
        safe = np.clip(proba, eps, 1 - eps)
        squares = (truth - proba) ** 2
        if problem.task == "multilabel":
            n, k = truth.shape
            self._micro = Ranking(truth.ravel(), proba.ravel(), np.repeat(np.arange(n), k))
            self._log_loss, self._brier = -np.log(np.where(truth, safe, 1 - safe)), squares
            wrong = truth != predicted
            self._all_right, self._wrong_share = ~wrong.any(axis=1), wrong.mean(axis=1)
        else:
            self._log_loss = -np.log(safe[truth])
            self._brier = squares.sum(axis=1)
            if problem.task == "binary":
                self._brier = squares[:, problem.classes.index(problem.positive)]

    def __call__(self, weights: np.ndarray) -> tuple[Overall, PerClass]:
        """Return the scores of each row of `weights`.

        Parameters
        ----------
        weights : ndarray of float64, shape (draws, n)
            How often each image counts, whole numbers.

        Returns
        -------
        overall : dict of str to ndarray of shape (draws,)
        per_class : dict of str to ndarray of shape (draws, k)
        """
        hits, predicted, truth = (weights @ part for part in (self._hits, self._predicted, self._truth))
        total = weights.sum(axis=1)
        per_class = _class_scores(hits, predicted, truth, total[:, None])
        counts = weights.astype(np.int32)
        areas = [ranking(counts) for ranking in self._rankings]
        per_class["roc_auc"] = np.column_stack([auc for auc, _ in areas])
        per_class["average_precision"] = np.column_stack([precision for _, precision in areas])
        if self._problem.task == "multilabel":
            per_class |= _label_scores(hits, predicted, truth, total[:, None])
            per_class["log_loss"] = weights @ self._log_loss / total[:, None]
            per_class["brier"] = weights @ self._brier / total[:, None]
            return self._multilabel(weights, hits, predicted, truth, per_class), per_class
        return self._single_label(weights, hits, predicted, truth, per_class), per_class

    def _single_label(
        self,
        weights: np.ndarray,
        hits: np.ndarray,
        predicted: np.ndarray,
        truth: np.ndarray,
        per_class: PerClass,
    ) -> Overall:
        total = weights.sum(axis=1)
        share = truth / total[:, None]
        overall = {
            "accuracy": hits.sum(axis=1) / total,
            "balanced_accuracy": _mean(per_class["recall"]),
        }
        if self._problem.task == "binary":
            k = self._problem.classes.index(self._problem.positive)
            overall |= {name: per_class[source][:, k] for name, source in OF_POSITIVE_CLASS.items()}
        else:
            overall |= {f"{name}_macro": _mean(per_class[name]) for name in ("roc_auc", "average_precision")}
        overall["mcc"] = _mcc(hits, predicted, truth)
        overall |= _macro(per_class)
        for name in ("precision", "recall", "f1"):
            overall[f"{name}_weighted"] = (share * np.nan_to_num(per_class[name])).sum(axis=1)
        overall["log_loss"] = weights @ self._log_loss / total
        overall["brier"] = weights @ self._brier / total
        return overall

    def _multilabel(
        self,
        weights: np.ndarray,
        hits: np.ndarray,
        predicted: np.ndarray,
        truth: np.ndarray,
        per_class: PerClass,
    ) -> Overall:
        total = weights.sum(axis=1)
        all_hits, all_predicted, all_true = (part.sum(axis=1) for part in (hits, predicted, truth))
        auc, precision = self._micro(weights.astype(np.int32))
        return {
            "subset_accuracy": weights @ self._all_right / total,
            "hamming_loss": weights @ self._wrong_share / total,
            **{f"{name}_macro": _mean(per_class[name]) for name in ("roc_auc", "average_precision")},
            "roc_auc_micro": auc,
            "average_precision_micro": precision,
            **_macro(per_class),
            "precision_micro": _ratio(all_hits, all_predicted),
            "recall_micro": _ratio(all_hits, all_true),
            "f1_micro": _ratio(2 * all_hits, all_predicted + all_true),
        }


def _class_scores(hits: np.ndarray, predicted: np.ndarray, truth: np.ndarray, total: np.ndarray) -> PerClass:
    """Return the scores of each class against the rest; all arrays (draws, k)."""
    present = np.where(truth > 0, 1.0, np.nan)
    return {
        "precision": _ratio(hits, predicted) * present,
        "recall": _ratio(hits, truth),
        "specificity": _ratio(total - truth - predicted + hits, total - truth),
        "f1": _ratio(2 * hits, predicted + truth) * present,
    }


def _label_scores(hits: np.ndarray, predicted: np.ndarray, truth: np.ndarray, total: np.ndarray) -> PerClass:
    """Return what each label of a multi-label task has beyond :func:`_class_scores`."""
    recall, specificity = _ratio(hits, truth), _ratio(total - truth - predicted + hits, total - truth)
    # A label takes two counts a side: with and without it.
    columns = np.stack([hits, total - truth - predicted + hits], axis=-1)
    mcc = _mcc(columns, np.stack([predicted, total - predicted], axis=-1), np.stack([truth, total - truth], axis=-1))
    return {
        "accuracy": columns.sum(axis=-1) / total,
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": mcc,
    }


def _macro(per_class: PerClass) -> Overall:
    # Precision is NaN for a class that is never predicted; where the class has images it counts as 0.
    precision = np.where(np.isnan(per_class["recall"]), np.nan, np.nan_to_num(per_class["precision"]))
    return {
        "precision_macro": _mean(precision),
        "recall_macro": _mean(per_class["recall"]),
        "f1_macro": _mean(per_class["f1"]),
    }


def _mcc(hits: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return Matthews' correlation (Gorodkin 2004) from counts whose last axis is the classes."""
    total = truth.sum(axis=-1)
    covariance = hits.sum(axis=-1) * total - (predicted * truth).sum(axis=-1)
    spread_predicted = total**2 - (predicted**2).sum(axis=-1)
    spread_true = total**2 - (truth**2).sum(axis=-1)
    # A constant prediction has no correlation; 0 is the convention, and scikit-learn's.
    mcc = covariance / np.sqrt(np.where(spread_predicted * spread_true > 0, spread_predicted * spread_true, 1))
    return np.where(spread_true > 0, mcc, np.nan)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return top / np.where(bottom > 0, bottom, np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over classes of those that are defined; NaN where none is."""
    return _ratio(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))
