"""The interval of a weighted difference of two shares of images, such as a net benefit."""

from dataclasses import dataclass

import numpy as np

from hybrid.evaluation.clustered import share_interval
from hybrid.evaluation.groups import group_sums
from hybrid.evaluation.intervals import Interval, wilson


@dataclass(frozen=True, eq=False)
class Share:
    """A weighted share of images.

    Attributes
    ----------
    counted : ndarray of bool, shape (n,)
        The images that are counted.
    of : ndarray of bool, shape (n,)
        The images among which they are counted. They include all counted ones.
    weight : float
        Factor of the share, at least 0.
    """

    counted: np.ndarray
    of: np.ndarray
    weight: float

    @property
    def value(self) -> float:
        """The share, without its weight."""
        return float(self.counted.sum() / self.of.sum())

    def interval(self, groups: np.ndarray | None, strata: np.ndarray, level: float) -> Interval | None:
        """Return the interval of the share; None if all its images are of one group."""
        if groups is None:
            return wilson(self.value, int(self.of.sum()), level)
        return share_interval(self.counted[self.of], groups[self.of], strata, level)

    def deviations(self, groups: np.ndarray | None) -> np.ndarray:
        """Return how much each group, or each image, moves the share, (n_groups,) or (n,)."""
        moved = (self.counted - self.value * self.of) / self.of.sum()
        return moved if groups is None else group_sums(moved, groups, int(groups.max()) + 1)


def difference_interval(
    first: Share, second: Share, groups: np.ndarray | None, strata: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Return the weighted difference of two shares with its interval, by the method of variance estimates recovery.

    The bounds follow from those of each share and from the correlation of the shares (Zou and Donner 2008), so that
    the interval is as good for rare events as Wilson's is. Shares of images of different groups are not correlated.

    Parameters
    ----------
    first, second : Share
        The second is subtracted.
    groups : ndarray of int, shape (n,), or None
        The number of each image's group; None if all images are independent.
    strata : ndarray of int, shape (n_groups,) or (n,)
        The stratum of each group, or of each image.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    value, low, high : float
        The bounds are NaN if all images of a share are of one group.

    Examples
    --------
    >>> half = np.arange(100) < 50
    >>> hits, alarms = Share(np.arange(100) < 40, half, 0.5), Share(np.arange(100) >= 95, ~half, 0.5)
    >>> [round(value, 3) for value in difference_interval(hits, alarms, None, half.astype(int), 0.95)]
    [0.35, 0.264, 0.402]
    """
    value = first.weight * first.value - second.weight * second.value
    ends = first.interval(groups, strata, level), second.interval(groups, strata, level)
    if ends[0] is None or ends[1] is None:
        return value, np.nan, np.nan
    one, other = first.deviations(groups), second.deviations(groups)
    norm = float(np.sqrt(np.sum(one**2) * np.sum(other**2)))
    correlation = float(one @ other) / norm if norm > 0 else 0.0
    below, above = (
        (first.weight * abs(first.value - ends[0][side]), second.weight * abs(ends[1][1 - side] - second.value))
        for side in (0, 1)
    )
    low, high = (float(np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0))) for a, b in (below, above))
    return value, value - low, value + high
