"""Refit a head to old and new embeddings together, with weights that are chosen within the new images."""

from dataclasses import dataclass
from typing import Any

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
from hybrid.pipelines.adapted import AdaptedHead, original_head, smoothed_shares
from hybrid.pipelines.folds import groups_for

SHARES = (0.1, 0.3, 0.6, 0.9)  # of the new images in the total weight
DEFAULT_SHARE = 0.3  # where the new images are too few to choose it
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Refit:
    """A head that was fitted to old and new embeddings.

    Attributes
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings. Its last step is an `AdaptedHead`.
    share : float
        The share of the new images in the total weight.
    proba : ndarray of shape (n, k)
        Out-of-fold probabilities of the new images, converted to the class frequencies of the new site.
    """

    pipeline: Pipeline
    share: float
    proba: NDArray[np.float64]


def why_not_refit(pipeline: Pipeline) -> str:
    """Return why the head of a model cannot be fitted again; "" if it can."""
    if isinstance(original_head(pipeline[-1]), NetworkOutput):
        return "the model is the output of a trained network, which would have to be trained again"
    return ""


def refit(
    parent: Pipeline,
    old: LabelledRows,
    new: LabelledRows,
    *,
    aim: str | None = None,
    positive: Any = None,
    random_state: int = 0,
) -> Refit:
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
    aim, positive
        As in `AdaptedHead`.
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
    if reason := why_not_refit(parent):
        raise InputError(f"The head cannot be refitted: {reason}.")
    folds = site_folds(new.y, new.groups, most=FOLDS, random_state=random_state)
    tried = {share: _out_of_fold(parent, old, new, share, folds) for share in SHARES} if folds else {}
    losses = {share: float(log_losses(new.y, proba, parent.classes_).mean()) for share, proba in tried.items()}
    share = min(losses, key=losses.__getitem__, default=DEFAULT_SHARE)
    fitted, shares = _fit(parent, old, new, share)
    proba = tried[share] if tried else fitted.predict_proba(new.X)
    *before, (name, head) = fitted.steps
    adapted = AdaptedHead(head, update="refit", aim=aim, positive=positive)
    adapted.adopt(head, proba, new.y, new.groups, shares)
    return Refit(Pipeline([*before, (name, adapted)]), share, proba)


def _out_of_fold(
    parent: Pipeline, old: LabelledRows, new: LabelledRows, share: float, folds: list
) -> NDArray[np.float64]:
    proba = np.zeros((len(new.y), len(parent.classes_)))
    for train, test in folds:
        part = LabelledRows(new.X[train], new.y[train], None if new.groups is None else new.groups[train])
        fitted, shares = _fit(parent, old, part, share)
        target = smoothed_shares(part.y, parent.classes_)
        proba[test] = corrected(fitted.predict_proba(new.X[test]), target / shares, new.y.ndim == 2)
    return proba


def _fit(
    parent: Pipeline, old: LabelledRows, new: LabelledRows, share: float
) -> tuple[Pipeline, NDArray[np.float64]]:
    """Return the fitted steps, and the class frequencies that their probabilities refer to."""
    *before, (name, last) = parent.steps
    pipeline = clone(Pipeline([*before, (name, original_head(last))]))
    n_old, n_new = len(old.y), len(new.y)
    weights = np.repeat([(1 - share) / n_old, share / n_new], [n_old, n_new]) * (n_old + n_new)
    groups = None
    if old.groups is not None or new.groups is not None:
        groups = np.concatenate([_named("old", old), _named("new", new)])
    try:
        pipeline.fit(
            np.concatenate([old.X, new.X]),
            np.concatenate([old.y, new.y]),
            **{f"{name}__sample_weight": weights},
            **groups_for(pipeline, groups),
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"The head cannot be refitted to weighted images: {reason_of(error)}") from error
    return pipeline, pipeline[-1].class_shares_


def _named(start: str, rows: LabelledRows) -> list[str]:
    groups = range(len(rows.y)) if rows.groups is None else rows.groups.tolist()
    return [f"{start}/{group}" for group in groups]
