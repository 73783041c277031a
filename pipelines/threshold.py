"""Choose the threshold on the probability of the positive class for an aim, on images not used for training."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, ndtr

from hybrid.errors import InputError
from hybrid.evaluation.clustered import share_interval
from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.intervals import wilson
from hybrid.evaluation.labels import log_odds
from hybrid.evaluation.weighted_scores import label_scores
from hybrid.pipelines.aim import AIMS, LEVELS, Aim, effective_sizes, lower_bound

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


def choose_threshold(
    truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim, groups: NDArray | None = None
) -> ChosenThreshold:
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
    groups : ndarray of shape (n,), optional
        Group of each image, such as its patient. By default images are independent.

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
    if groups is not None and len(np.unique(groups)) == len(groups):
        groups = None
    cut = _highest_reaching(truth, proba, aim, groups) if aim.name in LEVELS else _best_smoothed(truth, proba, aim)
    threshold = float(expit(cut))
    predicted = proba >= threshold
    hits, alarms = int((predicted & truth).sum()), int((predicted & ~truth).sum())
    reached = float(_score(aim, hits, alarms, positives, negatives))
    note = ""
    if aim.name in LEVELS:
        members = truth if aim.name == "recall" else ~truth
        of_members = None if groups is None else _recognised_first(aim, proba, groups, members)
        note = _note(aim, hits if aim.name == "recall" else negatives - alarms, int(members.sum()), of_members)
    return ChosenThreshold(threshold, reached, positives, negatives, note)


def choose_thresholds(
    pairs: Iterable[tuple[NDArray[np.bool_], NDArray[np.floating]]], aim: Aim, groups: NDArray | None = None
) -> list[ChosenThreshold]:
    """Choose a threshold for each pair of truth and probabilities. With several labels, errors name the label."""
    pairs, choices = list(pairs), []
    for number, (truth, proba) in enumerate(pairs, start=1):
        try:
            choices.append(choose_threshold(truth, proba, aim, groups))
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


def _highest_reaching(truth: NDArray[np.bool_], proba: NDArray[np.floating], aim: Aim, groups: NDArray | None) -> float:
    """Return the log-odds threshold that reaches a recall, or a specificity, which is the recall of the negatives."""
    assert aim.level is not None  # recall and specificity have a level
    sign = 1 if aim.name == "recall" else -1
    scores, members = sign * log_odds(proba), truth if sign == 1 else ~truth
    ranked = np.sort(scores[members])[::-1]
    of_members = None if groups is None else _recognised_first(aim, proba, groups, members)
    needed = aim.needed(len(ranked), None if of_members is None else effective_sizes(of_members))
    if needed > len(ranked):
        raise InputError(_too_few(aim, len(ranked), of_members))
    last = ranked[needed - 1]
    below = scores[scores < last]
    if not len(below):
        every = "every image positive" if sign == 1 else "no image positive"
        raise InputError(
            f"On the {len(truth)} images to choose a threshold on, {aim} is reached only by calling {every}: "
            "choose a lower level, or improve the model."
        )
    return float(sign * (last + below.max()) / 2)


def _recognised_first(aim: Aim, proba: NDArray[np.floating], groups: NDArray, members: NDArray[np.bool_]) -> NDArray:
    """Return the groups of the positive (or negative) images, beginning with those that are recognised first."""
    scores = proba[members] if aim.name == "recall" else -proba[members]
    return groups[members][np.argsort(-scores, kind="stable")]


def _kind(aim: Aim) -> str:
    return "positive" if aim.name == "recall" else "negative"


def _too_few(aim: Aim, images: int, groups: NDArray | None) -> str:
    assert aim.confidence is not None  # without it, all images always suffice
    plain = Aim(aim.name, aim.level)
    units = images if groups is None else len(np.unique(groups))
    highest = _rounded_down(lower_bound(units, units, aim.confidence))
    return (
        f"With {_members(aim, images, groups)}, no threshold can guarantee {plain} with a confidence of "
        f"{aim.confidence:g}: {_needs(aim, groups)}, all recognised, would be needed. Give more "
        f"{'images' if groups is None else 'groups'}, choose a level of at most {highest:.3f}, or write {plain}, which "
        "guarantees nothing for new images."
    )


def _members(aim: Aim, images: int, groups: NDArray | None) -> str:
    """Return the number of positive (or negative) images as text, with that of their groups."""
    return images_of_groups(images, None if groups is None else len(np.unique(groups)), f"{_kind(aim)} image")


def _needs(aim: Aim, groups: NDArray | None) -> str:
    """Return how many positive (or negative) images an aim with a confidence needs, and of how many groups."""
    if groups is None:
        return f"{aim.fewest()} {_kind(aim)} images"
    return f"{aim.fewest()} {_kind(aim)} images of as many groups"


def _rounded_down(bound: float) -> float:
    return float(np.floor(1e3 * bound) / 1e3)


def _note(aim: Aim, right: int, of: int, groups: NDArray | None) -> str:
    """Return what a recall or specificity of so many recognised images says of new images."""
    assert aim.level is not None
    start = f"{right} of {_members(aim, of, groups)}: {right / of:.3f}"
    size = float(of) if groups is None else float(effective_sizes(groups)[right - 1])
    if aim.confidence is not None:
        bound = _rounded_down(lower_bound(right * (size / of), size, aim.confidence))
        return f"{start}, with a confidence of {aim.confidence:g} at least {bound:.3f} on new images"
    low, high = _interval(right, of, groups)
    text = f"{start}, 95% interval {low:.3f} to {high:.3f}"
    if aim.level == 1:
        return f"{text}; no threshold can guarantee it on new images"
    sure = Aim(aim.name, aim.level, 0.95)
    needed = aim.needed(of) * (size / of)
    missed = betainc(needed, size - needed + 1, aim.level)
    return (
        f"{text}; on new images, {aim} is missed in up to about {missed:.0%} of the cases; {sure} allows for that, and "
        f"needs at least {_needs(sure, groups)}"
    )


def _interval(right: int, of: int, groups: NDArray | None) -> tuple[float, float]:
    """Return the 95% interval of the share of recognised images, which the tables of scores show, too."""
    if groups is None:
        return wilson(right / of, of, 0.95)
    code = np.unique(groups, return_inverse=True)[1]
    one_stratum = np.zeros(code.max() + 1, dtype=np.intp)
    return share_interval(np.arange(of) < right, code, one_stratum, 0.95) or wilson(right / of, 1, 0.95)
