"""The metrics that the tables, searches and tests of each task use."""

from dataclasses import dataclass


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
    changing_classes : tuple of str
        Columns of the table of single classes of other data, each beside its difference.
    subgroups : tuple of str
        The metrics of subgroups by default.
    adapting : tuple of str
        The metrics by which an adapted model is judged.
    decided : tuple of str
        The metrics that say what a threshold reaches.
    """

    ordering: str
    searched: str
    tested: tuple[str, ...]
    terminal: tuple[str, ...]
    report: tuple[str, ...]
    per_class: tuple[str, ...]
    subgroups: tuple[str, ...]
    adapting: tuple[str, ...]
    decided: tuple[str, ...] = ()
    calibration: tuple[str, ...] = ("brier", "ece")
    terminal_classes: tuple[str, ...] = ("precision", "recall", "f1", "roc_auc")
    report_classes: tuple[str, ...] = (
        *("precision", "npv", "recall", "specificity", "lr_positive", "lr_negative", "f1", "roc_auc"),
        "average_precision",
    )
    changing_classes: tuple[str, ...] = ("recall", "precision", "roc_auc")


# Metrics of two classes that depend on the share of the positive class.
OF_SHARES = ("accuracy", "average_precision", "precision", "npv", "f1", "mcc", "log_loss", "brier")
MEANS_OF_RECALLS = ("balanced_accuracy", "recall_macro")
_PER_CLASS = (
    *("precision", "npv", "recall", "specificity", "lr_positive", "lr_negative", "f1", "roc_auc"),
    "average_precision",
)
TASKS = {
    "binary": TaskMetrics(
        ordering="roc_auc",
        searched="roc_auc",
        tested=("accuracy", "roc_auc"),
        terminal=(
            *("roc_auc", "average_precision", "accuracy", "balanced_accuracy", "sensitivity", "specificity"),
            *("precision", "npv", "lr_positive", "lr_negative", "f1", "mcc", "log_loss", "brier"),
        ),
        report=("roc_auc", "accuracy", "sensitivity", "specificity", "f1"),
        per_class=_PER_CLASS,
        subgroups=("roc_auc", "sensitivity", "specificity"),
        adapting=("balanced_accuracy", "sensitivity", "specificity", "roc_auc", "log_loss"),
        decided=("sensitivity", "specificity"),
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
        subgroups=("accuracy", "roc_auc_macro"),
        adapting=("balanced_accuracy", "accuracy", "roc_auc_macro", "log_loss"),
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
        subgroups=("roc_auc_macro", "average_precision_macro"),
        adapting=("f1_macro", "average_precision_macro", "hamming_loss"),
        per_class=(*_PER_CLASS, "accuracy", "balanced_accuracy", "mcc", "log_loss", "brier", "ece"),
    ),
}
