"""Thresholds reach their aims, on the rows that they are chosen on and on others."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest, norm
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_curve

from hybrid.errors import InputError
from hybrid.evaluation import evaluate
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.threshold import choose_threshold

SCORES = {"accuracy": accuracy_score, "balanced": balanced_accuracy_score, "f1": f1_score}


def drawn(positives, negatives, seed=0, distance=2.0):
    """Return truth and probabilities of two normal classes; at equal sizes they are calibrated."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([True, False], [positives, negatives])
    values = rng.normal(np.where(truth, distance / 2, -distance / 2))
    return truth, expit(distance * values)


@pytest.mark.parametrize("text", ["accuracy", "balanced", "f1", "recall=0.98", "specificity=0.9"])
def test_the_text_of_an_aim_can_be_parsed_again(text):
    assert str(Aim.parse(text)) == text


@pytest.mark.parametrize("level", ["0.98", "0.98@0.95"])
def test_sensitivity_is_another_name_of_recall(level):
    assert Aim.parse(f"sensitivity={level}") == Aim.parse(f"recall={level}")
    with pytest.raises(InputError, match=r"such as sensitivity=0\.95"):
        Aim.parse("sensitivity")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acuracy", r"Unknown aim 'acuracy'\. Nearest: 'accuracy'"),
        ("recall", r"The aim 'recall' was given; expected a level above 0 and up to 1, such as recall=0\.95"),
        ("recall=98", "expected a level above 0 and up to 1"),
        ("specificity=high", "expected a level above 0 and up to 1"),
        ("recall=nan", "expected a level above 0 and up to 1"),
        ("f1=0.9", "f1 takes no level: write f1"),
    ],
)
def test_an_invalid_aim_is_rejected(text, message):
    with pytest.raises(InputError, match=message):
        Aim.parse(text)


@pytest.mark.parametrize("name", SCORES)
def test_the_threshold_is_near_the_optimum(name):
    truth, proba = drawn(3000, 1000)
    choice = choose_threshold(truth, proba, Aim(name))
    assert choice.reached == pytest.approx(SCORES[name](truth, proba >= choice.threshold))
    best = max(SCORES[name](truth, proba >= cut) for cut in np.linspace(0.01, 0.99, 99))
    assert choice.reached > best - 0.006


def test_the_balanced_aim_gives_one_half_and_accuracy_favours_the_frequent_class():
    truth, proba = drawn(9000, 3000)
    assert choose_threshold(truth, proba, Aim("balanced")).threshold == pytest.approx(0.5, abs=0.03)
    # Bayes: odds of 3 to 1 move the threshold to 1 / (1 + 3)
    assert choose_threshold(truth, proba, Aim("accuracy")).threshold == pytest.approx(0.25, abs=0.04)


@pytest.mark.medium
def test_smoothing_chooses_better_thresholds_on_few_images():
    """The true balanced accuracy at a threshold follows from the normal distributions."""
    gained = []
    for seed in range(200):
        truth, proba = drawn(70, 30, seed)
        alarms, hits, cuts = roc_curve(truth, proba)
        highest = np.clip(cuts[np.argmax(hits - alarms)], 1e-9, 1 - 1e-9)
        smoothed = choose_threshold(truth, proba, Aim("balanced")).threshold
        values = np.log([p / (1 - p) for p in (smoothed, highest)]) / 2
        gained.append(np.subtract(*(norm.sf(values - 1) + norm.cdf(values + 1)) / 2))
    assert np.mean(gained) > 0.004


def test_the_threshold_is_in_the_middle_between_separable_classes():
    truth, proba = drawn(200, 200, distance=10.0)
    assert proba[truth].min() > proba[~truth].max()
    for name in SCORES:
        choice = choose_threshold(truth, proba, Aim(name))
        assert choice.reached == 1
        assert abs(np.log(choice.threshold / (1 - choice.threshold))) < 10


@pytest.mark.parametrize("level", [0.5, 0.9, 0.98, 1.0])
def test_a_recall_gives_the_highest_threshold_that_reaches_it(level):
    truth, proba = drawn(150, 400, seed=1)
    choice = choose_threshold(truth, proba, Aim("recall", level))
    assert choice.reached >= level
    assert proba[truth & (proba >= choice.threshold)].size == np.ceil(level * 150)
    higher = np.min(proba[proba >= choice.threshold])
    assert (proba[truth] > higher).mean() < level


@pytest.mark.parametrize("level", [0.5, 0.9, 1.0])
def test_a_specificity_gives_the_lowest_threshold_that_reaches_it(level):
    truth, proba = drawn(150, 400, seed=2)
    choice = choose_threshold(truth, proba, Aim("specificity", level))
    assert choice.reached >= level
    lower = np.max(proba[proba < choice.threshold])
    assert (proba[~truth] < lower).mean() < level


def test_the_note_of_a_level_states_the_number_of_images():
    truth, proba = drawn(50, 200, seed=3)
    note = choose_threshold(truth, proba, Aim("recall", 0.98)).note
    expected = binomtest(49, 50).proportion_ci(0.95, method="wilson")
    start = f"49 of 50 positive images: 0.980, 95% interval {expected.low:.3f} to {expected.high:.3f};"
    assert note.startswith(start)
    assert "200 negative images" in choose_threshold(truth, proba, Aim("specificity", 0.9)).note


@pytest.mark.parametrize(("aim", "metric"), [("recall", "sensitivity"), ("specificity", "specificity")])
def test_the_note_of_a_level_has_the_interval_that_evaluate_gives(aim, metric):
    truth, proba = drawn(42, 90, seed=3)
    choice = choose_threshold(truth, proba, Aim(aim, 0.95))
    predicted = proba >= choice.threshold
    score = evaluate(truth, proba, [False, True], y_pred=predicted, n_boot=50).metrics[metric]
    assert f"{score.value:.3f}, 95% interval {score.bounds_text(' to ')}" in choice.note


def test_a_level_that_only_a_constant_prediction_reaches_is_rejected():
    truth = np.array([True, True, False, False])
    with pytest.raises(InputError, match="recall=1 is reached only by calling every image positive"):
        choose_threshold(truth, np.array([0.9, 0.1, 0.1, 0.5]), Aim("recall", 1.0))
    with pytest.raises(InputError, match="specificity=1 is reached only by calling no image positive"):
        choose_threshold(truth, np.array([0.3, 0.1, 0.1, 0.9]), Aim("specificity", 1.0))


@pytest.mark.parametrize("value", [True, False])
def test_a_single_class_is_rejected(value):
    with pytest.raises(InputError, match="both are needed"):
        choose_threshold(np.full(5, value), np.linspace(0.1, 0.9, 5), Aim("f1"))


@pytest.mark.parametrize("name", SCORES)
def test_ties_and_probabilities_of_zero_and_one_are_accepted(name):
    truth = np.repeat([True, False], 40)
    proba = np.r_[np.ones(30), np.full(10, 0.5), np.zeros(30), np.full(10, 0.5)]
    choice = choose_threshold(truth, proba, Aim(name))
    assert 0 < choice.threshold < 1
    assert choice.reached >= 0.85
