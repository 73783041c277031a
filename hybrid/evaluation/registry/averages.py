"""Metrics of predicted classes that take all classes together: correlation and averages over the classes."""

from hybrid.evaluation.registry.spec import ALL, BOTH, MULTILABEL, SINGLE_LABEL, MetricSpec

AVERAGES = (
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
)
