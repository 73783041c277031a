"""Refit a head to old and new embeddings together, with weights that are chosen within the new images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from hybrid.adaptation.folds import site_folds
from hybrid.adaptation.losses import log_losses
from hybrid.classifiers import NetworkOutput
from hybrid.classifiers.prior import corrected
from hybrid.embeddings.joined_set import LabelledRows
from hybrid.errors import InputError, reason_of
from hybrid.pipelines.adapted import original_head, smoothed_shares
from hybrid.pipelines.folds import Splits, groups_for

SHARES = (0.1, 0.3, 0.6)  # of the new images in the total weight
DEFAULT_SHARE = 0.1  # where the new images are too few to choose it
FOLDS = 3  # each takes a fit for each share


@dataclass(frozen=True, eq=False)
class Refit:
    """A model that was fitted to new images, and to old ones if there are some.

    Attributes
    ----------
    pipeline : Pipeline
        The fitted steps, from embeddings to labels.
    class_shares : ndarray of shape (1, n_classes) or (n_labels, 2)
        The class frequencies that its probabilities refer to.
    proba : ndarray of shape (n, k)
        Out-of-fold probabilities of the new images, for these frequencies.
    losses : ndarray of shape (n,)
        Log losses of the new images by the out-of-fold probabilities, converted to the frequencies of the new site.
    share : float or None
        The share of the new images in the total weight; None without old images.
    """

    pipeline: Pipeline
    class_shares: NDArray[np.float64]
    proba: NDArray[np.float64]
    losses: NDArray[np.float64]
    share: float | None


def why_not_refit(pipeline: Pipeline) -> str:
    """Return why the head of a model cannot be fitted again; "" if it can."""
    if isinstance(original_head(pipeline[-1]), NetworkOutput):
        return "it is the output of a trained network, which would have to be trained again"
    return ""


def refit(parent: Pipeline, old: LabelledRows, new: LabelledRows, random_state: int = 0) -> Refit:
    """Fit the steps of a model again, to the images that it was trained on and those of a new site.

    The share of the new images in the total weight is the one of `SHARES` with the lowest log loss in a
    cross-validation within the new images, in which the old ones are always in training. If the new images are too few
    to divide, it is `DEFAULT_SHARE`.

    Parameters
    ----------
    parent : Pipeline
        The fitted model, which takes embeddings. It is not changed.
    old, new : LabelledRows
        Embeddings, labels and groups of the images that the model was trained on, and of the new ones.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    Refit

    Raises
    ------
    InputError
        If the head cannot be fitted again, or does not accept weights.
    """
    folds = site_folds(new.y, new.groups, most=FOLDS, random_state=random_state)
    tried = [_refit(parent, old, new, share, folds) for share in (SHARES if folds else (DEFAULT_SHARE,))]
    best = min(tried, key=lambda one: float(one.losses.mean()))
    pipeline, shares = _fit(parent, old, new, best.share)
    proba = best.proba if folds else pipeline.predict_proba(new.X)
    return Refit(pipeline, shares, proba, best.losses, best.share)


def fit_to_new(parent: Pipeline, new: LabelledRows) -> Refit:
    """Fit the steps of a model to the images of a new site alone.

    Raises
    ------
    InputError
        If the images do not suffice, for example because a class is missing.
    """
    pipeline, shares = _fit(parent, None, new, None)
    if not np.array_equal(pipeline.classes_, parent.classes_):
        raise InputError("The new images lack a class, so a head cannot be fitted to them alone.")
    proba = pipeline.predict_proba(new.X)
    return Refit(pipeline, shares, proba, log_losses(new.y, proba, parent.classes_), None)


@dataclass(frozen=True, eq=False)
class _Tried:
    """A share of the new images, with their out-of-fold probabilities and log losses."""

    share: float
    proba: NDArray[np.float64]
    losses: NDArray[np.float64]


def _refit(parent: Pipeline, old: LabelledRows, new: LabelledRows, share: float, folds: Splits) -> _Tried:
    classes, several = parent.classes_, new.y.ndim == 2
    proba, converted = np.zeros((2, len(new.y), len(classes)))
    for train, test in folds:
        part = LabelledRows(new.X[train], new.y[train], None if new.groups is None else new.groups[train])
        fitted, shares = _fit(parent, old, part, share)
        proba[test] = fitted.predict_proba(new.X[test])
        converted[test] = corrected(proba[test], smoothed_shares(part.y, classes) / shares, several)
    return _Tried(share, proba, log_losses(new.y, converted, classes))


def _fit(
    parent: Pipeline, old: LabelledRows | None, new: LabelledRows, share: float | None
) -> tuple[Pipeline, NDArray[np.float64]]:
    """Return the fitted steps, and the class frequencies that their probabilities refer to."""
    *before, (name, last) = parent.steps
    pipeline = clone(Pipeline([*before, (name, original_head(last))]))
    fit_params = {}
    if old is not None and share is not None:
        n_old, n_new = len(old.y), len(new.y)
        weights = np.repeat([(1 - share) / n_old, share / n_new], [n_old, n_new]) * (n_old + n_new)
        fit_params = {f"{name}__sample_weight": weights}
        new = _together(old, new)
    try:
        pipeline.fit(new.X, new.y, **fit_params, **groups_for(pipeline, new.groups))
    except (TypeError, ValueError) as error:
        raise InputError(f"The head cannot be fitted again: {reason_of(error)}") from error
    shares = getattr(pipeline[-1], "class_shares_", None)
    if shares is None:
        raise InputError(
            f"The head is a {type(pipeline[-1]).__name__}, whose class frequencies are not known; only heads of hybrid "
            "can be refitted."
        )
    return pipeline, shares


def _together(old: LabelledRows, new: LabelledRows) -> LabelledRows:
    """Return old and new images, with groups of different names."""
    groups = None
    if old.groups is not None or new.groups is not None:
        groups = np.array([*_named("old", old), *_named("new", new)])
    return LabelledRows(np.concatenate([old.X, new.X]), np.concatenate([old.y, new.y]), groups)


def _named(start: str, rows: LabelledRows) -> list[str]:
    groups = range(len(rows.y)) if rows.groups is None else rows.groups.tolist()
    return [f"{start}/{group}" for group in groups]
