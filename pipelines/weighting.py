"""Weights of an ensemble's members: chosen on rows that they were not fitted to, and drawn toward equal ones."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation.labels import truth_matrix
from hybrid.pipelines.ensemble import Ensemble
from hybrid.pipelines.folds import groups_for, make_folds

PRIOR = 20.0  # images' worth of belief in equal weights

_STEPS = 2000
_CLOSE = 1e-7
_LEAST = 1e-9  # so that one row cannot rule a member out


@renamed_parameters(seed="random_state")
def choose_weights(
    ensemble: Ensemble,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    validation: tuple[Any, ArrayLike] | None = None,
    cv: int = 5,
    repeats: int = 1,
    random_state: int = 0,
    prior: float = PRIOR,
    balanced: bool = True,
) -> list[float]:
    """Return weights for the members of an ensemble: those of the most likely mixture, drawn toward equal ones.

    The labels are taken to be drawn from a mixture of the members' probabilities. Its weights are the most likely ones
    under a Dirichlet prior around equal weights, found by expectation and maximisation: they are never negative, and
    members that the labels do not tell apart keep equal ones.

    Parameters
    ----------
    ensemble : Ensemble
        Fitted to X and y, where `validation` is given; else it is left as it is, and copies are fitted in folds.
    X : array-like of shape (n, n_features)
        Training embeddings.
    y : array-like of shape (n,) or (n, n_labels)
        Their labels.
    groups : array-like of shape (n,), optional
        Rows of one group are never split between folds.
    validation : (X, y), optional
        Choose on these rows instead of by cross-validation.
    cv, repeats : int, default=5, 1
        Number of folds at most, and how often the rows are dealt out anew.
    random_state : int, default=0
        Seed of the folds.
    prior : float, default=20
        How many images the belief in equal weights is worth. 0 gives the most likely weights by themselves.
    balanced : bool, default=True
        Whether every class counts as much as every other, as it does in the heads' own training by default.

    Returns
    -------
    list of float
        One for each member, adding up to 1: ``ensemble.set_params(weights=…)`` takes them.

    Raises
    ------
    InputError
        If a member is frozen and there is no validation data, or no folds can be made.

    Notes
    -----
    Cross-validation flatters features of a network that was trained on these very rows: every member looks perfect on
    them. Give validation data then.
    """
    if validation is not None:
        proba, y_val = ensemble.member_probabilities(validation[0]), np.asarray(validation[1])
        return mixture_weights(proba, y_val, ensemble.classes_, prior, balanced)
    frozen = [name for name, member, _ in ensemble.members if isinstance(member, FrozenEstimator)]
    if frozen:
        raise InputError(
            f"The members {', '.join(frozen)} are fitted already, so nothing can be learnt of them by "
            "cross-validation: give validation data."
        )
    X, y = np.asarray(X), np.asarray(y)
    n_classes = y.shape[1] if y.ndim == 2 else len(np.unique(y))
    proba = np.zeros((len(ensemble.members), len(y), n_classes))
    given = None if groups is None else np.asarray(groups)
    for train, test in make_folds(y, given, cv=cv, repeats=repeats, random_state=random_state):
        inner = groups_for(ensemble, None if given is None else given[train])
        fitted = clone(ensemble).fit(X[train], y[train], **inner)
        proba[:, test] += fitted.member_probabilities(X[test]) / repeats
    return mixture_weights(proba, y, prior=prior, balanced=balanced)


def mixture_weights(
    proba: NDArray[np.floating],
    y: NDArray,
    classes: NDArray | None = None,
    prior: float = PRIOR,
    balanced: bool = True,
) -> list[float]:
    """Return the weights of the most likely mixture, as :func:`choose_weights` describes it.

    Parameters
    ----------
    proba : ndarray of shape (n_members, n, k)
        What each member says of rows that it was not fitted to.
    y : ndarray of shape (n,) or (n, k)
        Their labels.
    classes : ndarray of shape (k,), optional
        What the columns stand for; those of `y` if not given.
    prior, balanced
        As for :func:`choose_weights`.

    Returns
    -------
    list of float
        Adding up to 1.

    Examples
    --------
    >>> right, wrong = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.4, 0.6], [0.6, 0.4]])
    >>> mixture_weights(np.stack([right, wrong]), np.array(["a", "b"]), prior=0)
    [1.0, 0.0]
    """
    likelihood, counts = _likelihood(np.asarray(proba, np.float64), truth_matrix(y, classes), y.ndim == 2)
    counts = counts if balanced else np.full(len(counts), counts.mean())
    weights = np.full(len(proba), 1 / len(proba))
    for _ in range(_STEPS):
        share = weights[:, None] * likelihood
        new = (share / share.sum(axis=0)) @ counts + prior / len(proba)
        change, weights = np.abs(new / new.sum() - weights).max(), new / new.sum()
        if change < _CLOSE:
            break
    return [round(weight, 6) for weight in weights.tolist()]


def _likelihood(
    proba: NDArray[np.float64], truth: NDArray[np.bool_], multilabel: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each member gave to what is true, (n_members, r), and how much each of these counts, (r,)."""
    share = truth.mean(axis=0)
    if multilabel:
        given = np.where(truth, proba, 1 - proba).reshape(len(proba), -1)
        counts = 0.5 / truth.shape[1] / np.where(truth, share, 1 - share).ravel()
    else:
        given = proba[:, truth]
        counts = 1 / np.count_nonzero(share) / share[truth.argmax(axis=1)]
    return np.maximum(given, _LEAST), counts
