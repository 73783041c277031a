"""Simple properties in which the images of two samples differ, such as brightness and size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.datasets.quality.measure import Measures
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.intervals import Interval
from hybrid.shift.areas import area
from hybrid.shift.exchange import make_exchange

PERMUTATIONS = 999
ALPHA = 0.05
_FLAT = 2.0  # grey levels; a row or column of a thumbnail with a lower standard deviation belongs to the border
_GREY_MODES = (b"1", b"L", b"LA", b"La", b"I", b"I;16", b"I;16B", b"I;16L", b"I;16N", b"F")


@dataclass(frozen=True)
class PropertyRow:
    """How one property is called.

    Attributes
    ----------
    more, less : str
        What new images are called that have more, or less, of it.
    measure : str
        What the median is the median of, with its unit.
    """

    more: str
    less: str
    measure: str

    def text(self, value: float) -> str:
        """Return a value as text."""
        if self.measure.startswith("share"):
            return f"{value:.0%}"
        return f"{value:,.0f}" if abs(value) >= 20 else f"{value:.3g}"


PROPERTIES = {
    "brightness": PropertyRow("brighter", "darker", "mean grey level, 0 to 255"),
    "contrast": PropertyRow("richer in contrast", "poorer in contrast", "standard deviation of grey levels"),
    "sharpness": PropertyRow("sharper", "blurrier", "finest structures, per 10,000 of the contrast"),
    "width": PropertyRow("wider", "narrower", "width in pixels"),
    "height": PropertyRow("taller", "less tall", "height in pixels"),
    "aspect": PropertyRow("wider for their height", "narrower for their height", "width divided by height"),
    "border": PropertyRow("within wider borders", "within narrower borders", "share of the area in a plain border"),
    "greyscale": PropertyRow("more often greyscale files", "less often greyscale files", "share of greyscale files"),
}  # fmt: skip


@dataclass(frozen=True)
class PropertyDifference:
    """A simple property in two samples of images.

    Attributes
    ----------
    name : str
        A key of `PROPERTIES`.
    reference, new : float
        Median of each sample; of ``greyscale`` and ``border`` the mean.
    auc : float
        In which share of the pairs of a reference and a new image of one class the new one has more of it.
    interval : (float, float) or None
        95% interval of `auc`.
    p_value : float
        How often random exchanges of the samples' labels give a share at least as far from a half.
    p_adjusted : float
        The same by Holm's correction for all properties.
    """

    name: str
    reference: float
    new: float
    auc: float
    interval: Interval | None
    p_value: float
    p_adjusted: float

    @property
    def found(self) -> bool:
        """Whether the samples differ in this property, at the level of 5% for all properties together."""
        return self.p_adjusted <= ALPHA

    def sentence(self, which: str = "test") -> str:
        """Return the difference in words, such as "Test images are darker: median 92 against 121 …"."""
        row, more = PROPERTIES[self.name], self.auc >= 0.5
        pairs = 100 * max(self.auc, 1 - self.auc)
        kind = "mean" if self.name in _MEANS else "median"
        return (
            f"{which.capitalize()} images are {row.more if more else row.less}: {kind} {row.text(self.new)} against "
            f"{row.text(self.reference)} ({row.measure}; in {pairs:.0f} of 100 pairs)."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        low, high = self.interval or (None, None)
        return {
            "property": self.name,
            "reference": self.reference,
            "new": self.new,
            "auc": self.auc,
            "low": low,
            "high": high,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "found": self.found,
        }


_MEANS = ("border", "greyscale")


def property_values(measures: Measures) -> dict[str, np.ndarray]:
    """Return the simple properties of measured images, each an ndarray of shape (n,)."""
    rows = measures.rows
    width, height = (rows[side].astype(float) for side in ("width", "height"))
    return {
        "brightness": rows["mean"].astype(float),
        "contrast": rows["spread"].astype(float),
        "sharpness": np.where(rows["detail"] < 0, 1e4 * 10 ** rows["detail"].astype(float), 0),
        "width": width,
        "height": height,
        "aspect": width / np.maximum(height, 1),
        "border": border_share(rows["thumbnail"]),
        "greyscale": np.isin(rows["mode"], _GREY_MODES).astype(float),
    }


def border_share(thumbnails: np.ndarray) -> np.ndarray:
    """Return which share of each image is a border of one colour: outer rows and columns without structure.

    Parameters
    ----------
    thumbnails : ndarray of uint8, shape (n, height, width)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> framed = np.zeros((1, 4, 4), np.uint8)
    >>> framed[0, 1:3, 1:3] = [[10, 200], [90, 30]]
    >>> border_share(framed).tolist()
    [0.75]
    """
    inner = np.ones(len(thumbnails))
    for axis in (1, 2):
        flat = thumbnails.std(axis=3 - axis) < _FLAT
        size = flat.shape[1]
        outer = np.where(flat.all(axis=1), size, flat.argmin(axis=1) + flat[:, ::-1].argmin(axis=1))
        inner *= 1 - outer / size
    return 1 - inner


def compare_properties(
    values: Mapping[str, np.ndarray],
    is_new: np.ndarray,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[PropertyDifference, ...]:
    """Test in which properties two samples of images differ, the most different first.

    Images are compared with images of the same class. Labels of the samples are exchanged at random between groups, as
    in :func:`hybrid.shift.two_sample_test`; p-values are corrected for the number of properties.

    Parameters
    ----------
    values : mapping of str to ndarray of shape (n,)
        The properties, by the keys of `PROPERTIES`. A property with one value for all images is left out.
    is_new : ndarray of bool, shape (n,)
        Whether each image is in the new sample.
    strata, groups : ndarray of int, shape (n,), optional
        Class and group of each image, from 0.
    seed : int, default=0

    Returns
    -------
    tuple of PropertyDifference
        Empty if no class has images in both samples.
    """
    varying = {name: of_images for name, of_images in values.items() if np.ptp(of_images) > 0}
    if not varying or is_new.all() or not is_new.any():
        return ()
    rng = np.random.default_rng(seed)
    exchange = make_exchange(is_new, strata, groups, 1, rng)
    unit = np.arange(len(is_new)) if groups is None else groups
    observed = [area(of_images, is_new, exchange.cell, unit) for of_images in varying.values()]
    drawn = _areas(np.column_stack(list(varying.values())), exchange.draws(PERMUTATIONS, rng), exchange.cell)
    results = []
    for (name, of_images), one, by_chance in zip(varying.items(), observed, drawn, strict=True):
        if one is None:
            return ()
        far = np.abs(by_chance - 0.5) >= abs(one.value - 0.5) - 1e-9
        middle = np.mean if name in _MEANS else np.median
        reference, new = (float(middle(of_images[side])) for side in (~is_new, is_new))
        p_value = (1 + int(far.sum())) / (1 + PERMUTATIONS)
        results.append(PropertyDifference(name, reference, new, one.value, one.interval(), p_value, p_value))
    steps = holm_steps([one.p_value for one in results], ALPHA)
    adjusted = [
        PropertyDifference(**(vars(one) | {"p_adjusted": step[0]}))
        for one, step in zip(results, steps, strict=True)
        if step
    ]
    return tuple(sorted(adjusted, key=lambda one: (one.p_adjusted, -abs(one.auc - 0.5))))


def _areas(values: np.ndarray, labels: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the area of each property, (k, m), over pairs within the cells, for m labellings of the images.

    The ranks do not depend on the labels, so that one product of matrices serves all labellings.
    """
    right, pairs = np.zeros((values.shape[1], labels.shape[1])), np.zeros(labels.shape[1])
    for number in np.unique(cell):
        rows = cell == number
        new = labels[rows].astype(np.float32)
        count = new.sum(axis=0, dtype=np.float64)
        right += _centred_ranks(values[rows]).T @ new + count * (rows.sum() - count) / 2
        pairs += count * (rows.sum() - count)
    return np.divide(right, pairs, out=np.full_like(right, 0.5), where=pairs > 0)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value in its column minus the mean rank, ndarray of float32; ties share a rank."""
    ranks = np.empty(values.shape, np.float32)
    for column, of_images in enumerate(values.T):
        ordered = np.sort(of_images)
        ends = np.searchsorted(ordered, of_images, "left") + np.searchsorted(ordered, of_images, "right")
        ranks[:, column] = (ends - len(ordered)) / 2
    return ranks
