"""How wide the interval of a score would be on more or fewer test images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, Metric
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.intervals import wilson
from hybrid.wording import plural_of

if TYPE_CHECKING:
    import pandas as pd

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, eq=False)
class IntervalWidths:
    """The width of intervals against the number of test images.

    Attributes
    ----------
    images : ndarray of int, shape (m,)
        Numbers of test images.
    groups : ndarray of int, shape (m,), or None
        Numbers of groups, such as patients, that they come from.
    values : dict of str to float
        The score on the images that there are, by its name.
    widths : dict of str to ndarray of float64, shape (m,)
        Width of the interval of each score.
    level : float
        Coverage of the intervals.
    group_name : str
        What a group is called in words.
    """

    images: NDArray[np.intp]
    groups: NDArray[np.intp] | None
    values: dict[str, float]
    widths: dict[str, NDArray[np.float64]]
    level: float
    group_name: str = GROUP

    def sentence(self, name: str, title: str) -> str:
        """Return how many test images an interval of half the width needs, from the two extremes that are shown."""
        first, last = (f"{self.widths[name][end]:.3f}" for end in (0, -1))
        few, many = (self._size(end) for end in (0, -1))
        return (
            f"With {few}, the {self.level:.0%} interval of the {title} would be {first} wide; with {many}, {last}. "
            "Half the width needs about four times as many."
        )

    def _size(self, end: int) -> str:
        images = f"{self.images[end]:,} test images"
        return images if self.groups is None else f"{images} of {self.groups[end]:,} {plural_of(self.group_name)}"

    def table(self) -> "pd.DataFrame":
        """Return one row for each number of test images."""
        import pandas as pd

        groups = {} if self.groups is None else {"groups": self.groups}
        return pd.DataFrame({"images": self.images} | groups | self.widths)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "images": self.images.tolist(),
            "groups": None if self.groups is None else self.groups.tolist(),
            "level": self.level,
            "values": self.values,
            "widths": {name: width.tolist() for name, width in self.widths.items()},
        }


def interval_widths(evaluation: Evaluation, metrics: Mapping[str, Metric], images: Any = SIZES) -> IntervalWidths:
    """Return how wide the intervals of scores would be on more or fewer images like these.

    The interval of a score on the images that there are tells how many images of a simple random sample would have an
    interval of this width (Wilson 1927). This number is in proportion to the number of images, and of groups, so that
    the width on any other number of them follows. Scores, shares of the classes and the likeness of images of a group
    are taken to be those of these images.

    Parameters
    ----------
    evaluation : Evaluation
        Of the images that there are, with intervals.
    metrics : mapping of str to Metric
        The scores, each between 0 and 1, by the name that they have in the result.
    images : sequence of int, optional
        Numbers of test images.

    Returns
    -------
    IntervalWidths
        Without scores that have no interval.

    Raises
    ------
    InputError
        If a number of images is below 2.

    Examples
    --------
    >>> from hybrid.evaluation import evaluate
    >>> result = evaluate([0] * 50 + [1] * 50, [0] * 45 + [1] * 50 + [0] * 5)
    >>> sizes = interval_widths(result, {"accuracy": result.metrics["accuracy"]}, [100, 400])
    >>> sizes.widths["accuracy"].round(3).tolist()
    [0.12, 0.06]
    """
    numbers = np.asarray(images, np.intp).ravel()
    if not len(numbers) or numbers.min() < 2:
        raise InputError(f"The numbers of test images {numbers.tolist()} were given; expected 2 or more.")
    level, values, widths = evaluation.level, {}, {}
    for name, metric in metrics.items():
        if metric.value is None or metric.interval is None or not 0 <= metric.value <= 1:
            continue
        value, (low, high) = metric.value, metric.interval
        per_image = _effective(value, high - low, level) / evaluation.n
        values[name] = value
        widths[name] = np.array([_width(value, per_image * number, level) for number in numbers])
    groups = None
    if evaluation.clustered and evaluation.n_groups is not None:
        groups = np.maximum(np.round(numbers * (evaluation.n_groups / evaluation.n)), 1).astype(np.intp)
    return IntervalWidths(numbers, groups, values, widths, level, evaluation.group_name)


def _effective(value: float, width: float, level: float) -> float:
    """Return the size of a simple random sample in which a share with this value has an interval of this width."""

    def excess(logarithm: float) -> float:
        return _width(value, float(np.exp(logarithm)), level) - width

    ends = np.log(0.01), np.log(1e9)
    if excess(ends[0]) <= 0:
        return 0.01
    return float(np.exp(brentq(excess, *ends))) if excess(ends[1]) < 0 else 1e9


def _width(value: float, n: float, level: float) -> float:
    low, high = wilson(value, n, level)
    return high - low
