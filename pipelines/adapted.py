"""Adapt a fitted model to a new site with few labelled images: threshold, intercept, calibration, or a new fit."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from hybrid.classifiers.prior import class_shares, corrected, decide, default_thresholds
from hybrid.classifiers.shrunk_calibration import ShrunkCalibration
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.labels import both_values, truth_matrix
from hybrid.pipelines.adjusted import AdjustedHead
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.threshold import choose_threshold

UPDATES = ("threshold", "intercept", "calibration", "refit")


class AdaptedHead(ClassifierMixin, BaseEstimator):
    """A fitted head whose threshold or probabilities were adapted to labelled rows of a new site.

    Labels follow from the new probabilities by the head's own rule. Where it has balanced class weights, the threshold
    is the frequency of the class, now at the new site. Where it has a threshold that was chosen for an aim, that is
    chosen again on the new rows. Otherwise the threshold stays as it is.

    Parameters
    ----------
    head : estimator
        A classifier with ``predict_proba``.
    update : {"threshold", "intercept", "calibration", "refit"}, default="calibration"
        What is adapted. ``"threshold"``: only the threshold, for `aim`. ``"intercept"`` and ``"calibration"``: the
        probabilities, as in `ShrunkCalibration`, without and with a slope. ``"refit"``: the head was fitted to rows of
        the new site, too; its probabilities are converted to the class frequencies of the new site.
    aim : str, optional
        What the threshold is chosen for, as in `AdjustedHead`. By default the aim of the head, if it has one; for
        ``"threshold"`` otherwise ``"balanced"`` with balanced class weights, and ``"accuracy"`` without.
    positive : object, optional
        The positive class of the aim, for two classes only. By default that of the head, or the second class.

    Attributes
    ----------
    head_ : estimator
        The fitted head.
    calibration_ : ShrunkCalibration or None
        The new intercepts and slopes; None if the probabilities are not recalibrated.
    conversion_ : ndarray of shape (1, n_classes) or (n_labels, 2), or None
        For ``"refit"``, the class frequencies of the new site divided by those that the head's probabilities refer to.
    class_shares_ : ndarray of shape (1, n_classes) or (n_labels, 2)
        The class frequencies that the probabilities refer to: those of the new rows, with one row more of each class,
        or those of the head if its probabilities stay.
    thresholds_ : ndarray of shape (1,) or (n_labels,), or None
        The threshold on the probability of the positive class, or of each label; None without an aim.
    notes_ : list of str
        What could not be adapted, and why.
    """

    def __init__(
        self, head: BaseEstimator, *, update: str = "calibration", aim: str | None = None, positive: Any = None
    ):
        self.head = head
        self.update = update
        self.aim = aim
        self.positive = positive

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Raise `InputError`: an adapted head is made from a fitted one by :meth:`adopt`."""
        raise InputError(
            "An adapted model cannot be fitted to other images: its parent was fitted elsewhere. Fit the parent, and "
            "adapt it again."
        )

    def adopt(
        self,
        head: BaseEstimator,
        proba: NDArray[np.floating],
        y: ArrayLike,
        groups: NDArray | None = None,
        shares: NDArray[np.float64] | None = None,
    ) -> Self:
        """Adapt a fitted head to labelled rows of a new site.

        Parameters
        ----------
        head : estimator
            The fitted head.
        proba : ndarray of shape (n, k)
            The head's probabilities for the new rows. If the head was fitted to them, too, out-of-fold probabilities.
        y : array-like of shape (n,) or (n, k)
            The labels of the new rows.
        groups : ndarray of shape (n,), optional
            The groups of the new rows, which the confidence of an aim allows for.
        shares : ndarray of shape (1, n_classes) or (n_labels, 2), optional
            For ``"refit"``, the class frequencies that `proba` refers to. By default they are not converted.

        Returns
        -------
        AdaptedHead
            The fitted estimator itself.

        Raises
        ------
        InputError
            If the aim is unknown, does not suit the task, or cannot be reached on the new rows.
        """
        if self.update not in UPDATES:
            raise unknown_name("update", self.update, UPDATES)
        y = np.asarray(y)
        self.head_, self.classes_, self.multilabel_ = head, head.classes_, y.ndim == 2
        if hasattr(head, "n_features_in_"):
            self.n_features_in_ = head.n_features_in_
        codes = y.astype(np.int64) if self.multilabel_ else np.searchsorted(self.classes_, y)
        self.class_shares_ = smoothed_shares(y, self.classes_)
        if self.update == "threshold" and (kept := frequencies_of(head)) is not None:
            self.class_shares_ = kept
        self.notes_: list[str] = []
        self.calibration_, self.conversion_ = None, None
        if self.update in ("intercept", "calibration"):
            self.calibration_ = ShrunkCalibration(slope=self.update == "calibration").fit(proba, codes)
        elif self.update == "refit" and shares is not None:
            self.conversion_ = self.class_shares_ / shares
        self.thresholds_ = None
        if aim := self._aim():
            self.thresholds_ = self._choose(Aim.parse(aim), self.adapted(proba), codes, groups)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class or label, (n, k), in the order of `classes_`."""
        check_is_fitted(self, "head_")
        return self.adapted(self.head_.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the predicted labels, (n,) or (n, k)."""
        return self.decide(self.predict_proba(X))

    def decide(self, proba: NDArray[np.float64]) -> NDArray:
        """Return the labels that follow from the adapted probabilities, (n,) or (n, k)."""
        if self.thresholds_ is None:
            return decide(proba, self.prior_ratio_, self.classes_, self.multilabel_)
        if self.multilabel_:
            return (proba >= self.thresholds_).astype(np.int64)
        column = self._column()
        return self.classes_[np.where(proba[:, column] >= self.thresholds_[0], column, 1 - column)]

    def adapted(self, proba: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the adapted probabilities, (n, k), that follow from those of `head_`."""
        if self.calibration_ is not None:
            return self.calibration_.transform(proba)
        return corrected(np.asarray(proba, np.float64), self.conversion_, self.multilabel_)

    @property
    def prior_ratio_(self) -> NDArray[np.float64] | None:
        """The factors by which the probabilities differ from those that decide; None if they decide themselves."""
        old = getattr(self.head_, "prior_ratio_", None)
        if self.update == "threshold" or old is None:
            return old
        if self.conversion_ is not None:
            return old * self.conversion_
        return self.class_shares_ * self.class_shares_.shape[1] if is_balanced(self.head_) else old

    def _aim(self) -> str | None:
        """Return what the threshold is chosen for; None if it follows from the probabilities."""
        aim = self.aim or getattr(self.head_, "aim", None)
        if aim is None and self.update == "threshold":
            return "balanced" if is_balanced(self.head_) else "accuracy"
        return aim

    def _choose(
        self, aim: Aim, proba: NDArray[np.float64], codes: NDArray[np.int64], groups: NDArray | None
    ) -> NDArray[np.float64]:
        """Return the thresholds for an aim. A label that the new rows do not hold, or hold always, keeps its own."""
        if not self.multilabel_:
            column = self._column()
            return np.array([choose_threshold(codes == column, proba[:, column], aim, groups).threshold])
        thresholds = _thresholds_of(self.head_, proba.shape[1])
        varying = both_values(truth_matrix(codes))
        for label in np.flatnonzero(varying).tolist():
            thresholds[label] = choose_threshold(codes[:, label] == 1, proba[:, label], aim, groups).threshold
        if not varying.all():
            kept = ", ".join(map(str, np.flatnonzero(~varying).tolist()))
            self.notes_.append(f"The thresholds of the label columns {kept} stay: all new images have the same value.")
        return thresholds

    def _column(self) -> int:
        """Return the column of the positive class of two."""
        positive = getattr(self.head_, "positive", None) if self.positive is None else self.positive
        return 1 if positive is None else self.classes_.tolist().index(positive)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def original_head(head: BaseEstimator) -> BaseEstimator:
    """Return the head inside adjusted and adapted heads."""
    while isinstance(head, (AdjustedHead, AdaptedHead)):
        head = head.head_
    return head


def is_balanced(head: BaseEstimator) -> bool:
    """Return whether a fitted head decides as if all classes were equally frequent, as with balanced class weights."""
    head = original_head(head)
    shares, ratio = getattr(head, "class_shares_", None), getattr(head, "prior_ratio_", None)
    if shares is None or ratio is None:
        return False
    return bool(np.allclose(shares / ratio, 1 / shares.shape[1]))


def frequencies_of(head: BaseEstimator) -> NDArray[np.float64] | None:
    """Return the class frequencies that the probabilities of a fitted head refer to; None if they are not known."""
    shares, shift = getattr(head, "class_shares_", None), getattr(head, "shift_", None)
    return shares if shares is None or shift is None else shares * shift


def smoothed_shares(y: NDArray, classes: NDArray) -> NDArray[np.float64]:
    """Return the class frequencies of labels, with one row more of each class, so that none is 0.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Labels; 0 and 1 for several labels.
    classes : ndarray of shape (n_classes,)
        The sorted classes.

    Returns
    -------
    ndarray of shape (1, n_classes) or (n_labels, 2)

    Examples
    --------
    >>> smoothed_shares(np.array(["a", "a", "b"]), np.array(["a", "b"]))
    array([[0.6, 0.4]])
    """
    if y.ndim == 1:
        codes = np.concatenate([np.searchsorted(classes, y), np.arange(len(classes))])
        return class_shares(codes, np.ones(len(codes)), len(classes))
    codes = np.concatenate([y.astype(np.int64), np.zeros((1, y.shape[1]), int), np.ones((1, y.shape[1]), int)])
    return class_shares(codes, np.ones(len(codes)), 2)


def _thresholds_of(head: BaseEstimator, labels: int) -> NDArray[np.float64]:
    """Return the thresholds of a head for several labels."""
    chosen = getattr(head, "thresholds_", None)
    return default_thresholds(getattr(head, "prior_ratio_", None), labels) if chosen is None else chosen.copy()
