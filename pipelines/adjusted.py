"""Adjust a fitted head: calibrate its probabilities, and choose a threshold for an aim."""

from dataclasses import asdict
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from hybrid.classifiers.calibration import Recalibration, check_calibration
from hybrid.classifiers.prior import class_shares, corrected, decide, target_shares
from hybrid.errors import InputError
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.folds import groups_for, kept_together, make_folds
from hybrid.pipelines.threshold import choose_thresholds


def adjust(
    pipeline: Pipeline,
    X: Any,
    y: ArrayLike,
    *,
    aim: str | None = None,
    calibration: str | None = None,
    prevalence: Any = None,
    validation: tuple[Any, ArrayLike] | tuple[Any, ArrayLike, ArrayLike | None] | None = None,
    groups: ArrayLike | None = None,
    counted: ArrayLike | None = None,
    **settings: Any,
) -> Pipeline:
    """Return a fitted pipeline with calibrated probabilities, a threshold chosen for an aim, or both.

    Parameters
    ----------
    pipeline : Pipeline
        A pipeline, as :func:`make_pipeline` or :func:`make_head_pipeline` returns it. With `validation`, a fitted
        pipeline is used as it is; otherwise the whole pipeline is fitted to `X` and `y`.
    X, y : array-like
        Training images or embeddings, and their labels.
    aim : str, optional
        What the threshold on the probability of the positive class is chosen for: ``"accuracy"``, ``"balanced"``
        (balanced accuracy) or ``"f1"`` for the highest score, ``"recall=0.95"`` or ``"specificity=0.95"`` for reaching
        this level on the rows that the threshold is chosen on, and ``"recall=0.95@0.95"`` for reaching it on new images
        with a confidence of 0.95. For two classes, or for each label of a multi-label task. If None, the threshold is
        that of the head: the class's frequency in the training data with balanced class weights, otherwise 0.5.
    calibration : {"auto", "sigmoid", "isotonic", "temperature"}, optional
        How the probabilities are calibrated: by Platt's curve, a staircase or one factor. ``"auto"`` is Platt's curve
        for two classes and for labels, and one factor for more classes. If None, they are not calibrated.
    prevalence : float or dict, optional
        Class frequencies that the probabilities refer to: that of the positive class of two, such as 0.02, or a dict
        with the frequency of each class or label. By default those of the training data.
    validation : (X, y) or (X, y, groups), optional
        Rows to calibrate and choose the threshold on. By default this is done by cross-validation on `X`. If `groups`
        are given and the aim has a confidence, the groups of these rows are needed, too; they may be None.
    groups : array-like of shape (n,), optional
        Rows of one group are never split between folds, and neither are copies of an image, whose rows are equal. The
        confidence of an aim allows for groups and copies; those of `validation` are given with it.
    counted : array-like of bool, shape (n,), optional
        Rows of `X` on which the cross-validation calibrates and chooses the threshold. On the other rows, such as views
        of images, heads are only trained. By default all rows.
    **settings
        Further parameters of `AdjustedHead`: ``positive``, ``cv``, ``repeats`` and ``random_state``.

    Returns
    -------
    Pipeline
        The fitted pipeline, whose last step is an `AdjustedHead`: its ``thresholds_`` holds the thresholds, and
        ``choices_`` what they reach.

    Raises
    ------
    InputError
        If the aim does not suit the task or cannot be reached, the rows do not suffice to adjust the head, `validation`
        lacks groups or has parts of different lengths, or `pipeline` is no pipeline, such as a search.

    Examples
    --------
    >>> from hybrid.pipelines import make_head_pipeline
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> adjusted = adjust(make_head_pipeline("softmax"), X, y, aim="recall=0.99")
    >>> adjusted[-1].choices_[0]["reached"] >= 0.99
    True
    """
    _check_pipeline(pipeline)
    *before, (name, head) = pipeline.steps
    adjusted = AdjustedHead(head, aim=aim, calibration=calibration, prevalence=prevalence, **settings)
    if validation is None:
        return Pipeline([*before, (name, adjusted)]).fit(
            X, y, **{f"{name}__groups": groups, f"{name}__counted": counted}
        )
    images, labels, of_validation = _validation(validation, groups is not None and aim is not None and "@" in aim)
    if not _is_fitted(pipeline):
        pipeline = clone(pipeline).fit(X, y, **groups_for(pipeline, groups))
    rows = pipeline[:-1].transform(images) if before else images
    return Pipeline([*pipeline.steps[:-1], (name, adjusted.adopt(pipeline[-1], rows, labels, of_validation))])


