"""The functions that evaluate and compare models."""

from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.errors import renamed_parameters
from hybrid.evaluation.paired_evaluation import PairedEvaluation
from hybrid.evaluation.paired_test import PairedTest
from hybrid.evaluation.result import Evaluation


@renamed_parameters(positive="pos_label", seed="random_state")
def evaluate(
    y_true: Any,
    proba: Any = None,
    classes: Sequence | None = None,
    *,
    y_pred: Any = None,
    pos_label: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    method: str = "bca",
    fixed_classes: bool = True,
) -> Evaluation:
    """Evaluate a model's predictions on one split, with an interval for every score.

    The values equal those of scikit-learn. The notes below say how intervals are computed.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, k)
        True labels of any type; for multi-label tasks, one 0/1 column per label.
    proba : array-like of shape (n, k) or (n,)
        Probabilities, with columns in the order of `classes`; for two classes also one probability per image, that of
        the positive class. Alternatively predicted labels in the form of `y_true` (booleans or integers for
        multi-label tasks); metrics that need probabilities are then not defined.
    classes : sequence of length k, optional
        The classes (sorted, like a classifier's ``classes_``) or the label names. By default the sorted labels; for
        multi-label tasks the column names of a DataFrame, or the column indices.
    y_pred : array-like, optional
        Predicted labels in the form of `y_true`. By default the class with the highest probability, of two equal
        ones the second; for multi-label tasks, every label with a probability of at least 0.5. A model with another
        threshold needs ``y_pred=model.predict(X)``: heads with balanced class weights, the default in this package,
        predict the positive class from its frequency on, and an aim chooses another threshold.
    pos_label : object, optional
        The positive class of a binary task. By default ``classes[1]``.
    groups : array-like of shape (n,), optional
        The group of each image, such as its patient, if several images may come from one. An image whose group is
        missing is a group of its own. Intervals then hold for new groups instead of new images of the same groups.
    sample_weight : array-like of shape (n,), optional
        The weight of each image, a number of 0 or more. By default all images count alike, as they do if all weights
        are equal. Images of weight 0 are left out.
    n_boot : int, default=2000
        Number of bootstrap draws. With 0 there are no intervals.
    random_state : int, default=0
        Seed of the draws.
    level : float, default=0.95
        Coverage of the intervals.
    method : {"bca", "percentile"}, default="bca"
        How intervals are computed. With "percentile", all are percentiles of the draws.
    fixed_classes : bool, default=True
        Whether intervals hold for other images with the same share of each class, as if the images of each class had
        been collected separately. If False, they hold for other images whose shares vary as well, as in a consecutive
        series of patients. In multi-label tasks, and if a group has images of several classes, shares always vary.

    Returns
    -------
    Evaluation
        The scores. A score that is not defined on these images is None, and its note gives the reason.

    Raises
    ------
    InputError
        If the shapes do not fit together, labels are missing or not among the classes, the classes cannot be inferred
        from the labels, the probabilities hold NaN, lie outside 0 to 1, or do not sum to 1 within 1e-3
        (single-label tasks), or the weights are not finite numbers of 0 or more, one for each image and not all 0.

    Notes
    -----
    For single-label tasks the intervals hold for other images with the same share of each class, for multi-label tasks
    for other images like these. With `method="bca"`, shares of images (accuracy, recall, specificity, precision, and
    with it F1) have Wilson's interval with the variance of the stratified sample; the ROC AUC has DeLong's, on the
    scale of log-odds; average precision and means of ROC AUC have Wilson's with the jackknife's variance. All other
    scores have BCa intervals (Efron 1987) from bootstrap draws, for which images are drawn with replacement, within
    each true class for single-label tasks. `benchmarks/README.md` shows how often these intervals hold, down to ten
    positive images, where BCa and percentile intervals are too narrow. A ROC AUC of 1 has Newcombe's interval. If a
    score has no interval, the note gives the reason. Time grows with images × classes × draws; memory does not grow
    with images × draws.

    Some metrics have several definitions in the literature. Here, `brier` is the mean squared error of the positive
    class's probability for two classes, and is summed over the classes for more (0 to 2). `roc_auc` and
    `average_precision` are those of the positive class of a binary task; with `_macro` they are means over the classes,
    each against the rest. Macro averages are taken over the classes that occur in the split. A class that is never
    predicted counts as precision 0, which the note of the metric states. Log loss clips probabilities at 2.2e-16.

    `ece` is the expected calibration error (Guo et al. 2017): the mean distance between probability and frequency
    over 15 bins of equal numbers of images, which bias it less than bins of equal width (Roelofs et al. 2022). It uses
    the probability of the positive class for two classes, the highest probability for more, and the probability of
    each label for multi-label tasks, where `ece_macro` is the mean. On few images it is too large even for a
    calibrated model. Its interval is an approximation; an error that chance alone can explain has only an upper bound.

    Several images of one patient are not independent, and intervals that ignore this are too narrow. If `groups` are
    given, the bootstrap draws whole groups: within each class if every group has images of one class only, otherwise
    from all groups. With few groups, quantiles of the draws are too narrow as well, so the standard deviation of the
    draws and Student's distribution take their place, on the logit scale for scores between 0 and 1; the quantiles of
    BCa intervals, for losses and `mcc`, are widened (Hesterberg 2015). The interval of `roc_auc` is that of Obuchowski
    (1997) on the logit scale. Shares of images have Wilson's interval with the number of independent images that would
    have the same variance. If every group has one image, the results are those without groups.

    With `sample_weight`, every score is weighted as in scikit-learn: an image of weight 2 counts as two images do. The
    confusion matrix holds sums of weights, and the bins of `ece` have equal sums of weights; `n` and the support of a
    class are numbers of images. Intervals do not depend on the scale of the weights, because what varies is the image,
    or the group, however large its weight. Shares of images, the ROC AUC and likelihood ratios have intervals from
    weighted deviations; the bootstrap of all other scores draws images, or groups, with their weights. A few large
    weights widen all of them: Student's degrees of freedom are those of Kish's effective number of images, and shares
    of 0 or 1 have Wilson's interval for this number. ``Evaluation.effective_n`` is that of all images. If a row stands
    for several different images, repeat it instead of giving it a weight: intervals are then those for all of them.

    Examples
    --------
    >>> result = evaluate(["cat", "dog", "dog"], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], ["cat", "dog"])
    >>> round(result.metrics["accuracy"].value, 3), result.metrics["roc_auc"].value
    (0.667, 1.0)
    >>> result.confusion.tolist()
    [[1, 0], [1, 1]]

    A model whose threshold is not 0.5: give the labels that it predicts as well.

    >>> from hybrid.pipelines import make_head_pipeline
    >>> X, y = [[-3], [-2], [-1], [0], [1], [2], [3], [4]], [0, 0, 0, 0, 0, 0, 1, 1]
    >>> model = make_head_pipeline("softmax").fit(X, y)
    >>> result = evaluate(y, model.predict_proba(X), y_pred=model.predict(X))
    >>> result.metrics["accuracy"].value == model.score(X, y)
    True

    From predicted labels alone, only metrics that need no probabilities are defined:

    >>> result = evaluate(["cat", "dog", "dog"], ["cat", "cat", "dog"])
    >>> round(result.metrics["f1"].value, 3), result.metrics["roc_auc"].note
    (0.667, 'needs probabilities, and only predicted labels were given')

    Several images of each patient:

    >>> result = evaluate(["cat", "dog", "dog", "cat"], ["cat", "cat", "dog", "cat"], groups=["a", "a", "b", "b"])
    >>> result.images, result.clustered
    ('4 images of 2 groups', True)
    """
    predicted = None if y_pred is None else {"": y_pred}
    paired_evaluation = PairedEvaluation(
        y_true,
        {"": proba},
        classes,
        y_pred=predicted,
        pos_label=pos_label,
        groups=groups,
        sample_weight=sample_weight,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
        method=method,
        fixed_classes=fixed_classes,
    )
    return paired_evaluation.evaluations()[""]


