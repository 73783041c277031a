"""Judge an adapted model on images of the new site that it was not adapted to, beside the model as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.adaptation.methods import NONE, AdaptedModel, SiteImages
from hybrid.evaluation import CalibrationLine, Evaluation, PairedEvaluation, PairedTest, calibration_line
from hybrid.evaluation.metrics import metric_for
from hybrid.evaluation.registry.tasks import TASKS

UNADAPTED, ADAPTED = "unadapted", "adapted"


@dataclass(frozen=True)
class Judged:
    """Scores of both models on the same images.

    Attributes
    ----------
    evaluations : dict of str to Evaluation
        By ``"adapted"`` and ``"unadapted"``; only the latter if nothing was changed.
    tests : tuple of PairedTest
        The tests of the differences, adapted minus unadapted.
    lines : dict of str to CalibrationLine
        Calibration slope and intercept of both models.
    """

    evaluations: dict[str, Evaluation]
    tests: tuple[PairedTest, ...]
    lines: dict[str, CalibrationLine]


def metrics_shown(task: str, metric: str | None) -> tuple[str, ...]:
    """Return the metrics of the curve and the tests, beginning with the given one.

    Raises
    ------
    InputError
        If the task has no such metric.
    """
    first = [] if metric is None else [metric_for(metric, task).name]
    return tuple(dict.fromkeys([*first, *TASKS[task].adapting]))


def judge(
    adapted: AdaptedModel,
    images: SiteImages,
    classes: Sequence[Any],
    positive: Any,
    metrics: Sequence[str],
    random_state: int = 0,
) -> Judged:
    """Return the scores of an adapted model and of its parent on the same images, and the tests of their differences.

    Parameters
    ----------
    adapted : AdaptedModel
    images : SiteImages
        Images that the model was not adapted to.
    classes : sequence of length k
        Names of the classes or labels.
    positive : object or None
        The positive class of a binary task.
    metrics : sequence of str
        The tested metrics; the first one decides.
    random_state : int, default=0
        Seed of the bootstrap draws.
    """
    probabilities, labels = {UNADAPTED: images.proba}, {UNADAPTED: images.predicted}
    if adapted.method != NONE:
        proba, predicted = adapted.predict(images)
        probabilities, labels = {ADAPTED: proba} | probabilities, {ADAPTED: predicted} | labels
    paired = PairedEvaluation(
        images.y,
        probabilities,
        classes,
        y_pred=labels,
        pos_label=positive,
        groups=images.groups,
        random_state=random_state,
    )
    lines = {
        name: calibration_line(images.y, values, classes, pos_label=positive, groups=images.groups)
        for name, values in probabilities.items()
    }
    tests = paired.tests(metrics, reference=UNADAPTED, primary=metrics[0])
    return Judged(paired.evaluations(), tuple(tests), lines)
