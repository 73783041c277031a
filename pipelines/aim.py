"""What a threshold on a probability is chosen for: an aim, with a level and a confidence."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.metrics import METRICS

AIMS = {metric.aim: metric for metric in METRICS.values() if metric.aim}
OPTIMA = tuple(aim for aim, metric in AIMS.items() if not metric.aim_has_level)  # aims that maximise a score
LEVELS = tuple(aim for aim, metric in AIMS.items() if metric.aim_has_level)  # aims that reach a level of a score
SYNONYMS = {"sensitivity": "recall"}


@dataclass(frozen=True)
class Aim:
    """The aim that a threshold is chosen for.

    Attributes
    ----------
    name : {"accuracy", "balanced", "f1", "recall", "specificity"}
        Score to maximise or reach; "balanced" is the mean of recall and specificity.
    level : float, optional
        Level that recall or specificity must reach; None for the other scores.
    confidence : float, optional
        Confidence with which the level must be reached on new images: the lower one-sided confidence bound (Clopper
        and Pearson; Korn and Graubard for images in groups) reaches it. By default it need only be reached on the
        images that the threshold is chosen on.
    """

    name: str
    level: float | None = None
    confidence: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the aim from a text such as ``balanced``, ``recall=0.98`` or ``recall=0.98@0.95``.

        "sensitivity" is another name of recall.

        Raises
        ------
        InputError
            If the aim is unknown, or its level or confidence is missing or invalid.

        Examples
        --------
        >>> Aim.parse("recall=0.98")
        Aim(name='recall', level=0.98, confidence=None)
        """
        name, equals, value = str(text).partition("=")
        aim = SYNONYMS.get(name, name)
        if aim not in (*OPTIMA, *LEVELS):
            hint = (
                "With @CONFIDENCE after it, such as recall=0.98@0.95, the level is reached on new images. Sensitivity "
                "is another name of recall."
            )
            raise unknown_name("aim", name, (*OPTIMA, *(f"{level}=LEVEL" for level in (*LEVELS, *SYNONYMS))), hint)
        if aim in OPTIMA:
            if equals:
                raise InputError(f"The aim {text!r} was given; {name} takes no level: write {name}.")
            return cls(aim)
        value, at, confidence = value.partition("@")
        level = _number(value)
        if not 0 < level <= 1:
            raise InputError(
                f"The aim {text!r} was given; expected a level above 0 and up to 1, such as {name}=0.95, or "
                f"{name}=0.95@0.95 to reach it on new images with a confidence of 0.95."
            )
        if not at:
            return cls(aim, level)
        if not 0.5 <= (sure := _number(confidence)) < 1:
            raise InputError(
                f"The aim {text!r} was given; expected a confidence of at least 0.5 and below 1 after @, such as "
                f"{name}={level:g}@0.95."
            )
        if level == 1:
            raise InputError(
                f"The aim {text!r} was given; no number of images can show that a level of 1 is reached: choose a "
                f"lower level, such as {name}=0.98@{sure:g}."
            )
        return cls(aim, level, sure)

    def __str__(self) -> str:
        level = "" if self.level is None else f"={self.level:g}"
        return f"{self.name}{level}" + ("" if self.confidence is None else f"@{self.confidence:g}")

    def needed(self, images: int, sizes: Any = None) -> int:
        """Return how many of a number of positive (or negative) images must be recognised; more than all if too few.

        Parameters
        ----------
        images : int
        sizes : ndarray of shape (images,), optional
            Number of independent images that tell as much, for each number of recognised images from 1 on, as
            :func:`effective_sizes` returns it. By default all images are independent.

        Examples
        --------
        >>> Aim("recall", 0.98).needed(200), Aim("recall", 0.98, 0.95).needed(200), Aim("recall", 0.98, 0.95).needed(43)
        (196, 200, 44)
        """
        assert self.level is not None  # recall and specificity have a level
        least = int(np.ceil(self.level * images - 1e-9))
        if self.confidence is None:
            return least
        counts = np.arange(least, images + 1)
        size = images if sizes is None else sizes[counts - 1]
        # A number also counts as too small if a larger one is, because the sizes are estimates that vary by chance.
        too_small = counts[lower_bound(counts * (size / images), size, self.confidence) < self.level]
        return int(too_small[-1]) + 1 if len(too_small) else least

    def fewest(self) -> int:
        """Return the smallest number of images, all recognised, with which an aim with a confidence can be reached.

        If images come in groups, it is the number of groups.

        Examples
        --------
        >>> Aim("recall", 0.98, 0.95).fewest()
        149
        """
        assert self.level is not None
        assert self.confidence is not None
        return int(np.ceil(np.log1p(-self.confidence) / np.log(self.level) - 1e-9))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def lower_bound(right: Any, images: Any, confidence: float) -> Any:
    """Return the lower one-sided confidence bound of a share (Clopper and Pearson 1934); numbers may be fractions.

    It also holds for the recall at a threshold that is the score of the image with rank `right` of the positives, since
    the true recall there has the beta distribution whose quantile the bound is [1]_.

    References
    ----------
    .. [1] Wilks, S. S. "Determination of sample sizes for setting tolerance limits." Annals of Mathematical Statistics
       12, 1941.

    Examples
    --------
    >>> round(float(lower_bound(149, 149, 0.95)), 4)
    0.9801
    """
    return betaincinv(right, images - right + 1, 1 - confidence)


def effective_sizes(groups: Any) -> NDArray[np.float64]:
    """Return how many independent images would tell as much as these images in groups, for each share of them.

    It is the number of images, divided by the design effect: how much larger the variance of the share is than that of
    independent images [1]_. At each threshold this is an estimate, and a low one if only few images are missed, so it
    is not taken to be lower than its mean over the thresholds that recognise more than half of the images. If all
    images are recognised, each group counts as one image.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Group of each image, in the order in which a falling threshold recognises them.

    Returns
    -------
    ndarray of shape (n,)
        For 1, 2, …, n recognised images.

    References
    ----------
    .. [1] Korn, E. L., Graubard, B. I. "Confidence intervals for proportions with small expected number of positive
       counts estimated from survey data." Survey Methodology 24, 1998.

    Examples
    --------
    >>> effective_sizes(["a", "a", "b", "b", "c", "c"]).round(1).tolist()
    [2.9, 2.0, 2.9, 2.0, 2.9, 3.0]
    """
    _, code, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    n, n_groups = len(code), len(size)
    order = np.argsort(code, kind="stable")
    before = np.empty(n)  # number of images of the same group that are recognised earlier
    before[order] = np.arange(n) - np.repeat(np.cumsum(size) - size, size)
    share = np.arange(1, n) / n
    squares, products = np.cumsum(2 * before + 1)[:-1], np.cumsum(size[code])[:-1]
    deviations = squares - 2 * share * products + share**2 * np.sum(size**2)
    effect = deviations * n_groups / max(n_groups - 1, 1) / (n * share * (1 - share))
    at_least = max(1.0, effect[n // 2 :].mean()) if n > 2 else 1.0
    return np.append(n / np.maximum(effect, at_least), n_groups)
