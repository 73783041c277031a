"""Several models' predictions on the same images, evaluated and compared with the same draws."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.inputs import CheckedInput, check_problem
from hybrid.evaluation.intervals import METHODS
from hybrid.evaluation.metrics import IntervalSettings, evaluation
from hybrid.evaluation.paired import PairedTest, holm
from hybrid.evaluation.pairing import Difference, bootstrap_difference, delong_differences, mcnemar, right
from hybrid.evaluation.resample import Resamples, resample
from hybrid.evaluation.result import Evaluation
from hybrid.evaluation.scores import RANKED, Scores

# What pairs are tested by unless other metrics are named.
MAIN = {
    "binary": ("accuracy", "roc_auc"),
    "multiclass": ("accuracy", "roc_auc_macro"),
    "multilabel": ("average_precision_macro", "roc_auc_macro"),
}


class PairedEvaluation:
    """Models on the same images: their scores and the tests of their differences share one set of draws.

    Parameters
    ----------
    y_true, classes, positive, n_boot, seed, level, method
        As for :func:`hybrid.evaluation.evaluate`.
    proba : mapping of str to array-like of shape (n, k)
        Probabilities by the name of the model.
    y_pred : mapping of str to array-like, optional
        Predicted labels by the name of the model; those that it lacks have their likeliest class.

    Attributes
    ----------
    problems : dict of str to CheckedInput
        The checked input by the name of the model.
    settings : IntervalSettings
    groups : JackknifeBlocks
        What the jackknife leaves out.

    Raises
    ------
    InputError
        As :func:`hybrid.evaluation.evaluate`, or if there is no model.
    """

    def __init__(
        self,
        y_true: Any,
        proba: Mapping[str, Any],
        classes: Sequence,
        *,
        y_pred: Mapping[str, Any] | None = None,
        positive: Any = None,
        n_boot: int = 2000,
        seed: int = 0,
        level: float = 0.95,
        method: str = "bca",
    ):
        if n_boot < 0 or not 0 < level < 1:
            raise InputError(f"n_boot must be 0 or more and level between 0 and 1; got {n_boot} and {level}.")
        if method not in METHODS:
            raise unknown_name("interval method", method, METHODS)
        if not proba:
            raise InputError("There is no model to evaluate: proba is empty. Give one array of probabilities a model.")
        y_pred = y_pred or {}
        for name in set(y_pred) - set(proba):
            raise unknown_name("model in y_pred", name, proba)
        self.problems: dict[str, CheckedInput] = {
            name: check_problem(y_true, given, classes, y_pred.get(name), positive) for name, given in proba.items()
        }
        self.settings = IntervalSettings(n_boot, seed, level, method)
        self.groups = JackknifeBlocks.within(next(iter(self.problems.values())).strata)

    def evaluations(self) -> dict[str, Evaluation]:
        """Return each model's evaluation, by its name."""
        return {
            name: evaluation(problem, self.resamples[name], self.groups, self.settings)
            for name, problem in self.problems.items()
        }

    def tests(self, metrics: Sequence[str] | None = None) -> list[PairedTest]:
        """Return the test of every pair of models by each metric.

        See :func:`hybrid.evaluation.compare_models`.

        Raises
        ------
        InputError
            If there is no such metric, or no draws.
        """
        if self.settings.n_boot == 0:
            raise InputError("Paired tests need bootstrap draws; got n_boot=0.")
        wanted = tuple(MAIN[self._first.task] if metrics is None else metrics)
        known = Scores(self._first)(np.ones((1, len(self._first.truth))))[0]
        for metric in wanted:
            if metric not in known:
                raise unknown_name("metric", metric, known)
        bootstrapped = [metric for metric in wanted if not self._has_delong(metric)]
        ranked = any(metric.startswith(RANKED) for metric in bootstrapped)
        scores = {} if not bootstrapped else self.resamples if ranked else self.counted
        return [test for metric in wanted for test in holm(self._compared(metric, scores))]

    @property
    def _first(self) -> CheckedInput:
        return next(iter(self.problems.values()))

    def _has_delong(self, metric: str) -> bool:
        return metric == "roc_auc" and self._first.task == "binary"

    def _compared(self, metric: str, scores: Mapping[str, Resamples]) -> list[PairedTest]:
        pairs, n, level = list(combinations(self.problems, 2)), len(self._first.truth), self.settings.level
        if self._has_delong(metric):
            kind, found = "DeLong", self._by_delong(pairs)
        else:
            kind, found = "paired bootstrap", [self._by_draws(metric, scores[a], scores[b]) for a, b in pairs]
        rights = {name: rows for name, problem in self.problems.items() if (rows := right(problem, metric)) is not None}
        if rights:
            kind = "McNemar, exact"
            found = [
                replace(one, p_value=None if one.value is None else mcnemar(rights[a], rights[b]))
                for one, (a, b) in zip(found, pairs, strict=True)
            ]
        return [
            PairedTest(a, b, metric, one.value, one.low, one.high, one.p_value, one.p_value, kind, n, level)
            for one, (a, b) in zip(found, pairs, strict=True)
        ]

    def _by_delong(self, pairs: list[tuple[str, str]]) -> list[Difference]:
        k, row = self._first.classes.index(self._first.positive), {name: i for i, name in enumerate(self.problems)}
        scores = np.array([problem.proba[:, k] for problem in self.problems.values()])
        rows = [(row[a], row[b]) for a, b in pairs]
        return delong_differences(self._first.truth[:, k], scores, rows, self.settings.level)

    def _by_draws(self, metric: str, first: Resamples, second: Resamples) -> Difference:
        value, drawn, without = (
            getattr(first, part)[metric] - getattr(second, part)[metric]
            for part in ("overall", "drawn_overall", "without_overall")
        )
        return bootstrap_difference(value[0], drawn, without, self.groups, self.settings.level)

    @cached_property
    def resamples(self) -> dict[str, Resamples]:
        """All scores of each model under all weights."""
        return self._resampled(ranked=True)

    @cached_property
    def counted(self) -> dict[str, Resamples]:
        """The same without ROC AUC and average precision, which take most of the time."""
        return self.resamples if "resamples" in self.__dict__ else self._resampled(ranked=False)

    def _resampled(self, ranked: bool) -> dict[str, Resamples]:
        n_boot, seed = self.settings.n_boot, self.settings.seed
        scores = resample(list(self.problems.values()), n_boot, seed, self.groups if n_boot else None, ranked)
        return dict(zip(self.problems, scores, strict=True))
