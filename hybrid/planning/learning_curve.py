"""How the scores of a classifier grow with the number of its training images, and what more images would bring."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from hybrid.comparison.ordering import MAIN_METRICS
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import METRICS, Evaluation, Metric
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.labels import truth_matrix
from hybrid.evaluation.metrics import metrics_of
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.pipelines.folds import make_folds
from hybrid.planning.fits import OF_CLASS, Rows, Scored, evaluation_of, fit_shares
from hybrid.planning.interval_widths import SIZES, interval_widths
from hybrid.planning.nested_shares import default_shares
from hybrid.planning.power_law import fit_power_law
from hybrid.planning.result import LearningCurve, ScoreCurve
from hybrid.progress import Progress

_FEWEST_REPEATS = 3


def learning_curve(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    validation: Sequence[Any] | None = None,
    classes: Sequence | None = None,
    metric: str | None = None,
    pos_label: Any = None,
    sizes: int = 8,
    repeats: int = 10,
    folds: int = 5,
    factor: float = 2.0,
    level: float = 0.9,
    random_state: int = 0,
    test_images: Sequence[int] = SIZES,
    n_jobs: int | None = None,
    name: str = "",
    notes: Sequence[str] = (),
    group_name: str = GROUP,
    progress: Progress | None = None,
) -> LearningCurve:
    """Return how the scores of a classifier grow with the number of training images, and what more images would bring.

    The classifier is fitted to nested shares of the training images, several times. In each share, the classes are as
    frequent as in all training images, and images of one group, as well as copies of an image, are together. An
    inverse power law is fitted to the scores [1]_ and extrapolated.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``, such as a pipeline of :func:`hybrid.make_head_pipeline`. It is not changed.
    X : array-like
        Training embeddings or images, as the classifier takes them.
    y : array-like of shape (n,) or (n, n_labels)
        Training labels; a 0/1 matrix for multi-label tasks.
    groups : array-like of shape (n,), optional
        Group of each training image, such as its patient.
    validation : (X, y) or (X, y, groups), optional
        Images to score on. By default scores come from a cross-validation of the training images. Test images must not
        be used: a decision on how many images to collect would depend on them.
    classes : sequence, optional
        Names of the labels of a multi-label task. By default their numbers.
    metric : str, optional
        The score. By default ROC AUC for two classes, accuracy for more, and the macro average of average precision for
        multi-label tasks. For the rarest class or label it is always the average precision.
    pos_label : object, optional
        The positive class of a binary task. By default the second class.
    sizes : int, default=8
        Number of shares, in even steps on the scale of logarithms. The last one is all training images.
    repeats : int, default=10
        How often nested shares are drawn, at least 3.
    folds : int, default=5
        Number of folds, if there is no validation.
    factor : float, default=2.0
        How many times as many training images the curve is extrapolated to.
    level : float, default=0.9
        Share of cases in which the band of the extrapolation should hold.
    random_state : int, default=0
        Seed of the shares, the folds and the classifier. Each repeat has its own.
    test_images : sequence of int, optional
        Numbers of test images for which the width of the intervals is computed.
    n_jobs : int, optional
        Number of repeats to run in parallel, with joblib.
    name : str, default=""
        Name of the model in the result. By default that of its class.
    notes : sequence of str, optional
        Remarks that the result has.
    group_name : str, default="group"
        What a group is called in the result, such as "patient".
    progress : callable, optional
        Called with the number of finished repeats and folds, and their total.

    Returns
    -------
    LearningCurve

    Raises
    ------
    InputError
        If the metric is unknown, a class has too few images, or the numbers do not fit.

    References
    ----------
    .. [1] Figueroa, R. L. et al. "Predicting sample size required for classification performance." BMC Medical
       Informatics and Decision Making 12:8, 2012.

    Examples
    --------
    >>> from hybrid import make_head_pipeline
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> train = np.arange(len(y)) < 300
    >>> curve = learning_curve(
    ...     make_head_pipeline("softmax"), X[train], y[train], validation=(X[~train], y[~train]), sizes=5, repeats=4
    ... )
    >>> curve.sizes.tolist()[-1], curve.overall.metric, curve.rarest.label
    (300, 'roc_auc', 0)
    """
    if sizes < 2 or repeats < _FEWEST_REPEATS or not factor > 1 or not 0 < level < 1:
        raise InputError(
            f"sizes={sizes}, repeats={repeats}, factor={factor:g}, level={level:g} were given; expected at least 2 "
            f"sizes and {_FEWEST_REPEATS} repeats, a factor above 1, and a level between 0 and 1."
        )
    train = Rows.of(X, y, groups)
    names = np.unique(train.y).tolist() if train.y.ndim == 1 else list(classes or range(train.y.shape[1]))
    task = "multilabel" if train.y.ndim == 2 else "binary" if len(names) == 2 else "multiclass"
    metric = _checked_metric(metric, task)
    support = truth_matrix(train.y).sum(axis=0)
    rarest = int(np.argmin(np.where(support > 0, support, len(train.y) + 1)))
    if validation is None:
        splits = make_folds(train.y, train.groups, cv=folds, repeats=repeats, random_state=random_state)
        parts = [(train.take(inside), train.take(outside)) for inside, outside in splits]
    else:
        parts = [(train, Rows.of(*validation))] * repeats
    of_repeat = len(parts) // repeats
    task_of = Scored(names, metric, rarest, pos_label)
    found = fit_shares(
        estimator,
        parts,
        default_shares(parts[0][0].y, parts[0][0].groups, sizes),
        task_of,
        seeds=[random_state + number // of_repeat for number in range(len(parts))],
        same_parts=validation is not None,
        n_jobs=n_jobs,
        progress=progress,
    )
    images = _rounded_mean([one.images for one in found])
    scores = np.array([one.scores for one in found]).reshape(repeats, of_repeat, len(images), 2)
    curves = [
        ScoreCurve(
            which,
            label,
            int(count),
            scores[..., number].mean(axis=1),
            fit_power_law(
                images,
                scores[..., number] if validation is None else scores[:, 0, :, number],
                n=len(train.y),
                factor=factor,
                best=1.0 if METRICS[which].higher_is_better else 0.0,
                higher_is_better=METRICS[which].higher_is_better,
                level=level,
                random_state=random_state,
            ),
        )
        for number, (which, label, count) in enumerate(
            [(metric, None, len(train.y)), (OF_CLASS, names[rarest], support[rarest])]
        )
    ]
    evaluation = replace(evaluation_of(found[:of_repeat], task_of), group_name=group_name)
    of_group = None if groups is None else train.groups
    return LearningCurve(
        model=name or type(estimator).__name__,
        task=task,
        sizes=images,
        groups=None if of_group is None else _rounded_mean([one.groups for one in found]),
        n=len(train.y),
        n_groups=None if of_group is None else len(np.unique(of_group)),
        repeats=repeats,
        folds=of_repeat if validation is None else None,
        scored_on=evaluation.n,
        factor=factor,
        overall=curves[0],
        rarest=curves[1],
        interval_widths=interval_widths(evaluation, _planned(evaluation, metric, names[rarest]), test_images),
        notes=tuple(notes),
        group_name=group_name,
    )


def _rounded_mean(counts: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return the mean of several arrays of counts."""
    means: NDArray[np.float64] = np.mean(np.array(counts), axis=0)
    return np.round(means).astype(np.intp)


def _checked_metric(metric: str | None, task: str) -> str:
    """Return the name of the metric; raise `InputError` if the task has no such metric with a best possible value."""
    known = [name for name in metrics_of(task) if METRICS[name].interval != "ratio"]
    if metric is not None and metric not in known:
        raise unknown_name("metric", metric, known)
    return metric or MAIN_METRICS[task]


def _planned(evaluation: Evaluation, metric: str, rarest: Any) -> dict[str, Metric]:
    """Return the scores whose intervals are planned: the score of the curve, those of the task, and a recall."""
    task = TASKS[evaluation.task]
    names = dict.fromkeys([metric, *task.tested, *task.decided])
    scores = {name: evaluation.metrics[name] for name in names if name in evaluation.metrics}
    recall = evaluation.per_class[rarest]["recall"]
    return scores if evaluation.task == "binary" else scores | {f"recall of {rarest}": recall}
