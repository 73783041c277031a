"""The fitted learning curve: compared with scipy's curve_fit, and simulated from known power laws."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from hybrid import InputError
from hybrid.planning import fit_power_law

SIZES = np.array([25, 50, 100, 200, 400, 800])


def law(n, asymptote=0.95, scale=0.6, exponent=0.5):
    return asymptote - scale * np.asarray(n, float) ** -exponent


def drawn(rng, luck=0.3, n=800, factor=2, exponent=0.5, repeats=10):
    """Return scores on nested shares of n images, each of which moves the score, and the score with more images."""
    influence = rng.normal(size=n * factor) * luck
    orders = [rng.permutation(n) for _ in range(repeats)]
    moved = [np.cumsum(influence[:n][order])[SIZES - 1] / SIZES for order in orders]
    return law(SIZES, exponent=exponent) + np.array(moved), law(n * factor, exponent=exponent) + influence.mean()


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
def test_an_exact_law_is_found_as_by_scipy(exponent):
    scores = np.tile(law(SIZES, exponent=exponent), (5, 1))
    fit = fit_power_law(SIZES, scores)
    theirs, _ = curve_fit(law, SIZES, scores[0], p0=(0.9, 1.0, 0.6))
    assert fit.exponent == pytest.approx(theirs[2], rel=0.06)  # the exponents are those of a grid
    assert fit.target[:2] == pytest.approx((1600, law(1600, *theirs)), abs=1e-3)
    assert fit.reason == ""


def test_scores_with_noise_are_fitted_as_by_scipy_with_the_same_weights():
    rng = np.random.default_rng(1)
    sizes = np.geomspace(20, 5000, 12).round()
    scores = law(sizes) + rng.normal(size=(40, 12)) * 0.002  # the same noise at each size: equal weights
    fit = fit_power_law(sizes, scores, n=100_000, factor=0.1)
    theirs, _ = curve_fit(law, sizes, scores.mean(axis=0), p0=(0.9, 1.0, 0.6))
    assert fit.target[1] == pytest.approx(law(10_000, *theirs), abs=1e-3)


def test_a_lower_score_can_be_better_and_none_is_better_than_the_best():
    losses = np.tile(0.1 + 2.0 * SIZES**-0.6, (5, 1))
    fit = fit_power_law(SIZES, losses, best=0.0, higher_is_better=False)
    assert fit.target[1] == pytest.approx(0.1 + 2.0 * 1600**-0.6, abs=2e-3)
    assert fit.asymptote == pytest.approx(0.1, abs=0.02)
    high = fit_power_law(SIZES, np.tile(1.05 - 0.5 * SIZES**-0.25, (5, 1)).clip(max=1))
    assert high.asymptote <= 1
    assert high.target[3] <= 1


def test_the_band_holds_for_the_score_of_more_images_in_9_of_10_cases():
    rng, inside = np.random.default_rng(0), []
    for _ in range(150):
        scores, truth = drawn(rng)
        _, _, low, high = fit_power_law(SIZES, scores).target
        inside.append(low <= truth <= high)
    assert 0.83 < np.mean(inside) < 0.97


def test_the_band_is_wider_for_less_data_and_further_away():
    rng = np.random.default_rng(0)
    scores, _ = drawn(rng, factor=4)

    def width(fit):
        return fit.target[3] - fit.target[2]

    assert width(fit_power_law(SIZES, scores, factor=4)) > width(fit_power_law(SIZES, scores))
    assert width(fit_power_law(SIZES, scores, level=0.5)) < width(fit_power_law(SIZES, scores))
    assert width(fit_power_law(SIZES, drawn(rng, luck=1.0)[0])) > width(fit_power_law(SIZES, scores))


def test_differences_between_the_images_of_folds_do_not_widen_the_band():
    rng = np.random.default_rng(0)
    scores = np.stack([drawn(rng)[0] for _ in range(5)], axis=1)
    of_folds = scores + rng.normal(size=(10, 5, 1)) * 0.2
    of_folds += scores.mean(axis=1, keepdims=True) - of_folds.mean(axis=1, keepdims=True)
    one, other = (fit_power_law(SIZES, given, n=1000) for given in (scores, of_folds))
    assert other.target[3] - other.target[2] == pytest.approx(one.target[3] - one.target[2], rel=0.05)


@pytest.mark.parametrize(
    ("sizes", "scores", "words"),
    [
        (SIZES[:4], np.tile(law(SIZES[:4]), (5, 1)), "only 4 different numbers of images"),
        (SIZES, np.tile(law(SIZES), (3, 1)), "only 3 repeats"),
        (SIZES, np.tile(1 - law(SIZES), (5, 1)), "the scores fall with more images"),
        (SIZES, np.random.default_rng(0).uniform(0.3, 0.9, (5, 6)), "wide: the scores vary too much"),
    ],
)
def test_it_says_when_the_curve_must_not_be_extrapolated(sizes, scores, words):
    assert words in fit_power_law(sizes, scores).reason


def test_scores_that_do_not_fit_the_sizes_get_a_sentence():
    with pytest.raises(InputError, match="expected finite scores for 6 sizes"):
        fit_power_law(SIZES, np.full((5, 6), np.nan))
    with pytest.raises(InputError, match=r"shape \(5, 4\)"):
        fit_power_law(SIZES, np.ones((5, 4)))
