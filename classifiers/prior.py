"""Class frequencies that probabilities refer to, and the conversion of probabilities from one frequency to another.

A head that is fitted with class weights returns probabilities for a population in which the classes are as frequent as
they are weighted. By Bayes' rule they are converted to other class frequencies by multiplying the probability of each
class by the ratio of its frequencies, and scaling the sum to 1 (Saerens et al., Neural Computation 14, 2002, eq. 4).

Frequencies and ratios are arrays of shape (1, n_classes) or, for multi-label targets, (n_labels, 2): one row for each
target, with a column for each of its classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.labels import most_probable


def class_shares(codes: NDArray[np.int64], weights: NDArray, n_classes: int) -> NDArray[np.float64]:
    """Return the share of each class in the total weight.

    Parameters
    ----------
    codes : ndarray of int, shape (n,) or (n, n_labels)
        Class indices, or 0 and 1 for each label.
    weights : ndarray of shape (n,) or (n, n_labels)
        Weights of the rows.
    n_classes : int
        Number of classes; 2 for multi-label targets.

    Returns
    -------
    ndarray of shape (1, n_classes) or (n_labels, 2)

    Examples
    --------
    >>> class_shares(np.array([0, 0, 0, 1]), np.ones(4), 2)
    array([[0.75, 0.25]])
    """
    columns = np.atleast_2d(codes.T)
    rows = np.broadcast_to(np.atleast_2d(weights.T), columns.shape)
    counts = [np.bincount(column, weight, n_classes) for column, weight in zip(columns, rows, strict=True)]
    return np.array([count / count.sum() for count in counts])


def corrected(proba: NDArray[np.float64], ratio: NDArray[np.float64] | None, multilabel: bool) -> NDArray[np.float64]:
    """Convert probabilities to other class frequencies.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes) or (n, n_labels)
    ratio : ndarray of shape (1, n_classes) or (n_labels, 2), or None
        The new frequency of each class, divided by the one that `proba` refers to. None changes nothing.
    multilabel : bool
        Whether the columns are independent labels.

    Returns
    -------
    ndarray
        The probabilities, in the shape of `proba`.

    Examples
    --------
    >>> corrected(np.array([[0.5, 0.5]]), np.array([[1.5, 0.5]]), False)
    array([[0.75, 0.25]])
    """
    if ratio is None or (ratio == ratio[:, :1]).all():
        return proba
    if multilabel:
        yes, no = proba * ratio[:, 1], (1 - proba) * ratio[:, 0]
        return yes / (yes + no)
    odds = proba * ratio
    return odds / odds.sum(axis=1, keepdims=True)


def default_thresholds(ratio: NDArray[np.float64] | None, targets: int) -> NDArray[np.float64]:
    """Return the thresholds at which corrected probabilities decide as a threshold of 0.5 does before the correction.

    With balanced class weights it is the frequency of the class in the training data.

    Parameters
    ----------
    ratio : ndarray of shape (1, 2) or (n_labels, 2), or None
        The ratio by which the probabilities were corrected.
    targets : int
        Number of thresholds.

    Examples
    --------
    >>> default_thresholds(np.array([[1.5, 0.5]]), 1)
    array([0.25])
    """
    return np.full(targets, 0.5) if ratio is None else ratio[:, 1] / ratio.sum(axis=1)


def decide(
    proba: NDArray[np.float64], ratio: NDArray[np.float64] | None, classes: NDArray, multilabel: bool
) -> NDArray:
    """Return the labels that follow from corrected probabilities: those of the probabilities before the correction.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes) or (n, n_labels)
    ratio : ndarray of shape (1, n_classes) or (n_labels, 2), or None
        The ratio by which the probabilities were corrected.
    classes : ndarray of shape (n_classes,)
    multilabel : bool
        Whether the columns are independent labels.

    Returns
    -------
    ndarray of shape (n,) or (n, n_labels)
        Classes; 0 and 1 for multi-label targets.
    """
    weighted = corrected(proba, None if ratio is None else 1 / ratio, multilabel)
    return (weighted >= 0.5).astype(np.int64) if multilabel else classes[most_probable(weighted)]


def target_shares(
    prevalence: float | Mapping[Any, float], classes: Sequence[Any], multilabel: bool, positive: int = 1
) -> NDArray[np.float64]:
    """Return class frequencies that a user gave.

    Parameters
    ----------
    prevalence : float or mapping
        The frequency of the positive class of two, or the frequency of each class or label.
    classes : sequence
        The classes or labels.
    multilabel : bool
        Whether there are several labels, whose frequencies do not sum to 1.
    positive : int, default=1
        Index of the positive class of two.

    Returns
    -------
    ndarray of shape (1, n_classes) or (n_labels, 2)

    Raises
    ------
    InputError
        If a class is missing or unknown, a frequency is not between 0 and 1, or those of the classes do not sum to 1.

    Examples
    --------
    >>> target_shares(0.02, ["ill", "well"], False, positive=0)
    array([[0.02, 0.98]])
    """
    names, given = list(classes), prevalence
    if not isinstance(given, Mapping):
        if multilabel or len(names) != 2:
            kind = "labels" if multilabel else "classes"
            raise InputError(
                f"The prevalence {given!r} was given for {len(names)} {kind}; expected one for each, such as "
                f"{names[0]}=0.1."
            )
        given = {names[positive]: given}
    if unknown := [name for name in given if name not in names]:
        raise unknown_name("class with a prevalence", unknown[0], map(str, names))
    if bad := [share for share in given.values() if isinstance(share, bool) or not 0 < share < 1]:
        raise InputError(f"The prevalence {bad[0]!r} was given; expected a number above 0 and below 1, such as 0.08.")
    missing = [name for name in names if name not in given]
    if not multilabel and len(missing) == 1:
        given, missing = {**given, missing[0]: 1 - sum(given.values())}, []
    if missing:
        raise InputError(f"The prevalence of {missing[0]} was not given; expected that of each class or label.")
    shares = np.array([given[name] for name in names], np.float64)
    if multilabel:
        return np.column_stack([1 - shares, shares])
    if abs(shares.sum() - 1) > 1e-6 or shares.min() <= 0:
        raise InputError(f"The prevalences of the classes sum to {shares.sum():g}; expected 1.")
    return shares[None] / shares.sum()
