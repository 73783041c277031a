"""Build an Evaluation from resampled scores: values, intervals and notes."""

from dataclasses import dataclass, replace

import numpy as np

from hybrid.evaluation import clustered, independent, intervals, notes, weighted_intervals
from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.calibration import calibrated_error
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.likelihood_ratios import clustered_ratio_interval, ratio_interval
from hybrid.evaluation.metrics import METRICS, metrics_of, of_positive_class
from hybrid.evaluation.registry.spec import MetricSpec
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.resampled_scores import ResampledScores
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.evaluation.sample_weights import effective_number, size_of


@dataclass(frozen=True)
class IntervalSettings:
    """How intervals are computed.

    Attributes
    ----------
    n_boot, seed : int
        Number of bootstrap draws, and their seed.
    level : float
        Coverage of the intervals.
    method : {"bca", "percentile"}
        How intervals are computed from the draws.
    """

    n_boot: int
    seed: int
    level: float
    method: str


def build_evaluation(
    problem: CheckedInput, scores: ResampledScores, blocks: JackknifeBlocks, settings: IntervalSettings
) -> Evaluation:
    """Return the evaluation of one model from its resampled scores."""
    build = _Builder(problem, blocks, settings)
    support = problem.truth.sum(axis=0)

    def of_class(name: str, k: int) -> Metric:
        if name not in scores.per_class:
            return _plain(np.nan, notes.NEEDS_PROBABILITIES)
        value, drawn, without = scores.per_class[name], scores.drawn_per_class[name], scores.without_per_class[name]
        return build.of_class(name, k, value[0, k], drawn[:, k], without[:, k])

    def overall(name: str) -> Metric:
        if name not in scores.overall:
            return _plain(np.nan, notes.NEEDS_PROBABILITIES)
        return build.overall(name, scores.overall[name][0], scores.drawn_overall[name], scores.without_overall[name])

    return Evaluation(
        task=problem.task,
        classes=problem.classes,
        positive=problem.positive,
        n=len(problem.truth),
        metrics={name: overall(name) for name in metrics_of(problem.task)},
        per_class={
            label: {name: of_class(name, k) for name in TASKS[problem.task].per_class}
            | {"support": int(support[k])}
            | _groups_with(problem, problem.truth[:, k])
            for k, label in enumerate(problem.classes)
        },
        confusion=_confusion(problem),
        level=settings.level,
        n_boot=settings.n_boot,
        seed=settings.seed,
        method=settings.method,
        n_groups=problem.n_groups,
        fixed_classes=problem.is_stratified,
        effective_n=None if problem.weights is None else effective_number(problem.weights),
    )


