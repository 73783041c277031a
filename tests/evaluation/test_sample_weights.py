"""Weighted scores, compared with scikit-learn and with repeated images, and the intervals of weighted images."""

import json

import numpy as np
import pytest
import sklearn.metrics as sk

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, PairedEvaluation, compare_models, evaluate, evaluate_models
from hybrid.evaluation.metrics import metrics_of
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.sample_weights import whole_numbers
from hybrid.evaluation.weighted_intervals import area_interval, share_interval

CLOSE = {"rel": 1e-9, "abs": 1e-12}
WITHOUT_SKLEARN = {"ece", "ece_macro"}  # compared with repeated images


def cases(task, n=120, seed=0):
    """Return labels, probabilities with ties, random weights, and the classes of a task."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(size=n)
    if task == "multilabel":
        y = (rng.random((n, 3)) < 0.4).astype(int)
        return y, np.round(0.3 * y + 0.7 * rng.random((n, 3)), 1), weights, list("abc")
    k = 2 if task == "binary" else 3
    y = rng.integers(0, k, n)
    proba = np.round(0.4 * np.eye(k)[y] + 0.6 * rng.dirichlet(np.ones(k), n), 1)
    return y, proba / proba.sum(axis=1, keepdims=True), weights, list(range(k))


def of_class(true, said, score, w):
    """Return scikit-learn's scores of a class or label against the rest."""
    ratios = sk.class_likelihood_ratios(true, said, sample_weight=w)
    return {
        "precision": sk.precision_score(true, said, sample_weight=w),
        "npv": sk.precision_score(1 - true, 1 - said, sample_weight=w),
        "recall": sk.recall_score(true, said, sample_weight=w),
        "specificity": sk.recall_score(1 - true, 1 - said, sample_weight=w),
        "lr_positive": ratios[0],
        "lr_negative": ratios[1],
        "f1": sk.f1_score(true, said, sample_weight=w),
        "roc_auc": sk.roc_auc_score(true, score, sample_weight=w),
        "average_precision": sk.average_precision_score(true, score, sample_weight=w),
        "accuracy": sk.accuracy_score(true, said, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(true, said, sample_weight=w),
        "mcc": sk.matthews_corrcoef(true, said, sample_weight=w),
        "log_loss": sk.log_loss(true, score, sample_weight=w, labels=[0, 1]),
        "brier": sk.brier_score_loss(true, score, sample_weight=w),
    }


def of_single_label(y, said, proba, w):
    found = {
        "accuracy": sk.accuracy_score(y, said, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, said, sample_weight=w),
        "mcc": sk.matthews_corrcoef(y, said, sample_weight=w),
        "log_loss": sk.log_loss(y, proba, sample_weight=w),
        "brier": np.average(((np.eye(proba.shape[1])[y] - proba) ** 2).sum(axis=1), weights=w),
    }
    for average in ("macro", "weighted"):
        scores = sk.precision_recall_fscore_support(y, said, average=average, sample_weight=w)[:3]
        found |= {f"{name}_{average}": s for name, s in zip(("precision", "recall", "f1"), scores, strict=True)}
    if proba.shape[1] == 2:
        positive = of_class(y, said, proba[:, 1], w)
        found |= {name: positive[name] for name in metrics_of("binary") if name in positive and name != "accuracy"}
        return found | {"sensitivity": positive["recall"]}
    auc = sk.roc_auc_score(y, proba, sample_weight=w, multi_class="ovr")
    precision = sk.average_precision_score(np.eye(3)[y], proba, sample_weight=w)
    return found | {"roc_auc_macro": auc, "average_precision_macro": precision}


def of_multilabel(y, said, proba, w):
    found = {
        "subset_accuracy": sk.accuracy_score(y, said, sample_weight=w),
        "hamming_loss": sk.hamming_loss(y, said, sample_weight=w),
    }
    for average in ("macro", "micro"):
        scores = sk.precision_recall_fscore_support(y, said, average=average, sample_weight=w)[:3]
        found |= {f"{name}_{average}": s for name, s in zip(("precision", "recall", "f1"), scores, strict=True)}
        found[f"roc_auc_{average}"] = sk.roc_auc_score(y, proba, average=average, sample_weight=w)
        found[f"average_precision_{average}"] = sk.average_precision_score(y, proba, average=average, sample_weight=w)
    labels = [of_class(y[:, k], said[:, k], proba[:, k], w) for k in range(y.shape[1])]
    means = {name: np.mean([label[name] for label in labels]) for name in ("balanced_accuracy", "log_loss")}
    return found | {f"{name}_macro": mean for name, mean in means.items()}


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_equals_sklearn(task):
    y, proba, w, classes = cases(task)
    result = evaluate(y, proba, classes, sample_weight=w, n_boot=0)
    said = (proba >= 0.5).astype(int) if task == "multilabel" else result_labels(proba)
    expected = (of_multilabel if task == "multilabel" else of_single_label)(y, said, proba, w)
    assert set(result.metrics) - WITHOUT_SKLEARN == set(expected)
    for name, value in expected.items():
        assert result.metrics[name].value == pytest.approx(value, **CLOSE), name
    for k, label in enumerate(classes):
        true, told = (part[:, k] if part.ndim == 2 else (part == k).astype(int) for part in (y, said))
        scores = of_class(true, told, proba[:, k], w)
        for name, metric in result.per_class[label].items():
            if name not in {"support", *WITHOUT_SKLEARN}:
                assert metric.value == pytest.approx(scores[name], **CLOSE), (label, name)
    matrix = sk.multilabel_confusion_matrix if task == "multilabel" else sk.confusion_matrix
    np.testing.assert_allclose(result.confusion, matrix(y, said, sample_weight=w))


def result_labels(proba):
    """Return the classes with the highest probability; of two equal ones, as `evaluate`, the second of two classes."""
    return (proba[:, 1] >= 0.5).astype(int) if proba.shape[1] == 2 else proba.argmax(axis=1)


@pytest.mark.parametrize("task", TASKS)
def test_whole_weights_equal_repeated_images_for_every_metric(task):
    y, proba, _, classes = cases(task)
    times = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = evaluate(y, proba, classes, sample_weight=times, n_boot=0)
    repeated = evaluate(np.repeat(y, times, axis=0), np.repeat(proba, times, axis=0), classes, n_boot=0)
    for name, metric in repeated.metrics.items():
        assert weighted.metrics[name].value == pytest.approx(metric.value, rel=1e-13, abs=1e-14), name
    for label in classes:
        for name, metric in repeated.per_class[label].items():
            if name != "support":
                assert weighted.per_class[label][name].value == pytest.approx(metric.value, rel=1e-13), name
    np.testing.assert_array_equal(weighted.confusion, repeated.confusion)


@pytest.mark.parametrize("task", TASKS)
def test_equal_weights_and_images_of_weight_0_change_nothing(task):
    y, proba, _, classes = cases(task)
    kept = np.arange(len(y)) % 5 > 0
    groups = np.arange(len(y)) // 3
    for given in (None, groups):
        of_kept = None if given is None else given[kept]
        weighted = evaluate(y, proba, classes, groups=given, sample_weight=0.7 * kept, n_boot=60)
        assert weighted.to_dict() == evaluate(y[kept], proba[kept], classes, groups=of_kept, n_boot=60).to_dict()


def test_intervals_do_not_depend_on_the_scale_of_the_weights():
    y, proba, w, classes = cases("binary")
    first, second = (
        evaluate(y, proba, classes, sample_weight=w * scale, n_boot=100) for scale in (2.0**-900, 2.0**900)
    )
    assert first.metrics == second.metrics
    assert first.effective_n == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_scores_of_0_and_1_are_exact_and_have_an_interval_for_the_effective_number():
    y, w = np.repeat([0, 1], 30), np.random.default_rng(0).lognormal(size=60)
    p = np.linspace(0, 0.4, 60) + 0.6 * y
    for score, area in ((p, 1), (1 - p, 0)):
        metrics = evaluate(y, score, [0, 1], sample_weight=w, n_boot=50).metrics
        for name in ("roc_auc", "accuracy", "sensitivity", "specificity"):
            assert metrics[name].value == area, name
            assert metrics[name].interval is not None, name
    with_class = w[y == 1]
    n = with_class.sum() ** 2 / (with_class**2).sum()
    assert metrics["sensitivity"].high == pytest.approx(1.959964**2 / (n + 1.959964**2), rel=1e-5)
    assert "effective number" in metrics["sensitivity"].note


def test_every_metric_has_an_interval_that_contains_it():
    for task in TASKS:
        y, proba, w, classes = cases(task)
        metrics = evaluate(y, proba, classes, sample_weight=w, n_boot=100).metrics
        for name, metric in metrics.items():
            assert metric.high is not None, name
            assert (metric.low or 0) <= metric.value <= metric.high, name


def test_a_mistake_of_little_weight_does_not_make_a_share_certain():
    right, w = np.arange(60) > 0, np.append(0.01, np.random.default_rng(0).lognormal(size=59))
    images, one_stratum = np.arange(60), np.zeros(60, int)
    low, high = share_interval(np.ones(60, bool), right, images, one_stratum, w, 0.95)
    perfect, _ = share_interval(np.ones(60, bool), right | True, images, one_stratum, w, 0.95)
    assert high > 0.999
    assert low == pytest.approx(perfect, abs=0.05)


def test_the_variances_of_shares_are_those_of_statsmodels():
    from statsmodels.regression.linear_model import WLS
    from statsmodels.stats.weightstats import DescrStatsW

    rng = np.random.default_rng(0)
    group, w = np.repeat(np.arange(400), 3), rng.lognormal(sigma=0.3, size=1200)
    right, every = rng.random(1200) < 0.3 + 0.4 * (group % 2), np.ones(1200, bool)
    fit = WLS(right.astype(float), np.ones(1200), weights=w).fit(cov_type="cluster", cov_kwds={"groups": group})
    low, high = share_interval(every, right, group, np.zeros(400, int), w, 0.95)
    assert (high - low) / 2 / 1.96 == pytest.approx(float(fit.bse[0]), rel=0.03)
    # Deviations that do not depend on the weights: the variance of the mean of Kish's effective number of images.
    low, high = share_interval(every, right, np.arange(1200), np.zeros(1200, int), w, 0.95)
    of_mean = DescrStatsW(right, w).var ** 0.5 * (np.sum(w**2) / w.sum() ** 2) ** 0.5
    assert (high - low) / 2 / 1.96 == pytest.approx(float(of_mean), rel=0.03)


@pytest.mark.medium
def test_the_interval_of_an_area_is_as_wide_as_its_bootstrap_distribution():
    rng = np.random.default_rng(2)
    y, w = np.repeat([0, 1], 200), rng.lognormal(sigma=0.5, size=400)
    score = rng.normal(size=400) + 1.2 * y
    low, high = area_interval(y == 1, score, np.arange(400), w, 0.95)
    draws = np.array([np.concatenate([rng.integers(0, 200, 200), rng.integers(200, 400, 200)]) for _ in range(300)])
    areas = [sk.roc_auc_score(y[rows], score[rows], sample_weight=w[rows]) for rows in draws]
    assert (high - low) / 2 / 1.96 == pytest.approx(np.std(areas), rel=0.12)


def test_groups_widen_weighted_intervals():
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(40), 5)
    y, noise = (group >= 20).astype(int), rng.normal(size=40)[group] + 0.4 * rng.normal(size=200)
    p, w = 1 / (1 + np.exp(-(noise + y - 0.5))), rng.lognormal(sigma=0.5, size=200)
    grouped, alone = (evaluate(y, p, [0, 1], sample_weight=w, groups=g, n_boot=200) for g in (group, None))
    for name in ("roc_auc", "accuracy", "f1", "average_precision", "log_loss"):
        assert grouped.metrics[name].value == alone.metrics[name].value
        wide, narrow = (one.metrics[name].high - one.metrics[name].low for one in (grouped, alone))
        assert wide > 1.1 * narrow, name
    assert grouped.images.startswith("200 images of 40 groups, weighted (effective number ")


