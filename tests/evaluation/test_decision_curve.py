"""Decision curves, compared with their definition, with statsmodels, with bootstrap draws and by simulation."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

from hybrid import InputError
from hybrid.evaluation import decision_curve

STEPS = [0.05, 0.2, 0.5]


def drawn(n=400, share=0.3, separation=1.8, seed=0, of_each=1):
    """Return labels, calibrated probabilities and groups of images, `of_each` of a patient."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) < round(n * share)
    groups = np.arange(n) // of_each
    noise = (rng.normal(size=groups.max() + 1)[groups] + rng.normal(size=n)) / 2**0.5
    return y, expit(separation * (separation * (y - 0.5) + noise) + logit(share)), groups


def by_definition(y, p, threshold, prevalence=None):
    """Return the net benefit of the model and of treating all, image by image, by Vickers and Elkin (2006)."""
    odds, n, positives = threshold / (1 - threshold), len(y), sum(map(int, y))
    share = positives / n if prevalence is None else prevalence
    benefits = {}
    for name, treated in (("model", p >= threshold), ("all", [True] * n)):
        benefits[name] = 0.0
        for sick, is_treated in zip(y, treated, strict=True):
            if is_treated and sick:
                benefits[name] += share / positives
            elif is_treated:
                benefits[name] -= (1 - share) / (n - positives) * odds
    return benefits["model"], benefits["all"]


@pytest.mark.parametrize("prevalence", [None, 0.05])
@pytest.mark.parametrize("fixed_classes", [True, False])
def test_net_benefit_is_that_of_the_definition(prevalence, fixed_classes):
    y, p, _ = drawn()
    curve = decision_curve(y, p, [False, True], prevalence=prevalence, fixed_classes=fixed_classes)
    assert len(curve.thresholds) == 99
    for row in (0, 9, 49, 98):
        model, everyone = by_definition(y, p, curve.thresholds[row], prevalence)
        assert curve.net_benefit[row] == pytest.approx(model, abs=1e-12)
        assert curve.treat_all[row] == pytest.approx(everyone, abs=1e-12)
        assert curve.gain[row] == pytest.approx(model - everyone, abs=1e-12)
    assert (curve.low < curve.net_benefit).all()
    assert (curve.net_benefit < curve.high).all()


def test_the_interval_of_equal_weights_is_newcombes():
    y, p, _ = drawn(share=0.5)
    curve = decision_curve(y, p, [False, True], thresholds=[0.5])
    counts = (p >= 0.5)[y].sum(), y.sum(), (p >= 0.5)[~y].sum(), (~y).sum()
    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    assert (curve.low[0], curve.high[0]) == pytest.approx((low / 2, high / 2), abs=1e-9)


@pytest.mark.parametrize(
    ("of_each", "fixed_classes", "prevalence"), [(1, False, None), (5, True, None), (5, False, None), (5, True, 0.1)]
)
def test_intervals_are_as_wide_as_those_of_bootstrap_draws(of_each, fixed_classes, prevalence):
    y, p, groups = drawn(n=1000, of_each=of_each)
    given = {"thresholds": STEPS, "fixed_classes": fixed_classes, "prevalence": prevalence}
    curve = decision_curve(y, p, [False, True], groups=groups, **given)
    rng, rows, draws = np.random.default_rng(0), [np.flatnonzero(groups == one) for one in range(groups.max() + 1)], []
    sick = np.array([y[row[0]] for row in rows])
    for _ in range(400):
        if fixed_classes:
            chosen = np.concatenate([rng.choice(np.flatnonzero(side), side.sum()) for side in (sick, ~sick)])
        else:
            chosen = rng.choice(len(rows), len(rows))
        taken = np.concatenate([rows[one] for one in chosen])
        draws.append([by_definition_fast(y[taken], p[taken], step, prevalence) for step in STEPS])
    spread = 2 * 1.96 * np.std(draws, axis=0)
    assert (curve.high - curve.low) == pytest.approx(spread[:, 0], rel=0.15)
    assert (curve.gain_high - curve.gain_low) == pytest.approx(spread[:, 1], rel=0.15)


def by_definition_fast(y, p, threshold, prevalence):
    odds, share = threshold / (1 - threshold), y.mean() if prevalence is None else prevalence
    model = share * (p[y] >= threshold).mean() - (1 - share) * odds * (p[~y] >= threshold).mean()
    return model, model - (share - (1 - share) * odds)


