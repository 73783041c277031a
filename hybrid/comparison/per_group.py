"""The scores of models per group of images, such as per patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate, per_group
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups

_WORDS = {
    "mean": "the mean probability of its images",
    "max": "the highest probability among its images",
    "vote": "the votes of its images",
}


@dataclass(frozen=True, eq=False)
class PerGroup:
    """The scores of models on groups of images, each of which is one case.

    Attributes
    ----------
    how : {"mean", "max", "vote"}
        How the predictions for the images of a group were combined.
    groups, left_out : int
        Number of groups that are scored, and of groups that are left out, because their images have different labels.
    scores : dict of str to Evaluation
        Scores of each model. Their ``n`` is the number of groups.
    """

    how: str
    groups: int
    left_out: int
    scores: dict[str, Evaluation]

    def sentence(self) -> str:
        """Return what was scored, as a sentence."""
        left_out = ""
        if self.left_out:
            left_out = f" {self.left_out} groups are left out, because their images have different labels."
        cases = "The 1 group is" if self.groups == 1 else f"Each of the {self.groups:,} groups is"
        return f"{cases} one case, predicted by {_WORDS[self.how]}.{left_out}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        scores = {name: result.to_dict() for name, result in self.scores.items()}
        return {"how": self.how, "groups": self.groups, "left_out": self.left_out, "scores": scores}


def scores_per_group(
    models: Sequence[ModelRecord],
    parts: Sequence[Predictions],
    positive: Any,
    how: str,
    fixed_classes: bool = True,
) -> PerGroup:
    """Return the scores of models per group.

    Parameters
    ----------
    models : sequence of ModelRecord
    parts : sequence of Predictions
        Predictions of each model for the compared images.
    positive : object or None
        The positive class of a binary task.
    how : {"mean", "max", "vote"}
        How the predictions for the images of a group are combined; thresholds are those of the model.
    fixed_classes : bool, default=True
        As in :func:`hybrid.evaluate`.

    Raises
    ------
    InputError
        If no groups are known, or no group has one label.
    """
    groups, scores = known_groups(parts), {}
    if groups is None:
        raise InputError(
            "Results per group need groups, and none are known for these images: extract them with --group-column or "
            "--group-pattern, and fit the models again."
        )
    for model, part in zip(models, parts, strict=True):
        classes = part.classes.tolist()
        given: dict[str, Any] = {"y_pred": part.predicted, "pos_label": positive, "threshold": model.threshold}
        cases = per_group(part.y, part.proba, classes, groups=groups, how=how, **given)
        scores[model.name] = evaluate(
            cases.y_true,
            cases.proba,
            classes,
            y_pred=cases.y_pred,
            pos_label=positive,
            fixed_classes=fixed_classes,
        )
    return PerGroup(how, len(cases.groups), len(cases.left_out), scores)
