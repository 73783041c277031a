"""Several models' predictions on the same images, evaluated and compared with the same draws."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np

from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.build_evaluation import IntervalSettings, build_evaluation
from hybrid.evaluation.inputs import CheckedInput, check_problem, labels_and_classes
from hybrid.evaluation.intervals import METHODS
from hybrid.evaluation.metrics import METRICS, TASKS, metrics_of
from hybrid.evaluation.paired import PairedTest, holm
from hybrid.evaluation.pairing import Difference, bootstrap_difference, delong_differences, mcnemar, right
from hybrid.evaluation.resample import Resamples, resample
from hybrid.evaluation.result import Evaluation


class PairedEvaluation:
    """Models on the same images: their scores and the tests of their differences share one set of draws.

    Parameters
    ----------
    y_true, classes, pos_label, n_boot, random_state, level, method
        As for :func:`hybrid.evaluation.evaluate`.
    proba : mapping of str to array-like
        Probabilities or predicted labels by the name of the model, as for :func:`hybrid.evaluation.evaluate`.
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

    problems: dict[str, CheckedInput]
    settings: IntervalSettings
    groups: JackknifeBlocks

    @renamed_parameters(positive="pos_label", seed="random_state")
    def __init__(
        self,
        y_true: Any,
        proba: Mapping[str, Any],
        classes: Sequence | None = None,
        *,
        y_pred: Mapping[str, Any] | None = None,
        pos_label: Any = None,
        n_boot: int = 2000,
        random_state: int = 0,
        level: float = 0.95,
        method: str = "bca",
    ):
        if n_boot < 0 or not 0 < level < 1:
            raise InputError(f"n_boot must be 0 or more and level between 0 and 1; got {n_boot} and {level}.")
        if not isinstance(random_state, Integral) or random_state < 0:
            raise InputError(f"random_state={random_state!r} was given; expected a whole number, 0 or more.")
        if method not in METHODS:
            raise unknown_name("interval method", method, METHODS)
        if not proba:
            raise InputError("There is no model to evaluate: proba is empty. Give one array of probabilities a model.")
        y_pred = y_pred or {}
        for name in set(y_pred) - set(proba):
            raise unknown_name("model in y_pred", name, proba)
        if classes is None:
            given = [one for one in (*proba.values(), *y_pred.values()) if one is not None]
            y_true, classes = labels_and_classes(y_true, given)
        self.problems = {
            name: check_problem(y_true, given, classes, y_pred.get(name), pos_label) for name, given in proba.items()
        }
        self.settings = IntervalSettings(n_boot, int(random_state), level, method)
        self.groups = JackknifeBlocks.within(next(iter(self.problems.values())).strata)

    def evaluations(self) -> dict[str, Evaluation]:
        """Return each model's evaluation, by its name."""
        return {
            name: build_evaluation(problem, self.resamples[name], self.groups, self.settings)
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
        known = self._known_metrics()
        default = [name for name in TASKS[self._first.task].tested if name in known]
        wanted = tuple(default if metrics is None else metrics)
        for metric in wanted:
            if metric in metrics_of(self._first.task) and metric not in known:
                raise InputError(
                    f"{metric} needs the probabilities of every model: give them, or leave the metric out."
                )
            if metric not in known:
                raise unknown_name("metric", metric, known)
        bootstrapped = [metric for metric in wanted if not self._has_delong(metric)]
        scores = self._scores_of(bootstrapped) if bootstrapped else {}
        return [test for metric in wanted for test in holm(self._compared(metric, scores))]

    def _known_metrics(self) -> tuple[str, ...]:
        """Return the metrics that all models have."""
        labels_only = any(problem.probabilities is None for problem in self.problems.values())
        names = metrics_of(self._first.task)
        return tuple(name for name in names if not (labels_only and METRICS[name].threshold_free))

    @property
    def _first(self) -> CheckedInput:
        return next(iter(self.problems.values()))

    def _has_delong(self, metric: str) -> bool:
        return METRICS[metric].paired_test == "DeLong"

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
        return self._resampled(None)

    def _scores_of(self, metrics: Sequence[str]) -> dict[str, Resamples]:
        """Return some scores of each model under all weights; not worked out again where all are known."""
        return self.resamples if "resamples" in self.__dict__ else self._resampled(metrics)

    def _resampled(self, metrics: Sequence[str] | None) -> dict[str, Resamples]:
        n_boot, seed = self.settings.n_boot, self.settings.seed
        scores = resample(list(self.problems.values()), n_boot, seed, self.groups if n_boot else None, metrics)
        return dict(zip(self.problems, scores, strict=True))
