"""The methods that adapt a model to labelled images of a new site."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from hybrid.adaptation.refit import Refit, fit_to_new, refit, why_not_refit
from hybrid.embeddings.joined_set import LabelledRows
from hybrid.errors import InputError, unknown_name
from hybrid.pipelines.adapted import AdaptedHead

NONE, AUTO = "none", "auto"
METHODS = {
    NONE: "the model as it is",
    "threshold": "a new threshold; the probabilities stay",
    "intercept": "probabilities with a new intercept, one for each class",
    "calibration": "probabilities with a new intercept and a new slope",
    "refit": "the head fitted again, to old and new images together",
    "new": "the head fitted to the new images alone, to compare with",
}
PROBABILITIES = (NONE, "intercept", "calibration", "refit")  # from the simplest on; among these "auto" chooses
CHOICES = (*(name for name in METHODS if name not in (NONE, "new")), AUTO)


@dataclass(frozen=True, eq=False)
class Parent:
    """A fitted model that is to be adapted.

    Attributes
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings.
    task : {"binary", "multiclass", "multilabel"}
    old : LabelledRows or None
        Embeddings, labels and groups of the images that it was trained on; None if they are not there.
    no_old : str
        Why they are not there.
    aim : str or None
        What thresholds are chosen for. By default the model's own aim.
    positive : object or None
        The positive class of a binary task.
    random_state : int
        Seed of the folds.
    """

    pipeline: Pipeline
    task: str
    old: LabelledRows | None = None
    no_old: str = "the embeddings of the training images were not given"
    aim: str | None = None
    positive: Any = None
    random_state: int = 0

    @property
    def classes(self) -> NDArray:
        """The classes, (k,); the numbers of the columns for several labels."""
        return np.asarray(self.pipeline.classes_)

    @cached_property
    def unavailable(self) -> dict[str, str]:
        """The methods that this model cannot be adapted with, each with the reason."""
        reasons = {}
        if self.task == "multiclass":
            reasons["threshold"] = "a threshold decides between two classes, or on a label, not among more classes"
        if reason := why_not_refit(self.pipeline):
            reasons |= {"refit": reason, "new": reason}
        elif self.old is None:
            reasons["refit"] = self.no_old
        return reasons

    def check(self, method: str) -> None:
        """Raise `InputError` if a method is unknown, or the model cannot be adapted with it."""
        if method not in CHOICES:
            raise unknown_name("method", method, CHOICES)
        if reason := self.unavailable.get(method):
            raise InputError(f"The method {method!r} cannot adapt this model: {reason}.")


@dataclass(frozen=True, eq=False)
class SiteImages:
    """Labelled images of a new site, as the parent sees them.

    Attributes
    ----------
    X : ndarray of shape (n, width)
        Embeddings.
    y : ndarray of shape (n,) or (n, k)
        True labels.
    groups : ndarray of shape (n,), or None
        Group of each image, such as its patient; copies of an image are of one group.
    proba : ndarray of shape (n, k)
        The parent's probabilities.
    predicted : ndarray of shape (n,) or (n, k)
        The parent's labels.
    """

    X: NDArray
    y: NDArray
    groups: NDArray | None
    proba: NDArray
    predicted: NDArray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray) -> "SiteImages":
        """Return the images that row numbers, or a mask, select."""
        groups = None if self.groups is None else self.groups[rows]
        return SiteImages(self.X[rows], self.y[rows], groups, self.proba[rows], self.predicted[rows])

    @property
    def labelled(self) -> LabelledRows:
        """The embeddings, labels and groups."""
        return LabelledRows(self.X, self.y, self.groups)


@dataclass(frozen=True, eq=False)
class AdaptedModel:
    """A model that was adapted to a new site.

    Attributes
    ----------
    method : str
        The method: a key of `METHODS`.
    pipeline : Pipeline
        Predicts labels from embeddings.
    share : float or None
        For a refit, the share of the new images in the total weight.
    notes : tuple of str
        What could not be adapted, and how a method was chosen.
    """

    method: str
    pipeline: Pipeline
    share: float | None = None
    notes: tuple[str, ...] = ()

    def predict(self, images: SiteImages) -> tuple[NDArray, NDArray]:
        """Return the probabilities (n, k) and the labels of images of the site."""
        if self.method == NONE:
            return images.proba, images.predicted
        head = self.pipeline[-1]
        if self.method in ("refit", "new"):
            proba = self.pipeline.predict_proba(images.X)
        else:
            proba = head.adapted(images.proba)  # the parent's probabilities are known already
        return proba, head.decide(proba)


def adapt_with(method: str, parent: Parent, images: SiteImages, refitted: Refit | None = None) -> AdaptedModel:
    """Adapt a model to labelled images with one method.

    Parameters
    ----------
    method : str
        A key of `METHODS`.
    parent : Parent
    images : SiteImages
        The adapting images.
    refitted : Refit, optional
        The refit to these images, if it is known already.

    Returns
    -------
    AdaptedModel

    Raises
    ------
    InputError
        If the model cannot be adapted with the method, or the images do not suffice.
    """
    if method == NONE:
        return AdaptedModel(NONE, parent.pipeline)
    if reason := parent.unavailable.get(method):
        raise InputError(f"The method {method!r} cannot adapt this model: {reason}.")
    aim = parent.aim or getattr(parent.pipeline[-1], "aim", None)
    if method in ("refit", "new"):
        if refitted is None:
            refitted = refit_of(parent, images) if method == "refit" else fit_to_new(parent.pipeline, images.labelled)
        pipeline, proba, shares = refitted.pipeline, refitted.proba, refitted.class_shares
    else:
        pipeline, proba, shares = parent.pipeline, images.proba, None
    *before, (name, head) = pipeline.steps
    update = "refit" if method == "new" else method
    adapted = AdaptedHead(head, update=update, aim=aim, positive=parent.positive)
    adapted.adopt(head, proba, images.y, images.groups, shares)
    share = refitted.share if refitted and update == "refit" else None
    return AdaptedModel(method, Pipeline([*before, (name, adapted)]), share, tuple(adapted.notes_))


def refit_of(parent: Parent, images: SiteImages) -> Refit:
    """Return the refit of a model to old and new images."""
    assert parent.old is not None
    return refit(parent.pipeline, parent.old, images.labelled, random_state=parent.random_state)
