"""Fit a classifier to nested shares of training images and score it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_consistent_length
from sklearn.utils.parallel import Parallel, delayed

from hybrid.comparison.refittable_model import estimators_in, set_seed
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.weighted_scores import WeightedScores
from hybrid.pipelines.folds import groups_for, kept_together
from hybrid.planning.nested_shares import nested_shares
from hybrid.progress import Progress

OF_CLASS = "average_precision"  # the score of the rarest class
_DRAWS = 500  # of the intervals from which the width on other numbers of test images follows


@dataclass(frozen=True, eq=False)
class Rows:
    """Images with their labels and, where there are groups or copies, the number of their group."""

    X: Any
    y: NDArray
    groups: NDArray | None

    @classmethod
    def of(cls, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Return the rows of arrays, in which copies of an image are of one group."""
        X, y = np.asarray(X), np.asarray(y)
        check_consistent_length(X, y, groups)
        return cls(X, y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, kept_together(X, groups))

    def take(self, index: NDArray[np.intp]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.X[index], self.y[index], None if self.groups is None else self.groups[index])


@dataclass(frozen=True)
class Scored:
    """What is scored: the names of the classes, a metric, the number of the rarest class, and the positive class."""

    names: Sequence[Any]
    metric: str
    rarest: int
    pos_label: Any

    def scores(self, y: NDArray, proba: NDArray, predicted: NDArray) -> list[float]:
        """Return the metric, and the average precision of the rarest class."""
        problem = check_problem(y, proba, self.names, predicted, self.pos_label)
        of_class = OF_CLASS if problem.task == "binary" else f"{OF_CLASS}_macro"  # whose intermediate results it needs
        overall, per_class = WeightedScores(problem, dict.fromkeys([self.metric, of_class]))(np.ones((1, len(y))))
        found = float(overall[self.metric][0]), float(per_class[OF_CLASS][0, self.rarest])
        if not np.isfinite(found).all():
            name = self.names[self.rarest]
            raise InputError(
                f"The {self.metric}, or the average precision of the rarest class {name!r}, is not defined on the "
                "images that the scores are computed on: give validation images of every class."
            )
        return list(found)


@dataclass(frozen=True, eq=False)
class FittedShares:
    """The scores of one repeat, or of one of its folds.

    Attributes
    ----------
    images, groups : ndarray of int, shape (m,)
        Number of images, and of groups, in each share.
    scores : ndarray of float64, shape (m, 2)
        The metric, and the score of the rarest class.
    test : Rows
        The images that they are computed on.
    proba, predicted : ndarray
        Predictions for these images of the model that is fitted to the largest share.
    """

    images: NDArray[np.intp]
    groups: NDArray[np.intp]
    scores: NDArray[np.float64]
    test: Rows
    proba: NDArray
    predicted: NDArray


def fit_shares(
    estimator: BaseEstimator,
    parts: Sequence[tuple[Rows, Rows]],
    shares: NDArray[np.float64],
    scored: Scored,
    *,
    seeds: Sequence[int],
    same_parts: bool,
    n_jobs: int | None,
    progress: Progress | None,
) -> list[FittedShares]:
    """Fit clones of a classifier to nested shares of the first rows of each part, and score them on the second rows.

    Parameters
    ----------
    estimator : estimator
    parts : sequence of (Rows, Rows)
    shares : ndarray of float64, shape (m,)
        Ascending; the last is 1.
    scored : Scored
    seeds : sequence of int
        One for each part, for the shares and for the classifier.
    same_parts : bool
        Whether all parts are the same, so that a classifier without a seed needs only one fit to all images.
    n_jobs : int, optional
    progress : callable, optional
    """
    once = same_parts and not _is_random(estimator)
    jobs = (
        delayed(_fit_part)(estimator, *part, shares[: -1 if once and number else None], scored, seed)
        for number, (part, seed) in enumerate(zip(parts, seeds, strict=True))
    )
    found: list[FittedShares] = []
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
        found.append(_completed(result, found[0]) if once and found else result)
        if progress:
            progress(len(found), len(parts))
    return found


def evaluation_of(fitted: Sequence[FittedShares], scored: Scored) -> Evaluation:
    """Return the evaluation, with intervals, of the models that are fitted to the largest shares of a repeat."""
    of_group = [one.test.groups for one in fitted if one.test.groups is not None]
    return evaluate(
        np.concatenate([one.test.y for one in fitted]),
        np.concatenate([one.proba for one in fitted]),
        scored.names,
        y_pred=np.concatenate([one.predicted for one in fitted]),
        pos_label=scored.pos_label,
        groups=np.concatenate(of_group) if of_group else None,
        n_boot=_DRAWS,
    )


def _fit_part(
    estimator: BaseEstimator, train: Rows, test: Rows, shares: NDArray[np.float64], scored: Scored, seed: int
) -> FittedShares:
    images, groups, scores = [], [], []
    for rows in nested_shares(train.y, train.groups, shares, seed):
        part, model = train.take(rows), clone(estimator)
        set_seed(model, seed)
        model.fit(part.X, part.y, **groups_for(model, part.groups))
        proba, predicted = np.asarray(model.predict_proba(test.X)), np.asarray(model.predict(test.X))
        images.append(len(rows))
        groups.append(len(rows) if part.groups is None else len(np.unique(part.groups)))
        scores.append(scored.scores(test.y, proba, predicted))
    return FittedShares(np.array(images), np.array(groups), np.array(scores), test, proba, predicted)


def _completed(part: FittedShares, first: FittedShares) -> FittedShares:
    """Return scores with those of the fit to all images, which is the same in each repeat."""
    return replace(
        first,
        images=np.append(part.images, first.images[-1]),
        groups=np.append(part.groups, first.groups[-1]),
        scores=np.concatenate([part.scores, first.scores[-1:]]),
    )


def _is_random(estimator: BaseEstimator) -> bool:
    """Return whether a classifier has a seed, or takes its randomness from NumPy's global state."""
    return any("random_state" in one.get_params(deep=False) for one in estimators_in(estimator))
