"""The registry of metrics, and the metrics that the tables, searches and tests of each task use."""

from dataclasses import dataclass

from hybrid.errors import InputError, unknown_name

BINARY = ("binary",)
MULTICLASS = ("multiclass",)
MULTILABEL = ("multilabel",)
SINGLE_LABEL = ("binary", "multiclass")
AVERAGED = ("multiclass", "multilabel")
ALL = ("binary", "multiclass", "multilabel")
BOTH = ("positives", "negatives")

DECIMALS = 3  # of every metric, in text and tables


@dataclass(frozen=True)
class MetricSpec:
    """Definition of a metric.

    Attributes
    ----------
    name : str
        Name in ``Evaluation.metrics`` and in files.
    title : str
        Name in reports.
    definition : str
        Definition in one sentence.
    needs : {"decisions", "ranks", "probabilities"}
        Which predictions it is computed from: predicted classes, the order of the images by probability, or the
        probabilities themselves.
    tasks : tuple of str
        Tasks that have it as an overall metric. Empty for metrics of single classes only.
    higher_is_better : bool
        Whether a higher value is better.
    tunable : bool
        Whether a search may choose by it. Metrics that can be best for a model that ignores the images, such as one
        that always predicts the same class, are excluded.
    positive_class : str
        Name of the single-class metric that it is an alias of, for the positive class of a binary task.
    undefined_without : tuple of {"positives", "negatives"}
        Which images a class needs for its metric to be defined.
    zero_if_never_predicted : bool
        Whether a class that is never predicted counts as 0 in this mean over classes.
    share_of : {"", "images", "positives", "negatives", "predicted", "not_predicted", "either"}
        If the metric is the share of correctly predicted images: among which images. It then has Wilson's interval.
        "either" are the images that are of the class or predicted as it; F1 increases with their share.
    interval : {"bootstrap", "area", "jackknife", "calibration"}
        How the interval of any other metric is computed: "area" is DeLong's on the scale of log-odds, and "jackknife"
        Wilson's with the jackknife's variance. With "calibration" the bootstrap distribution is mirrored, because the
        metric is biased on few images.
    paired_test : {"bootstrap", "McNemar", "DeLong"}
        How the difference of two models is tested.
    in_points : bool
        Whether differences are shown in percentage points.
    aim : str
        Name of the aim of thresholds that maximise it or reach a level of it; empty if there is none.
    aim_has_level : bool
        Whether thresholds reach a given level of it instead of maximising it.
    """

    name: str
    title: str
    definition: str
    needs: str
    tasks: tuple[str, ...] = ()
    higher_is_better: bool = True
    tunable: bool = True
    positive_class: str = ""
    undefined_without: tuple[str, ...] = ()
    zero_if_never_predicted: bool = False
    share_of: str = ""
    interval: str = "bootstrap"
    paired_test: str = "bootstrap"
    in_points: bool = False
    aim: str = ""
    aim_has_level: bool = False

    @property
    def threshold_free(self) -> bool:
        """Whether it is computed from probabilities instead of predicted classes."""
        return self.needs != "decisions"

    @property
    def class_tasks(self) -> tuple[str, ...]:
        """Tasks in which it is a metric of each class or label."""
        return tuple(task for task, chosen in TASKS.items() if self.name in chosen.per_class)


@dataclass(frozen=True)
class TaskMetrics:
    """The metrics that a task's tables, searches and tests use, in the order of the tables.

    Attributes
    ----------
    ordering : str
        The metric that models are ordered by, best first.
    searched : str
        The metric that a search of settings optimises by default.
    tested : tuple of str
        The metrics that pairs of models are tested in by default.
    terminal, report : tuple of str
        Columns or rows of the main tables of the command line and of the report.
    calibration : tuple of str
        Metrics of the quality of the probabilities, shown beside `report` in tables of models.
    per_class : tuple of str
        The metrics of each class or label.
    terminal_classes, report_classes : tuple of str
        Columns of the tables of single classes.
    """

    ordering: str
    searched: str
    tested: tuple[str, ...]
    terminal: tuple[str, ...]
    report: tuple[str, ...]
    per_class: tuple[str, ...]
    calibration: tuple[str, ...] = ("brier", "ece")
    terminal_classes: tuple[str, ...] = ("precision", "recall", "f1", "roc_auc")
    report_classes: tuple[str, ...] = ("precision", "recall", "specificity", "f1", "roc_auc", "average_precision")


