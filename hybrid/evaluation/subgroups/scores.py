"""Score models on subgroups of the images, and test the gap between each subgroup and all other images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.api import evaluate_models
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.inputs import CheckedInput, check_problem, labels_and_classes
from hybrid.evaluation.metrics import metrics_of
from hybrid.evaluation.registry.tasks import OF_SHARES, TASKS
from hybrid.evaluation.result import Evaluation
from hybrid.evaluation.subgroups.few import too_few
from hybrid.evaluation.subgroups.partition import Partition, make_partitions
from hybrid.evaluation.subgroups.result import Gap, Subgroup, SubgroupScores, notes_on_shares
from hybrid.evaluation.subgroups.shared_groups import correlations
from hybrid.evaluation.unpaired import unpaired_tests


def by_subgroup(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    columns: Any,
    by: str | Sequence[str] | None = None,
    y_pred: Any = None,
    pos_label: Any = None,
    groups: Any = None,
    metrics: Sequence[str] | None = None,
    n_boot: int = 2000,
    random_state: int = 0,
    level: float = 0.95,
    fixed_classes: bool = True,
) -> SubgroupScores:
    """Evaluate a model on subgroups of the images, such as each hospital, and test their gaps.

    Parameters
    ----------
    y_true, proba, classes, y_pred, pos_label, groups, n_boot, random_state, level, fixed_classes
        As in :func:`hybrid.evaluate`.
    columns : mapping of str to sequence of shape (n,), or DataFrame
        Values of each image, such as its hospital or the age of the patient. Images whose value is missing (None, NaN
        or "") are the subgroup "not known".
    by : str or sequence of str, optional
        What divides the images: the name of a column, limits of bins as in ``"age:50,70"``, ``"age:quartiles"``, or
        several joined by "+" as in ``"sex+view"``. By default each column for itself. Numbers with more than eight
        different values are divided at their quartiles unless limits are given.
    metrics : sequence of str, optional
        Overall metrics whose gaps are tested. By default ROC AUC, sensitivity and specificity of two classes, accuracy
        and ROC AUC of more, and the macro averages of ROC AUC and average precision of several labels.

    Returns
    -------
    SubgroupScores
        See its method ``table()``. Scores of all metrics are in ``subgroups[i].evaluation``.

    Raises
    ------
    InputError
        As in :func:`hybrid.evaluate`, or if a column or a metric is unknown or cannot be used.

    Notes
    -----
    Each subgroup is compared with all other images by the test of :func:`hybrid.evaluation.unpaired_tests`, which
    inverts the interval of the difference. If a group, such as a patient, has images in both, their scores are
    correlated; the correlation is estimated by the jackknife over groups, and the interval allows for it. P-values have
    Holm's correction for all gaps in the same metric; two subgroups have a single gap. A subgroup with fewer than ten
    images, or fewer than ten with or without a class that the metric needs, is shown but not compared; if the images
    come in groups, groups are counted. ``benchmarks/subgroups.py`` checks by simulation how often equal subgroups are
    told apart.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, hospital = rng.integers(0, 2, 400), np.array(["north", "south"])[rng.integers(0, 2, 400)]
    >>> noise = np.where(hospital == "south", 0.8, 0.2) * rng.normal(size=400)
    >>> p = 1 / (1 + np.exp(-(2 * y - 1 + 3 * noise)))
    >>> scores = by_subgroup(y, p, columns={"hospital": hospital}, metrics=["roc_auc"])
    >>> scores.worst("hospital", "roc_auc").name, scores.subgroups[1].gaps["roc_auc"].verdict
    ('south', 'worse')
    """
    labels, names = labels_and_classes(y_true, [proba, *([] if y_pred is None else [y_pred])]) if classes is None else (
        y_true, classes
    )  # fmt: skip
    partitions = make_partitions(columns, by, len(labels))
    predicted = None if y_pred is None else {"": y_pred}
    settings: dict[str, Any] = {"n_boot": n_boot, "random_state": random_state, "level": level}
    return subgroup_scores(
        labels, {"": proba}, names, partitions=partitions, y_pred=predicted, pos_label=pos_label, groups=groups,
        metrics=metrics, fixed_classes=fixed_classes, **settings,
    )[""]  # fmt: skip


def subgroup_scores(
    y_true: Any,
    proba: Mapping[str, Any],
    classes: Sequence,
    *,
    partitions: Sequence[Partition],
    y_pred: Mapping[str, Any] | None = None,
    pos_label: Any = None,
    groups: Any = None,
    metrics: Sequence[str] | None = None,
    fixed_classes: bool = True,
    **settings: Any,
) -> dict[str, SubgroupScores]:
    """Evaluate several models on subgroups of the same images; see :func:`by_subgroup`.

    Parameters
    ----------
    y_true, classes, pos_label, groups, metrics, fixed_classes
        As in :func:`by_subgroup`.
    proba, y_pred : mapping of str to array-like
        As in :func:`hybrid.evaluation.evaluate_models`.
    partitions : sequence of Partition
        The divisions of the images.
    **settings
        `n_boot`, `random_state` and `level`.

    Returns
    -------
    dict of str to SubgroupScores
        The scores of each model.
    """
    problems = {
        name: check_problem(y_true, values, classes, (y_pred or {}).get(name), pos_label, groups, fixed_classes)
        for name, values in proba.items()
    }
    first = next(iter(problems.values()))
    names = _tested(metrics, first, all(one.probabilities is not None for one in problems.values()))
    found: dict[str, list[Subgroup]] = {name: [] for name in problems}
    for partition in partitions:
        for name, subgroups in _of_partition(problems, partition, names, settings).items():
            found[name] += subgroups
    notes = [partition.note for partition in partitions if partition.note]
    return {
        name: SubgroupScores(
            names, _corrected(subgroups, names), (*notes, *notes_on_shares(subgroups, names, OF_SHARES))
        )
        for name, subgroups in found.items()
    }


def _tested(metrics: Sequence[str] | None, problem: CheckedInput, has_probabilities: bool) -> tuple[str, ...]:
    known = metrics_of(problem.task)
    if metrics is None:
        wanted = TASKS[problem.task].subgroups
        if has_probabilities:
            return wanted
        return {"binary": wanted[1:], "multiclass": wanted[:1], "multilabel": ("f1_macro",)}[problem.task]
    for name in metrics:
        if name not in known:
            raise unknown_name("metric", name, known)
    if not metrics:
        raise InputError("No metric was given for the subgroups; expected at least one, such as 'roc_auc'.")
    return tuple(dict.fromkeys(metrics))


def _of_partition(
    problems: Mapping[str, CheckedInput], partition: Partition, metrics: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, list[Subgroup]]:
    """Return the subgroups of a division for each model. The p-values of their gaps are not corrected."""
    first, numbers = next(iter(problems.values())), partition.used
    inside = {number: _evaluated(problems, partition.code == number, settings) for number in numbers}
    found: dict[str, list[Subgroup]] = {name: [] for name in problems}
    for position, number in enumerate(numbers):
        rows = partition.code == number
        reasons = {metric: _why_not(first, rows, metric) for metric in metrics}
        compared = [metric for metric in metrics if not reasons[metric]]
        others: Mapping[str, Evaluation] = {}
        if compared:
            others = inside[numbers[1 - position]] if len(numbers) == 2 else _evaluated(problems, ~rows, settings)
        for name, problem in problems.items():
            own = inside[number][name]
            shared = correlations(problem, rows, compared)
            tests = unpaired_tests(own, others[name], compared, correlation=shared) if compared else []
            gaps = {metric: Gap(metric, None, reason=reason) for metric, reason in reasons.items() if reason}
            gaps |= {test.metric: Gap(test.metric, test) for test in tests}
            found[name].append(Subgroup(partition.name, partition.names[number], partition.labels[number], own, gaps))
    return found


def _why_not(problem: CheckedInput, rows: np.ndarray, metric: str) -> str:
    """Return why a subgroup is not compared with all other images in a metric; "" if it is."""
    if rows.all():
        return "all images are of this subgroup"
    if reason := too_few(problem, rows, metric):
        return reason
    reason = too_few(problem, ~rows, metric)
    return f"of all others, {reason}" if reason else ""


def _evaluated(
    problems: Mapping[str, CheckedInput], rows: np.ndarray, settings: Mapping[str, Any]
) -> dict[str, Evaluation]:
    """Return the evaluation of each model on some images."""
    first = next(iter(problems.values()))
    multilabel = first.task == "multilabel"

    def labels(matrix: np.ndarray) -> np.ndarray | list[Any]:
        chosen = matrix[rows]
        return chosen.astype(np.uint8) if multilabel else [first.classes[k] for k in chosen.argmax(axis=1)]

    return evaluate_models(
        labels(first.truth),
        {name: None if one.probabilities is None else one.probabilities[rows] for name, one in problems.items()},
        list(first.classes),
        y_pred={name: labels(one.predicted) for name, one in problems.items()},
        pos_label=first.positive,
        groups=None if first.groups is None else first.groups[rows],
        fixed_classes=first.fixed_classes,
        **settings,
    )


def _corrected(subgroups: Sequence[Subgroup], metrics: Sequence[str]) -> tuple[Subgroup, ...]:
    """Return the subgroups with Holm's correction for all gaps in each metric."""
    sizes = Counter(subgroup.column for subgroup in subgroups)
    level, corrected = subgroups[0].evaluation.level, list(subgroups)
    for metric in metrics:
        # The second of two subgroups has the gap of the first, with the other sign.
        mirrored = [i for i, one in enumerate(subgroups) if sizes[one.column] == 2 and i and _same(subgroups, i)]
        p_values = [None if i in mirrored else _p_value(one, metric) for i, one in enumerate(subgroups)]
        steps, number = holm_steps(p_values, 1 - level), sum(value is not None for value in p_values)
        for i, one in enumerate(corrected):
            step = steps[i - 1] if i in mirrored else steps[i]
            if step is not None and one.gaps[metric].test is not None:
                gap = replace(one.gaps[metric], p_adjusted=step[0], corrected_for=number)
                corrected[i] = replace(one, gaps=one.gaps | {metric: gap})
    return tuple(corrected)


def _same(subgroups: Sequence[Subgroup], i: int) -> bool:
    """Return whether a subgroup belongs to the division of the one before."""
    return subgroups[i - 1].column == subgroups[i].column


def _p_value(subgroup: Subgroup, metric: str) -> float | None:
    test = subgroup.gaps[metric].test
    return None if test is None else test.p_value
