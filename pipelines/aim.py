"""What a threshold on a probability is chosen for: an aim, with a level and a confidence."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import betaincinv

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.metrics import METRICS

AIMS = {metric.aim: metric for metric in METRICS.values() if metric.aim}
OPTIMA = tuple(aim for aim, metric in AIMS.items() if not metric.aim_has_level)  # aims that maximise a score
LEVELS = tuple(aim for aim, metric in AIMS.items() if metric.aim_has_level)  # aims that reach a level of a score


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
        and Pearson) reaches it. By default it need only be reached on the images that the threshold is chosen on.
    """

    name: str
    level: float | None = None
    confidence: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the aim from a text such as ``balanced``, ``recall=0.98`` or ``recall=0.98@0.95``.

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
        if name not in (*OPTIMA, *LEVELS):
            raise unknown_name("aim", name, (*OPTIMA, *(f"{level}=LEVEL" for level in LEVELS)))
        if name in OPTIMA:
            if equals:
                raise InputError(f"The aim {text!r} was given; {name} takes no level: write {name}.")
            return cls(name)
        value, at, confidence = value.partition("@")
        level = _number(value)
        if not 0 < level <= 1:
            raise InputError(f"The aim {text!r} was given; expected a level above 0 and up to 1, such as {name}=0.95.")
        if not at:
            return cls(name, level)
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
        return cls(name, level, sure)

    def __str__(self) -> str:
        level = "" if self.level is None else f"={self.level:g}"
        return f"{self.name}{level}" + ("" if self.confidence is None else f"@{self.confidence:g}")

    def needed(self, images: int) -> int:
        """Return how many of a number of positive (or negative) images must be recognised; more than all if too few.

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
        reached = lower_bound(counts, images, self.confidence) >= self.level
        return int(counts[reached][0]) if reached.any() else images + 1

    def fewest(self) -> int:
        """Return the smallest number of images, all recognised, with which an aim with a confidence can be reached.

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


def lower_bound(right: Any, images: int, confidence: float) -> Any:
    """Return the lower one-sided confidence bound of a share (Clopper and Pearson 1934).

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
