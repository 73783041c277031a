"""Check the input of an evaluation: true labels, predicted labels and probabilities."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.groups import check_groups, group_strata
from hybrid.evaluation.labels import (
    holds_labels,
    infer_classes,
    label_array,
    most_probable,
    prediction_array,
    probabilities_of,
)
from hybrid.evaluation.sample_weights import check_weights, whole_numbers
from hybrid.wording import and_more

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CheckedInput:
    """The checked labels, predictions and probabilities of one model on one split.

    Attributes
    ----------
    task : {"binary", "multiclass", "multilabel"}
        The kind of classification.
    classes : tuple
        The classes or label names, as plain Python values.
    positive : object
        The positive class of a binary task; None for other tasks.
    truth, predicted : ndarray of bool, shape (n, k)
        One column per class. In single-label tasks, one value per row is True.
    probabilities : ndarray of float64, shape (n, k), or None
        The probabilities; None if only predicted labels were given.
    groups : ndarray of int, shape (n,), or None
        The number of each image's group, in the order of their first images; None if no groups were given.
    fixed_classes : bool
        Whether intervals hold for the same share of each class; always False in effect for multi-label tasks.
    sample_weight : ndarray of float64, shape (n,), or None
        The weight of each image, all above 0; None if all images count alike.
    """

    task: str
    classes: tuple
    positive: Any
    truth: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None
    groups: np.ndarray | None = None
    fixed_classes: bool = True
    sample_weight: np.ndarray | None = None

    @property
    def strata(self) -> np.ndarray:
        """Strata of the images, (n,): the true classes; one stratum for multi-label tasks and shares that vary."""
        if self.task == "multilabel" or not self.fixed_classes:
            return np.zeros(len(self.truth), dtype=np.intp)
        return self.truth.argmax(axis=1)

    @property
    def is_stratified(self) -> bool:
        """Whether intervals hold for the same share of each class."""
        if self.task == "multilabel" or not self.fixed_classes:
            return False
        return self.drawn_groups is None or len(np.unique(self.drawn_strata)) > 1

    @property
    def n_groups(self) -> int | None:
        """Number of groups; None if no groups were given."""
        return None if self.groups is None else int(self.groups.max()) + 1

    @property
    def drawn_groups(self) -> np.ndarray | None:
        """The groups if the bootstrap draws groups, (n,); None if it draws images, because none share a group."""
        return None if self.groups is None or self.n_groups == len(self.groups) else self.groups

    @property
    def weights(self) -> np.ndarray | None:
        """The weights as whole numbers, whose sums are exact, (n,); None if all images count alike."""
        return None if self.sample_weight is None else whole_numbers(self.sample_weight)

    @property
    def clusters(self) -> np.ndarray | None:
        """The groups whose variation the intervals measure, (n,); None if they are those for alike, independent images.

        Weighted images that do not come in groups are groups of their own, because the methods for groups, unlike those
        for independent images, allow for images that count differently.
        """
        if self.drawn_groups is None and self.sample_weight is not None:
            return np.arange(len(self.truth))
        return self.drawn_groups

    @property
    def drawn_strata(self) -> np.ndarray:
        """Strata of what the bootstrap draws: of the images, (n,), or of the groups, (n_groups,).

        Groups are drawn within each class only if every group has images of a single class. Otherwise the draws cannot
        keep the share of each class, and groups are drawn from all groups.
        """
        if self.drawn_groups is None:
            return self.strata
        return group_strata(self.drawn_groups, self.strata)

    @property
    def proba(self) -> np.ndarray:
        """The probabilities. Raises `InputError` if only predicted labels were given."""
        if self.probabilities is None:
            raise InputError("Probabilities are needed here, but only predicted labels were given: give predict_proba.")
        return self.probabilities


def check_problem(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    y_pred: Any = None,
    pos_label: Any = None,
    groups: Any = None,
    fixed_classes: bool = True,
    sample_weight: Any = None,
) -> CheckedInput:
    """Check the input of :func:`hybrid.evaluate`, which describes the parameters."""
    labels = _true_labels(y_true, classes)
    given = None if proba is None else prediction_array(proba, labels)
    predictions = None if y_pred is None else label_array(y_pred, "y_pred")
    if classes is None:
        names = infer_classes(y_true, labels, [values for values in (given, predictions) if values is not None])
    else:
        names = tuple(np.asarray(classes).tolist())
    if len(set(names)) != len(names):
        raise InputError(f"The classes must differ from each other; got {_listed(names)}.")
    if given is not None and holds_labels(given, labels, names):
        if predictions is not None:
            raise InputError("Predicted labels were given twice, as y_pred and as proba: give them once.")
        given, predictions = None, given
    if given is None and predictions is None:
        raise InputError("There are no predictions: give probabilities or predicted labels.")
    task = "multilabel" if labels.ndim == 2 else "binary" if len(names) == 2 else "multiclass"
    positive = check_pos_label(pos_label, task, names)
    scores = None if given is None else _check_proba(probabilities_of(given, names, positive), len(labels), names)
    encode = _indicator if labels.ndim == 2 else _one_hot
    if scores is not None and labels.ndim == 1:
        _check_sums(scores)
    truth = encode(labels, names, "y_true")
    predicted = _predicted_from(scores, task) if predictions is None else encode(predictions, names, "y_pred")
    if len(predicted) != len(labels):
        raise InputError(f"y_pred has {len(predicted)} rows and y_true {len(labels)}: they must be the same images.")
    drawn, weights = check_groups(groups, len(labels)), check_weights(sample_weight, len(labels))
    problem = CheckedInput(task, names, positive, truth, predicted, scores, drawn, fixed_classes)
    return problem if weights is None else _weighted(problem, weights)


def _weighted(problem: CheckedInput, weights: np.ndarray) -> CheckedInput:
    """Return the input with these weights, without the images whose weight is 0."""
    counted = weights > 0
    kept, n = weights[counted], int(counted.sum())
    return replace(
        problem,
        truth=problem.truth[counted],
        predicted=problem.predicted[counted],
        probabilities=None if problem.probabilities is None else problem.probabilities[counted],
        groups=None if problem.groups is None else check_groups(problem.groups[counted], n),
        sample_weight=None if np.ptp(kept) == 0 else kept,
    )


def labels_and_classes(y_true: Any, predictions: Iterable[Any]) -> tuple[np.ndarray, tuple]:
    """Return the true labels as an array, and the classes of these labels and of several models' predictions."""
    labels = _true_labels(y_true, None)
    return labels, infer_classes(y_true, labels, [prediction_array(given, labels) for given in predictions])