_ROWS = (
    MetricSpec(
        "accuracy",
        "accuracy",
        "Share of images whose class is predicted.",
        "decisions",
        SINGLE_LABEL,
        share_of="images",
        paired_test="McNemar",
        in_points=True,
        aim="accuracy",
    ),
    MetricSpec(
        "balanced_accuracy",
        "balanced accuracy",
        "Mean of the recalls of the classes; of a label, mean of recall and specificity.",
        "decisions",
        SINGLE_LABEL,
        undefined_without=BOTH,
        in_points=True,
        aim="balanced",
    ),
    MetricSpec(
        "subset_accuracy",
        "all labels right",
        "Share of images all of whose labels are predicted right.",
        "decisions",
        MULTILABEL,
        share_of="images",
        paired_test="McNemar",
        in_points=True,
    ),
    MetricSpec(
        "hamming_loss",
        "Hamming loss",
        "Share of wrong labels, over all images and labels.",
        "decisions",
        MULTILABEL,
        higher_is_better=False,
    ),
    MetricSpec(
        "sensitivity",
        "sensitivity",
        "Recall of the positive class.",
        "decisions",
        BINARY,
        tunable=False,
        positive_class="recall",
        share_of="positives",
        paired_test="McNemar",
        in_points=True,
    ),
    MetricSpec(
        "specificity",
        "specificity",
        "Share of the images of other classes that are not predicted as the class.",
        "decisions",
        BINARY,
        tunable=False,
        positive_class="specificity",
        undefined_without=("negatives",),
        share_of="negatives",
        paired_test="McNemar",
        in_points=True,
        aim="specificity",
        aim_has_level=True,
    ),
    MetricSpec(
        "precision",
        "precision",
        "Share of the images predicted as the class that belong to it.",
        "decisions",
        BINARY,
        tunable=False,
        positive_class="precision",
        undefined_without=("positives",),
        share_of="predicted",
    ),
    MetricSpec(
        "npv",
        "negative predictive value",
        "Share of the images not predicted as the class that do not belong to it.",
        "decisions",
        BINARY,
        tunable=False,
        positive_class="npv",
        undefined_without=("negatives",),
        share_of="not_predicted",
    ),
    MetricSpec(
        "recall",
        "recall",
        "Share of the images of the class that are predicted as it.",
        "decisions",
        tunable=False,
        undefined_without=("positives",),
        share_of="positives",
        aim="recall",
        aim_has_level=True,
    ),
    MetricSpec(
        "f1",
        "F1",
        "Harmonic mean of precision and recall.",
        "decisions",
        BINARY,
        positive_class="f1",
        undefined_without=("positives",),
        share_of="either",
        aim="f1",
    ),
    MetricSpec(
        "roc_auc",
        "ROC AUC",
        "Area under the ROC curve of the class against the rest.",
        "ranks",
        BINARY,
        positive_class="roc_auc",
        undefined_without=BOTH,
        interval="area",
        paired_test="DeLong",
    ),
    MetricSpec(
        "average_precision",
        "average precision",
        "Mean of the precisions at each image of the class, by falling probability.",
        "ranks",
        BINARY,
        positive_class="average_precision",
        undefined_without=BOTH,
        interval="jackknife",
    ),
    MetricSpec(
        "roc_auc_macro",
        "ROC AUC, macro",
        "Mean of the ROC AUC of the classes.",
        "ranks",
        AVERAGED,
        interval="jackknife",
    ),
    MetricSpec(
        "average_precision_macro",
        "mean average precision",
        "Mean of the average precision of the classes.",
        "ranks",
        AVERAGED,
        interval="jackknife",
    ),
    MetricSpec(
        "roc_auc_micro",
        "ROC AUC, micro",
        "ROC AUC over all pairs of an image and a label.",
        "ranks",
        MULTILABEL,
        interval="jackknife",
    ),
    MetricSpec(
        "average_precision_micro",
        "average precision, micro",
        "Average precision over all pairs of an image and a label.",
        "ranks",
        MULTILABEL,
        interval="jackknife",
    ),
    MetricSpec(
        "mcc",
        "Matthews correlation",
        "Correlation of true and predicted classes; 0 if every prediction is the same.",
        "decisions",
        SINGLE_LABEL,
        undefined_without=BOTH,
    ),
    MetricSpec(
        "precision_macro",
        "precision, macro",
        "Mean of the precision of the classes; 0 for a class that is never predicted.",
        "decisions",
        ALL,
        tunable=False,
        zero_if_never_predicted=True,
    ),
    MetricSpec("recall_macro", "recall, macro", "Mean of the recall of the classes.", "decisions", ALL, tunable=False),
    MetricSpec("f1_macro", "F1, macro", "Mean of the F1 of the classes.", "decisions", ALL),
    MetricSpec(
        "balanced_accuracy_macro",
        "balanced accuracy, macro",
        "Mean of the balanced accuracy of the labels.",
        "decisions",
        MULTILABEL,
    ),
    MetricSpec(
        "precision_micro",
        "precision, micro",
        "Share of all predicted labels that are right.",
        "decisions",
        MULTILABEL,
        tunable=False,
    ),
    MetricSpec(
        "recall_micro",
        "recall, micro",
        "Share of all true labels that are predicted.",
        "decisions",
        MULTILABEL,
        tunable=False,
    ),
    MetricSpec("f1_micro", "F1, micro", "F1 over all pairs of an image and a label.", "decisions", MULTILABEL),
    MetricSpec(
        "precision_weighted",
        "precision, weighted",
        "Mean of the precision of the classes, weighted by their images.",
        "decisions",
        SINGLE_LABEL,
        tunable=False,
        zero_if_never_predicted=True,
    ),
    MetricSpec(
        "recall_weighted",
        "recall, weighted",
        "Mean of the recall of the classes, weighted by their images, which is the accuracy.",
        "decisions",
        SINGLE_LABEL,
        share_of="images",
    ),
    MetricSpec(
        "f1_weighted",
        "F1, weighted",
        "Mean of the F1 of the classes, weighted by their images.",
        "decisions",
        SINGLE_LABEL,
    ),
    MetricSpec(
        "log_loss",
        "log loss",
        "Mean negative logarithm of the probability of the true class.",
        "probabilities",
        SINGLE_LABEL,
        higher_is_better=False,
    ),
    MetricSpec(
        "log_loss_macro",
        "log loss, macro",
        "Mean of the log loss of the labels.",
        "probabilities",
        MULTILABEL,
        higher_is_better=False,
    ),
    MetricSpec(
        "brier",
        "Brier score",
        "Mean squared error of the positive class's probability; for more classes, summed over them.",
        "probabilities",
        SINGLE_LABEL,
        higher_is_better=False,
    ),
    MetricSpec(
        "ece",
        "calibration error",
        "Mean distance of probability and frequency over 15 bins of equal numbers of images.",
        "probabilities",
        SINGLE_LABEL,
        higher_is_better=False,
        tunable=False,
        interval="calibration",
    ),
    MetricSpec(
        "ece_macro",
        "calibration error, macro",
        "Mean of the calibration error of the labels.",
        "probabilities",
        MULTILABEL,
        higher_is_better=False,
        tunable=False,
        interval="calibration",
    ),
)
METRICS = {row.name: row for row in _ROWS}

