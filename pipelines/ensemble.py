"""Ensembles: weighted means of the probabilities of classifiers, each on its own columns of the embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from hybrid.classifiers import DEFAULT_HEADS
from hybrid.classifiers.base import Head
from hybrid.classifiers.prior import corrected
from hybrid.errors import InputError
from hybrid.pipelines.build import make_head_pipeline
from hybrid.pipelines.folds import groups_for

Columns = Sequence[tuple[int, int]] | None


class Ensemble(Head):
    """Soft vote: the weighted mean of the members' probabilities.

    Unlike scikit-learn's VotingClassifier, it supports multi-label targets, and each member uses only its own columns,
    so that one ensemble can use the concatenated embeddings of several extractors.

    Parameters
    ----------
    members : list of (str, estimator, columns)
        Name, classifier with ``predict_proba`` (or a Pipeline that ends with one), and columns: a list of (start, stop)
        pairs, or None for all columns. A fitted classifier in a `sklearn.frozen.FrozenEstimator` is not fitted again.
    weights : list of float, optional
        A non-negative weight for each member; only their ratios matter. By default all weights are equal. They are used
        for prediction only, so they can be set after `fit`, for example to those of :func:`choose_weights`.
    n_jobs : int or None, default=None
        Number of members to fit in parallel, in joblib threads.

    Attributes
    ----------
    models_ : list of estimators
        The fitted members.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> members = [("sepals", make_head_pipeline("softmax"), [(0, 2)]), ("all", make_head_pipeline("svm"), None)]
    >>> Ensemble(members, weights=[1, 2]).fit(X, y).predict(X[:1])
    array([0])
    """

    class_weight = None  # each member has its own

    def __init__(
        self,
        members: list[tuple[str, BaseEstimator, Columns]],
        *,
        weights: Sequence[float] | None = None,
        n_jobs: int | None = None,
    ):
        self.members = members
        self.weights = weights
        self.n_jobs = n_jobs

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return an empty search space: the members have their own, and `choose_weights` chooses the weights."""
        return {}

    @property
    def shares(self) -> NDArray[np.float64]:
        """The weights, normalised to a sum of 1, (n_members,)."""
        if self.weights is None:
            return np.full(len(self.members), 1 / len(self.members))
        weights = np.asarray(self.weights, np.float64)
        if weights.shape != (len(self.members),) or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InputError(
                f"The weights {list(self.weights)} were given for {len(self.members)} members; expected one for each, "
                "none of them negative, and at least one above 0."
            )
        return weights / weights.sum()

    def adopt(self, models: Sequence[Any], width: int) -> "Ensemble":
        """Use fitted members as they are, instead of fitting them.

        Parameters
        ----------
        models : sequence of estimators
            A fitted classifier for each member, in the same order and with the same classes.
        width : int
            Number of columns of the embeddings.

        Returns
        -------
        Ensemble
            The fitted ensemble itself.

        Raises
        ------
        InputError
            If the members have different classes.
        """
        _check_members(self.members, width)
        self.models_, self.n_features_in_ = list(models), width
        last = models[0][-1] if isinstance(models[0], Pipeline) else models[0]
        self.classes_, self.multilabel_ = last.classes_, getattr(last, "multilabel_", False)
        if hasattr(last, "class_shares_"):
            self.class_shares_ = last.class_shares_
        self._check_classes()
        return self

    def member_probabilities(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of each member, which refer to the classes as weighted in its training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_classes)
        """
        check_is_fitted(self)
        data = np.asarray(X)
        return np.stack([self._member_proba(number, data) for number in range(len(self.members))])

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        _check_members(self.members, X.shape[1])
        self.shares  # noqa: B018 - invalid weights are reported before anything is fitted
        y = codes if self.multilabel_ else self.classes_[codes]
        rows = weights[:, 0] if self.multilabel_ else weights
        fit = delayed(_fit_member)
        with parallel_config(backend="threading", n_jobs=self.n_jobs or 1):  # threads share the rows
            self.models_ = Parallel(n_jobs=self.n_jobs)(
                fit(clone(member), _take(X, columns), y, rows, groups) for _, member, columns in self.members
            )
        self._check_classes()

    def _check_classes(self) -> None:
        for (name, *_), model in zip(self.members, self.models_, strict=True):
            if not np.array_equal(model.classes_, self.classes_):
                raise InputError(
                    f"The member {name!r} has the classes {np.asarray(model.classes_).tolist()}, but the ensemble has "
                    f"{self.classes_.tolist()}."
                )

    def _fit_target(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> Any:
        raise NotImplementedError("each member is fitted to all targets at once")

    def _probabilities(self, X: NDArray) -> NDArray[np.float64]:
        return sum(share * self._member_proba(number, X) for number, share in enumerate(self.shares) if share)

    def _member_proba(self, number: int, X: NDArray) -> NDArray[np.float64]:
        name, _, columns = self.members[number]
        proba = np.asarray(self.models_[number].predict_proba(_take(X, columns)), np.float64)
        if proba.shape != (len(X), len(self.classes_)):
            raise InputError(
                f"The member {name!r} returns probabilities of shape {proba.shape}; expected one column for each of "
                f"{len(self.classes_)} {'labels' if self.multilabel_ else 'classes'}."
            )
        return corrected(proba, _inverse(ratio_of(self.models_[number])), self.multilabel_)

    @property
    def prior_ratio_(self) -> NDArray[np.float64] | None:
        """The mean ratio of the members, by which the mean of their probabilities is corrected."""
        ratios = [ratio_of(model) for model in self.models_]
        if all(ratio is None for ratio in ratios):
            return None
        shape = next(ratio.shape for ratio in ratios if ratio is not None)
        filled = [np.ones(shape) if ratio is None else ratio for ratio in ratios]
        return np.tensordot(self.shares, np.array(filled), axes=1)


def ratio_of(model: Any) -> NDArray[np.float64] | None:
    """Return by what a member's probabilities were corrected for class weights; None if they were not."""
    fitted = model.estimator if isinstance(model, FrozenEstimator) else model
    return getattr(fitted[-1] if isinstance(fitted, Pipeline) else fitted, "prior_ratio_", None)


