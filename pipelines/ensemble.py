"""The ensemble: the weighted mean of several classifiers' probabilities, each on its own columns of the embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from hybrid.classifiers import DEFAULT_HEADS
from hybrid.classifiers.base import Head
from hybrid.errors import InputError
from hybrid.pipelines.build import make_head_pipeline
from hybrid.pipelines.folds import groups_for

Columns = Sequence[tuple[int, int]] | None


class Ensemble(Head):
    """Soft vote: the weighted mean of the members' probabilities.

    It does what scikit-learn's VotingClassifier does, for multi-label targets too, and each member sees its own
    columns only, so that one ensemble stands on the embeddings of several extractors, side by side.

    Parameters
    ----------
    members : list of (str, estimator, columns)
        Name, classifier with ``predict_proba`` (or a Pipeline that ends in one), and its columns: a list of
        (start, stop) pairs, or None for all. A `sklearn.frozen.FrozenEstimator` around a fitted one keeps it as it is.
    weights : list of float, optional
        One for each member, not negative; what counts is their ratio. None for equal ones. They are used when
        predicting, so they may be set after `fit`, as :func:`choose_weights` chose them.
    n_jobs : int or None, default=None
        Members fitted at the same time, in threads, through joblib.

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

    class_weight = None  # the members have their own

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
        """Return nothing to search: the members have settings, the weights are chosen by `choose_weights`."""
        return {}

    @property
    def shares(self) -> NDArray[np.float64]:
        """The weights as shares that add up to 1, (n_members,)."""
        if self.weights is None:
            return np.full(len(self.members), 1 / len(self.members))
        weights = np.asarray(self.weights, np.float64)
        if weights.shape != (len(self.members),) or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InputError(
                f"The weights {list(self.weights)} were given for {len(self.members)} members; expected one for each, "
                "not negative, at least one of them above 0."
            )
        return weights / weights.sum()

    def adopt(self, models: Sequence[Any], width: int) -> "Ensemble":
        """Take fitted members as they are, instead of fitting them.

        Parameters
        ----------
        models : sequence of estimators
            One for each member, in their order, fitted to the same classes.
        width : int
            Width of the embeddings whose columns the members name.

        Returns
        -------
        Ensemble
            Itself, fitted.

        Raises
        ------
        InputError
            If the members know other classes.
        """
        _check_members(self.members, width)
        self.models_, self.n_features_in_ = list(models), width
        last = models[0][-1] if isinstance(models[0], Pipeline) else models[0]
        self.classes_, self.multilabel_ = last.classes_, getattr(last, "multilabel_", False)
        self._check_classes()
        return self

    def member_probabilities(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return what each member says.

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
        return np.stack([self._ask(number, data) for number in range(len(self.members))])

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        _check_members(self.members, X.shape[1])
        self.shares  # noqa: B018 - wrong weights are told before anything is fitted
        y = codes if self.multilabel_ else self.classes_[codes]
        rows = weights[:, 0] if self.multilabel_ else weights
        fit = delayed(_fit_member)
        self.models_ = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            fit(clone(member), _take(X, columns), y, rows, groups) for _, member, columns in self.members
        )
        self._check_classes()

    def _check_classes(self) -> None:
        for (name, *_), model in zip(self.members, self.models_, strict=True):
            if not np.array_equal(model.classes_, self.classes_):
                raise InputError(
                    f"The member {name!r} knows the classes {np.asarray(model.classes_).tolist()}, the ensemble "
                    f"{self.classes_.tolist()}."
                )

    def _fit_target(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> Any:
        raise NotImplementedError("the members are fitted to whole targets")

    def _probabilities(self, X: NDArray) -> NDArray[np.float64]:
        return sum(share * self._ask(number, X) for number, share in enumerate(self.shares) if share)

    def _ask(self, number: int, X: NDArray) -> NDArray[np.float64]:
        name, _, columns = self.members[number]
        proba = np.asarray(self.models_[number].predict_proba(_take(X, columns)), np.float64)
        if proba.shape != (len(X), len(self.classes_)):
            raise InputError(
                f"The member {name!r} gives probabilities of shape {proba.shape}; expected one column for each of "
                f"{len(self.classes_)} {'labels' if self.multilabel_ else 'classes'}."
            )
        return proba


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
        Widths of the blocks: one for each extractor, in the order of their embeddings.
    heads : sequence of str
        Names in `hybrid.classifiers.HEADS`; `DEFAULT_HEADS` by default.
    names : sequence of str, optional
        Of the blocks; their numbers if not given.
    scale, pca
        Of every member, as in :func:`make_head_pipeline`.
    params : dict of str to dict, optional
        Parameters of a head, by its name.
    n_jobs : int or None, default=None
        Members fitted at the same time.

    Returns
    -------
    Ensemble
        Its members are named ``HEAD-BLOCK``.

    Examples
    --------
    >>> [name for name, *_ in make_ensemble([512, 256], ["svm", "forest"]).members]
    ['svm-1', 'forest-1', 'svm-2', 'forest-2']
    """
    blocks = names or [str(number) for number in range(1, len(widths) + 1)]
    stops = np.cumsum([0, *widths]).tolist()
    given = params or {}
    members: list[tuple[str, BaseEstimator, Columns]] = [
        (f"{head}-{block}", make_head_pipeline(head, scale=scale, pca=pca, **given.get(head, {})), [(start, stop)])
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
    """Return some columns as an array of their own: sums over a view could differ in their last bits."""
    if columns is None:
        return X
    return np.concatenate([X[:, start:stop] for start, stop in columns], axis=1)


def _check_members(members: Sequence[tuple[str, BaseEstimator, Columns]], width: int) -> None:
    if not members:
        raise InputError("The ensemble has no members: give at least one classifier.")
    names = [name for name, *_ in members]
    if len(set(names)) < len(names):
        raise InputError(f"The members are named {', '.join(map(repr, names))}; expected names that all differ.")
    for name, _, columns in members:
        for start, stop in columns or []:
            if not 0 <= start < stop <= width:
                raise InputError(f"The member {name!r} has columns {start} to {stop}, but the embeddings have {width}.")
