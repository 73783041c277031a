"""Coverage of intervals and false positives of tests, on simulated test sets of known populations.

The short forms draw few sets; a coverage in the promised band, or a false positive rate of at most 6%, lies outside
what they accept once in ten thousand such runs. `make test-long` draws the 2,000 sets that the project promises.
"""

import importlib

import pytest
from paths import ROOT
from scipy.stats import binom

BENCHMARKS = ROOT / "benchmarks"
LEAST, MOST, ERRORS = 0.935, 0.965, 0.06
RARE = 1e-4


@pytest.fixture
def inference(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("inference")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "sets"), [(1, 150), (4, 50)])
def test_intervals_have_about_their_nominal_coverage(inference, number, sets):
    held = inference.covered(inference.COVERED[number], sets)
    for metric in ("accuracy", "roc_auc"):
        count = round(held[metric]["bca"] * sets)
        assert binom.ppf(RARE, sets, LEAST) <= count <= binom.ppf(1 - RARE, sets, MOST), metric


@pytest.mark.slow
def test_tests_seldom_distinguish_equal_models(inference):
    sets = 150
    for metric, share in inference.rejected(inference.ALIKE[0], sets).items():
        assert round(share * sets) <= binom.ppf(1 - RARE, sets, ERRORS), metric


@pytest.mark.long
@pytest.mark.parametrize("number", range(6))
def test_coverage_on_2000_sets(inference, number):
    held = inference.covered(inference.COVERED[number], 2000, jobs=2)
    print(inference.COVERED[number], held)
    for metric in ("accuracy", "roc_auc"):
        assert LEAST <= held[metric]["bca"] <= MOST, metric


@pytest.mark.long
@pytest.mark.parametrize("number", range(4))
def test_false_positives_on_2000_sets(inference, number):
    apart = inference.rejected(inference.ALIKE[number], 2000, jobs=2)
    print(inference.ALIKE[number], apart)
    for metric, share in apart.items():
        assert share <= ERRORS, metric