def _true_labels(y_true: Any, classes: Sequence | None) -> np.ndarray:
    labels = label_array(y_true, "y_true")
    if labels.size == 0:
        raise InputError("There is nothing to evaluate: y_true is empty. Give at least one labelled image.")
    # A single column, as of a DataFrame, holds single labels, unless `classes` names it as the only label of a
    # multi-label task.
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 and classes is None else labels


def _predicted_from(scores: np.ndarray | None, task: str) -> np.ndarray:
    assert scores is not None  # there are either probabilities or predicted labels
    return scores >= 0.5 if task == "multilabel" else np.eye(scores.shape[1], dtype=bool)[most_probable(scores)]


def check_pos_label(pos_label: Any, task: str, names: tuple) -> Any:
    """Return the positive class of a binary task, by default the second class; None for other tasks."""
    if task != "multilabel" and len(names) < 2:
        raise InputError(f"A classifier needs at least two classes; got {_listed(names)}.")
    if task == "binary":
        if pos_label is not None and pos_label not in names:
            raise unknown_name("positive class", pos_label, map(str, names))
        return names[1] if pos_label is None else names[names.index(pos_label)]
    if pos_label is not None:
        message = f"A multi-label task has no positive class; got pos_label={pos_label!r}."
        if task == "multiclass":
            message = f"Only tasks with two classes have a positive class; got {pos_label!r} and {len(names)} classes."
        raise InputError(message)
    return None


def _check_sums(scores: np.ndarray) -> None:
    sums = scores.sum(axis=1)
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        raise InputError(
            f"The probabilities of an image must sum to 1, but {off.sum()} of {len(sums)} rows do not. The first "
            f"is row {off.argmax()} with {sums[off.argmax()]:.6g}. Give predict_proba, not decision values."
        )


def _check_proba(scores: np.ndarray, n: int, names: tuple) -> np.ndarray:
    if scores.shape != (n, len(names)):
        raise InputError(
            f"proba has shape {scores.shape}; {n} labels and {len(names)} classes need ({n}, {len(names)})."
        )
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        raise InputError(
            f"proba holds NaN or infinite values in {bad.sum()} of {n} rows. The first of these is row "
            f"{bad.argmax()}. Check the model's input for NaN and fit it again."
        )
    if scores.min() < -SUM_TOLERANCE or scores.max() > 1 + SUM_TOLERANCE:
        raise InputError(
            f"Probabilities must lie between 0 and 1; proba holds values from {scores.min():.6g} to {scores.max():.6g}."
        )
    return scores


def _one_hot(labels: np.ndarray, names: tuple, what: str) -> np.ndarray:
    if labels.ndim != 1:
        raise InputError(f"{what} has shape {labels.shape}; expected one label per image, ({len(labels)},).")
    column = {name: i for i, name in enumerate(names)}
    values = labels.tolist()
    unknown = sorted({str(value) for value in values if value not in column})
    if unknown:
        raise InputError(f"{what} holds labels that are not among the classes {_listed(names)}: {_listed(unknown)}.")
    codes = np.fromiter((column[value] for value in values), dtype=np.intp, count=len(values))
    return np.eye(len(names), dtype=bool)[codes]


def _indicator(labels: np.ndarray, names: tuple, what: str) -> np.ndarray:
    if labels.ndim != 2 or labels.shape[1] != len(names):
        raise InputError(
            f"{what} has shape {labels.shape}; a multi-label task with {len(names)} labels needs one 0/1 column each."
        )
    if not np.isin(labels, (0, 1)).all():
        raise InputError(f"{what} of a multi-label task must hold only 0 and 1.")
    return labels.astype(bool)


def _listed(names: Sequence) -> str:
    return and_more([*map(repr, names)], 8)
