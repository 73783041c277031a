"""Images that stand out: of one colour, of unusual size or shape, unusually dark or bright."""

import numpy as np

from hybrid.datasets.quality.finding import Cluster, ExaminedDataset

BLANK = 2.0  # of 255 grey levels: the standard deviation below which there is nothing to see
LIMIT = 3.5  # of the modified z-score of brightness


def blank(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images of one colour, or nearly: their grey levels have a standard deviation below 2 of 255."""
    rows = subject.measures.rows
    found = np.flatnonzero(is_blank(subject)).tolist()
    return [subject.cluster([row], f"grey level {rows['mean'][row]:.0f}") for row in found]


def is_blank(subject: ExaminedDataset) -> np.ndarray:
    """Return which images are blank, (n,) of bool."""
    return subject.measures.readable & (subject.measures.rows["spread"] < BLANK)


def unusual_size(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images that are few of half or twice the usual area, or of proportions that are 1.5 times others'."""
    rows, here = subject.measures.rows, subject.measures.readable
    height, width = (rows[side][here].astype(float) for side in ("height", "width"))
    far = is_rare(np.log(height * width), np.log(2)) | is_rare(np.abs(np.log(width / height)), np.log(1.5))
    return [
        subject.cluster([row], f"{rows['width'][row]} × {rows['height'][row]} pixels")
        for row in np.flatnonzero(here)[far]
    ]


def unusual_brightness(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images whose mean grey level lies far from the others'; blank ones are left out."""
    rows, here = subject.measures.rows, subject.measures.readable & ~is_blank(subject)
    found = np.flatnonzero(here)[is_outlier(rows["mean"][here].astype(float))]
    return [subject.cluster([row], f"mean grey level {rows['mean'][row]:.0f}") for row in found]


def is_rare(values: np.ndarray, least: float) -> np.ndarray:
    """Return which values lie so far or farther from the median, no more than 1 in 100 (or one) that far, (n,) of bool.

    Sizes come in a few kinds: many images of another kind are no outliers, however far that lies.

    Examples
    --------
    >>> is_rare(np.array([1.0] * 200 + [3.0] * 150 + [9.0]), 2.0).nonzero()[0].tolist()
    [350]
    """
    if not len(values):
        return np.zeros(0, bool)
    order = np.sort(values)
    below, above = np.searchsorted(order, values, "right"), len(values) - np.searchsorted(order, values, "left")
    few, distance = max(1, len(values) // 100), values - np.median(values)
    return ((distance <= -least) & (below <= few)) | ((distance >= least) & (above <= few))


def is_outlier(values: np.ndarray) -> np.ndarray:
    """Return which values have a modified z-score above 3.5, (n,) of bool.

    It is the distance from the median over the median of all such distances, scaled to a normal distribution's
    standard deviation; where more than half of the values are the same, over the mean of those distances.

    References
    ----------
    Iglewicz, Hoaglin. How to detect and handle outliers. ASQC Quality Press, 1993.

    Examples
    --------
    >>> is_outlier(np.array([5.0, 5.1, 4.9, 5.0, 5.2, 9.0])).tolist()
    [False, False, False, False, False, True]
    """
    if not len(values):
        return np.zeros(0, bool)
    distance = np.abs(values - np.median(values))
    scale = 1.4826 * np.median(distance) or 1.2533 * distance.mean()
    return distance > LIMIT * scale if scale else np.zeros(len(values), bool)
