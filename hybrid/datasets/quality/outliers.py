"""Find unusual images: of one colour, of unusual size or shape, unusually dark or bright."""

import numpy as np

from hybrid.datasets.quality.finding import Cluster, ExaminedDataset

BLANK = 2.0  # an image is blank if the standard deviation of its grey levels, from 0 to 255, is below this
BLURRED = 0.6  # least difference from the median share of fine structures, as a decimal logarithm: four times less
LIMIT = 3.5  # limit of the modified z-score of the brightness


def blank(examined: ExaminedDataset) -> list[Cluster]:
    """Return the images of nearly one colour: the standard deviation of their grey levels, 0 to 255, is below 2."""
    rows = examined.measures.rows
    indices = np.flatnonzero(is_blank(examined)).tolist()
    return [examined.cluster([row], f"grey level {rows['mean'][row]:.0f}") for row in indices]


def is_blank(examined: ExaminedDataset) -> np.ndarray:
    """Return a mask, of shape (n,), of the blank images."""
    return examined.measures.readable & (examined.measures.rows["spread"] < BLANK)


def unusual_size(examined: ExaminedDataset) -> list[Cluster]:
    """Return the few images that have half or twice the usual area, or an aspect ratio 1.5 times the usual one."""
    rows, readable = examined.measures.rows, examined.measures.readable
    height, width = (rows[side][readable].astype(float) for side in ("height", "width"))
    unusual = is_rare(np.log(height * width), np.log(2)) | is_rare(np.abs(np.log(width / height)), np.log(1.5))
    return [
        examined.cluster([row], f"{rows['width'][row]} × {rows['height'][row]} pixels")
        for row in np.flatnonzero(readable)[unusual]
    ]


def unusual_brightness(examined: ExaminedDataset) -> list[Cluster]:
    """Return the images whose mean grey level is far from those of the others, without blank images."""
    rows, compared = examined.measures.rows, examined.measures.readable & ~is_blank(examined)
    indices = np.flatnonzero(compared)[is_outlier(rows["mean"][compared].astype(float))]
    return [examined.cluster([row], f"mean grey level {rows['mean'][row]:.0f}") for row in indices]


def blurred(examined: ExaminedDataset) -> list[Cluster]:
    """Return the images whose finest structures are far weaker than in the others: blurred or enlarged ones."""
    rows, compared = examined.measures.rows, examined.measures.readable & ~is_blank(examined)
    compared = compared & (rows["detail"] < 0)
    detail = rows["detail"][compared].astype(float)
    if not len(detail):
        return []
    few = is_outlier(detail) & (detail < np.median(detail) - BLURRED)
    return [
        examined.cluster([row], f"fine structures {10 ** (np.median(detail) - rows['detail'][row]):.0f} times weaker")
        for row in np.flatnonzero(compared)[few]
    ]


def is_rare(values: np.ndarray, least: float) -> np.ndarray:
    """Return a mask of the values that are far from the median and rare.

    A value is rare if at most 1 % of all values, or only one, are as far from the median on the same side. Images often
    have a few different sizes, so many images of another size are not outliers, however different it is.

    Parameters
    ----------
    values : ndarray of shape (n,)
    least : float
        The least distance from the median.

    Returns
    -------
    ndarray of bool, shape (n,)

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
    """Return a mask of the values with a modified z-score above 3.5.

    The modified z-score is the distance from the median, divided by the median of these distances, which is scaled to
    the standard deviation of a normal distribution. If more than half of the values are equal, it is divided by the
    scaled mean of these distances instead.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)

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
