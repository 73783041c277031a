"""The checked input of an evaluation: who is what, and what the model said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.wording import and_more

SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CheckedInput:
    """Labels, predictions and probabilities of one model on one split, checked.

    Attributes
    ----------
    task : {"binary", "multiclass", "multilabel"}
    classes : tuple
        The classes or label names, as plain Python values.
    positive : object
        The positive class of a binary task, else None.
    truth, predicted : ndarray of bool, shape (n, k)
        One column a class; single-label rows hold one True.
    proba : ndarray of float64, shape (n, k)
    """

    task: str
    classes: tuple
    positive: Any
    truth: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray

    @property
    def strata(self) -> np.ndarray:
        """What bootstrap draws keep the numbers of: the true classes; for multi-label all images are one stratum."""
        single = self.task != "multilabel"
        return self.truth.argmax(axis=1) if single else np.zeros(len(self.truth), dtype=np.intp)


def check_problem(y_true: Any, proba: Any, classes: Sequence, y_pred: Any = None, positive: Any = None) -> CheckedInput:
    """Check what :func:`hybrid.evaluation.evaluate` was given, which documents the parameters."""
    labels = np.asarray(y_true)
    names = tuple(np.asarray(classes).tolist())
    if labels.size == 0:
        raise InputError("There is nothing to evaluate: y_true is empty. Give at least one labelled image.")
    if len(set(names)) != len(names):
        raise InputError(f"The classes must differ from each other; got {_listed(names)}.")
    scores = _check_proba(proba, len(labels), names)
    if labels.ndim == 2:
        if positive is not None:
            raise InputError(f"A multi-label task has no positive class; got positive={positive!r}.")
        truth = _indicator(labels, names, "y_true")
        predicted = scores >= 0.5 if y_pred is None else _indicator(np.asarray(y_pred), names, "y_pred")
        _check_length(predicted, labels)
        return CheckedInput("multilabel", names, None, truth, predicted, scores)
    return _single_label(labels, scores, names, y_pred, positive)


def _single_label(labels: np.ndarray, scores: np.ndarray, names: tuple, y_pred: Any, positive: Any) -> CheckedInput:
    if len(names) < 2:
        raise InputError(f"A classifier needs at least two classes; got {_listed(names)}.")
    sums = scores.sum(axis=1)
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        raise InputError(
            f"The probabilities of an image must sum to 1; {off.sum()} of {len(sums)} rows do not, the first "
            f"is row {off.argmax()} with {sums[off.argmax()]:.6g}. Give predict_proba, not decision values."
        )
    truth = _one_hot(labels, names, "y_true")
    if y_pred is None:
        predicted = np.eye(len(names), dtype=bool)[scores.argmax(axis=1)]
    else:
        predicted = _one_hot(np.asarray(y_pred), names, "y_pred")
    _check_length(predicted, labels)
    if len(names) > 2:
        if positive is not None:
            raise InputError(
                f"Only a task with two classes has a positive one; got positive={positive!r} and {len(names)} classes."
            )
        return CheckedInput("multiclass", names, None, truth, predicted, scores)
    if positive is None:
        positive = names[1]
    elif positive not in names:
        raise unknown_name("positive class", positive, map(str, names))
    return CheckedInput("binary", names, names[names.index(positive)], truth, predicted, scores)


def _check_proba(proba: Any, n: int, names: tuple) -> np.ndarray:
    scores = np.asarray(proba, dtype=np.float64)
    if scores.shape != (n, len(names)):
        raise InputError(
            f"proba has shape {scores.shape}; {n} labels and {len(names)} classes need ({n}, {len(names)})."
        )
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        raise InputError(
            f"proba holds NaN or infinite values in {bad.sum()} of {n} rows, the first is row "
            f"{bad.argmax()}. Check the model's input for NaN and fit it again."
        )
    if scores.min() < -SUM_TOLERANCE or scores.max() > 1 + SUM_TOLERANCE:
        raise InputError(
            f"Probabilities lie between 0 and 1; proba holds values from {scores.min():.6g} to {scores.max():.6g}."
        )
    return scores


def _check_length(predicted: np.ndarray, labels: np.ndarray) -> None:
    if len(predicted) != len(labels):
        raise InputError(f"y_pred has {len(predicted)} rows and y_true {len(labels)}: they must be the same images.")


def _one_hot(labels: np.ndarray, names: tuple, what: str) -> np.ndarray:
    if labels.ndim != 1:
        raise InputError(f"{what} has shape {labels.shape}; one label an image, ({len(labels)},), was expected.")
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
