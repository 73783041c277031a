"""Thresholds by aim: from which probability on an image counts as positive, chosen on images not learnt from."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from scipy.stats import binomtest

from hybrid.classifiers.calibration import log_odds
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.weighted_scores import label_scores

AIMS = {metric.aim: metric for metric in METRICS.values() if metric.aim}
OPTIMA = tuple(aim for aim, metric in AIMS.items() if not metric.aim_has_level)  # aims that are an optimum
LEVELS = tuple(aim for aim, metric in AIMS.items() if metric.aim_has_level)  # aims that reach a level
_GRID = 401


@dataclass(frozen=True)
class Aim:
    """What a threshold is to serve.

    Attributes
    ----------
    name : {"accuracy", "balanced", "f1", "recall", "specificity"}
        "balanced" is the mean of recall and specificity.
    level : float, optional
        What recall or specificity must reach.
    """

    name: str
    level: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the aim that words such as ``balanced`` or ``recall=0.98`` name.

        Raises
        ------
        InputError
            If there is no such aim, or its level is missing or none.

        Examples
        --------
        >>> Aim.parse("recall=0.98")
        Aim(name='recall', level=0.98)
        """
        name, equals, value = str(text).partition("=")
        if name not in (*OPTIMA, *LEVELS):
            raise unknown_name("aim", name, (*OPTIMA, *(f"{level}=LEVEL" for level in LEVELS)))
        if name in OPTIMA:
            if equals:
                raise InputError(f"The aim {text!r} was given; {name} takes no level: write {name}.")
            return cls(name)
        try:
            level = float(value)
        except ValueError:
            level = np.nan
        if not 0 < level <= 1:
            raise InputError(f"The aim {text!r} was given; expected a level above 0 and up to 1, such as {name}=0.95.")
        return cls(name, level)

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name}={self.level:g}"


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and what it rests on.

    Attributes
    ----------
    threshold : float
        An image whose probability reaches it is positive.
    reached : float
        What the threshold reaches of its aim on the images it was chosen on.
    positives, negatives : int
        These images.
    note : str
        For recall and specificity, how many images the figure rests on, and its 95% interval.
    """

    threshold: float
    reached: float
    positives: int
    negatives: int
    note: str = ""


def choose_threshold(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim) -> ChosenThreshold:
    """Choose the threshold that serves an aim.

    For accuracy, balanced accuracy and F1, both classes' log-odds are smoothed by Gaussian kernels, and the middle of
    the best thresholds is taken [1]_: the highest of the raw scores would follow chance. For a recall it is
    the highest threshold that reaches it, for a specificity the lowest, in the middle of the gap to the next image.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Which images are positive.
    proba : ndarray of float, shape (n,)
        The probability of each to be positive, by a model that has not learnt from these images.
    aim : Aim

    Returns
    -------
    ChosenThreshold

    Raises
    ------
    InputError
        If there are only positive or only negative images, or only calling every image positive, or none, reaches
        the level.

    References
    ----------
    .. [1] Fluss, R., Faraggi, D., Reiser, B. "Estimation of the Youden index and its associated cutoff point."
       Biometrical Journal 47, 2005.

    Examples
    --------
    >>> truth = np.array([False, False, True, True])
    >>> choose_threshold(truth, np.array([0.1, 0.2, 0.8, 0.9]), Aim("balanced"))
    ChosenThreshold(threshold=0.5, reached=1.0, positives=2, negatives=2, note='')
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise InputError(
            f"There are {positives} positive and {negatives} negative images to choose a threshold on: both are needed."
        )
    cut = _highest_reaching(truth, proba, aim) if aim.name in LEVELS else _best_smoothed(truth, proba, aim)
    threshold = float(expit(cut))
    said = proba >= threshold
    hits, alarms = int((said & truth).sum()), int((said & ~truth).sum())
    reached = float(_score(aim, hits, alarms, positives, negatives))
    return ChosenThreshold(threshold, reached, positives, negatives, _note(aim, hits, alarms, positives, negatives))


def _score(aim: Aim, hits: Any, alarms: Any, positives: int, negatives: int) -> Any:
    """Return the score of an aim where so many positives are found and so many negatives called positive."""
    scores = label_scores(hits, hits + alarms, positives, positives + negatives)
    return scores[AIMS[aim.name].name]


def _best_smoothed(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim) -> float:
    scores = log_odds(proba)
    positive, negative = scores[truth], scores[~truth]
    grid = np.linspace(scores.min(), scores.max(), _GRID)
    hits, alarms = (
        np.array([ndtr((part - cut) / width).sum() for cut in grid])
        for part, width in ((positive, _bandwidth(positive)), (negative, _bandwidth(negative)))
    )
    smoothed = _score(aim, hits, alarms, len(positive), len(negative))
    return float(grid[smoothed > smoothed.max() - 1e-9].mean())


def _bandwidth(scores: NDArray[np.floating]) -> float:
    """Return Silverman's bandwidth (Density Estimation, 1986, eq. 3.31), not 0 where most scores are one value."""
    spread, quartiles = scores.std(), np.subtract(*np.quantile(scores, [0.75, 0.25])) / 1.349
    return float(0.9 * max(min(spread, quartiles) or spread, 1e-6) * len(scores) ** -0.2)


def _highest_reaching(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim) -> float:
    """Return the cut, in log-odds, that reaches a recall; a specificity is that of the negatives, turned round."""
    assert aim.level is not None  # recall and specificity have one
    sign = 1 if aim.name == "recall" else -1
    scores, wanted = sign * log_odds(proba), truth if sign == 1 else ~truth
    found = np.sort(scores[wanted])[::-1]
    last = found[int(np.ceil(aim.level * len(found) - 1e-9)) - 1]
    below = scores[scores < last]
    if not len(below):
        every = "every image positive" if sign == 1 else "no image positive"
        raise InputError(
            f"On the {len(truth)} images to choose a threshold on, {aim} is reached only by calling {every}: "
            "ask for less, or improve the model."
        )
    return float(sign * (last + below.max()) / 2)


def _note(aim: Aim, hits: int, alarms: int, positives: int, negatives: int) -> str:
    if aim.name not in LEVELS:
        return ""
    right, of = (hits, positives) if aim.name == "recall" else (negatives - alarms, negatives)
    interval = binomtest(right, of).proportion_ci(0.95, method="exact")
    kind = "positive" if aim.name == "recall" else "negative"
    return f"{right} of {of} {kind} images: {right / of:.3f}, 95% interval {interval.low:.3f} to {interval.high:.3f}"
