"""One prediction for each group of images, such as each patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.inputs import CheckedInput, check_problem

HOW = ("mean", "max", "vote")


@dataclass(frozen=True, eq=False)
class GroupCases:
    """Groups of images, each as one case with one label and one prediction.

    Attributes
    ----------
    groups : ndarray of shape (m,)
        Name of each group, in the order of their first images.
    y_true, y_pred : ndarray of shape (m,) or (m, k)
        True and predicted labels: one class per group, or k columns of 0 and 1.
    proba : ndarray of float64, shape (m, k)
        Probabilities; with ``how="vote"`` the share of the group's images that are predicted as each class or label.
    left_out : tuple
        Names of the groups that are left out, because their images have different labels.
    """

    groups: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    proba: np.ndarray
    left_out: tuple[Any, ...]


def per_group(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    groups: Any,
    how: str = "mean",
    y_pred: Any = None,
    pos_label: Any = None,
    threshold: float | Sequence[float] | None = None,
    sample_weight: None = None,
) -> GroupCases:
    """Return one prediction for each group of images, such as each patient, to be given to :func:`hybrid.evaluate`.

    Groups whose images have different labels have no label, and are left out.

    Parameters
    ----------
    y_true, proba, classes, y_pred, pos_label
        As in :func:`hybrid.evaluate`. Probabilities are needed.
    groups : array-like of shape (n,)
        The group of each image.
    how : {"mean", "max", "vote"}, default="mean"
        What becomes the probability of a group: the mean of its images; the highest probability of the positive class
        among them (of each class for more than two, scaled to a sum of 1; of each label for several); or the share of
        the images that are predicted as a class. The predicted class follows from it. A tie between votes is decided
        by the mean probability.
    threshold : float or sequence of float, optional
        Threshold of the positive class, or of each label, for ``"mean"`` and ``"max"``. By default 0.5.
    sample_weight : None
        Not supported: each group is one case. Weight the groups in :func:`hybrid.evaluate` instead.

    Returns
    -------
    GroupCases

    Raises
    ------
    InputError
        If `how` is unknown, there are weights, probabilities are missing, no group is left, or as in
        :func:`hybrid.evaluate`.

    Examples
    --------
    >>> cases = per_group([0, 0, 1, 1], [0.2, 0.7, 0.6, 0.9], [0, 1], groups=["a", "a", "b", "b"])
    >>> cases.groups.tolist(), cases.proba[:, 1].round(2).tolist(), cases.y_pred.tolist()
    (['a', 'b'], [0.45, 0.75], [0, 1])
    """
    if how not in HOW:
        raise unknown_name("way to combine the images of a group", how, HOW)
    if sample_weight is not None:
        raise InputError(
            "sample_weight was given, but each group becomes one case, and its weight does not follow from those of "
            "its images: leave it out here, and give evaluate one weight for each group that is returned."
        )
    problem = check_problem(y_true, proba, classes, y_pred, pos_label, groups)
    if problem.groups is None:
        raise InputError("Results per group need groups: give one group, such as the patient, for each image.")
    group = problem.groups
    n, images = int(group.max()) + 1, np.bincount(group)[:, None]

    def mean(rows: np.ndarray) -> np.ndarray:
        return np.column_stack([np.bincount(group, column, n) for column in rows.T.astype(float)]) / images

    labels, average = mean(problem.truth), mean(problem.proba)
    combined = {"mean": lambda: average, "vote": lambda: mean(problem.predicted)}.get(
        how, lambda: _max(problem, group)
    )()
    kept = np.isin(labels, (0, 1)).all(axis=1)
    names = np.asarray(groups)[np.unique(group, return_index=True)[1]]
    if not kept.any():
        raise InputError(f"No group has one label: the images of all {n} groups have different labels.")
    decided = _decide(problem, combined, average, how, threshold)
    truth, decided = labels[kept] == 1, decided[kept]
    if problem.task != "multilabel":
        values = np.array(problem.classes)
        true, predicted = values[truth.argmax(axis=1)], values[decided.argmax(axis=1)]
    else:
        true, predicted = truth.astype(np.uint8), decided.astype(np.uint8)
    return GroupCases(names[kept], true, predicted, combined[kept], tuple(names[~kept].tolist()))


def _max(problem: CheckedInput, group: np.ndarray) -> np.ndarray:
    highest = np.zeros((group.max() + 1, problem.proba.shape[1]))
    np.maximum.at(highest, group, problem.proba)
    if problem.task == "binary":
        k = problem.classes.index(problem.positive)
        highest[:, 1 - k] = 1 - highest[:, k]
    return highest / highest.sum(axis=1, keepdims=True) if problem.task == "multiclass" else highest


def _decide(
    problem: CheckedInput,
    combined: np.ndarray,
    average: np.ndarray,
    how: str,
    threshold: float | Sequence[float] | None,
) -> np.ndarray:
    """Return the predicted classes or labels of each group, one boolean column per class."""
    limit = 0.5 if how == "vote" or threshold is None else np.asarray(threshold, dtype=float)
    if problem.task == "multilabel":
        tied = (combined == 0.5) & (average < 0.5) if how == "vote" else False
        return (combined >= limit) & ~np.asarray(tied)
    if problem.task == "binary" and how != "vote" and threshold is not None:
        k = problem.classes.index(problem.positive)
        positive = combined[:, k] >= limit
        return np.column_stack([positive, ~positive] if k == 0 else [~positive, positive])
    best = combined == combined.max(axis=1, keepdims=True)
    return np.eye(combined.shape[1], dtype=bool)[np.where(best, average, -1).argmax(axis=1)]
