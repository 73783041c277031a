"""The scores of models per group of images, such as per patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, PairedEvaluation, PairedTest, per_group
from hybrid.evaluation.groups import GROUP
from hybrid.wording import number, plural_of
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
    paired : PairedEvaluation
        The models on these groups, for tests of their differences.
    group_name : str, default="group"
        What a group is called in words.
    """

    how: str
    groups: int
    left_out: int
    scores: dict[str, Evaluation]
    paired: PairedEvaluation
    group_name: str = GROUP

    def tests(self, metrics: Sequence[str], **settings: Any) -> list[PairedTest]:
        """Return tests of the models on the groups, with the settings of :meth:`PairedEvaluation.tests`."""
        if len(self.scores) < 2:
            return []
        return [
            replace(test, unit="group", group_name=self.group_name) for test in self.paired.tests(metrics, **settings)
        ]

    def sentence(self) -> str:
        """Return what was scored, as a sentence."""
        left_out = ""
        if self.left_out:
            are, their = ("is", "its") if self.left_out == 1 else ("are", "their")
            some = number(self.left_out, self.group_name)
            left_out = f" {some} {are} left out, because {their} images have different labels."
        several = plural_of(self.group_name)
        cases = f"The 1 {self.group_name} is" if self.groups == 1 else f"Each of the {self.groups:,} {several} is"
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
    groups, cases = known_groups(parts), {}
    if groups is None:
        raise InputError(
            "Results per group need groups, and none are known for these images: extract them with --group-column or "
            "--group-pattern, and fit the models again."
        )
    classes = parts[0].classes.tolist()
    for model, part in zip(models, parts, strict=True):
        given: dict[str, Any] = {"y_pred": part.predicted, "pos_label": positive, "threshold": model.threshold}
        cases[model.name] = per_group(part.y, part.proba, classes, groups=groups, how=how, **given)
    first = next(iter(cases.values()))  # the labels of the groups are the same for all models
    paired = PairedEvaluation(
        first.y_true,
        {name: one.proba for name, one in cases.items()},
        classes,
        y_pred={name: one.y_pred for name, one in cases.items()},
        pos_label=positive,
        fixed_classes=fixed_classes,
    )
    name = models[0].group_name
    return PerGroup(how, len(first.groups), len(first.left_out), paired.evaluations(), paired, name)
