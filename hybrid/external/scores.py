"""The scores of a model on one set of images, and their differences from those on another."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.evaluation import CalibrationLine, Evaluation, calibration_line, evaluate
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.unpaired import UnpairedTest, line_tests, unpaired_tests
from hybrid.workspace.predictions import Predictions


@dataclass(frozen=True, eq=False)
class SideScores:
    """The predictions of a model on one set of images, with its scores.

    Attributes
    ----------
    predictions : Predictions
    evaluation : Evaluation
    line : CalibrationLine
        Calibration slope and intercept, the latter being the calibration in the large.
    """

    predictions: Predictions
    evaluation: Evaluation
    line: CalibrationLine

    @property
    def observed(self) -> float | None:
        """Share of images of the positive class of a binary task; None for other tasks."""
        positive = self.evaluation.positive
        return None if positive is None else float((self.predictions.y == positive).mean())

    @property
    def expected(self) -> float | None:
        """Mean predicted probability of the positive class of a binary task; None for other tasks."""
        result = self.evaluation
        if result.positive is None:
            return None
        return float(self.predictions.proba[:, result.classes.index(result.positive)].mean())


def side_scores(
    predictions: Predictions,
    positive: Any,
    level: float = 0.95,
    saved: Evaluation | None = None,
    group_name: str = GROUP,
) -> SideScores:
    """Return the scores of predictions.

    Parameters
    ----------
    predictions : Predictions
    positive : object or None
        The positive class of a binary task.
    level : float, default=0.95
        Coverage of the intervals.
    saved : Evaluation, optional
        The evaluation of these predictions, if it is known.
    group_name : str, default="group"
        What a group is called in words.
    """
    classes = predictions.classes.tolist()
    given: dict[str, Any] = {"pos_label": positive, "groups": predictions.groups, "level": level}
    if saved is None or saved.level != level or not saved.n_boot:
        saved = evaluate(predictions.y, predictions.proba, classes, y_pred=predictions.predicted, **given)
        saved = replace(saved, group_name=group_name)
    return SideScores(
        predictions, saved, calibration_line(predictions.y, predictions.proba, classes, **given)
    )  # fmt: skip


def with_known(predictions: Predictions, known: np.ndarray) -> Predictions:
    """Return predictions for the classes or labels that both sides have.

    Of a multi-label task these are the columns of the labels, of other tasks the images of the classes.

    Parameters
    ----------
    predictions : Predictions
    known : ndarray of bool, shape (k,)
        Whether both sides have each class or label.
    """
    if known.all():
        return predictions
    if predictions.y.ndim == 1:
        return predictions.take(np.isin(predictions.y, predictions.classes[known]))
    columns = {name: getattr(predictions, name)[:, known] for name in ("y", "predicted", "proba")}
    return replace(predictions, **columns, classes=predictions.classes[known])


def differences(external: SideScores, internal: SideScores) -> tuple[UnpairedTest, ...]:
    """Return the differences of all scores, external minus internal, and of calibration slope and intercept."""
    lines = line_tests(external.line, internal.line)
    shown = lines if external.evaluation.task != "multiclass" else lines[:1]  # the intercept is 0 by definition
    return (*unpaired_tests(external.evaluation, internal.evaluation), *shown)


def class_differences(external: SideScores, internal: SideScores) -> tuple[UnpairedTest, ...]:
    """Return the differences of the scores of each class that the external images have."""
    one = external.evaluation
    tests = unpaired_tests(one, internal.evaluation, per_class=True)
    return tuple(test for test in tests if one.per_class[test.label]["support"])
