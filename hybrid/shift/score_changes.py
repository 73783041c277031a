"""How much the scores of a model change from validation to test, and whether class proportions alone explain it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.evaluation import LOWER_IS_BETTER, METRICS, Evaluation, UnpairedTest, evaluate, unpaired_tests
from hybrid.evaluation.paired_test import shown_in_points
from hybrid.wording import joined
from hybrid.workspace.predictions import Predictions

DRAWS = 500  # of the intervals of weighted scores
SMALLEST_CHANGE = 0.01  # shares of all classes that differ by less are equal


@dataclass(frozen=True)
class ScoreChange:
    """The change of a model's score from validation to test, tested against chance.

    Attributes
    ----------
    test : UnpairedTest
        The score on test minus the score on validation.
    chosen : tuple of str
        What the validation images chose besides, which makes the score on them too good.
    expected : float or None
        The score that validation images give if their classes are weighted to the proportions of test. None if the
        proportions are equal or not comparable.
    against_expected : UnpairedTest or None
        The score on test minus `expected`.
    """

    test: UnpairedTest
    chosen: tuple[str, ...] = ()
    expected: float | None = None
    against_expected: UnpairedTest | None = None

    @property
    def explained(self) -> bool | None:
        """Whether other class proportions alone could explain the change; None if there is nothing to explain."""
        if self.against_expected is None or not self.test.distinguishable:
            return None
        return not self.against_expected.distinguishable

    @property
    def sentence(self) -> str:
        """The change in words."""
        test, name = self.test, METRICS[self.test.metric].title
        unit = " percentage points" if shown_in_points(test.metric) else ""
        ends = f"difference {test.figure(test.difference, '+')}{unit}, {test.interval}; p {test.probability}"
        if not test.distinguishable:
            text = f"The {name} on test ({test.first:.3f}) and on validation ({test.second:.3f}) cannot be told apart"
            return f"{text} ({ends}).{self._optimistic(True)}"
        assert test.difference is not None
        worse = (test.difference < 0) != (test.metric in LOWER_IS_BETTER)
        text = f"The {name} is {test.second:.3f} on validation and {test.first:.3f} on test"
        which = "worse" if worse else "better"
        return f"{text}, {which} by more than chance ({ends}).{self._optimistic(worse)}{self._explanation()}"

    def _optimistic(self, worse: bool) -> str:
        if not self.chosen or not worse:
            return ""
        return f" The validation images also chose {joined(self.chosen)}, so that the score on them is too good."

    def _explanation(self) -> str:
        if self.explained is None or self.expected is None:
            return ""
        words = "could explain it" if self.explained else "do not explain it"
        return (
            f" With the class proportions of test, {self.expected:.3f} is expected from validation: other proportions "
            f"alone {words}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        against = self.against_expected
        return {
            "metric": self.test.metric,
            "test": self.test.first,
            "val": self.test.second,
            "difference": self.test.difference,
            "low": self.test.low,
            "high": self.test.high,
            "p_value": self.test.p_value,
            "chosen_on_validation": list(self.chosen),
            "expected_by_class_shares": self.expected,
            "p_value_against_expected": against.p_value if against else None,
            "explained_by_class_shares": self.explained,
        }


def score_changes(
    test: Evaluation,
    val: Evaluation,
    validation: Predictions,
    y_test: np.ndarray,
    metrics: Sequence[str],
    chosen: Mapping[str, tuple[str, ...]],
) -> tuple[ScoreChange, ...]:
    """Return the change of each score of a model from validation to test.

    Parameters
    ----------
    test, val : Evaluation
        The scores of the model on test and on validation.
    validation : Predictions
        Its predictions for the validation images.
    y_test : ndarray of shape (n,) or (n, k)
        Labels of the test images.
    metrics : sequence of str
        Metrics that both evaluations have.
    chosen : mapping of str to tuple of str
        What the validation images chose that can change a metric.

    Returns
    -------
    tuple of ScoreChange
        Without scores that are not defined or have no interval.
    """
    tests = [one for one in unpaired_tests(test, val, metrics) if one.p_value is not None]
    weighted = _with_shares_of(y_test, validation, val)
    if weighted is None:
        return tuple(ScoreChange(one, chosen.get(one.metric, ())) for one in tests)
    against = {one.metric: one for one in unpaired_tests(test, weighted, [one.metric for one in tests])}
    return tuple(
        ScoreChange(one, chosen.get(one.metric, ()), against[one.metric].second, against[one.metric]) for one in tests
    )


def _with_shares_of(y_test: np.ndarray, validation: Predictions, val: Evaluation) -> Evaluation | None:
    """Return the scores on validation with its classes weighted to the proportions of test.

    None for several labels per image, if only one of them has images of a class, or if the proportions are equal.
    """
    if y_test.ndim != 1:
        return None
    classes = list(val.classes)
    shares = [np.array([np.mean(y == label) for label in classes]) for y in (y_test, validation.y)]
    has = shares[1] > 0
    if ((shares[0] > 0) != has).any() or np.abs(shares[0] - shares[1]).max() < SMALLEST_CHANGE:
        return None
    column = {label: k for k, label in enumerate(classes)}
    ratio = np.divide(shares[0], shares[1], out=np.ones(len(classes)), where=has)
    weight = ratio[[column[label] for label in validation.y.tolist()]]
    return evaluate(
        validation.y,
        validation.proba,
        classes,
        y_pred=validation.predicted,
        pos_label=val.positive,
        groups=validation.groups,
        sample_weight=weight,
        n_boot=DRAWS,
        level=val.level,
    )
