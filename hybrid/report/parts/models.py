"""The parts of the report on the models: scores, differences, curves, errors, the threshold."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.comparison.aims import aim_sentences
from hybrid.comparison.own_thresholds import own_thresholds
from hybrid.evaluation import METRICS
from hybrid.evaluation.metrics import format_score
from hybrid.evaluation.weighted_scores import class_scores
from hybrid.report.elements import figures, tables
from hybrid.report.elements.explorer import explorer_counts
from hybrid.report.elements.words import metric_name, plural, spoken, visible
from hybrid.report.parts.part import Part
from hybrid.wording import and_more
from hybrid.workspace.model_record import ModelRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

_MOST_FREQUENCIES = 5
_MOST_MATRICES = 12
_FEW_CLASSES = 4
_MOST_OPEN = 3


def models(leaderboard: "Leaderboard") -> Part:
    """Return all models with their scores and costs."""
    lead, notes = _notes(leaderboard)
    shown, costs = tables.model_table(leaderboard), tables.cost_table(leaderboard)
    content = {"notes": notes, "scores": shown, "costs": costs}
    drawings = figures.score_drawings(leaderboard)
    return Part("models", "Models", [*lead, *leaderboard.label_notes], [shown, costs], drawings, content=content)


def _notes(leaderboard: "Leaderboard") -> tuple[list[str], list[str]]:
    """Return the notes that are shown, and those that are folded, because they do not limit the scores."""
    reassurances = leaderboard.history.reassurances() if leaderboard.history else ()
    harmless = {*reassurances, *(result.group_note for result in leaderboard.evaluations)}
    notes = [note for note in leaderboard.notes if note not in leaderboard.significance]  # the next part has these
    folded = [note for note in notes if note in harmless]
    return [spoken(note) for note in notes if note not in harmless], list(map(spoken, folded))


def curves(leaderboard: "Leaderboard", shown: int) -> Part:
    """Return the curves of all models."""
    left_out = len(leaderboard.models) - figures.MOST_MODELS
    lead = (
        [f"The chosen model and the first {figures.MOST_MODELS - 1} others of the table are shown."]
        if left_out > 0
        else []
    )
    lead.append(_meaning_of_probabilities(leaderboard.models[shown]))
    return Part(
        "curves",
        "Curves",
        lead,
        [tables.calibration_table(leaderboard)],
        figures.curve_drawings(leaderboard, shown),
    )


def _meaning_of_probabilities(model: ModelRecord) -> str:
    """Return sentences on the class frequencies that the probabilities refer to, and on the calibration table."""
    slope = (
        "With a calibration slope of 1, probabilities are as extreme as they should be; below 1, they are too extreme."
    )
    if not model.frequencies:
        return f"Probabilities refer to the classes as they were weighted in training. {slope}"
    origin = "given class frequencies" if model.prevalence is not None else "class frequencies of the training data"
    shares = [f"{visible(name)} {share:.1%}" for name, share in model.frequencies.items()]
    if model.task == "binary":
        shares = [f"{visible(model.positive)} {model.frequencies[str(model.positive)]:.1%}"]
    return f"Probabilities refer to the {origin} ({and_more(shares, _MOST_FREQUENCIES)}). {slope}"


def errors(leaderboard: "Leaderboard", shown: int) -> Part:
    """Return the confusion matrices of all models; with many classes, one figure and the most confused pairs."""
    result = leaderboard.evaluations[shown]
    classes = tables.class_table(result)
    content: dict[str, Any] = {"classes": classes, "confused": None, "matrices": [], "folded": []}
    if result.task == "multilabel" or len(result.classes) <= tables.MOST_CLASSES_IN_A_MATRIX:
        order = [shown, *(number for number in range(len(leaderboard.models)) if number != shown)]
        matrices = [
            tables.confusion_table(
                f"confusion-{number + 1}", leaderboard.labels[number], leaderboard.evaluations[number]
            )
            for number in order[: 1 if result.task == "multilabel" else _MOST_MATRICES]
        ]
        open_ones = _MOST_OPEN if len(result.classes) <= _FEW_CLASSES else 1
        content |= {"matrices": matrices[:open_ones], "folded": matrices[open_ones:]}
        lead = ["Counts and shares of each row. Rows are the true classes, columns the predicted ones."]
        if result.task == "multilabel":
            lead = [
                f"Results of {leaderboard.names[shown]}: counts, and shares of the images with and without each label."
            ]
        return Part("errors", "Errors", lead, [*matrices, classes], content=content)
    content["confused"] = tables.confused_table(result)
    matrix = tables.confusion_table("confusion", leaderboard.labels[shown], result)
    lead = [
        f"Confusion matrix of {leaderboard.names[shown]}. A table saved beside the page has the counts of all "
        f"{len(result.classes)} classes."
    ]
    picture = figures.confusion_drawing("confusion", leaderboard.labels[shown], result)
    return Part("errors", "Errors", lead, [content["confused"], classes], [picture], [matrix], content)


def threshold(leaderboard: "Leaderboard", shown: int) -> Part | None:
    """Return the explorer of the chosen model's thresholds; None for a multiclass task, which has no threshold."""
    result, model, part = leaderboard.evaluations[shown], leaderboard.models[shown], leaderboard.predictions[shown]
    if result.task == "multiclass":
        return None
    if result.task == "binary":
        column, names = result.classes.index(result.positive), [visible(result.positive)]
        truth, proba = (part.y == result.positive)[:, None], part.proba[:, [column]]
        predicted = (part.predicted == result.positive)[:, None]
    else:
        truth, proba, predicted = part.y.astype(bool), part.proba, part.predicted.astype(bool)
        names = [visible(label) for label in result.classes]
    own = own_thresholds(model, len(names))
    if model.threshold is None and result.task == "binary" and column == 0:
        own = [float(np.nextafter(0.5, 1))]  # of two equally probable classes, the second is predicted
    counts = explorer_counts(truth, proba, names, own)
    lead = [
        f"{leaderboard.names[shown]} predicts “{names[0]}” at a probability of {own[0]:g} or more; "
        f"this threshold {_threshold_origin(model)}."
        if result.task == "binary"
        else f"{leaderboard.names[shown]} predicts a label when its probability reaches the label's threshold; "
        f"each threshold {_threshold_origin(model)}.",
        *aim_sentences(leaderboard.aims, leaderboard.split, only=leaderboard.names[shown]),
        f"Move the threshold here to see its effect, not to choose one: a threshold that is chosen on "
        f"{leaderboard.split} has scores there that are too optimistic. To choose one, use hybrid fit --aim, which "
        "never uses test.",
    ]
    if differing := int(((proba >= own) != predicted).any(axis=1).sum()):
        lead.append(
            f"On {plural(differing, 'image')} the model's prediction differs from this rule, because its labels come "
            "from scores that its calibrated probabilities do not always follow."
        )
    return Part("threshold", "Threshold", lead, content={"counts": counts, "start": _start(counts)})


def _threshold_origin(model: ModelRecord) -> str:
    if model.threshold is None:
        if model.default_threshold in (None, 0.5) or model.task == "multilabel":
            return "is the default"
        return "is the default, the frequency of the class in training, because the classes have balanced weights"
    on_validation = model.adjustment is not None and model.adjustment.on == "val"
    how = "on validation" if on_validation else "by cross-validation inside train"
    if not model.aim:
        return f"was chosen {how}"
    return f"was chosen {how} for {metric_name(model.aim) if model.aim in METRICS else model.aim}"


def _start(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the counts and scores at the model's own threshold, which are shown even if scripts are disabled."""
    label = counts["labels"][0]
    tp, fp = label["tp"][label["own"]], label["fp"][label["own"]]
    fn, tn = label["positives"] - tp, label["negatives"] - fp
    scores = class_scores(tp, tp + fp, tp + fn, tp + fp + fn + tn)
    return {
        "name": label["name"],
        "threshold": f"{label['thresholds'][label['own']]:.6g}",
        "tp": tp,
        "fn": fn,
        "fp": fp,
        "tn": tn,
    } | {name: format_score(value if math.isfinite(value) else None) for name, value in scores.items()}