@renamed_parameters(positive="pos_label", seed="random_state")
def evaluate_models(
    y_true: Any,
    proba: Mapping[str, Any],
    classes: Sequence | None = None,
    *,
    y_pred: Mapping[str, Any] | None = None,
    pos_label: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    method: str = "bca",
    fixed_classes: bool = True,
) -> dict[str, Evaluation]:
    """Evaluate several models on the same images, like :func:`hybrid.evaluate` for each of them, but faster.

    Parameters
    ----------
    y_true, classes, pos_label, groups, sample_weight, n_boot, random_state, level, method, fixed_classes
        As in :func:`hybrid.evaluate`.
    proba : mapping of str to array-like
        Probabilities or predicted labels by model name, as in :func:`hybrid.evaluate`.
    y_pred : mapping of str to array-like, optional
        Predicted labels by model name. Those that are missing follow from `proba` as in :func:`hybrid.evaluate`.

    Returns
    -------
    dict of str to Evaluation
        The evaluation of each model, in the order of `proba`. To test the differences of the models with the same
        draws, see :class:`~hybrid.evaluation.PairedEvaluation`.

    Raises
    ------
    InputError
        As in :func:`hybrid.evaluate`, or if no model is given.
    """
    paired_evaluation = PairedEvaluation(
        y_true,
        proba,
        classes,
        y_pred=y_pred,
        pos_label=pos_label,
        groups=groups,
        sample_weight=sample_weight,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
        method=method,
        fixed_classes=fixed_classes,
    )
    return paired_evaluation.evaluations()


