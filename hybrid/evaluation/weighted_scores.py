"""The scores of a model for any weights of its images: on all images, or in bootstrap draws."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from hybrid.evaluation.calibration import BINS, calibration_gaps
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.metrics import METRICS, metrics_of, of_positive_class
from hybrid.evaluation.ranking_metrics import Ranking

LOSSES = ("log_loss", "brier")  # means over the images
RANKED = ("roc_auc", "average_precision")  # in the order of what a Ranking returns

Counts = float | np.ndarray
Overall = dict[str, np.ndarray]  # (draws,)
PerClass = dict[str, np.ndarray]  # (draws, k)
Sums = dict[str, np.ndarray]  # (draws, columns): sums over the images


class WeightedScores:
    """Compute the scores of a model for many weightings of its images at once.

    Everything that does not depend on the weights, such as the order and the losses of the images, is computed once. A
    score that is not defined in a draw, such as the recall of a class that the draw lacks, is NaN. A class without
    images has no scores. Macro averages are taken over the classes with images; as in scikit-learn, the precision of
    a class that is never predicted counts as 0.

    Parameters
    ----------
    problem : CheckedInput
        The labels, predictions and probabilities.
    metrics : iterable of str, optional
        Names of the overall metrics to compute. By default all metrics of the task. Intermediate results that only
        other metrics need, such as the order of the images for ROC AUC, are not computed.
    """

    def __init__(self, problem: CheckedInput, metrics: Iterable[str] | None = None):
        self._problem = problem
        truth, predicted = problem.truth, problem.predicted
        specs = [METRICS[name] for name in (metrics_of(problem.task) if metrics is None else metrics)]
        if problem.probabilities is None:
            specs = [metric for metric in specs if not metric.threshold_free]
        n, k = truth.shape
        ranked = [metric for metric in specs if metric.needs == "ranks"]
        self._rankings, self._micro = [], None
        if any(not metric.name.endswith("_micro") for metric in ranked):
            self._rankings = [Ranking(truth[:, j], problem.proba[:, j]) for j in range(k)]
        if any(metric.name.endswith("_micro") for metric in ranked):
            self._micro = Ranking(truth.ravel(), problem.proba.ravel(), np.repeat(np.arange(n), k))
        parts = {"hits": truth & predicted, "predicted": predicted, "truth": truth}
        if problem.task == "multilabel":
            wrong = truth != predicted
            parts |= {"all_right": ~wrong.any(axis=1), "wrong_share": wrong.mean(axis=1)}
        probabilistic = [metric for metric in specs if metric.needs == "probabilities"]
        if any(metric.interval != "calibration" for metric in probabilistic):
            parts |= _losses(problem)
        if any(metric.interval == "calibration" for metric in probabilistic):
            parts["gaps"] = calibration_gaps(problem)
        parts = {name: part.reshape(n, -1) for name, part in parts.items()}
        # A single matrix product with the weights gives all sums.
        self._columns = np.hstack(list(parts.values())).astype(np.float64)
        self._ends = dict(zip(parts, np.cumsum([part.shape[1] for part in parts.values()]), strict=True))

    def __call__(self, weights: np.ndarray) -> tuple[Overall, PerClass]:
        """Return the scores for each row of `weights`.

        Parameters
        ----------
        weights : ndarray of float64, shape (draws, n)
            How often each image counts, or its weight, as whole numbers.

        Returns
        -------
        overall : dict of str to ndarray of shape (draws,)
        per_class : dict of str to ndarray of shape (draws, k)
        """
        total = weights.sum(axis=1)[:, None]
        sums = dict(zip(self._ends, np.split(weights @ self._columns, list(self._ends.values())[:-1], 1), strict=True))
        per_class = class_scores(sums["hits"], sums["predicted"], sums["truth"], total)
        kind = np.int32 if self._problem.sample_weight is None else np.float64
        counts = np.ascontiguousarray(weights.T, dtype=kind)
        per_class |= _ranked([ranking(counts) for ranking in self._rankings])
        if self._problem.task == "multilabel":
            per_class |= _label_scores(sums, total)
            micro = _ranked([self._micro(counts)]) if self._micro else {}
            return _multilabel(sums, total, per_class, micro), per_class
        return self._single_label(sums, total, per_class), per_class

    def _single_label(self, sums: Sums, total: np.ndarray, per_class: PerClass) -> Overall:
        overall = {
            "accuracy": sums["hits"].sum(axis=1) / total[:, 0],
            "balanced_accuracy": _mean(per_class["recall"]),
        }
        if self._problem.task == "binary":
            k = self._problem.classes.index(self._problem.positive)
            of_class = of_positive_class().items()
            overall |= {name: per_class[source][:, k] for name, source in of_class if source in per_class}
        else:
            overall |= _macro_ranked(per_class)
        overall["mcc"] = _mcc(sums["hits"], sums["predicted"], sums["truth"])
        overall |= _macro(per_class)
        for name in ("precision", "recall", "f1"):
            overall[f"{name}_weighted"] = (sums["truth"] / total * np.nan_to_num(per_class[name])).sum(axis=1)
        overall |= {name: sums[name][:, 0] / total[:, 0] for name in LOSSES if name in sums}
        return overall | _ece(sums, total)


def _losses(problem: CheckedInput) -> dict[str, np.ndarray]:
    """Return the loss of each image for the scores that are means over images."""
    truth, proba = problem.truth, problem.proba
    # As in scikit-learn, clipping gives a certain but wrong prediction a large loss instead of an infinite one.
    eps = np.finfo(np.float64).eps
    safe, squares = np.clip(proba, eps, 1 - eps), (truth - proba) ** 2
    if problem.task == "multilabel":
        return {"log_loss": -np.log(np.where(truth, safe, 1 - safe)), "brier": squares}
    brier = squares.sum(axis=1)
    if problem.task == "binary":
        brier = squares[:, problem.classes.index(problem.positive)]
    return {"log_loss": -np.log(safe[truth]), "brier": brier}


def _multilabel(sums: Sums, total: np.ndarray, per_class: PerClass, micro: PerClass) -> Overall:
    hits, predicted, true = (sums[name].sum(axis=1) for name in ("hits", "predicted", "truth"))
    return {
        "subset_accuracy": sums["all_right"][:, 0] / total[:, 0],
        "hamming_loss": sums["wrong_share"][:, 0] / total[:, 0],
        **_macro_ranked(per_class),
        **{f"{name}_micro": values[:, 0] for name, values in micro.items()},
        **_macro(per_class),
        "precision_micro": _ratio(hits, predicted),
        "recall_micro": _ratio(hits, true),
        "f1_micro": _ratio(2 * hits, predicted + true),
        "balanced_accuracy_macro": _mean(per_class["balanced_accuracy"]),
        **{f"{name}_macro": _mean(per_class[name]) for name in ("log_loss", "ece") if name in per_class},
    }


def _ece(sums: Sums, total: np.ndarray) -> Overall:
    return {"ece": np.abs(sums["gaps"]).sum(axis=1) / total[:, 0]} if "gaps" in sums else {}


def _ranked(areas: list[tuple[np.ndarray, np.ndarray]]) -> PerClass:
    if not areas:
        return {}
    return {name: np.column_stack(part) for name, part in zip(RANKED, zip(*areas, strict=True), strict=True)}


def _macro_ranked(per_class: PerClass) -> Overall:
    return {f"{name}_macro": _mean(per_class[name]) for name in RANKED if name in per_class}


def class_scores(hits: Counts, predicted: Counts, truth: Counts, total: Counts) -> dict[str, Any]:
    """Return the scores of a class against the rest, from numbers of images; NaN if a score is not defined.

    Parameters
    ----------
    hits : float or ndarray
        Number of images of the class that are predicted as the class.
    predicted, truth : float or ndarray
        Number of images that are predicted as the class, and number of images of the class.
    total : float or ndarray
        Number of all images.
    """
    present, absent = (np.where(np.greater(images, 0), 1.0, np.nan) for images in (truth, total - truth))
    rejected = total - truth - predicted + hits  # images of other classes that are not predicted as the class
    return {
        "precision": _ratio(hits, predicted) * present,
        "npv": _ratio(rejected, total - predicted) * absent,
        "recall": _ratio(hits, truth),
        "specificity": _ratio(rejected, total - truth),
        "lr_positive": _ratio(_ratio(hits, truth), _ratio(predicted - hits, total - truth)),
        "lr_negative": _ratio(_ratio(truth - hits, truth), _ratio(rejected, total - truth)),
        "f1": _ratio(2 * hits, predicted + truth) * present,
    }


def label_scores(hits: Counts, predicted: Counts, truth: Counts, total: Counts) -> dict[str, Any]:
    """Return the scores of :func:`class_scores`, and the accuracy and balanced accuracy of a label."""
    scores = class_scores(hits, predicted, truth, total)
    return scores | {
        "accuracy": (total - truth - predicted + 2 * hits) / total,
        "balanced_accuracy": (scores["recall"] + scores["specificity"]) / 2,
    }


def _label_scores(sums: Sums, total: np.ndarray) -> PerClass:
    """Return the scores that the labels of a multi-label task have beyond :func:`class_scores`."""
    hits, predicted, truth = sums["hits"], sums["predicted"], sums["truth"]
    # The two classes of a label are the images with and without it.
    columns = np.stack([hits, total - truth - predicted + hits], axis=-1)
    mcc = _mcc(columns, np.stack([predicted, total - predicted], axis=-1), np.stack([truth, total - truth], axis=-1))
    scores = label_scores(hits, predicted, truth, total) | {"mcc": mcc}
    scores |= {name: sums[name] / total for name in LOSSES if name in sums}
    if "gaps" in sums:
        scores["ece"] = np.abs(sums["gaps"].reshape(*truth.shape, BINS)).sum(axis=-1) / total
    return scores


def _macro(per_class: PerClass) -> Overall:
    # The precision of a class that is never predicted is NaN; if the class has images, it counts as 0.
    precision = np.where(np.isnan(per_class["recall"]), np.nan, np.nan_to_num(per_class["precision"]))
    return {
        "precision_macro": _mean(precision),
        "recall_macro": _mean(per_class["recall"]),
        "f1_macro": _mean(per_class["f1"]),
    }


def _mcc(hits: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the Matthews correlation coefficient (Gorodkin 2004) from counts with the classes as last axis."""
    total = truth.sum(axis=-1)
    covariance = hits.sum(axis=-1) * total - (predicted * truth).sum(axis=-1)
    spread_predicted = total**2 - (predicted**2).sum(axis=-1)
    spread_true = total**2 - (truth**2).sum(axis=-1)
    # Constant predictions have no correlation; 0 is the convention, as in scikit-learn.
    mcc = covariance / np.sqrt(np.where(spread_predicted * spread_true > 0, spread_predicted * spread_true, 1))
    return np.where(spread_true > 0, mcc, np.nan)


def _ratio(top: Counts, bottom: Counts) -> Any:
    return top / np.where(np.greater(bottom, 0), bottom, np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the classes with defined values; NaN if there is none."""
    return _ratio(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))