def test_models_are_evaluated_with_the_same_weights():
    y, proba, w, classes = cases("multiclass")
    both = evaluate_models(y, {"a": proba, "b": proba[:, ::-1]}, classes, sample_weight=w, n_boot=50)
    assert both["a"].metrics == evaluate(y, proba, classes, sample_weight=w, n_boot=50).metrics
    assert both["b"].effective_n == both["a"].effective_n


def test_the_result_says_that_it_is_weighted_and_survives_json():
    y, proba, w, classes = cases("binary")
    result = evaluate(y, proba, classes, sample_weight=w, n_boot=50)
    assert result.weighted
    said = f"120 images, weighted (effective number {result.effective_n:.1f})"
    assert said in str(result)
    assert said in result._repr_html_()
    saved = json.loads(json.dumps(result.to_dict()))
    loaded = Evaluation.from_dict(saved)
    assert (loaded.effective_n, loaded.metrics) == (result.effective_n, result.metrics)
    np.testing.assert_allclose(loaded.confusion, result.confusion)


def test_results_of_earlier_versions_load():
    y, proba, _, classes = cases("binary")
    saved = evaluate(y, proba, classes, n_boot=0).to_dict()
    del saved["effective_n"]
    loaded = Evaluation.from_dict(saved)
    assert not loaded.weighted
    assert loaded.confusion.dtype == np.int64


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1, 1], r"sample_weight has shape \(3,\); expected one weight for each of the 4 images"),
        (2.0, r"sample_weight has shape \(\)"),
        ([1, -1, 1, 1], "1 of 4 are negative, infinite or NaN. The first is that of row 1: -1"),
        ([1, 1, np.nan, 1], "row 2: nan"),
        ([np.inf, 1, 1, 1], "row 0: inf"),
        ([0, 0, 0, 0], "sample_weight is 0 for every image"),
        (["1", "2", "3", "4"], "values that are not numbers"),
        ([1, None, 1, "2"], "values that are not numbers"),
        ([[1], [1, 2], [1], [1]], "values that are not numbers"),
        ([1j, 1, 1, 1], "values that are not numbers"),
    ],
)
def test_wrong_weights_are_refused_in_a_sentence(weights, message):
    with pytest.raises(InputError, match=message):
        evaluate([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], [0, 1], sample_weight=weights)


