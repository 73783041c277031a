"""Choose a head's settings by a grid search, inside the training data or on validation data."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length

from hybrid.errors import InputError
from hybrid.evaluation.scoring import MULTILABEL, SINGLE_LABEL, Scorer, both_values, truth_matrix
from hybrid.pipelines.folds import groups_for, make_folds


def tune(
    pipeline: Pipeline,
    X: Any,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    validation: tuple[Any, ArrayLike] | None = None,
    metric: str | None = None,
    cv: int = 5,
    repeats: int = 1,
    seed: int = 0,
    n_jobs: int | None = None,
) -> GridSearchCV:
    """Search the settings of a pipeline's head over its own `search_space`.

    The settings with the best score are fitted to X and y alone, also where validation data chose them:
    the validation data stays unseen, so that a threshold can still be chosen on it.

    Parameters
    ----------
    pipeline : Pipeline
        Of :func:`make_pipeline` or :func:`make_head_pipeline`; it is left unfitted.
    X : array-like
        Training images or embeddings, whichever the pipeline takes.
    y : array-like of shape (n,) or (n, n_labels)
        Training labels; a 0/1 matrix for multi-label.
    groups : array-like of shape (n,), optional
        Rows of one group are never split between folds, of the search or inside a head.
    validation : (X, y), optional
        Score on these rows instead of by cross-validation.
    metric : {"roc_auc", "average_precision", "balanced_accuracy", "f1", "log_loss"}, optional
        What to choose by; over more than two classes, the mean of each against the rest. By default
        "roc_auc", for multi-label "average_precision" (mean over labels).
    cv : int, default=5
        Number of folds at most; fewer where the smallest class has fewer rows (or groups).
    repeats : int, default=1
        How often the rows are dealt out to folds anew.
    seed : int, default=0
        Of the shuffling into folds; the head has its own.
    n_jobs : int, optional
        Settings tried at the same time, through joblib.

    Returns
    -------
    GridSearchCV
        Fitted: `best_params_`, `best_score_`, `cv_results_`, and `best_estimator_`, the fitted pipeline.

    Raises
    ------
    InputError
        If the head has no search space, the metric is unknown, the validation data holds a class that the
        training data lacks, or a class is too small for two folds.

    Examples
    --------
    >>> from hybrid.pipelines import make_head_pipeline
    >>> from sklearn.datasets import load_iris
    >>> search = tune(make_head_pipeline("softmax"), *load_iris(return_X_y=True))
    >>> list(search.best_params_), search.n_splits_
    (['head__C'], 5)
    """
    y = _labels(y)
    scorer = Scorer(metric or (MULTILABEL if y.ndim == 2 else SINGLE_LABEL))
    space = _space(pipeline)
    if validation is not None:
        return _on_validation(pipeline, space, scorer, X, y, *validation, groups=groups, n_jobs=n_jobs)
    check_consistent_length(X, y, groups)
    folds = make_folds(y, None if groups is None else np.asarray(groups), cv=cv, repeats=repeats, seed=seed)
    search = GridSearchCV(pipeline, space, scoring=scorer, cv=folds, n_jobs=n_jobs, error_score="raise")
    return search.fit(X, y, **groups_for(pipeline, groups))


def _on_validation(
    pipeline: Pipeline,
    space: dict[str, list[Any]],
    scorer: Scorer,
    X: Any,
    y: NDArray,
    X_val: Any,
    y_val: ArrayLike,
    *,
    groups: ArrayLike | None,
    n_jobs: int | None,
) -> GridSearchCV:
    y_val = _labels(y_val)
    _check_validation(y, y_val)
    fold = np.r_[np.full(len(y), -1), np.zeros(len(y_val), int)]
    search = GridSearchCV(
        pipeline,
        space,
        scoring=scorer,
        cv=PredefinedSplit(fold),
        n_jobs=n_jobs,
        refit=False,
        error_score="raise",
    )
    padded = None if groups is None else np.resize(groups, len(fold))  # no validation row is ever fitted to
    search.fit(
        np.concatenate([np.asarray(X), np.asarray(X_val)]),
        np.concatenate([y, y_val]),
        **groups_for(pipeline, padded),
    )
    # GridSearchCV would refit on all rows it was given, the validation data among them.
    search.best_estimator_ = clone(pipeline).set_params(**search.best_params_).fit(X, y, **groups_for(pipeline, groups))
    return search.set_params(refit=True)


def _space(pipeline: Pipeline) -> dict[str, list[Any]]:
    name, head = pipeline.steps[-1]
    if not hasattr(head, "search_space"):
        raise InputError(
            f"The head {type(head).__name__} has no search space of its own: use GridSearchCV with the values to try."
        )
    return {f"{name}__{parameter}": values for parameter, values in head.search_space().items()}


def _labels(y: ArrayLike) -> NDArray:
    y = np.asarray(y)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _check_validation(y: NDArray, y_val: NDArray) -> None:
    if y.shape[1:] != y_val.shape[1:]:
        raise InputError(
            f"The labels have shape {y.shape} in training and {y_val.shape} in validation; expected as many columns."
        )
    if y.ndim == 1 and (unknown := sorted(set(y_val.tolist()) - set(y.tolist()))):
        raise InputError(f"The validation data holds the classes {unknown}, which the training data lacks.")
    if not both_values(truth_matrix(y_val, np.unique(y))).any():
        raise InputError("The validation data holds one class only, so nothing can be chosen on it: leave it out.")