def _inverse(ratio: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return None if ratio is None else 1 / ratio


def make_ensemble(
    widths: Sequence[int],
    heads: Sequence[str] = DEFAULT_HEADS,
    *,
    names: Sequence[str] | None = None,
    scale: bool = True,
    pca: int | float | None = None,
    params: dict[str, dict[str, Any]] | None = None,
    n_jobs: int | None = None,
) -> Ensemble:
    """Return an unfitted ensemble of every head on every block of columns.

    Parameters
    ----------
    widths : sequence of int
        Number of columns of each block: one for each extractor, in the order of their embeddings.
    heads : sequence of str
        Names in `hybrid.classifiers.HEADS`. By default `DEFAULT_HEADS`.
    names : sequence of str, optional
        Names of the blocks. By default their numbers, counted from 1.
    scale, pca
        As in :func:`~hybrid.make_head_pipeline`, for every member.
    params : dict of str to dict, optional
        Parameters of the heads, by name of the head.
    n_jobs : int or None, default=None
        Number of members to fit in parallel.

    Returns
    -------
    Ensemble
        The ensemble, whose members are named ``HEAD-BLOCK``.

    Examples
    --------
    >>> [name for name, *_ in make_ensemble([512, 256], ["svm", "forest"]).members]
    ['svm-1', 'forest-1', 'svm-2', 'forest-2']
    """
    blocks = names or [str(number) for number in range(1, len(widths) + 1)]
    stops = np.cumsum([0, *widths]).tolist()
    head_params = params or {}
    members: list[tuple[str, BaseEstimator, Columns]] = [
        (
            f"{head}-{block}",
            make_head_pipeline(head, scale=scale, pca=pca, **head_params.get(head, {})),
            [(start, stop)],
        )
        for block, start, stop in zip(blocks, stops, stops[1:], strict=False)
        for head in heads
    ]
    return Ensemble(members, n_jobs=n_jobs)


def _fit_member(member: Any, X: NDArray, y: NDArray, weights: NDArray, groups: NDArray | None) -> Any:
    params = groups_for(member, groups)
    if not (weights == 1).all():
        prefix = f"{member.steps[-1][0]}__" if isinstance(member, Pipeline) else ""
        params[f"{prefix}sample_weight"] = weights
    return member.fit(X, y, **params)


def _take(X: NDArray, columns: Columns) -> NDArray:
    """Return a copy of some columns, because sums over a view could differ in their last bits."""
    if columns is None:
        return X
    return np.concatenate([X[:, start:stop] for start, stop in columns], axis=1)


def _check_members(members: Sequence[tuple[str, BaseEstimator, Columns]], width: int) -> None:
    if not members:
        raise InputError("The ensemble has no members: give at least one classifier.")
    names = [name for name, *_ in members]
    if len(set(names)) < len(names):
        raise InputError(f"The members are named {', '.join(map(repr, names))}; expected a different name for each.")
    for name, _, columns in members:
        for start, stop in columns or []:
            if not 0 <= start < stop <= width:
                raise InputError(f"The member {name!r} has columns {start} to {stop}, but the embeddings have {width}.")
