"""Evaluate and compare several models on the same images and the same bootstrap draws."""

import math
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
from hybrid.evaluation.clustered import clustered_delong, clustered_mcnemar
from hybrid.evaluation.delong import ClusteredAreas
from hybrid.evaluation.differences import (
    Difference,
    bootstrap_differences,
    compared_rows,
    correct_images,
    delong_differences,
    mcnemar,
)
from hybrid.evaluation.image_variances import ImageVariances
from hybrid.evaluation.inputs import CheckedInput, check_problem, labels_and_classes
from hybrid.evaluation.intervals import METHODS
from hybrid.evaluation.metrics import METRICS, metrics_of, overall_name
from hybrid.evaluation.non_inferiority import Deficit, ShareDeficit, estimated_deficit, with_margin
from hybrid.evaluation.paired_test import PairedTest, holm
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.resampled_scores import ResampledScores, resample_scores
from hybrid.evaluation.result import Evaluation
from hybrid.evaluation.student import bounds

PAIRS = ("reference", "all")


class PairedEvaluation:
    """Evaluate and compare models on the same images and the same bootstrap draws.

    Parameters
    ----------
    y_true, classes, pos_label, groups, sample_weight, n_boot, random_state, level, method, fixed_classes
        As in :func:`hybrid.evaluate`. :meth:`tests` does not take weights.
    proba : mapping of str to array-like
        Probabilities or predicted labels by model name, as in :func:`hybrid.evaluate`.
    y_pred : mapping of str to array-like, optional
        Predicted labels by model name. For models that it lacks, they follow from `proba` as in
        :func:`hybrid.evaluate`.

    Attributes
    ----------
    problems : dict of str to CheckedInput
        The checked input by model name.
    settings : IntervalSettings
        How the intervals are computed.
    blocks : JackknifeBlocks
        The blocks of images, or of whole groups, that the jackknife leaves out in turn.

    Raises
    ------
    InputError
        As in :func:`hybrid.evaluate`, or if no model is given.
    """

    problems: dict[str, CheckedInput]
    settings: IntervalSettings
    blocks: JackknifeBlocks

    @renamed_parameters(positive="pos_label", seed="random_state")
    def __init__(
        self,
        y_true: Any,
        proba: Mapping[str, Any],
        classes: Sequence | None = None,
        *,
        y_pred: Mapping[str, Any] | None = None,
        pos_label: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
        n_boot: int = 2000,
        random_state: int = 0,
        level: float = 0.95,
        method: str = "bca",
        fixed_classes: bool = True,
    ):
        if n_boot < 0 or not 0 < level < 1:
            raise InputError(f"n_boot must be 0 or more and level between 0 and 1; got {n_boot} and {level}.")
        if not isinstance(random_state, Integral) or random_state < 0:
            raise InputError(f"random_state={random_state!r} was given; expected a whole number, 0 or more.")
        if method not in METHODS:
            raise unknown_name("interval method", method, METHODS)
        for name, given in (("proba", proba), ("y_pred", y_pred)):
            if given is not None and not isinstance(given, Mapping):
                raise InputError(
                    f"{name} of several models is {_kind(given)}; expected a dict with one array for each model, by "
                    'its name: {"svm": …, "forest": …}. For a single model, use evaluate.'
                )
        if not proba:
            raise InputError(
                "There is no model to evaluate: proba is empty. Give one array of probabilities per model."
            )
        y_pred = y_pred or {}
        for name in set(y_pred) - set(proba):
            raise unknown_name("model in y_pred", name, proba)
        if classes is None:
            given = [values for values in (*proba.values(), *y_pred.values()) if values is not None]
            y_true, classes = labels_and_classes(y_true, given)
        self.problems = {
            name: check_problem(
                y_true, values, classes, y_pred.get(name), pos_label, groups, fixed_classes, sample_weight
            )
            for name, values in proba.items()
        }
        self.settings = IntervalSettings(n_boot, int(random_state), level, method)
        first = self._first
        self.blocks = JackknifeBlocks.from_strata(first.drawn_strata, first.drawn_groups, first.weights)

    def evaluations(self) -> dict[str, Evaluation]:
        """Return the evaluation of each model by its name."""
        return {
            name: build_evaluation(problem, self.resamples[name], self.blocks, self.settings)
            for name, problem in self.problems.items()
        }

    def tests(
        self,
        metrics: Sequence[str] | None = None,
        *,
        reference: str | None = None,
        pairs: str | None = None,
        primary: str | Sequence[str] = (),
        margin: float | None = None,
    ) -> list[PairedTest]:
        """Test the differences of models in each metric; see :func:`hybrid.compare_models`.

        Parameters
        ----------
        metrics, reference, pairs, primary, margin
            As in :func:`hybrid.compare_models`.

        Returns
        -------
        list of PairedTest

        Raises
        ------
        InputError
            If a metric or the reference is unknown, if a metric needs probabilities that are not given, if there are no
            draws, if there are weights, or if a margin is not positive or has no reference.
        """
        if self._first.sample_weight is not None:
            raise InputError(
                "sample_weight was given, but the tests of differences between models are those for images that count "
                "alike: leave it out for tests, or compare the weighted scores by their intervals."
            )
        if self.settings.n_boot == 0:
            raise InputError("Paired tests need bootstrap draws; got n_boot=0.")
        compared = compared_pairs(list(self.problems), reference, pairs)
        check_margin(margin)
        if margin is not None and (reference is None or pairs == "all"):
            raise InputError(
                "A margin was given without a reference: whether a model is not inferior is a question about it and a "
                "reference. Give the reference, and not all pairs."
            )
        primary = tuple(dict.fromkeys(map(overall_name, [primary] if isinstance(primary, str) else primary)))
        known = self._known_metrics()
        default = [name for name in TASKS[self._first.task].tested if name in known]
        names = tuple(dict.fromkeys([*primary, *(default if metrics is None else map(overall_name, metrics))]))
        for metric in names:
            if metric in metrics_of(self._first.task) and metric not in known:
                raise InputError(
                    f"{metric} needs the probabilities of every model: give them, or leave out the metric."
                )
            if metric not in known:
                raise unknown_name("metric", metric, known)
        bootstrapped = [metric for metric in names if not self._has_delong(metric)]
        scores = self._scores_of(bootstrapped) if bootstrapped and compared else {}
        in_groups = self._first.drawn_groups is not None
        images = ImageVariances(self.problems, bootstrapped) if scores and in_groups else None
        found = []
        for family in (primary, *((metric,) for metric in names if metric not in primary)):
            tests = holm([test for metric in family for test in self._test_pairs(metric, scores, images, compared)])
            if margin is not None and (family == primary or not primary):
                tests = with_margin(tests, [self._deficit(test) for test in tests], margin)
            found += tests
        return found

    def _deficit(self, test: PairedTest) -> Deficit | None:
        """Return by how much the first model of a test is worse than the second."""
        if METRICS[test.metric].paired_test != "McNemar" or test.difference is None or self._first.n_groups is not None:
            return estimated_deficit(test)
        model, other = (correct_images(self.problems[name], test.metric) for name in (test.first, test.second))
        assert model is not None
        assert other is not None
        return ShareDeficit(int((model & ~other).sum()), int((other & ~model).sum()), len(model))

    def _known_metrics(self) -> tuple[str, ...]:
        """Return the metrics that are defined for all models."""
        labels_only = any(problem.probabilities is None for problem in self.problems.values())
        names = metrics_of(self._first.task)
        return tuple(name for name in names if not (labels_only and METRICS[name].threshold_free))

    @property
    def _first(self) -> CheckedInput:
        return next(iter(self.problems.values()))

    def _has_delong(self, metric: str) -> bool:
        return METRICS[metric].paired_test == "DeLong"

    def _test_pairs(
        self,
        metric: str,
        scores: Mapping[str, ResampledScores],
        images: ImageVariances | None,
        pairs: list[tuple[str, str]],
    ) -> list[PairedTest]:
        n, level = len(self._first.truth), self.settings.level
        groups = self._first.drawn_groups
        if self._has_delong(metric):
            kind, differences = "DeLong" if groups is None else "DeLong, clustered", self._by_delong(pairs)
        else:
            kind = "paired bootstrap" if groups is None else "paired bootstrap of groups"
            differences = self._by_draws(metric, scores, images, pairs)
        correct = {
            name: rows
            for name, problem in self.problems.items()
            if (rows := correct_images(problem, metric)) is not None
        }
        if correct:
            kind = "McNemar, exact" if groups is None else "McNemar, clustered, exact"
            differences = [
                replace(d, p_value=None if d.value is None else self._by_mcnemar(metric, correct[a], correct[b]))
                for d, (a, b) in zip(differences, pairs, strict=True)
            ]
        n_groups = self._first.n_groups
        return [
            _paired_test(a, b, metric, d, kind, n, level, n_groups)
            for d, (a, b) in zip(differences, pairs, strict=True)
        ]

    def _by_delong(self, pairs: list[tuple[str, str]]) -> list[Difference]:
        k, row = self._first.classes.index(self._first.positive), {name: i for i, name in enumerate(self.problems)}
        scores = np.array([problem.proba[:, k] for problem in self.problems.values()])
        rows, truth, groups = [(row[a], row[b]) for a, b in pairs], self._first.truth[:, k], self._first.drawn_groups
        if groups is None or truth.all() or not truth.any():
            return delong_differences(truth, scores, rows)
        return clustered_delong(ClusteredAreas.from_scores(truth, scores, groups), rows)

    def _by_mcnemar(self, metric: str, first: np.ndarray, second: np.ndarray) -> float:
        if self._first.drawn_groups is None:
            return mcnemar(first, second)
        return clustered_mcnemar(first, second, self._first.drawn_groups[compared_rows(self._first, metric)])

    def _by_draws(
        self,
        metric: str,
        scores: Mapping[str, ResampledScores],
        images: ImageVariances | None,
        pairs: list[tuple[str, str]],
    ) -> list[Difference]:
        if not pairs:
            return []
        row = {name: number for number, name in enumerate(scores)}
        first, second = ([row[pair[side]] for pair in pairs] for side in (0, 1))
        values, drawn, without = (
            every[first] - every[second]
            for part in ("overall", "drawn_overall", "without_overall")
            for every in [np.array([getattr(one, part)[metric] for one in scores.values()])]
        )
        # The variance of an average precision rests on the positive images, however many negative ones there are.
        most = max(1, self._positives() - 1) if metric == "average_precision" else math.inf
        of_images = None if images is None else images.of_pairs(metric, first, second)
        return bootstrap_differences(values[:, 0], drawn, without, self.blocks, self.settings.level, most, of_images)

    def _positives(self) -> int:
        """Return the number of images of the positive class, or of groups that have some."""
        truth, groups = self._first.truth[:, self._first.classes.index(self._first.positive)], self._first.drawn_groups
        return int(truth.sum()) if groups is None else len(np.unique(groups[truth]))

    @cached_property
    def resamples(self) -> dict[str, ResampledScores]:
        """All scores of each model on all images, in the draws, and without each block."""
        return self.resample(None)

    def _scores_of(self, metrics: Sequence[str]) -> dict[str, ResampledScores]:
        """Return the given scores of each model, or all scores if they were computed already."""
        return self.resamples if "resamples" in self.__dict__ else self.resample(metrics)

    def resample(self, metrics: Sequence[str] | None = None) -> dict[str, ResampledScores]:
        """Return the given scores of each model, by default all, on all images, in the draws and without each block."""
        n_boot, seed = self.settings.n_boot, self.settings.seed
        scores = resample_scores(list(self.problems.values()), n_boot, seed, self.blocks if n_boot else None, metrics)
        return dict(zip(self.problems, scores, strict=True))


