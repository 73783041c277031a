"""Whether models are worth using: net benefit and, at a named prevalence, predictive values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.comparison.own_thresholds import own_thresholds
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import DecisionCurve, Metric, PredictiveValues, decision_curve, predictive_values
from hybrid.evaluation.decision_curve import check_share, shifted
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups

if TYPE_CHECKING:
    from hybrid.comparison.leaderboard import Leaderboard

_LEAST = 1e-6  # thresholds are kept so far from 0 and 1
Prevalence = float | Mapping[str, float] | None


@dataclass(frozen=True, eq=False)
class Usefulness:
    """Whether acting on a model's predictions of one class or label is worth more than acting on all images or none.

    Attributes
    ----------
    model : str
        Name of the model.
    label : object
        The class or label.
    threshold : float
        The model's own threshold, as a probability at the prevalence of `at_threshold`; 0.5 for a class of several.
    at_threshold : DecisionCurve
        The net benefit at this threshold alone.
    values : PredictiveValues or None
        The predictive values; None unless a prevalence was named.
    """

    model: str
    label: Any
    threshold: float
    at_threshold: DecisionCurve
    values: PredictiveValues | None

    @property
    def net_benefit(self) -> Metric:
        """The net benefit at the model's own threshold, with its interval."""
        curve = self.at_threshold
        return Metric(float(curve.net_benefit[0]), _number(curve.low[0]), _number(curve.high[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        curve = self.at_threshold
        names = ("net_benefit", "low", "high", "treat_all", "gain", "gain_low", "gain_high")
        at = {name: _number(getattr(curve, name)[0]) for name in names}
        head = {"model": self.model, "label": self.label, "prevalence": curve.prevalence, "named": curve.named}
        values = {} if self.values is None else {"ppv": self.values.ppv.to_dict(), "npv": self.values.npv.to_dict()}
        return head | {"threshold": self.threshold} | at | values


def usefulness(leaderboard: "Leaderboard", label: Any) -> list[Usefulness]:
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
    leaderboard: "Leaderboard",
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


def labels_of_use(leaderboard: "Leaderboard") -> list[Any]:
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


def named_prevalence(leaderboard: "Leaderboard", given: Prevalence) -> dict[str, float]:
    """Return the prevalence of each named class or label of a leaderboard.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, a class is unknown, or no class is named and there are more than two.
    """
    if given is None:
        return {}
    first = leaderboard.evaluations[0]
    if not isinstance(given, Mapping):
        if first.task != "binary":
            what = "labels" if first.task == "multilabel" else "classes"
            raise InputError(
                f"A prevalence of {given} was given, but {leaderboard.dataset} has {len(first.classes)} {what}: name "
                f"one, such as {first.classes[0]}={given}."
            )
        given = {str(first.positive): given}
    classes = [str(label) for label in first.classes]
    for name, share in given.items():
        if name not in classes:
            raise unknown_name("class", name, classes)
        check_share("prevalence", share)
    if first.task == "binary" and str(first.positive) not in given:
        ((_, share),) = given.items()
        given = {str(first.positive): 1 - share}
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


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
