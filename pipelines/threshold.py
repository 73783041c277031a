"""Choose the threshold on the probability of the positive class for an aim, on images not used for training."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, ndtr

from hybrid.errors import InputError
from hybrid.evaluation.intervals import wilson
from hybrid.evaluation.labels import log_odds
from hybrid.evaluation.weighted_scores import label_scores
from hybrid.pipelines.aim import AIMS, LEVELS, Aim, lower_bound

_GRID = 401


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
        For recall and specificity, the number of images behind the score, its 95% interval or the lower bound that
        was asked for, and how often the level is missed on new images.
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
    gap to the next image. With a confidence, the lower confidence bound of the recall or specificity reaches the level.
    It holds for new images that are drawn like these, independently of each other.

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
        If there are only positive or only negative images, or too few for the confidence, or the level is reached
        only by predicting all images as positive or all as negative.

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


def choose_thresholds(
    pairs: Iterable[tuple[NDArray[np.bool_], NDArray[np.floating]]], aim: Aim
) -> list[ChosenThreshold]:
    """Choose a threshold for each pair of truth and probabilities. With several labels, errors name the label."""
    pairs, choices = list(pairs), []
    for number, (truth, proba) in enumerate(pairs, start=1):
        try:
            choices.append(choose_threshold(truth, proba, aim))
        except InputError as error:
            raise InputError(f"Label {number} of {len(pairs)}: {error}" if len(pairs) > 1 else str(error)) from None
    return choices


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
    needed = aim.needed(len(ranked))
    if needed > len(ranked):
        raise InputError(_too_few(aim, len(ranked)))
    last = ranked[needed - 1]
    below = scores[scores < last]
    if not len(below):
        every = "every image positive" if sign == 1 else "no image positive"
        raise InputError(
            f"On the {len(truth)} images to choose a threshold on, {aim} is reached only by calling {every}: "
            "choose a lower level, or improve the model."
        )
    return float(sign * (last + below.max()) / 2)


def _kind(aim: Aim) -> str:
    return "positive" if aim.name == "recall" else "negative"


def _too_few(aim: Aim, images: int) -> str:
    assert aim.confidence is not None  # without it, all images always suffice
    kind, plain = _kind(aim), Aim(aim.name, aim.level)
    highest = _rounded_down(lower_bound(images, images, aim.confidence))
    return (
        f"With {images} {kind} images, no threshold can guarantee {plain} with a confidence of {aim.confidence:g}: "
        f"{aim.fewest()} {kind} images, all recognised, would be needed. Give more images, choose a level of at most "
        f"{highest:.3f}, or write {plain}, which guarantees nothing for new images."
    )


def _rounded_down(bound: float) -> float:
    return float(np.floor(1e3 * bound) / 1e3)


def _note(aim: Aim, hits: int, alarms: int, positives: int, negatives: int) -> str:
    if aim.name not in LEVELS:
        return ""
    assert aim.level is not None
    right, of = (hits, positives) if aim.name == "recall" else (negatives - alarms, negatives)
    start = f"{right} of {of} {_kind(aim)} images: {right / of:.3f}"
    if aim.confidence is not None:
        bound = _rounded_down(lower_bound(right, of, aim.confidence))
        return f"{start}, with a confidence of {aim.confidence:g} at least {bound:.3f} on new images"
    low, high = wilson(right / of, of, 0.95)  # the interval that the tables of scores show, too
    text = f"{start}, 95% interval {low:.3f} to {high:.3f}"
    if aim.level == 1:
        return f"{text}; no threshold can guarantee it on new images"
    sure = Aim(aim.name, aim.level, 0.95)
    missed = betainc(aim.needed(of), of - aim.needed(of) + 1, aim.level)
    return (
        f"{text}; on new images, {aim} is missed in up to about {missed:.0%} of the cases; {sure} allows for that, and "
        f"needs at least {sure.fewest()} {_kind(aim)} images"
    )
