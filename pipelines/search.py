"""Choose a head's settings by a grid search, inside the training data or on validation data."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length

from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation.inputs import check_pos_label
from hybrid.evaluation.labels import both_values, truth_matrix
from hybrid.evaluation.metrics import searchable
from hybrid.evaluation.scorer import Scorer
from hybrid.pipelines.folds import as_folds, groups_for, kept_together


@renamed_parameters(seed="random_state")
def tune(
    pipeline: Pipeline,
    X: Any,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    validation: tuple[Any, ArrayLike] | None = None,
    metric: str | None = None,
    pos_label: Any = None,
    cv: Any = 5,
    repeats: int = 1,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> GridSearchCV:
    """Search the settings of a pipeline's head over its `search_space`.

    The pipeline with the best settings is fitted to `X` and `y` only, even if the settings were chosen on validation
    data. A threshold can therefore still be chosen on the validation data.

    Parameters
    ----------
    pipeline : Pipeline
        A pipeline, as :func:`make_pipeline` or :func:`make_head_pipeline` returns it. It is left unchanged.
    X : array-like
        Training images or embeddings, as the pipeline takes them.
    y : array-like of shape (n,) or (n, n_labels)
        Training labels; a 0/1 matrix for multi-label tasks.
    groups : array-like of shape (n,), optional
        Rows of one group are never split between folds, neither in the search nor inside a head. The same holds for
        copies of an image: files with the same bytes, or equal rows of pixels or embeddings.
    validation : (X, y), optional
        Rows to score on. By default scores come from cross-validation.
    metric : str, optional
        Name of the metric to choose by, such as "roc_auc", "f1_macro" or "log_loss"; its values equal those of
        :func:`hybrid.evaluate`. If the task has no such metric, "roc_auc", "average_precision", "f1",
        "balanced_accuracy" and "log_loss" are means over the classes or labels. By default "roc_auc", and
        "average_precision" for multi-label tasks.
    pos_label : object, optional
        The positive class of a binary task. By default the second class.
    cv : int, str, splitter or iterable of splits, default=5
        Maximum number of folds (fewer if the smallest class has fewer rows or groups), folds and repeats such as "5x2",
        or a scikit-learn splitter or iterable of splits, which must not divide groups or copies.
    repeats : int, default=1
        Number of repetitions of the folds, if `cv` is a number.
    random_state : int, default=0
        Seed of the folds, if `cv` is a number or a string. The head has its own.
    n_jobs : int, optional
        Number of settings to try in parallel, with joblib.

    Returns
    -------
    GridSearchCV
        The fitted search, with `best_params_`, `best_score_`, `cv_results_` and the fitted pipeline `best_estimator_`.

    Raises
    ------
    InputError
        If the head has no search space, the metric is unknown or not suitable for a search, the validation data has a
        class that the training data lacks, or a fold lacks a class.

    Examples
    --------
    >>> from hybrid.pipelines import make_head_pipeline
    >>> from sklearn.datasets import load_iris
    >>> search = tune(make_head_pipeline("softmax"), *load_iris(return_X_y=True))
    >>> list(search.best_params_), search.n_splits_
    (['head__C'], 5)
    """
    y = _labels(y)
    task, classes = _task(y)
    scorer = Scorer(searchable(metric, task), check_pos_label(pos_label, task, classes))
    space = _space(pipeline)
    if validation is not None:
        return _on_validation(pipeline, space, scorer, X, y, *validation, groups=groups, n_jobs=n_jobs)
    check_consistent_length(X, y, groups)
    groups = kept_together(X, groups)
    folds = as_folds(cv, y, groups, X=X, repeats=repeats, random_state=random_state)
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
    padded = None if groups is None else np.resize(groups, len(fold))  # the head is never fitted to validation rows
    stored = hasattr(X, "followed_by") and hasattr(X_val, "followed_by")  # rows that workers read from the store
    search.fit(
        X.followed_by(X_val) if stored else np.concatenate([np.asarray(X), np.asarray(X_val)]),
        np.concatenate([y, y_val]),
        **groups_for(pipeline, padded),
    )
    # GridSearchCV would refit on all rows, including the validation data.
    search.best_estimator_ = clone(pipeline).set_params(**search.best_params_).fit(X, y, **groups_for(pipeline, groups))
    return search.set_params(refit=True)


def _task(y: NDArray) -> tuple[str, tuple]:
    if y.ndim == 2:
        return "multilabel", tuple(range(y.shape[1]))
    classes = tuple(np.unique(y).tolist())
    return "binary" if len(classes) == 2 else "multiclass", classes


def _space(pipeline: Pipeline) -> dict[str, list[Any]]:
    name, head = pipeline.steps[-1]
    if not hasattr(head, "search_space"):
        raise InputError(
            f"The head {type(head).__name__} has no search space: use GridSearchCV with the values to try."
        )
    return {f"{name}__{parameter}": values for parameter, values in head.search_space().items()}


def _labels(y: ArrayLike) -> NDArray:
    y = np.asarray(y)
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _check_validation(y: NDArray, y_val: NDArray) -> None:
    if y.shape[1:] != y_val.shape[1:]:
        raise InputError(
            f"The labels have shape {y.shape} in training and {y_val.shape} in validation; expected the same number of "
            "columns."
        )
    if y.ndim == 1 and (unknown := sorted(set(y_val.tolist()) - set(y.tolist()))):
        raise InputError(f"The validation data has the classes {unknown}, which the training data lacks.")
    if not both_values(truth_matrix(y_val, np.unique(y))).any():
        raise InputError("The validation data has only one class, so it cannot be used to choose: leave it out.")
