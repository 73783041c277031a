"""The functions that evaluate every model."""

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.errors import renamed_parameters
from hybrid.evaluation.paired import PairedTest
from hybrid.evaluation.result import Evaluation
from hybrid.evaluation.trial import PairedEvaluation


@renamed_parameters(positive="pos_label", seed="random_state")
def evaluate(
    y_true: Any,
    proba: Any = None,
    classes: Sequence | None = None,
    *,
    y_pred: Any = None,
    pos_label: Any = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    method: str = "bca",
) -> Evaluation:
    """Evaluate a model's predictions on one split, with a bootstrap interval for every score.

    The values are scikit-learn's. Intervals come from bootstrap draws: images are drawn with replacement, within
    each true class for single-label tasks, from all for multi-label. They speak of other images with the same share
    of each class. BCa intervals (Efron 1987) hold the truth as often as they say where percentile intervals fall
    short, near 1 above all; with them, plain shares of images (accuracy, recall, specificity) have Wilson's interval
    instead, because quantiles of draws jump from one possible share to the next; `benchmarks/README.md` has the
    measurements. Where no draw changes a score, a ROC AUC of 1 gets Newcombe's interval, a proportion Wilson's, and
    the note says so; other scores get none, with the reason. Time grows with images × classes × draws; memory does
    not grow with images × draws.

    Definitions where the field has several: `brier` is the mean squared error of the positive class's
    probability for two classes, and summed over the classes for more (0 to 2). `roc_auc` and
    `average_precision` belong to the positive class of a binary task; with `_macro` they are means over
    classes, each against the rest. Macro averages run over the classes that the split has; a class never
    predicted counts there with precision 0, and the note of the metric says so. Log loss clips probabilities
    at 2.2e-16.

    `ece` is the expected calibration error (Guo et al. 2017): the mean distance between probability and frequency
    over 15 bins, here of equal numbers of images, which bias it less than bins of equal width (Roelofs et al.
    2022). It is about the positive class's probability for two classes, the likeliest class's for more, and each
    label's for multi-label, of which `ece_macro` is the mean. Few images make it too large, for a calibrated model
    too; its interval is an approximation, and reaches down to 0 where chance alone would show as much.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, k)
        Labels of any type; for multi-label one 0/1 column a label.
    proba : array-like of shape (n, k) or (n,)
        Probabilities, columns in the order of `classes`; or one number from 0 to 1 an image, the probability of the
        positive class of two; or predicted labels in the form of `y_true` (of a multi-label task as booleans or
        integers), which leave all metrics undefined that need probabilities.
    classes : sequence of length k, optional
        The classes (sorted, as a classifier's ``classes_``) or the label names. By default the sorted labels, of a
        multi-label task the names of a DataFrame's columns, or else their numbers.
    y_pred : array-like, optional
        Predicted labels in the form of `y_true`; by default the class of highest probability, or for
        multi-label every label of at least one half.
    pos_label : object, optional
        The positive class of a binary task; by default ``classes[1]``.
    n_boot : int, default=2000
        Bootstrap draws; 0 gives no intervals.
    random_state : int, default=0
        Seed of the draws.
    level : float, default=0.95
        Coverage of the intervals.
    method : {"bca", "percentile"}, default="bca"
        How intervals are taken from the draws. With "percentile" those of plain shares come from them too.

    Returns
    -------
    Evaluation
        What is not defined on these images is None there, with the reason.

    Raises
    ------
    InputError
        If shapes do not fit together, labels are missing or not among the classes, the classes cannot be told from
        the labels, or the probabilities hold NaN, lie outside 0 to 1, or do not sum to 1 within 1e-3 (single-label).

    Examples
    --------
    >>> result = evaluate(["cat", "dog", "dog"], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], ["cat", "dog"])
    >>> round(result.metrics["accuracy"].value, 3), result.metrics["roc_auc"].value
    (0.667, 1.0)
    >>> result.confusion.tolist()
    [[1, 0], [1, 1]]

    Predicted labels alone give the metrics of decisions:

    >>> result = evaluate(["cat", "dog", "dog"], ["cat", "cat", "dog"])
    >>> round(result.metrics["f1"].value, 3), result.metrics["roc_auc"].note
    (0.667, 'needs probabilities, and only predicted labels were given')
    """
    predicted = None if y_pred is None else {"": y_pred}
    trial = PairedEvaluation(
        y_true,
        {"": proba},
        classes,
        y_pred=predicted,
        pos_label=pos_label,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
        method=method,
    )
    return trial.evaluations()[""]


