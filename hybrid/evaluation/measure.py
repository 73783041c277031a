"""The one function that evaluates every model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.evaluation.bootstrap import draw_weights, interval
from hybrid.evaluation.inputs import Problem, check_problem
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.evaluation.scores import OF_POSITIVE_CLASS, Overall, PerClass, Scores

NEED_NO_IMAGES = {"specificity", "accuracy", "log_loss", "brier"}
NEED_OTHERS = {"specificity", "roc_auc", "average_precision", "balanced_accuracy", "mcc"}

NO_IMAGES = "the split has no image of this class"
ALL_IMAGES = "every image of the split is of this class"
NEVER_PREDICTED = "the class is never predicted"
CONSTANT = "0 by convention: every prediction is the same"
NO_INTERVAL = "no interval: resampling these images does not vary it, or often leaves it undefined"


def evaluate(
    y_true: Any,
    proba: Any,
    classes: Sequence,
    *,
    y_pred: Any = None,
    positive: Any = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Evaluation:
    """Evaluate a model's predictions on one split, with a bootstrap interval for every score.

    The values are scikit-learn's. Intervals are percentile intervals of the bootstrap (Efron and Tibshirani
    1993, ch. 13): images are drawn with replacement, within each true class for single-label tasks, from all
    for multi-label. A score that no draw changes, such as an accuracy of 1, gets no interval. Time grows with
    images × classes × draws; memory does not grow with the draws.

    Definitions where the field has several: `brier` is the mean squared error of the positive class's
    probability for two classes, and summed over the classes for more (0 to 2). `roc_auc` and
    `average_precision` belong to the positive class of a binary task; with `_macro` they are means over
    classes, each against the rest. Macro averages run over the classes that the split has; a class never
    predicted counts there with precision 0, and the note of the metric says so. Log loss clips probabilities
    at 2.2e-16.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, k)
        Labels; for multi-label one 0/1 column a label.
    proba : array-like of shape (n, k)
        Probabilities, columns in the order of `classes`.
    classes : sequence of length k
        The classes (sorted, as a classifier's ``classes_``) or the label names.
    y_pred : array-like, optional
        Predicted labels in the form of `y_true`; by default the class of highest probability, or for
        multi-label every label of at least one half.
    positive : object, optional
        The positive class of a binary task; by default ``classes[1]``.
    n_boot : int, default=2000
        Bootstrap draws; 0 gives no intervals.
    seed : int, default=0
        Seed of the draws.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    Evaluation
        What is not defined on these images is None there, with the reason.

    Raises
    ------
    InputError
        If shapes do not fit together, labels are not among the classes, or the probabilities hold NaN, lie
        outside 0 to 1, or do not sum to 1 within 1e-3 (single-label).

    Examples
    --------
    >>> result = evaluate(["cat", "dog", "dog"], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], ["cat", "dog"])
    >>> round(result.metrics["accuracy"].value, 3), result.metrics["roc_auc"].value
    (0.667, 1.0)
    >>> result.confusion.tolist()
    [[1, 0], [1, 1]]
    """
    if n_boot < 0 or not 0 < level < 1:
        raise InputError(f"n_boot must be 0 or more and level between 0 and 1; got {n_boot} and {level}.")
    problem = check_problem(y_true, proba, classes, y_pred, positive)
    scores = Scores(problem)
    overall, per_class = scores(np.ones((1, len(problem.truth))))
    overall_draws, class_draws = _draw(scores, problem, n_boot, seed)
    support = problem.truth.sum(axis=0)
    return Evaluation(
        task=problem.task,
        classes=problem.classes,
        positive=problem.positive,
        n=len(problem.truth),
        metrics={
            name: _metric(value[0], overall_draws[name], level, _overall_note(name, problem))
            for name, value in overall.items()
        },
        per_class={
            label: {
                name: _metric(value[0, k], class_draws[name][:, k], level, _class_note(name, k, problem))
                for name, value in per_class.items()
            }
            | {"support": int(support[k])}
            for k, label in enumerate(problem.classes)
        },
        confusion=_confusion(problem),
        level=level,
        n_boot=n_boot,
        seed=seed,
    )


def _draw(scores: Scores, problem: Problem, n_boot: int, seed: int) -> tuple[Overall, PerClass]:
    """Return every score in every draw: arrays (n_boot,) and (n_boot, k)."""
    n = len(problem.truth)
    strata = np.zeros(n, dtype=np.intp) if problem.task == "multilabel" else problem.truth.argmax(axis=1)
    # The empty first part gives the arrays their names and shapes where no draw is wanted.
    parts = [scores(np.ones((0, n)))]
    parts += [scores(weights) for weights in draw_weights(strata, n_boot, seed)]
    overall, per_class = zip(*parts, strict=True)
    return _joined(overall), _joined(per_class)


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _metric(value: float, draws: np.ndarray, level: float, note: str) -> Metric:
    if np.isnan(value):
        return Metric(None, note=note)
    bounds = interval(draws, level)
    if bounds is not None:
        return Metric(float(value), *bounds, note=note)
    reasons = [note, NO_INTERVAL if len(draws) else ""]
    return Metric(float(value), note="; ".join(filter(None, reasons)))


def _class_note(name: str, k: int, problem: Problem) -> str:
    """Return why a score of class `k` is not defined, or what it takes by convention."""
    has = problem.truth[:, k].any()
    if not has and name not in NEED_NO_IMAGES:
        return NO_IMAGES
    if problem.truth[:, k].all() and name in NEED_OTHERS:
        return ALL_IMAGES
    said = problem.predicted[:, k]
    if name == "precision" and not said.any():
        return NEVER_PREDICTED
    return CONSTANT if name == "mcc" and said.all() | ~said.any() else ""


def _overall_note(name: str, problem: Problem) -> str:
    """Return why a score of the whole is not defined, or what was left out of it."""
    support, predicted = problem.truth.sum(axis=0), problem.predicted.sum(axis=0)
    if problem.task == "binary" and name in OF_POSITIVE_CLASS:
        return _class_note(OF_POSITIVE_CLASS[name], problem.classes.index(problem.positive), problem)
    if name == "mcc":
        if (support > 0).sum() == 1:
            return "the split has images of one class only"
        return CONSTANT if (predicted > 0).sum() == 1 else ""
    if name == "precision_micro" and not predicted.any():
        return "no label is ever predicted"
    notes = []
    if name.endswith("_macro") or name == "balanced_accuracy":
        absent = [label for label, images in zip(problem.classes, support, strict=True) if images == 0]
        notes += [f"without classes that the split lacks: {_names(absent)}"] if absent else []
    if name in ("precision_macro", "precision_weighted"):
        silent = (support > 0) & (predicted == 0)
        never = [label for label, missed in zip(problem.classes, silent, strict=True) if missed]
        notes += [f"counted as 0, because never predicted: {_names(never)}"] if never else []
    return "; ".join(notes)


def _names(labels: Sequence) -> str:
    text = ", ".join(map(str, labels[:5]))
    return f"{text} and {len(labels) - 5} more" if len(labels) > 5 else text


def _confusion(problem: Problem) -> np.ndarray:
    """Return counts, rows true; (k, k), or (k, 2, 2) for multi-label."""
    truth, predicted = problem.truth.astype(np.int64), problem.predicted.astype(np.int64)
    if problem.task != "multilabel":
        return truth.T @ predicted
    hits, said, true = (truth * predicted).sum(axis=0), predicted.sum(axis=0), truth.sum(axis=0)
    cells = np.array([[len(truth) - true - said + hits, said - hits], [true - hits, hits]])
    return cells.transpose(2, 0, 1)