_PER_CLASS = ("precision", "npv", "recall", "specificity", "f1", "roc_auc", "average_precision")
TASKS = {
    "binary": TaskMetrics(
        ordering="roc_auc",
        searched="roc_auc",
        tested=("accuracy", "roc_auc"),
        terminal=(
            *("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "sensitivity", "specificity"),
            *("precision", "f1", "mcc", "log_loss", "brier"),
        ),
        report=("roc_auc", "accuracy", "sensitivity", "specificity", "f1"),
        per_class=_PER_CLASS,
    ),
    "multiclass": TaskMetrics(
        ordering="accuracy",
        searched="roc_auc_macro",
        tested=("accuracy", "roc_auc_macro"),
        terminal=(
            *("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "roc_auc_macro", "average_precision_macro"),
            *("mcc", "log_loss", "brier"),
        ),
        report=("accuracy", "f1_macro", "roc_auc_macro"),
        per_class=_PER_CLASS,
    ),
    "multilabel": TaskMetrics(
        ordering="average_precision_macro",
        searched="average_precision_macro",
        tested=("average_precision_macro", "roc_auc_macro"),
        terminal=(
            *("average_precision_macro", "roc_auc_macro", "f1_macro", "f1_micro"),
            *("subset_accuracy", "hamming_loss"),
        ),
        report=("average_precision_macro", "roc_auc_macro", "f1_macro", "f1_micro", "subset_accuracy"),
        calibration=(),
        per_class=(*_PER_CLASS, "accuracy", "balanced_accuracy", "mcc", "log_loss", "brier", "ece"),
    ),
}

LOWER_IS_BETTER = frozenset(name for name, metric in METRICS.items() if not metric.higher_is_better)


def metrics_of(task: str) -> tuple[str, ...]:
    """Return the names of the overall metrics of a task.

    Examples
    --------
    >>> metrics_of("multilabel")[:3]
    ('subset_accuracy', 'hamming_loss', 'roc_auc_macro')
    """
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)


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
    for known in (name, f"{name}_macro"):
        if known in METRICS and task in METRICS[known].tasks:
            return METRICS[known]
    raise unknown_name("metric", name, metrics_of(task))


def check_metric(name: str) -> None:
    """Raise `InputError` if no task has a metric of this name, before the task is known."""
    if not {name, f"{name}_macro"} & METRICS.keys():
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
