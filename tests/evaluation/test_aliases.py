"""Metrics by the names that scikit-learn gives them, wherever the name of a metric is taken."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef, recall_score

from hybrid import compare_models, evaluate
from hybrid.comparison import PairSettings
from hybrid.comparison.ordering import ordering_metric
from hybrid.errors import InputError
from hybrid.evaluation.metrics import OVERALL, known_metric, overall_name
from hybrid.evaluation.registry.aliases import ALIASES

Y = np.arange(40) % 2
GOOD, POOR = ((Y ^ (np.arange(40) % step == 0)).astype(int) for step in (9, 3))


@pytest.mark.parametrize(("alias", "name"), [("recall", "sensitivity"), ("matthews_corrcoef", "mcc")])
def test_compare_models_takes_the_names_of_scikit_learn(alias, name):
    models = {"good": GOOD, "poor": POOR}
    (test,) = compare_models(Y, models, [0, 1], metrics=[alias], n_boot=50)
    (primary, *_) = compare_models(Y, models, [0, 1], metrics=[], primary=alias, n_boot=50)
    assert test.metric == primary.metric == name
    function = {"sensitivity": recall_score, "mcc": matthews_corrcoef}[name]
    assert test.difference == pytest.approx(function(Y, GOOD) - function(Y, POOR))


def test_scores_can_be_got_by_the_names_of_scikit_learn():
    metrics = evaluate(Y, GOOD, [0, 1], n_boot=0).metrics
    assert metrics.get("recall").value == pytest.approx(recall_score(Y, GOOD))
    assert metrics.get("matthews_corrcoef") == metrics["mcc"]
    assert metrics.get("f1") == metrics["f1"]
    assert metrics.get("f2") is None
    assert metrics.get("f2", 7) == 7


def test_every_alias_leads_to_a_metric_and_no_metric_of_a_task_is_renamed():
    assert all(overall_name(alias) in OVERALL for alias in ALIASES)
    assert all(overall_name(name) == name for name in OVERALL)
    assert known_metric("recall", ["sensitivity"]) == "sensitivity"
    with pytest.raises(InputError, match="Unknown metric 'recal'"):
        known_metric("recal", ["sensitivity"])


def test_comparisons_take_the_names_of_scikit_learn():
    assert ordering_metric("recall", "binary", ["sensitivity"]) == ("sensitivity", ())
    assert PairSettings.of(primary=["recall", "sensitivity", "f1"]).primary == ("sensitivity", "f1")


@pytest.mark.parametrize(
    ("proba", "said"),
    [(np.c_[1 - GOOD, GOOD], r"an array of shape \(40, 2\)"), ([GOOD, POOR], "a list")],
)
def test_models_without_names_are_refused_in_one_sentence(proba, said):
    with pytest.raises(InputError, match=f"proba of several models is {said}; expected a dict with one array"):
        compare_models(Y, proba, [0, 1])
    with pytest.raises(InputError, match=f"y_pred of several models is {said}"):
        compare_models(Y, {"good": GOOD}, [0, 1], y_pred=proba)
