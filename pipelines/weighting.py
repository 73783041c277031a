"""Choose the weights of an ensemble's members on rows that they were not fitted to, with shrinkage to equal weights."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation.labels import truth_matrix
from hybrid.pipelines.ensemble import Ensemble
from hybrid.pipelines.folds import groups_for, kept_together, make_folds

PRIOR = 20.0  # strength of the prior for equal weights, as a number of images

_MAX_STEPS = 2000
_TOLERANCE = 1e-7
_MIN_LIKELIHOOD = 1e-9  # so that a single row cannot exclude a member


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
    """Choose the weights of an ensemble's members by maximum likelihood, with shrinkage to equal weights.

    The labels are modelled as drawn from a mixture of the members' probabilities. The expectation-maximisation
    algorithm finds the most probable weights of the mixture under a Dirichlet prior centred at equal weights. The
    weights are never negative, and members that the labels do not distinguish have equal weights.

    Parameters
    ----------
    ensemble : Ensemble
        The ensemble. With `validation` it must be fitted to `X` and `y`; otherwise copies of it are fitted in folds.
    X : array-like of shape (n, n_features)
        Training embeddings.
    y : array-like of shape (n,) or (n, n_labels)
        Their labels.
    groups : array-like of shape (n,), optional
        Rows of one group are never split between folds, and neither are equal rows.
    validation : (X, y), optional
        Rows to choose the weights on. By default they are chosen by cross-validation.
    cv, repeats : int, default=5, 1
        Maximum number of folds, and number of repetitions.
    random_state : int, default=0
        Seed of the folds.
    prior : float, default=20
        Strength of the prior for equal weights, as a number of images. With 0 there is no shrinkage.
    balanced : bool, default=True
        Whether all classes count equally, as in the training of the heads by default.

    Returns
    -------
    list of float
        The weight of each member, with a sum of 1, for ``ensemble.set_params(weights=…)``.

    Raises
    ------
    InputError
        If a member is frozen and there is no validation data, or the rows cannot be divided into folds.

    Notes
    -----
    If the embeddings come from a network that was trained on the same rows, cross-validation is too optimistic: every
    member looks perfect on them. In this case, give validation data.
    """
    if validation is not None:
        proba, y_val = ensemble.member_probabilities(validation[0]), np.asarray(validation[1])
        return mixture_weights(proba, y_val, ensemble.classes_, prior, balanced)
    frozen = [name for name, member, _ in ensemble.members if isinstance(member, FrozenEstimator)]
    if frozen:
        raise InputError(
            f"The members {', '.join(frozen)} are already fitted, so they cannot be cross-validated: "
            "give validation data."
        )
    X, y = np.asarray(X), np.asarray(y)
    n_classes = y.shape[1] if y.ndim == 2 else len(np.unique(y))
    proba = np.zeros((len(ensemble.members), len(y), n_classes))
    group_array = kept_together(X, groups)
    for train, test in make_folds(y, group_array, cv=cv, repeats=repeats, random_state=random_state):
        inner = groups_for(ensemble, None if group_array is None else group_array[train])
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
    """Return the weights of the most probable mixture, as described in :func:`choose_weights`.

    Parameters
    ----------
    proba : ndarray of shape (n_members, n, k)
        The probabilities of each member for rows that it was not fitted to.
    y : ndarray of shape (n,) or (n, k)
        Their labels.
    classes : ndarray of shape (k,), optional
        The classes of the columns. By default those of `y`.
    prior, balanced
        As in :func:`choose_weights`.

    Returns
    -------
    list of float
        The weight of each member, with a sum of 1.

    Examples
    --------
    >>> right, wrong = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.4, 0.6], [0.6, 0.4]])
    >>> mixture_weights(np.stack([right, wrong]), np.array(["a", "b"]), prior=0)
    [1.0, 0.0]
    """
    likelihood, counts = _likelihood(np.asarray(proba, np.float64), truth_matrix(y, classes), y.ndim == 2)
    counts = counts if balanced else np.full(len(counts), counts.mean())
    weights = np.full(len(proba), 1 / len(proba))
    for _ in range(_MAX_STEPS):
        share = weights[:, None] * likelihood
        new = (share / share.sum(axis=0)) @ counts + prior / len(proba)
        change, weights = np.abs(new / new.sum() - weights).max(), new / new.sum()
        if change < _TOLERANCE:
            break
    return [round(weight, 6) for weight in weights.tolist()]


def _likelihood(
    proba: NDArray[np.float64], truth: NDArray[np.bool_], multilabel: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the members' probabilities of the true outcomes, (n_members, r), and the weight of each outcome, (r,)."""
    share = truth.mean(axis=0)
    if multilabel:
        likelihood = np.where(truth, proba, 1 - proba).reshape(len(proba), -1)
        counts = 0.5 / truth.shape[1] / np.where(truth, share, 1 - share).ravel()
    else:
        likelihood = proba[:, truth]
        counts = 1 / np.count_nonzero(share) / share[truth.argmax(axis=1)]
    return np.maximum(likelihood, _MIN_LIKELIHOOD), counts
