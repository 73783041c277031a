"""Find out whether the models of a leaderboard are worth using, at the prevalence that was named."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.own_thresholds import own_thresholds
from hybrid.comparison.usefulness import Usefulness
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import DecisionCurve, Evaluation, decision_curve, predictive_values
from hybrid.evaluation.decision_curve import check_share, shifted
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups

_LEAST = 1e-6  # thresholds are kept so far from 0 and 1
Prevalence = float | Mapping[str, float] | None


def find_usefulness(leaderboard: Leaderboard) -> dict[Any, list[Usefulness]]:
    """Return whether each model is worth using, for each class or label with a decision curve; empty on train."""
    labels = [] if leaderboard.split == "train" else _labels(leaderboard)
    return {label: _usefulness(leaderboard, label) for label in labels}


def _usefulness(leaderboard: Leaderboard, label: Any) -> list[Usefulness]:
    """Return the usefulness of each model of a leaderboard for one class or label, at the model's own threshold."""
    found = []
    groups, prevalence = known_groups(leaderboard.predictions), leaderboard.prevalence.get(str(label))
    for model, part in zip(leaderboard.models, leaderboard.predictions, strict=True):
        k = part.classes.tolist().index(label)
        own = _own_threshold(model, k, len(part.classes), prevalence, label)
        curve = curve_of(leaderboard, model, part, label, [own])
        values = None
        if prevalence is not None:
            given = (part.y, part.predicted, part.classes.tolist())
            values = predictive_values(*given, prevalence=prevalence, pos_label=label, groups=groups)
        found.append(Usefulness(model.name, label, own, curve, values))
    return found


def curve_of(
    leaderboard: Leaderboard,
    model: ModelRecord,
    part: Predictions,
    label: Any,
    thresholds: Sequence[float] | None = None,
) -> DecisionCurve:
    """Return the decision curve of a model for one class or label, at the named prevalence if there is one."""
    return decision_curve(
        part.y,
        part.proba,
        part.classes.tolist(),
        pos_label=label,
        groups=known_groups(leaderboard.predictions),
        thresholds=thresholds,
        prevalence=leaderboard.prevalence.get(str(label)),
        proba_prevalence=model.frequencies.get(str(label)),
        fixed_classes=leaderboard.fixed_classes,
    )


def _labels(leaderboard: Leaderboard) -> list[Any]:
    """Return the classes or labels for which there are decision curves.

    These are the positive class of a binary task, and each label of a multi-label task. Of several classes they are
    those whose prevalence was named. Images with and without the class are needed.
    """
    first = leaderboard.evaluations[0]
    named = {str(label) for label in leaderboard.prevalence}
    labels = {
        "binary": [first.positive],
        "multilabel": list(first.classes),
        "multiclass": [label for label in first.classes if str(label) in named],
    }[first.task]
    return [label for label in labels if 0 < first.per_class[label]["support"] < first.n]


def named_prevalence(evaluation: Evaluation, dataset: str, given: Prevalence) -> dict[str, float]:
    """Return the prevalence of each named class or label of an evaluation on a dataset.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, a class is unknown, or no class is named and there are more than two.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        if evaluation.task != "binary":
            what = "labels" if evaluation.task == "multilabel" else "classes"
            raise InputError(
                f"A prevalence of {given} was given, but {dataset} has {len(evaluation.classes)} {what}: name one, "
                f"such as {evaluation.classes[0]}={given}."
            )
        given = {str(evaluation.positive): given}
    classes = [str(label) for label in evaluation.classes]
    for name, share in given.items():
        if name not in classes:
            raise unknown_name("class", name, classes)
        check_share("prevalence", share)
    if evaluation.task == "binary" and str(evaluation.positive) not in given:
        ((_, share),) = given.items()
        given = {str(evaluation.positive): 1 - share}
    return {name: float(share) for name, share in given.items()}


def _own_threshold(model: ModelRecord, k: int, n_classes: int, prevalence: float | None, label: Any) -> float:
    """Return a model's threshold for class or label number `k`, as a probability at the named prevalence.

    A model of several classes has no threshold of one class: 0.5 is taken, where the class is more probable than all
    others together.
    """
    if model.task == "multiclass":
        return 0.5
    own = own_thresholds(model, n_classes)[k] if model.task == "multilabel" else own_thresholds(model, 1)[0]
    own, refers_to = float(np.clip(own, _LEAST, 1 - _LEAST)), model.frequencies.get(str(label))
    if prevalence is None or refers_to is None:
        return own
    return float(shifted(np.array([own]), refers_to, prevalence)[0])