@renamed_parameters(positive="pos_label", seed="random_state")
def evaluate_models(
    y_true: Any,
    proba: Mapping[str, Any],
    classes: Sequence | None = None,
    *,
    y_pred: Mapping[str, Any] | None = None,
    pos_label: Any = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    method: str = "bca",
) -> dict[str, Evaluation]:
    """Evaluate several models on the same images: what :func:`evaluate` gives for each, faster.

    Parameters
    ----------
    y_true, classes, pos_label, n_boot, random_state, level, method
        As for :func:`evaluate`.
    proba : mapping of str to array-like
        Probabilities or predicted labels by the name of the model, as for :func:`evaluate`.
    y_pred : mapping of str to array-like, optional
        Predicted labels by the name of the model; those that it lacks have their likeliest class.

    Returns
    -------
    dict of str to Evaluation
        In the order of `proba`. To test their differences on the same draws, see
        :class:`~hybrid.evaluation.PairedEvaluation`.

    Raises
    ------
    InputError
        As :func:`evaluate`, or if there is no model.
    """
    trial = PairedEvaluation(
        y_true,
        proba,
        classes,
        y_pred=y_pred,
        pos_label=pos_label,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
        method=method,
    )
    return trial.evaluations()


@renamed_parameters(positive="pos_label", seed="random_state")
def compare_models(
    y_true: Any,
    proba: Mapping[str, Any],
    classes: Sequence | None = None,
    *,
    y_pred: Mapping[str, Any] | None = None,
    pos_label: Any = None,
    metrics: Sequence[str] | None = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
) -> list[PairedTest]:
    """Test the difference of every pair of models on the same images, by each metric.

    Shares of images that are right (accuracy, subset_accuracy, sensitivity, specificity) are tested by McNemar's exact
    test (McNemar 1947), the ROC AUC of two classes by that of DeLong, DeLong and Clarke-Pearson (1988), all else by a
    paired bootstrap: both models see the same draws, and the p-value is the share of draws that lie as far from the
    difference as it lies from 0. Intervals are DeLong's, and the bootstrap's elsewhere; near the limit an interval may
    leave out 0 where McNemar's test, which is the stricter, does not tell the models apart. Holm's correction goes
    over all pairs of a metric.

    Parameters
    ----------
    y_true, classes, pos_label, random_state
        As for :func:`evaluate`.
    proba, y_pred
        As for :func:`evaluate_models`.
    metrics : sequence of str, optional
        Names of scores of the whole, as in ``Evaluation.metrics``; by default accuracy and ROC AUC (its macro average
        for more than two classes), or for multi-label average precision and ROC AUC, macro averages.
    n_boot : int, default=2000
        Bootstrap draws, at least 1.
    level : float, default=0.95
        Coverage of the intervals; models are distinguishable where the adjusted p-value lies below 1 − `level`.

    Returns
    -------
    list of PairedTest
        By metric, then in the order of the models; empty for a single model.

    Raises
    ------
    InputError
        As :func:`evaluate_models`, or if there is no such metric.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> good = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8]]
    >>> poor = [[0.6, 0.4], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8]]
    >>> test, = compare_models(y, {"good": good, "poor": poor}, [0, 1], metrics=["accuracy"])
    >>> round(test.difference, 3), test.p_value, test.distinguishable
    (0.333, 0.5, False)
    """
    trial = PairedEvaluation(
        y_true,
        proba,
        classes,
        y_pred=y_pred,
        pos_label=pos_label,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
    )
    return trial.tests(metrics)
