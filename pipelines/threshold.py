"""Choose the threshold on the probability of the positive class for an aim, on images not used for training."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from hybrid.classifiers.calibration import log_odds
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.intervals import wilson
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.weighted_scores import label_scores

AIMS = {metric.aim: metric for metric in METRICS.values() if metric.aim}
OPTIMA = tuple(aim for aim, metric in AIMS.items() if not metric.aim_has_level)  # aims that maximise a score
LEVELS = tuple(aim for aim, metric in AIMS.items() if metric.aim_has_level)  # aims that reach a level of a score
_GRID = 401


@dataclass(frozen=True)
class Aim:
    """The aim that a threshold is chosen for.

    Attributes
    ----------
    name : {"accuracy", "balanced", "f1", "recall", "specificity"}
        Score to maximise or reach; "balanced" is the mean of recall and specificity.
    level : float, optional
        Level that recall or specificity must reach; None for the other scores.
    """

    name: str
    level: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the aim from a text such as ``balanced`` or ``recall=0.98``.

        Raises
        ------
        InputError
            If the aim is unknown, or its level is missing or invalid.

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
    """A threshold, and the data that it was chosen on.

    Attributes
    ----------
    threshold : float
        Images with at least this probability are predicted as positive.
    reached : float
        The score of the aim on the images that the threshold was chosen on.
    positives, negatives : int
        Numbers of these images.
    note : str
        For recall and specificity, the number of images behind the score, and its 95% interval.
    """

    threshold: float
    reached: float
    positives: int
    negatives: int
    note: str = ""


def choose_threshold(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim) -> ChosenThreshold:
    """Choose the threshold for an aim.

    For accuracy, balanced accuracy and F1, the log-odds of both classes are smoothed with Gaussian kernels, and the
    middle of the best thresholds is chosen [1]_, because the maximum of the unsmoothed score depends on chance. For a
    recall, it is the highest threshold that reaches it; for a specificity, the lowest. It lies in the middle of the
    gap to the next image.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is positive.
    proba : ndarray of float, shape (n,)
        The probability of the positive class, from a model that was not trained on these images.
    aim : Aim
        The aim.

    Returns
    -------
    ChosenThreshold

    Raises
    ------
    InputError
        If there are only positive or only negative images, or the level is reached only by predicting all images as
        positive or all as negative.

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
    predicted = proba >= threshold
    hits, alarms = int((predicted & truth).sum()), int((predicted & ~truth).sum())
    reached = float(_score(aim, hits, alarms, positives, negatives))
    return ChosenThreshold(threshold, reached, positives, negatives, _note(aim, hits, alarms, positives, negatives))


def _score(aim: Aim, hits: Any, alarms: Any, positives: int, negatives: int) -> Any:
    """Return the score of an aim from the numbers of true positives (hits) and false positives (alarms)."""
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
    """Return Silverman's bandwidth (Density Estimation, 1986, eq. 3.31), and never 0, even if most scores are equal."""
    spread, quartiles = scores.std(), np.subtract(*np.quantile(scores, [0.75, 0.25])) / 1.349
    return float(0.9 * max(min(spread, quartiles) or spread, 1e-6) * len(scores) ** -0.2)


def _highest_reaching(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim) -> float:
    """Return the log-odds threshold that reaches a recall, or a specificity, which is the recall of the negatives."""
    assert aim.level is not None  # recall and specificity have a level
    sign = 1 if aim.name == "recall" else -1
    scores, members = sign * log_odds(proba), truth if sign == 1 else ~truth
    ranked = np.sort(scores[members])[::-1]
    last = ranked[int(np.ceil(aim.level * len(ranked) - 1e-9)) - 1]
    below = scores[scores < last]
    if not len(below):
        every = "every image positive" if sign == 1 else "no image positive"
        raise InputError(
            f"On the {len(truth)} images to choose a threshold on, {aim} is reached only by calling {every}: "
            "choose a lower level, or improve the model."
        )
    return float(sign * (last + below.max()) / 2)


def _note(aim: Aim, hits: int, alarms: int, positives: int, negatives: int) -> str:
    if aim.name not in LEVELS:
        return ""
    right, of = (hits, positives) if aim.name == "recall" else (negatives - alarms, negatives)
    low, high = wilson(right / of, of, 0.95)  # the interval that the tables of scores show, too
    kind = "positive" if aim.name == "recall" else "negative"
    return f"{right} of {of} {kind} images: {right / of:.3f}, 95% interval {low:.3f} to {high:.3f}"
