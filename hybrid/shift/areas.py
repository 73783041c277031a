"""Area under the ROC curve over pairs of a reference and a new image of one cell, with its interval."""

from dataclasses import dataclass

import numpy as np

from hybrid.evaluation.independent import normal_variance
from hybrid.evaluation.intervals import Interval, perfect_auc
from hybrid.evaluation.student import bounds


@dataclass(frozen=True)
class Area:
    """How often the new image of a pair scores higher than the reference image, in pairs of one cell.

    Attributes
    ----------
    value : float
        Share of the pairs, where ties count half.
    error : float
        Its standard error for other units like these; NaN if a sample has fewer than two units.
    degrees : float
        Degrees of freedom of the error.
    units : (int, int)
        Number of units of the reference and of the new sample.
    """

    value: float
    error: float
    degrees: float
    units: tuple[int, int]

    def interval(self, widening: float = 1.0, level: float = 0.95) -> Interval | None:
        """Return the interval, symmetric on the scale of log-odds; None if there are too few units.

        Parameters
        ----------
        widening : float, default=1.0
            Factor of the standard error.
        level : float, default=0.95
        """
        if not self.error >= 0:
            return None
        if self.value in (0, 1):
            low, high = perfect_auc(*self.units, level)
            return (low, high) if self.value else (1 - high, 1 - low)
        from scipy.special import expit, logit

        error = widening * self.error / (self.value * (1 - self.value))
        low, high = bounds(float(logit(self.value)), error, self.degrees, level)
        return float(expit(low)), float(expit(high))


def areas(scores: np.ndarray, labels: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the area of each column of scores over all pairs within the cells.

    Parameters
    ----------
    scores : ndarray of shape (n, m) or (n, 1)
    labels : ndarray of bool, shape (n, m)
        Whether each image counts as new.
    cell : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of shape (m,)
        NaN if no cell has images of both samples.

    Examples
    --------
    >>> areas(np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([[0], [0], [1], [1]], bool), np.zeros(4, int)).tolist()
    [0.75]
    """
    m = labels.shape[1]
    offset = np.unique(cell, return_inverse=True)[1].ravel() * 2.0  # scores of different cells do not overlap
    wins, pairs = np.empty(m), np.empty(m)
    for column in range(m):
        new = labels[:, column]
        placed = offset + _between_0_and_1(scores[:, column])
        below, opponents = _below(placed[new], placed[~new], offset[new], offset[~new])
        wins[column], pairs[column] = below.sum(), opponents.sum()
    return np.divide(wins, pairs, out=np.full(m, np.nan), where=pairs > 0)


def _between_0_and_1(scores: np.ndarray) -> np.ndarray:
    low, high = scores.min(), scores.max()
    return (scores.astype(np.float64) - low) / (high - low if high > low else 1)


def _below(
    new: np.ndarray, reference: np.ndarray, offset_new: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many reference values of its cell lie below each new value, ties counting half, and of how many."""
    values, starts = np.sort(reference), np.sort(offset)
    before = np.searchsorted(starts, offset_new, "left")
    below = (np.searchsorted(values, new, "left") + np.searchsorted(values, new, "right")) / 2 - before
    return below, np.searchsorted(starts, offset_new, "right") - before


def area(scores: np.ndarray, is_new: np.ndarray, cell: np.ndarray, unit: np.ndarray) -> Area | None:
    """Return the area of one column of scores with its standard error.

    The variance is that of DeLong, DeLong and Clarke-Pearson (1988) for units of several images (Obuchowski 1997), with
    pairs that are formed within the cells only. For few units, the variance that two normal samples with this area have
    is averaged in with the weight of two units.

    Parameters
    ----------
    scores : ndarray of shape (n,)
    is_new : ndarray of bool, shape (n,)
    cell : ndarray of int, shape (n,)
    unit : ndarray of int, shape (n,)
        Images that are not independent of each other have the same number, such as those of one patient.

    Returns
    -------
    Area or None
        None if no cell has images of both samples.
    """
    wins, opponents = _placements(scores, is_new, cell)
    pairs = opponents[is_new].sum()
    if not pairs:
        return None
    value, sides = float(wins[is_new].sum() / pairs), (~is_new & (opponents > 0), is_new & (opponents > 0))
    reference, new = (len(np.unique(unit[side])) for side in sides)
    if min(reference, new) < 2:
        return Area(value, np.nan, np.nan, (reference, new))
    deviation, normal = (wins - value * opponents) / pairs, normal_variance(value)
    sums, variances = [], []
    for side, count in zip(sides, (reference, new), strict=True):
        of_units = np.bincount(unit[side], deviation[side], unit.max() + 1)
        squares = float(np.sum(of_units**2))
        alike = max(1.0, squares / max(float(np.sum(deviation[side] ** 2)), 1e-300))
        variances.append((count * squares + 2 * normal * alike / count) / (count + 1))
        sums.append(of_units)
    shared = 2 * float(np.sum(sums[0] * sums[1]))  # of units with images in both samples
    spread = zip(variances, (reference, new), strict=True)
    degrees = sum(variances) ** 2 / max(sum(own**2 / (count - 1) for own, count in spread), 1e-300)
    return Area(value, max(sum(variances) + shared, 0.0) ** 0.5, degrees, (reference, new))


def _placements(scores: np.ndarray, is_new: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return in how many pairs of its cell each image is where it belongs, and in how many pairs it is.

    A new image belongs above a reference image. Ties count half.
    """
    offset = np.unique(cell, return_inverse=True)[1].ravel() * 2.0
    placed = offset + _between_0_and_1(scores)
    wins, opponents = np.empty(len(scores)), np.empty(len(scores))
    for side in (is_new, ~is_new):
        below, opponents[side] = _below(placed[side], placed[~side], offset[side], offset[~side])
        wins[side] = below if side is is_new else opponents[side] - below
    return wins, opponents