@renamed_parameters(positive="pos_label", seed="random_state")
def compare_models(
    y_true: Any,
    proba: Mapping[str, Any],
    classes: Sequence | None = None,
    *,
    y_pred: Mapping[str, Any] | None = None,
    pos_label: Any = None,
    groups: Any = None,
    sample_weight: None = None,
    metrics: Sequence[str] | None = None,
    reference: str | None = None,
    pairs: str | None = None,
    primary: str | Sequence[str] = (),
    margin: float | None = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    fixed_classes: bool = True,
) -> list[PairedTest]:
    """Test the differences of models on the same images in each metric: of each model and a reference, or of all pairs.

    Parameters
    ----------
    y_true, classes, pos_label, groups, random_state, fixed_classes
        As in :func:`hybrid.evaluate`.
    proba, y_pred
        As in :func:`hybrid.evaluation.evaluate_models`.
    sample_weight : None
        Not supported: all tests are those for images that count alike. Weights that differ raise an error.
    metrics : sequence of str, optional
        Names of overall metrics, as in ``Evaluation.metrics``. By default accuracy and ROC AUC (its macro average for
        more than two classes); for multi-label tasks, the macro averages of average precision and ROC AUC.
    reference : str, optional
        Name of the model that each other model is compared with. Fewer tests need a milder correction, so that smaller
        differences are found than among all pairs.
    pairs : {"reference", "all"}, optional
        Which pairs are tested. By default those with the reference if there is one, and otherwise all.
    primary : str or sequence of str, default=()
        Metrics of which any may decide, such as those that a protocol names. Holm's correction is for all of their
        tests together. Each other metric is corrected on its own.
    margin : float, optional
        The margin of a non-inferiority test, in units of the metric: whether each model is worse than the reference by
        less than this, by ``PairedTest.not_inferior``. It is tested in the primary metrics, or in all metrics if there
        are none. Shares of correct images are tested by Tango's score test (1998), unless there are groups.
    n_boot : int, default=2000
        Number of bootstrap draws, at least 1.
    level : float, default=0.95
        Coverage of the intervals. Models can be told apart if the adjusted p-value is below 1 − `level`.

    Returns
    -------
    list of PairedTest
        The tests, ordered by metric (the primary ones first) and then by pair of models; empty for a single model.
        With a reference, it is the second model of each pair.

    Raises
    ------
    InputError
        As in :func:`hybrid.evaluation.evaluate_models`, or if a metric or the reference is unknown, or if images
        have different weights.

    Notes
    -----
    Shares of correct images (accuracy, subset_accuracy, sensitivity, specificity) are tested by McNemar's exact test
    (McNemar 1947), the ROC AUC of two classes by the test of DeLong, DeLong and Clarke-Pearson (1988), and all other
    metrics by a paired bootstrap: both models are evaluated on the same draws, and the difference is compared with its
    standard error over the draws by Student's distribution. Intervals are DeLong's for the ROC AUC and the bootstrap's
    for all other metrics. The p-values are adjusted by Holm's correction for the number of pairs, and adjusted
    intervals stand beside them: an adjusted interval excludes 0 exactly if the models can be told apart. McNemar's
    test is stricter than the interval, so in borderline cases they may disagree; the sentence of the test then says
    that the test decides.

    If `groups` are given, and some have several images, the tests are those for groups: McNemar's exact test in the
    form of Durkalski et al. (2003), which weighs each image alike; DeLong's in the form of Obuchowski (1997) with
    Student's distribution; and the bootstrap draws whole groups.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> good = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8]]
    >>> poor = [[0.6, 0.4], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8]]
    >>> test, = compare_models(y, {"good": good, "poor": poor}, [0, 1], metrics=["accuracy"])
    >>> round(test.difference, 3), test.p_value, test.distinguishable
    (0.333, 0.5, False)
    >>> print(str(test).split(" (")[0])
    good and poor cannot be told apart on these 6 images

    A table of all tests:

    >>> import pandas as pd
    >>> table = pd.DataFrame([test]).assign(distinguishable=test.distinguishable)
    """
    paired_evaluation = PairedEvaluation(
        y_true,
        proba,
        classes,
        y_pred=y_pred,
        pos_label=pos_label,
        groups=groups,
        sample_weight=sample_weight,
        n_boot=n_boot,
        random_state=random_state,
        level=level,
        fixed_classes=fixed_classes,
    )
    return paired_evaluation.tests(metrics, reference=reference, pairs=pairs, primary=primary, margin=margin)
