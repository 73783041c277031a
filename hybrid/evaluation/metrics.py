"""The metrics by name, and which of them a task has."""

from collections.abc import Collection

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.registry.aliases import ALIASES
from hybrid.evaluation.registry.averages import AVERAGES
from hybrid.evaluation.registry.decisions import DECISIONS
from hybrid.evaluation.registry.spec import MetricSpec
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.registry.threshold_free import PROBABILITIES, RANKS

DECIMALS = 3  # of every metric, in text and tables
METRICS = {row.name: row for row in (*DECISIONS, *RANKS, *AVERAGES, *PROBABILITIES)}
OVERALL = tuple(name for name, metric in METRICS.items() if metric.tasks)  # those of all images of some task
LOWER_IS_BETTER = frozenset(name for name, metric in METRICS.items() if not metric.higher_is_better)


def metrics_of(task: str) -> tuple[str, ...]:
    """Return the names of the overall metrics of a task.

    Examples
    --------
    >>> metrics_of("multilabel")[:3]
    ('subset_accuracy', 'hamming_loss', 'roc_auc_macro')
    """
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)


def overall_name(name: str) -> str:
    """Return the name of an overall metric for a name of it in scikit-learn; other names are returned as they are.

    Examples
    --------
    >>> overall_name("recall"), overall_name("matthews_corrcoef"), overall_name("f1"), overall_name("f2")
    ('sensitivity', 'mcc', 'f1', 'f2')
    """
    other = ALIASES.get(name, name)
    return other if name not in OVERALL and other in OVERALL else name


def known_metric(name: str, known: Collection[str]) -> str:
    """Return the name of an overall metric, which may be given by its name in scikit-learn.

    Parameters
    ----------
    name : str
    known : collection of str
        The names to choose from.

    Raises
    ------
    InputError
        If the metric is not among the known ones.
    """
    if overall_name(name) not in known:
        raise unknown_name("metric", name, known)
    return overall_name(name)


def of_positive_class() -> dict[str, str]:
    """Return the single-class metric of the positive class for each overall metric of a binary task that equals it."""
    return {name: metric.positive_class for name, metric in METRICS.items() if metric.positive_class}


def metric_for(name: str, task: str) -> MetricSpec:
    """Return the metric of a task by its name; without such a metric, the macro average of that name.

    Raises
    ------
    InputError
        If the task has no such metric.

    Examples
    --------
    >>> metric_for("roc_auc", "binary").name, metric_for("roc_auc", "multiclass").name
    ('roc_auc', 'roc_auc_macro')
    """
    for known in (name, overall_name(name), f"{name}_macro"):
        if known in METRICS and task in METRICS[known].tasks:
            return METRICS[known]
    raise unknown_name("metric", name, metrics_of(task))


def check_metric(name: str) -> None:
    """Raise `InputError` if no task has a metric of this name, before the task is known."""
    if not {name, overall_name(name), f"{name}_macro"} & METRICS.keys():
        raise unknown_name("metric", name, METRICS)


def searchable(name: str | None, task: str) -> MetricSpec:
    """Return the metric that a search of settings optimises; the task's default if no name is given.

    Raises
    ------
    InputError
        If the task has no such metric, or the metric is not suitable for a search.
    """
    metric = metric_for(name or TASKS[task].searched, task)
    if not metric.tunable:
        known = ", ".join(other for other in metrics_of(task) if METRICS[other].tunable)
        raise InputError(
            f"A search cannot choose by {metric.name}: a model that ignores the images can have its best value. "
            f"Choose by one of {known}."
        )
    return metric


def format_score(value: float | None) -> str:
    """Return a metric's value as tables show it; a dash if it is not defined.

    Examples
    --------
    >>> format_score(0.98765), format_score(None)
    ('0.988', '–')
    """
    return "–" if value is None else f"{value:.{DECIMALS}f}"
