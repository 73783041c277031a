"""Notes on scores: why a score is not defined, or which convention determines it."""

from collections.abc import Sequence

import numpy as np

from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.metrics import METRICS, of_positive_class
from hybrid.evaluation.sample_weights import size_of
from hybrid.wording import and_more, number

NEEDS_PROBABILITIES = "needs probabilities, and only predicted labels were given"
NO_IMAGES = "the split has no image of this class"
ALL_IMAGES = "every image of the split is of this class"
NEVER_PREDICTED = "the class is never predicted"
ALWAYS_PREDICTED = "the class is always predicted"
CONSTANT = "0 by convention: every prediction is the same"
NO_INTERVAL = "no interval: resampling these images does not vary it, or often leaves it undefined"
SAME_PROBABILITIES = (
    "no interval: all images of a class have the same probabilities, so it depends only on the shares of the classes"
)
SINGLE_IMAGE = "no interval: one of the two sides is a single image, whose variation cannot be estimated"
UPPER_BOUND = "upper bound only: with so few images, a perfectly calibrated model can have such an error by chance"
SINGLE_GROUP = "no interval: all images that it is computed from, or one of the two sides, are of one group"
SINGLE_WEIGHTED = "no interval: it is computed from a single image, or one of the two sides is a single image"
WILSON_GROUPS = "Wilson's interval for the number of groups, because resampling does not vary it"
WILSON_WEIGHTED = "Wilson's interval for the effective number of images or groups, because resampling does not vary it"
WILSON = "Wilson's interval, because resampling does not vary it"
NO_FALSE_ALARM = "infinite, because no image of another class is predicted as the class"
NO_REJECTION = "infinite, because every image of another class is predicted as the class"
HALF_IMAGES = "interval with half an image added to each count, because one of the counts is 0"
NEWCOMBE = "Newcombe's interval, because resampling does not vary it"
APPROXIMATION = "the interval is only an approximation"
FEWEST = 10  # images or groups of a class, below which coverage was simulated to differ from the nominal one


def class_note(name: str, k: int, problem: CheckedInput) -> str:
    """Return why a score of class `k` is not defined, or which convention determines it; "" if neither."""
    needed = METRICS[name].undefined_without
    if "positives" in needed and not problem.truth[:, k].any():
        return NO_IMAGES
    if "negatives" in needed and problem.truth[:, k].all():
        return ALL_IMAGES
    predicted = problem.predicted[:, k]
    if name == "precision" and not predicted.any():
        return NEVER_PREDICTED
    if name == "npv" and predicted.all():
        return ALWAYS_PREDICTED
    if name == "lr_positive" and not predicted[~problem.truth[:, k]].any():
        return NO_FALSE_ALARM if predicted.any() else NEVER_PREDICTED
    if name == "lr_negative" and predicted[~problem.truth[:, k]].all():
        return ALWAYS_PREDICTED if predicted.all() else NO_REJECTION
    return CONSTANT if name == "mcc" and predicted.all() | ~predicted.any() else ""


def single_group(problem: CheckedInput) -> str:
    """Return that there is no interval, because all images are of one group, or because there is a single image."""
    return SINGLE_WEIGHTED if problem.drawn_groups is None else SINGLE_GROUP


def few_note(name: str, k: int, problem: CheckedInput) -> str:
    """Return a warning if a score of class `k` rests on few images or groups with or without the class; "" if not.

    With weights it is their effective number that counts.
    """
    groups, weights, truth = problem.drawn_groups, problem.weights, problem.truth[:, k]
    unit = "image" if groups is None else "group"
    units = np.arange(len(truth)) if groups is None else groups
    for side, rows in (("positives", truth), ("negatives", ~truth)):
        if side not in METRICS[name].undefined_without or not rows.any():
            continue
        found, which = size_of(units[rows], None), "with" if side == "positives" else "without"
        if found < FEWEST:
            verb = "is" if found == 1 else "are"
            return f"{APPROXIMATION}, because there {verb} only {number(int(found), unit)} {which} this class"
        if weights is not None and (effective := size_of(units[rows], weights[rows])) < FEWEST:
            return (
                f"{APPROXIMATION}, because the effective number of {unit}s {which} this class is only {effective:.1f}"
            )
    return ""


def overall_note(name: str, problem: CheckedInput) -> str:
    """Return why an overall score is not defined, or which classes it leaves out; "" if neither."""
    support, predicted = problem.truth.sum(axis=0), problem.predicted.sum(axis=0)
    if problem.task == "binary" and name in of_positive_class():
        return class_note(of_positive_class()[name], problem.classes.index(problem.positive), problem)
    if name == "mcc":
        if (support > 0).sum() == 1:
            return "the split has images of one class only"
        return CONSTANT if (predicted > 0).sum() == 1 else ""
    if name == "precision_micro" and not predicted.any():
        return "no label is ever predicted"
    notes = []
    if name.endswith("_macro") or name == "balanced_accuracy":
        absent = [label for label, images in zip(problem.classes, support, strict=True) if images == 0]
        notes += [f"without classes that the split lacks: {_names(absent)}"] if absent else []
    if METRICS[name].zero_if_never_predicted:
        missed = (support > 0) & (predicted == 0)
        never = [label for label, is_missed in zip(problem.classes, missed, strict=True) if is_missed]
        notes += [f"counted as 0, because never predicted: {_names(never)}"] if never else []
    return "; ".join(notes)


def single_image_note(name: str, problem: CheckedInput) -> str:
    """Return why the interval of a mean over classes is unreliable: a class has images of one group, or one image."""
    metric, groups = METRICS[name], problem.drawn_groups
    is_mean = name.endswith("_macro") or name == "balanced_accuracy"
    if not is_mean or metric.needs == "probabilities":
        return ""
    units = np.arange(len(problem.truth)) if groups is None else groups
    sides = (problem.truth, ~problem.truth) if problem.task == "multilabel" else (problem.truth,)
    single = [
        label
        for k, label in enumerate(problem.classes)
        if any(len(np.unique(units[side[:, k]])) == 1 for side in sides)
    ]
    if not single:
        return ""
    what = "image" if groups is None else "group"
    among = "with or without" if problem.task == "multilabel" else "of"
    return f"interval unreliable: a single {what} {among} {_names(single)} does not show how much its score varies"


def _names(labels: Sequence) -> str:
    return and_more([*map(str, labels)], 5)