class _Builder:
    """Compute the metrics of one model with their intervals and notes."""

    def __init__(self, problem: CheckedInput, blocks: JackknifeBlocks, settings: IntervalSettings):
        self._problem, self._blocks, self._settings = problem, blocks, settings
        self._clustered, self._weights = problem.clusters, problem.weights
        self._calibrated = None if problem.probabilities is None else calibrated_error(problem, settings.level)

    def overall(self, name: str, value: float, drawn: np.ndarray, without: np.ndarray) -> Metric:
        problem = self._problem
        metric, of_class = METRICS[name], of_positive_class()
        if problem.task == "binary" and name in of_class:
            return self.of_class(of_class[name], problem.classes.index(problem.positive), value, drawn, without)
        note = notes.overall_note(name, problem)
        if np.isnan(value) or len(drawn) == 0:
            return _plain(value, note)
        if metric.interval == "calibration":
            return self._calibration(value, drawn, slice(None), note)
        if metric.share_of == "images":
            correct = (problem.truth == problem.predicted).all(axis=1)
            return self._share("positives", value, drawn, without, np.ones_like(correct), correct, note)
        positives = problem.truth.sum(axis=0)
        positives = positives.sum(keepdims=True) if name.endswith("_micro") else positives[positives > 0]
        bounds = self._drawn(metric, value, drawn, without, positives)
        if bounds is None and metric.needs == "probabilities" and _constant_in(problem.strata, problem.proba):
            return _plain(value, note, notes.SAME_PROBABILITIES)
        single = notes.single_image_note(name, problem)
        return replace(_with(value, bounds, note, single), unreliable=bool(single and bounds))

    def of_class(self, name: str, k: int, value: float, drawn: np.ndarray, without: np.ndarray) -> Metric:
        found, few = self._of_class(name, k, value, drawn, without), notes.few_note(name, k, self._problem)
        if not few or found.high is None:
            return found
        return replace(found, note="; ".join(filter(None, (found.note, few))), unreliable=True)

    def _of_class(self, name: str, k: int, value: float, drawn: np.ndarray, without: np.ndarray) -> Metric:
        metric, problem, truth = METRICS[name], self._problem, self._problem.truth[:, k]
        note = notes.class_note(name, k, problem)
        if metric.interval == "ratio" and len(drawn):
            return self._likelihood_ratio(name, value, drawn, truth, problem.predicted[:, k], note)
        if np.isnan(value) or len(drawn) == 0:
            return _plain(value, note)
        if metric.interval == "calibration":
            return self._calibration(value, drawn, k, note)
        if metric.share_of:
            return self._share(metric.share_of, value, drawn, without, truth, problem.predicted[:, k], note)
        if metric.needs == "ranks" and 1 in (truth.sum(), (~truth).sum()):
            return _plain(value, note, notes.SINGLE_IMAGE)
        sides = self._groups_of_sides(truth)
        if sides and 1 in sides:
            return _plain(value, note, notes.single_group(problem))
        if metric.interval == "area":
            return self._area(value, drawn, k, note)
        return _with(value, self._drawn(metric, value, drawn, without, truth.sum(keepdims=True)), note)

    def _drawn(
        self, metric: MetricSpec, value: float, drawn: np.ndarray, without: np.ndarray, positives: np.ndarray
    ) -> intervals.Interval | None:
        level, widening = self._settings.level, 1.0
        if self._settings.method == "percentile":
            return intervals.percentile(drawn, level)
        if self._clustered is not None:
            if metric.higher_is_better and metric.name != "mcc":  # between 0 and 1
                return clustered.score_interval(value, drawn, without, self._blocks, level)
            widening = clustered.widening(value, without, self._blocks, level)
        if metric.interval == "jackknife":
            return independent.score_interval(value, drawn, without, self._blocks, positives, level)
        return intervals.bca(value, drawn, level, self._blocks.acceleration(value, without), widening)

    def _groups_of_sides(self, truth: np.ndarray) -> tuple[int, int] | None:
        """Return the numbers of groups with and without images of a class; None if images are independent."""
        if self._clustered is None:
            return None
        return len(np.unique(self._clustered[truth])), len(np.unique(self._clustered[~truth]))

    def _sizes_of_sides(self, truth: np.ndarray) -> tuple[float, float]:
        """Return the numbers of images or groups with and without a class, with weights the effective numbers."""
        groups = np.arange(len(truth)) if self._clustered is None else self._clustered
        with_class, without = (
            size_of(groups[side], None if self._weights is None else self._weights[side]) for side in (truth, ~truth)
        )
        return with_class, without

    def _share(
        self,
        share_of: str,
        value: float,
        drawn: np.ndarray,
        without: np.ndarray,
        truth: np.ndarray,
        predicted: np.ndarray,
        note: str,
    ) -> Metric:
        level = self._settings.level
        if self._settings.method == "percentile" and (bounds := intervals.percentile(drawn, level)):
            return _with(value, bounds, note)
        if self._clustered is not None and self._weights is None:
            return self._share_of_groups(share_of, value, drawn, without, truth, predicted, note)
        bounds, fixed = self._wilson(share_of, truth, predicted)
        if bounds and share_of == "either":  # F1 = 2 J / (1 + J), where J is the share of hits among these images
            bounds = (2 * bounds[0] / (1 + bounds[0]), 2 * bounds[1] / (1 + bounds[1]))
        if bounds is None and self._weights is not None:
            return _plain(value, note, notes.single_group(self._problem))
        return _with(value, bounds, note, fixed if value in (0, 1) else "")

    def _wilson(self, share_of: str, truth: np.ndarray, predicted: np.ndarray) -> tuple[intervals.Interval | None, str]:
        """Return the interval of a share of independent or weighted images, and its note if the share is 0 or 1."""
        problem, level = self._problem, self._settings.level
        if self._weights is None or self._clustered is None:
            return independent.share_interval(share_of, truth, predicted, problem.strata, level), notes.WILSON
        counted, right = (chosen(truth, predicted) for chosen in independent.SHARES[share_of])
        given = self._clustered, problem.drawn_strata, self._weights, level
        return weighted_intervals.share_interval(counted, right, *given), notes.WILSON_WEIGHTED

    def _share_of_groups(
        self,
        share_of: str,
        value: float,
        drawn: np.ndarray,
        without: np.ndarray,
        truth: np.ndarray,
        predicted: np.ndarray,
        note: str,
    ) -> Metric:
        assert self._clustered is not None
        level = self._settings.level
        counted, right = (chosen(truth, predicted) for chosen in independent.SHARES[share_of])
        groups = self._clustered[counted]
        varying = share_of in (
            "predicted",
            "not_predicted",
            "either",
        )  # the number of these images varies between draws
        if len(np.unique(groups)) < 2 or (varying and 1 in (self._groups_of_sides(truth) or ())):
            return _plain(value, note, notes.SINGLE_GROUP)
        if value in (0, 1):
            return _with(value, intervals.wilson(value, len(np.unique(groups)), level), note, notes.WILSON_GROUPS)
        if varying:
            return _with(value, clustered.score_interval(value, drawn, without, self._blocks, level), note)
        strata = self._problem.drawn_strata
        return _with(value, clustered.share_interval(right[counted], groups, strata, level), note)

    def _area(self, value: float, drawn: np.ndarray, k: int, note: str) -> Metric:
        level, truth, scores = self._settings.level, self._problem.truth[:, k], self._problem.proba[:, k]
        if self._settings.method == "percentile" and (drawn_bounds := intervals.percentile(drawn, level)):
            return _with(value, drawn_bounds, note)
        if value in (0, 1):
            low, high = intervals.perfect_auc(*self._sizes_of_sides(truth), level)
            return _with(value, (low, high) if value == 1 else (1 - high, 1 - low), note, notes.NEWCOMBE)
        if self._clustered is None:
            return _with(value, independent.area_interval(truth, scores, level), note)
        if self._weights is None:
            return _with(value, clustered.area_interval(truth, scores, self._clustered, level), note)
        return _with(
            value, weighted_intervals.area_interval(truth, scores, self._clustered, self._weights, level), note
        )

    def _likelihood_ratio(
        self, name: str, value: float, drawn: np.ndarray, truth: np.ndarray, predicted: np.ndarray, note: str
    ) -> Metric:
        said, level, strata = predicted == (name == "lr_positive"), self._settings.level, self._problem.strata
        if truth.all() or not truth.any() or not said.any():
            return _plain(value, note)
        if self._settings.method == "percentile" and not np.isnan(drawn).any():
            return _with(value, intervals.percentile(drawn, level), note)
        sides = self._groups_of_sides(truth)
        if sides and 1 in sides:
            return _plain(value, note, notes.single_group(self._problem))
        half = notes.HALF_IMAGES if any(said[side].mean() in (0, 1) for side in (truth, ~truth)) else ""
        if self._clustered is not None:
            clusters, weights = self._clustered, self._weights
            if weights is None:
                return _with(value, clustered_ratio_interval(said, truth, clusters, level), note, half)
            bounds = weighted_intervals.likelihood_ratio_interval(said, truth, clusters, weights, level)
            return _with(value, bounds, note, half)
        sizes = [
            independent.effective_images(share_of, truth, predicted, strata) or float(rows.sum())
            for share_of, rows in (("positives", truth), ("negatives", ~truth))
        ]
        shares = [float(said[side].mean()) for side in (truth, ~truth)]
        return _with(value, ratio_interval(shares, (sizes[0], sizes[1]), level), note, half)

    def _calibration(self, value: float, drawn: np.ndarray, columns: int | slice, note: str) -> Metric:
        assert self._calibrated is not None  # a calibration error is defined only with probabilities
        calibrated = float(self._calibrated[columns].mean())
        bounds = intervals.calibration_error(value, drawn, self._settings.level, calibrated)
        return _with(value, bounds, note, notes.UPPER_BOUND if bounds and bounds[0] is None else "")