def test_tests_of_models_refuse_weights():
    y, proba, w, classes = cases("binary")
    models, message = {"a": proba, "b": proba}, "tests of differences between models are those for images that count"
    with pytest.raises(InputError, match=message):
        PairedEvaluation(y, models, classes, sample_weight=w, n_boot=10).tests()
    with pytest.raises(InputError, match=message):
        compare_models(y, models, classes, sample_weight=w, n_boot=10)
    assert compare_models(y, models, classes, sample_weight=np.full(len(y), 2.5), n_boot=10)


def test_a_single_weighted_image_of_a_class_has_its_reason():
    y, w = np.arange(12) == 3, np.arange(1.0, 13)
    result = evaluate(y.astype(int), np.linspace(0.1, 0.9, 12), [0, 1], sample_weight=w, n_boot=30)
    for name in ("roc_auc", "sensitivity", "lr_positive"):
        assert "single image" in result.metrics[name].note, name


def test_few_images_with_large_weights_have_a_warning():
    y, proba, w, classes = cases("binary")
    w[np.flatnonzero(y)[0]] = 1000
    note = evaluate(y, proba, classes, sample_weight=w, n_boot=50).metrics["roc_auc"].note
    assert "the effective number of images with this class is only 1." in note


def test_whole_numbers_keep_proportions_and_have_exact_sums():
    w = np.random.default_rng(0).lognormal(sigma=2, size=5000)
    whole = whole_numbers(w)
    assert (whole == np.rint(whole)).all()
    assert 2**41 <= whole.sum() <= 2**42 + 5000
    np.testing.assert_allclose(whole / whole.sum(), w / w.sum(), rtol=1e-6, atol=1e-12)
    assert whole_numbers(np.array([1.0, 1e-300])).min() == 1


@pytest.mark.parametrize("spread", [1, 4, 12])
def test_intervals_contain_their_scores_and_are_finite_however_large_the_weights(spread):
    for task in ("binary", "multilabel"):
        y, proba, _, classes = cases(task, 40, seed=8)
        w = np.random.default_rng(spread).lognormal(sigma=spread, size=40)
        result = evaluate(y, proba, classes, sample_weight=w, n_boot=30)
        for name in ("lr_positive", "lr_negative", "roc_auc", "f1"):
            for label in classes:
                metric = result.per_class[label][name]
                assert metric.low is None or metric.low <= metric.value + 1e-9, name
                assert metric.high is None or metric.high >= (metric.value or 0) - 1e-9, name
        json.dumps(result.to_dict(), allow_nan=False)
