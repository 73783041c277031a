"""Choose the method that adapts a model, by cross-validation within the adapting images."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hybrid.adaptation.folds import site_folds
from hybrid.adaptation.losses import log_losses
from hybrid.adaptation.methods import NONE, PROBABILITIES, AdaptedModel, Parent, SiteImages, adapt_with, refit_of
from hybrid.adaptation.refit import Refit
from hybrid.classifiers.shrunk_calibration import ShrunkCalibration
from hybrid.pipelines.folds import Splits
from hybrid.wording import joined, number

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Choice:
    """The method that was chosen, and the log losses that it was chosen by.

    Attributes
    ----------
    method : str
    losses : dict of str to float
        Mean log loss of each method in the cross-validation, from the simplest method on.
    note : str
        The reason in a sentence.
    refit : Refit or None
        The refit to all adapting images, so that it need not be computed again.
    """

    method: str
    losses: dict[str, float]
    note: str
    refit: Refit | None = None


def adapt_automatically(parent: Parent, images: SiteImages, choice: Choice | None = None) -> AdaptedModel:
    """Adapt a model with the method that a cross-validation within the adapting images chooses, or with none."""
    choice = choice or choose_method(parent, images)
    adapted = adapt_with(choice.method, parent, images, choice.refit)
    return replace(adapted, notes=(choice.note, *adapted.notes))


def choose_method(parent: Parent, images: SiteImages) -> Choice:
    """Choose a method by the log loss of a cross-validation within the adapting images.

    It is the simplest of no adaptation, intercept, calibration and refit whose log loss is within one standard error of
    the lowest. The standard error is that of the difference on the same images, with each group as one case. The log
    loss tells methods apart with far fewer images than accuracy does. It cannot choose ``"threshold"``, which leaves
    the probabilities as they are.

    Parameters
    ----------
    parent : Parent
    images : SiteImages
        The adapting images.

    Returns
    -------
    Choice
    """
    folds = site_folds(images.y, images.groups, most=FOLDS, random_state=parent.random_state)
    if not folds:
        return Choice(NONE, {}, "All adapting images are of one group, so nothing can be chosen: not adapted.")
    refitted = None if "refit" in parent.unavailable else refit_of(parent, images)
    losses = {}
    for method in PROBABILITIES:
        if method == "refit" and refitted is not None:
            losses[method] = refitted.losses
        elif method not in parent.unavailable:
            losses[method] = log_losses(images.y, _out_of_fold(method, parent, images, folds), parent.classes)
    means = {method: float(values.mean()) for method, values in losses.items()}
    best = min(means, key=means.__getitem__)
    chosen = next(
        method
        for method, values in losses.items()
        if means[method] - means[best] <= _standard_error(values - losses[best], images.groups)
    )
    return Choice(chosen, means, _reason(chosen, best, means, len(images)), refitted)


def _out_of_fold(method: str, parent: Parent, images: SiteImages, folds: Splits) -> NDArray[np.float64]:
    """Return the probabilities of each adapting image by a model that was adapted without its fold."""
    if method == NONE:
        return images.proba
    several = images.y.ndim == 2
    codes = images.y.astype(np.int64) if several else np.searchsorted(parent.classes, images.y)
    proba = np.zeros(images.proba.shape)
    for train, test in folds:
        calibration = ShrunkCalibration(slope=method == "calibration").fit(images.proba[train], codes[train])
        proba[test] = calibration.transform(images.proba[test])
    return proba


def _standard_error(differences: NDArray[np.float64], groups: NDArray | None) -> float:
    """Return the standard error of a mean over images that are alike within groups."""
    unit = np.arange(len(differences)) if groups is None else np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(unit, differences - differences.mean())
    n = len(sums)
    return float(np.sqrt((sums**2).sum() * n / max(n - 1, 1)) / len(differences))


def _reason(chosen: str, best: str, means: dict[str, float], images: int) -> str:
    shown = joined([f"{method} {value:.3f}" for method, value in means.items()])
    how = "the lowest" if chosen == best else f"the simplest within one standard error of {best}"
    return (
        f"Chosen by cross-validation within {number(images, 'adapting image')}: {chosen} ({how}). Log losses: {shown}."
    )