def _groups_with(problem: CheckedInput, rows: np.ndarray) -> dict[str, int]:
    """Return the number of groups of some images as an entry of a class; empty if no groups were given."""
    return {} if problem.groups is None else {"groups": len(np.unique(problem.groups[rows]))}


def _constant_in(strata: np.ndarray, proba: np.ndarray) -> bool:
    """Return whether all images of each stratum have the same probabilities."""
    return all(np.ptp(proba[strata == stratum], axis=0).max() == 0 for stratum in np.unique(strata))


def _plain(value: float, *texts: str) -> Metric:
    return Metric(None if np.isnan(value) else float(value), note="; ".join(filter(None, texts)))


def _with(value: float, bounds: intervals.Bounds | None, *texts: str) -> Metric:
    if bounds is None:
        return _plain(value, *texts, notes.NO_INTERVAL)
    return Metric(None if np.isnan(value) else float(value), *bounds, note="; ".join(filter(None, texts)))


def _confusion(problem: CheckedInput) -> np.ndarray:
    """Return the confusion matrix with true classes as rows, (k, k), or (k, 2, 2) for multi-label tasks.

    It holds numbers of images, or with weights the sums of their weights.
    """
    weights = np.ones(len(problem.truth), dtype=np.int64) if problem.sample_weight is None else problem.sample_weight
    truth, predicted = problem.truth.astype(weights.dtype), problem.predicted.astype(weights.dtype)
    if problem.task != "multilabel":
        return truth.T @ (weights[:, None] * predicted)
    sides = [(1 - truth, truth), (1 - predicted, predicted)]
    cells = np.array([[weights @ (true * said) for said in sides[1]] for true in sides[0]])
    return cells.transpose(2, 0, 1)