def check_margin(margin: float | None) -> None:
    """Raise `InputError` if a margin is not a number above 0."""
    if margin is not None and not 0 < margin < math.inf:
        raise InputError(f"margin={margin!r} was given; expected a number above 0, such as 0.02.")


def _kind(value: Any) -> str:
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def compared_pairs(models: Sequence[str], reference: str | None, pairs: str | None) -> list[tuple[str, str]]:
    """Return the pairs of models to test: each other model with the reference, or all pairs.

    Parameters
    ----------
    models : sequence of str
    reference : str or None
    pairs : {"reference", "all"} or None
        By default "reference" if there is one, and "all" otherwise.

    Raises
    ------
    InputError
        If the reference is not among the models or missing, or `pairs` has another value.

    Examples
    --------
    >>> compared_pairs(["svm", "forest", "knn"], "forest", None)
    [('svm', 'forest'), ('knn', 'forest')]
    >>> compared_pairs(["svm", "forest", "knn"], None, None)
    [('svm', 'forest'), ('svm', 'knn'), ('forest', 'knn')]
    """
    if pairs is not None and pairs not in PAIRS:
        raise unknown_name("choice of pairs", pairs, PAIRS)
    if reference is not None and reference not in models:
        raise unknown_name("model", reference, models, "It was given as the reference.")
    if pairs == "all" or (pairs is None and reference is None):
        return list(combinations(models, 2))
    if reference is None:
        raise InputError('pairs="reference" needs a reference: give the name of a model, or pairs="all".')
    return [(model, reference) for model in models if model != reference]


def _paired_test(
    first: str, second: str, metric: str, found: Difference, test: str, n: int, level: float, n_groups: int | None
) -> PairedTest:
    low, high = None, None
    if found.value is not None and found.error is not None:
        low, high = bounds(found.value, found.error, found.degrees, level)
    return PairedTest(
        first,
        second,
        metric,
        found.value,
        low,
        high,
        found.p_value,
        found.p_value,
        test,
        n,
        level,
        found.error,
        found.degrees,
        n_groups=n_groups,
    )