def _check_pipeline(pipeline: Any) -> None:
    """Raise `InputError` if the first argument of `adjust` is no pipeline."""
    if isinstance(pipeline, Pipeline):
        return
    kind = type(pipeline).__name__
    if kind.endswith("SearchCV"):
        raise InputError(
            f"adjust was given a {kind}; expected a Pipeline: fit the search, and give its best_estimator_, or use "
            "hybrid.tune."
        )
    raise InputError(
        f"adjust was given {kind}; expected a Pipeline, as make_pipeline or make_head_pipeline returns it. For an "
        "estimator alone, give sklearn.pipeline.make_pipeline(estimator)."
    )


def _validation(given: Any, needs_groups: bool) -> tuple[Any, ArrayLike, ArrayLike | None]:
    """Return the rows, labels and groups of `validation`, after a check that they belong together."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise InputError(
            "validation must be (X, y) or (X, y, groups): images or embeddings, their labels and, if there are any, "
            f"their groups; got {f'{len(given)} values' if isinstance(given, (tuple, list)) else type(given).__name__}."
        )
    if needs_groups and len(given) == 2:
        raise InputError(
            "groups were given for the training rows, but validation has none, and the confidence of the aim has to "
            "allow for them: give validation=(X, y, groups), or (X, y, None) if all these images are independent."
        )
    X, y, groups = (*given, None)[:3]
    for what, values in (("labels", y), ("groups", groups)):
        if values is not None and len(values) != len(X):
            raise InputError(f"validation has {len(X)} rows and {len(values)} {what}: give one of them for each row.")
    return X, y, groups


def check_adjustment(aim: str | None, calibration: str | None) -> None:
    """Raise `InputError` if the aim or the calibration is given but unknown."""
    if aim is not None:
        Aim.parse(aim)
    if calibration is not None:
        check_calibration(calibration)


class AdjustedHead(ClassifierMixin, BaseEstimator):
    """A head with calibrated probabilities, probabilities for another prevalence, or a threshold chosen for an aim.

    Calibration and threshold are fitted to rows that the head was not trained on: :meth:`fit` uses a cross-validation
    on the training rows, :meth:`adopt` uses other rows.

    Parameters
    ----------
    head : estimator
        A classifier with ``predict_proba``.
    aim : str, optional
        What the threshold on the probability is chosen for: ``"accuracy"``, ``"balanced"`` (accuracy), ``"f1"``,
        ``"recall=LEVEL"``, which may also be written ``"sensitivity=LEVEL"``, or ``"specificity=LEVEL"``; with
        ``"@0.95"`` after the level, it is reached on new images with this confidence, or an error says how many images
        that needs. For multi-label targets each label has its own threshold. If None, the most probable class is
        predicted, or labels with a probability of at least 0.5.
    calibration : {"auto", "sigmoid", "isotonic", "temperature"}, optional
        The method, as in `Recalibration`. If None, the probabilities are not calibrated.
    positive : object, optional
        The positive class of recall, specificity and F1, for two classes only. By default the second class.
    prevalence : float or dict, optional
        Class frequencies that the probabilities refer to: that of the positive class of two, or a dict with the
        frequency of each class or label. By default those of the training data.
    cv, repeats : int, default=5, 1
        Maximum number of folds, and number of repetitions of the cross-validation.
    random_state : int, default=0
        Seed of the folds.

    Attributes
    ----------
    head_ : estimator
        The fitted head.
    thresholds_ : ndarray of shape (1,) or (n_labels,), or None
        The threshold on the probability of the positive class, or of each label; None without an aim.
    choices_ : list of dict
        For each threshold a dict with the keys "threshold", "reached" (the score of the aim on the rows that it was
        chosen on), "positives" and "negatives" (their numbers), and "note" (a remark on new images, or "").
    recalibration_ : Recalibration or None
        The fitted calibration; None without calibration.
    """

    def __init__(
        self,
        head: BaseEstimator,
        *,
        aim: str | None = None,
        calibration: str | None = None,
        positive: Any = None,
        prevalence: float | dict[Any, float] | None = None,
        cv: int = 5,
        repeats: int = 1,
        random_state: int = 0,
    ):
        self.head = head
        self.aim = aim
        self.calibration = calibration
        self.positive = positive
        self.prevalence = prevalence
        self.cv = cv
        self.repeats = repeats
        self.random_state = random_state

    def fit(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, counted: ArrayLike | None = None
    ) -> Self:
        """Fit the head to all rows; calibrate and choose the threshold on out-of-fold predictions.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Embeddings.
        y : array-like of shape (n,) or (n, n_labels)
            Labels.
        groups : array-like of shape (n,), optional
            Rows of one group are never split between folds, and neither are equal rows.
        counted : array-like of bool, shape (n,), optional
            Rows to calibrate and choose the threshold on. On the other rows the head is only trained. By default all.

        Returns
        -------
        AdjustedHead
            The fitted estimator itself.
        """
        X, y = np.asarray(X), np.asarray(y)
        self._check(y)
        if any(isinstance(member, FrozenEstimator) for _, member, *_ in getattr(self.head, "members", [])):
            raise InputError(
                "Some members of the ensemble are already fitted, so they cannot be cross-validated: "
                "give validation data."
            )
        group_array = kept_together(X, groups)
        folds = make_folds(y, group_array, cv=self.cv, repeats=self.repeats, random_state=self.random_state)
        proba = np.zeros((len(y), y.shape[1] if y.ndim == 2 else len(np.unique(y))))
        for train, test in folds:
            inner = groups_for(self.head, None if group_array is None else group_array[train])
            proba[test] += clone(self.head).fit(X[train], y[train], **inner).predict_proba(X[test]) / self.repeats
        self.head_ = clone(self.head).fit(X, y, **groups_for(self.head, group_array))
        rows = slice(None) if counted is None else np.asarray(counted, bool)
        return self._fit_adjustment(proba[rows], y[rows], None if group_array is None else group_array[rows])

    def adopt(self, head: BaseEstimator, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Use a fitted head as it is; calibrate and choose the threshold on rows that it was not trained on.

        Parameters
        ----------
        head : estimator
            A fitted classifier with ``predict_proba``.
        X : array-like of shape (n, n_features)
            Embeddings that the head was not trained on.
        y : array-like of shape (n,) or (n, n_labels)
            Their labels.
        groups : array-like of shape (n,), optional
            Their groups, such as patients, which the confidence of an aim allows for. Equal rows are one group, too.

        Returns
        -------
        AdjustedHead
            The fitted estimator itself.
        """
        y = np.asarray(y)
        self._check(y)
        self.head_ = head
        return self._fit_adjustment(head.predict_proba(X), y, kept_together(X, groups))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class or label, (n, k), in the order of `classes_`."""
        check_is_fitted(self)
        return self._adjusted(self.head_.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the labels predicted with the thresholds, (n,) or (n, k)."""
        proba = self.predict_proba(X)
        if self.thresholds_ is None:
            return decide(proba, self.prior_ratio_, self.classes_, self.multilabel_)
        if self.multilabel_:
            return (proba >= self.thresholds_).astype(np.int64)
        column = self._positive_column()
        return self.classes_[np.where(proba[:, column] >= self.thresholds_[0], column, 1 - column)]

    @property
    def prior_ratio_(self) -> NDArray[np.float64] | None:
        """The factors that correct the probabilities for class weights and prevalence; None if there are none."""
        ratio, shift = getattr(self.head_, "prior_ratio_", None), getattr(self, "shift_", None)
        if ratio is None or shift is None:
            return shift if ratio is None else ratio
        return ratio * shift

    def _adjusted(self, proba: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities for the prevalence."""
        if self.recalibration_ is not None:
            proba = self.recalibration_.transform(proba)
        return corrected(proba, getattr(self, "shift_", None), self.multilabel_)

    def _fit_adjustment(self, proba: NDArray[np.float64], y: NDArray, groups: NDArray | None) -> Self:
        """Fit calibration and thresholds to probabilities and labels of rows that the head was not trained on."""
        self.classes_, self.multilabel_ = self.head_.classes_, y.ndim == 2
        if hasattr(self.head_, "n_features_in_"):
            self.n_features_in_ = self.head_.n_features_in_
        codes = y.astype(np.int64) if self.multilabel_ else self._codes(y)
        self.recalibration_, self.shift_ = None, None
        n_classes = 2 if self.multilabel_ else len(self.classes_)
        here = class_shares(codes, np.ones(len(y)), n_classes)
        trained = getattr(self.head_, "class_shares_", None)
        self.class_shares_ = here if trained is None else trained
        if self.calibration is not None:
            # The rows are weighted so that the classes are as frequent as in training.
            columns = zip(self.class_shares_ / here, np.atleast_2d(codes.T), strict=True)
            weights = np.array([ratio[column] for ratio, column in columns]).T
            self.recalibration_ = Recalibration(self.calibration).fit(
                proba, codes, weights if self.multilabel_ else weights[:, 0]
            )
        if self.prevalence is not None:
            positive = self._positive_column() if n_classes == 2 and not self.multilabel_ else 1
            target = target_shares(self.prevalence, self.classes_.tolist(), self.multilabel_, positive)
            self.shift_ = target / self.class_shares_
        proba = self._adjusted(proba)
        self.thresholds_, self.choices_ = None, []
        if self.aim is not None:
            aim, column = Aim.parse(self.aim), None if self.multilabel_ else self._positive_column()
            pairs = zip(codes.T, proba.T, strict=True) if column is None else [(codes == column, proba[:, column])]
            choices = choose_thresholds([(truth.astype(bool), values) for truth, values in pairs], aim, groups)
            self.thresholds_ = np.array([choice.threshold for choice in choices])
            self.choices_ = [asdict(choice) for choice in choices]
        return self

    def _codes(self, y: NDArray) -> NDArray[np.int64]:
        missing = [label for label in self.classes_.tolist() if label not in set(y.tolist())]
        if missing or len(set(y.tolist())) > len(self.classes_):
            raise InputError(
                f"The rows to calibrate or choose on hold the classes {sorted(set(y.tolist()))}, but the head has "
                f"{self.classes_.tolist()}: give rows of each of them."
            )
        return np.searchsorted(self.classes_, y)

    def _positive_column(self) -> int:
        if self.positive is None:
            return 1
        if self.positive not in self.classes_.tolist():
            raise InputError(f"The positive class {self.positive!r} was given; the classes are {list(self.classes_)}.")
        return self.classes_.tolist().index(self.positive)

    def _check(self, y: NDArray) -> None:
        if self.aim is None and self.calibration is None and self.prevalence is None:
            raise InputError(
                "Neither an aim nor a calibration nor a prevalence was given, so there is nothing to adjust: give one "
                "of them."
            )
        check_adjustment(self.aim, self.calibration)
        if self.aim is not None and y.ndim == 1 and (n_classes := len(np.unique(y))) > 2:
            raise InputError(
                f"The aim {self.aim!r} was given for {n_classes} classes; a threshold can be chosen for two classes, "
                "or for each label of a multi-label task: leave out the aim to predict the most probable class."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _is_fitted(pipeline: Pipeline) -> bool:
    try:
        check_is_fitted(pipeline)
    except NotFittedError:
        return False
    return True