@pytest.mark.slow
@pytest.mark.parametrize("of_each", [1, 5])
def test_intervals_cover_the_net_benefit_of_the_population(of_each):
    separation, share = 1.8, 0.3
    edge = (logit(np.array(STEPS)) - logit(share)) / separation
    odds = np.array(STEPS) / (1 - np.array(STEPS))
    true = share * norm.sf(edge - separation / 2) - (1 - share) * odds * norm.sf(edge + separation / 2)
    inside = []
    for seed in range(500):
        y, p, groups = drawn(300, share, separation, seed, of_each)
        curve = decision_curve(y, p, [False, True], groups=groups, thresholds=STEPS)
        inside.append((curve.low <= true) & (true <= curve.high))
    assert ((np.mean(inside, axis=0) > 0.925) & (np.mean(inside, axis=0) < 0.98)).all()


def test_probabilities_are_converted_to_a_named_prevalence():
    rng = np.random.default_rng(0)
    y, p, _ = drawn(n=40_000, share=0.5)
    kept = ~y | (rng.random(len(y)) < 0.05 / 0.95)  # a population with 5% instead of 50%
    curve = decision_curve(y, p, [False, True], thresholds=STEPS, prevalence=0.05, proba_prevalence=0.5)
    there = expit(logit(p[kept]) + logit(0.05) - logit(0.5))
    for row, step in enumerate(STEPS):
        assert curve.net_benefit[row] == pytest.approx(by_definition_fast(y[kept], there, step, None)[0], abs=0.003)


def test_the_words_name_the_ranges_and_whether_they_exceed_chance():
    y, p, _ = drawn(n=2000)
    curve = decision_curve(y, p, [False, True])
    low, high = max(curve.ranges, key=lambda ends: ends[1] - ends[0])
    assert f"of {low:.2f} and {high:.2f} ".replace(" 0.", " .") in str(curve)
    assert str(curve).startswith("Between threshold probabilities of .0")
    assert "95% intervals exclude that this is chance" in str(curve)
    useless = decision_curve(y, np.full(len(y), 0.3), [False, True])
    assert str(useless).startswith("At no threshold probability from .01 to .99 does the model have")
    y, p, _ = drawn(n=30, separation=0.5, seed=4)
    few = decision_curve(y, p, [False, True], thresholds=[0.3])
    assert few.ranges == [(0.3, 0.3)]
    assert few.certain_ranges == []
    assert str(few).startswith("At a threshold probability of .30 the model has a higher")
    assert "Nowhere there do both" in str(few)


def test_the_only_group_of_a_class_has_no_interval_and_json_has_null():
    y, p, _ = drawn(n=100)
    curve = decision_curve(y, p, [False, True], groups=np.where(y, 0, np.arange(100)), thresholds=[0.2])
    assert np.isnan(curve.low[0])
    assert curve.to_dict()["low"] == [None]
    assert curve.certain_ranges == []


def test_several_classes_and_labels_need_a_name():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 300), rng.dirichlet(np.ones(3), 300)
    with pytest.raises(InputError, match=r"one class against the rest: name it as pos_label \(0, 1, 2\)"):
        decision_curve(y, p, [0, 1, 2])
    curve = decision_curve(y, p, [0, 1, 2], pos_label=2, thresholds=[0.3])
    assert curve.net_benefit[0] == pytest.approx(by_definition_fast(y == 2, p[:, 2], 0.3, None)[0])
    labels = np.eye(3, dtype=int)[y] | np.eye(3, dtype=int)[rng.integers(0, 3, 300)]
    with pytest.raises(InputError, match="one label against the rest"):
        decision_curve(labels, p, ["a", "b", "c"])
    curve = decision_curve(labels, p, ["a", "b", "c"], pos_label="b", thresholds=[0.3])
    assert curve.net_benefit[0] == pytest.approx(by_definition_fast(labels[:, 1] == 1, p[:, 1], 0.3, None)[0])


def test_bad_input_gets_a_sentence():
    y, p, _ = drawn(n=50)
    for given, words in (
        ({"thresholds": [0, 0.5]}, "above 0 and below 1"),
        ({"prevalence": 5}, "prevalence=5 was given; expected a share"),
        ({"prevalence": 0.1, "proba_prevalence": 1}, "proba_prevalence=1 was given"),
    ):
        with pytest.raises(InputError, match=words):
            decision_curve(y, p, [False, True], **given)
    with pytest.raises(InputError, match="needs probabilities"):
        decision_curve(y, y, [False, True])
    with pytest.raises(InputError, match="with and without"):
        decision_curve(np.ones(5, bool), p[:5], [False, True])
    curve = decision_curve(y, p, [False, True], thresholds=[0.2])
    assert curve.at(0.2)["net_benefit"] == curve.net_benefit[0]
    with pytest.raises(InputError, match=r"no threshold probability 0\.3"):
        curve.at(0.3)
    assert curve.table().shape == (1, 8)
