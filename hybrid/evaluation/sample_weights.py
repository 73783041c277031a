"""Weights of images: their check, whole numbers in their place, and how many equal images they are worth."""

from typing import Any

import numpy as np

from hybrid.errors import InputError

_TOTAL_BITS = 42  # sums over bootstrap draws, labels and twice these stay below 2**53, up to which float64 is exact


def check_weights(given: Any, n: int) -> np.ndarray | None:
    """Return the weight of each image.

    Parameters
    ----------
    given : array-like of shape (n,), or None
        Numbers of 0 or more, of which at least one is above 0.
    n : int
        Number of images.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        None if no weights are given.

    Raises
    ------
    InputError
        If there is not one such number for each image.
    """
    if given is None:
        return None
    weights = _numbers(given)
    if weights.shape != (n,):
        raise InputError(
            f"sample_weight has shape {weights.shape}; expected one weight for each of the {n} images, ({n},)."
        )
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(
            f"sample_weight must hold finite numbers of 0 or more, but {int(wrong.sum())} of {n} are negative, infinite"
            f" or NaN. The first is that of row {first}: {weights[first]:g}."
        )
    if not weights.any():
        raise InputError("sample_weight is 0 for every image: give at least one image a weight above 0.")
    return weights


def _numbers(given: Any) -> np.ndarray:
    try:
        values = np.asarray(given)
        if values.dtype.kind == "O" and not any(isinstance(value, str) for value in values.ravel()):
            values = values.astype(np.float64)
    except (TypeError, ValueError):
        values = np.array("")
    if values.dtype.kind not in "biuf":
        raise InputError(
            "sample_weight holds values that are not numbers: give one number of 0 or more for each image."
        )
    return values.astype(np.float64)


def whole_numbers(weights: np.ndarray) -> np.ndarray:
    """Return weights in the same proportions, within 1e-12 of their mean, whose sums are exact in float64.

    Sums of whole numbers do not depend on their order. Equal scores, ties and shares of exactly 0 or 1 are therefore
    recognised as in counts of images.

    Examples
    --------
    >>> whole_numbers(np.array([0.5, 1.5, 2.0])) / 2**40
    array([0.25, 0.75, 1.  ])
    """
    scaled = np.ldexp(weights, -int(np.frexp(weights.max())[1]))
    return np.maximum(np.rint(np.ldexp(scaled, _TOTAL_BITS - int(np.frexp(scaled.sum())[1]))), 1.0)


def effective_number(weights: np.ndarray) -> float:
    """Return the number of equally weighted images whose mean has the same variance (Kish 1965, section 11.7).

    Examples
    --------
    >>> effective_number(np.array([2.0, 2.0, 2.0])), effective_number(np.array([3.0, 1.0]))
    (3.0, 1.6)
    """
    return float(weights.sum() ** 2 / np.sum(weights**2))


def size_of(groups: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the number of groups, (n,), or with weights of the images, (n,), their effective number."""
    own = np.unique(groups, return_inverse=True)[1]
    return float(own.max() + 1) if weights is None else effective_number(np.bincount(own, weights))


def degrees_by_stratum(weights: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom of the variance in each stratum: the effective number of groups less 1, at least 1.

    Parameters
    ----------
    weights : ndarray of shape (n_groups,)
        The weight of each group; 0 for groups that do not count.
    stratum : ndarray of int, shape (n_groups,)
        The stratum of each group.

    Returns
    -------
    ndarray of shape (n_strata,)
        For the strata that have groups, in ascending order.
    """
    code = np.unique(stratum, return_inverse=True)[1]
    total, squares = np.bincount(code, weights), np.bincount(code, weights**2)
    return np.maximum(total**2 / np.where(squares > 0, squares, 1) - 1, 1)


def variance_by_stratum(sums: np.ndarray, weights: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return the variance of the sum of weighted deviations in each stratum.

    It is the mean of two estimates: the variance of the sums of the groups, and the variance that the deviations for
    one unit of weight would have if they did not depend on the weights.

    Parameters
    ----------
    sums : ndarray of shape (n_groups,)
        The sum of the weighted deviations of each group's images.
    weights : ndarray of shape (n_groups,)
        The weight of each group, above 0.
    stratum : ndarray of int, shape (n_groups,)
        The stratum of each group.

    Returns
    -------
    ndarray of shape (n_strata,)
        For the strata that have groups, in ascending order; 0 for one with a single group.
    """
    code = np.unique(stratum, return_inverse=True)[1]
    rows, in_all = np.bincount(code), np.bincount(code, sums)
    total, squares = np.bincount(code, weights), np.bincount(code, weights**2)
    observed = np.bincount(code, (sums - (in_all / rows)[code]) ** 2)
    mean = in_all / total
    spread = np.bincount(code, (sums - weights * mean[code]) ** 2 / weights) / total
    expected = squares * spread + mean**2 * (squares - total**2 / rows)
    return (observed + expected) / 2 * np.where(rows > 1, rows / np.maximum(rows - 1, 1), 0)
