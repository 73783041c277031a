"""The result as JSON, table, text and HTML, and the packages that evaluating imports."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, Metric, evaluate

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(params=["binary", "integers", "multilabel"])
def result(request):
    rng = np.random.default_rng(0)
    if request.param == "multilabel":
        truth = (rng.random((30, 3)) < 0.5).astype(int)
        truth[:, 2] = 0
        return evaluate(truth, rng.random((30, 3)), [HOSTILE, "b", "c"], n_boot=30)
    k = 2 if request.param == "binary" else 4
    classes = np.array([HOSTILE, "healthy"]) if k == 2 else np.arange(4)
    proba = rng.dirichlet(np.ones(k), 40)
    return evaluate(classes[rng.integers(0, min(k, 3), 40)], proba, classes, n_boot=30)


def test_to_json_and_from_json(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    again = Evaluation.from_dict(json.loads(text))
    assert again.to_dict() == result.to_dict()
    assert again.classes == result.classes
    assert again.per_class == result.per_class
    assert again.metrics == result.metrics
    np.testing.assert_array_equal(again.confusion, result.confusion)


def test_table_holds_every_metric_in_order(result):
    table = result.table()
    assert list(table.index) == list(result.metrics)
    first = table.iloc[0]
    assert first["low"] <= first["value"] <= first["high"]
    assert first["value"] == result.metrics[table.index[0]].value
    assert set(map(str, table[["value", "low", "high"]].dtypes)) == {"float64"}
    assert table["reason"].iloc[0] == ""  # it has an interval


def test_class_table_holds_every_class_in_order(result):
    table = result.class_table()
    assert tuple(table.index) == result.classes
    assert table["support"].tolist() == [result.per_class[label]["support"] for label in result.classes]
    label = result.classes[0]
    assert table.loc[label, "recall"] == result.per_class[label]["recall"].value
    if result.task != "binary":  # no image of the last class
        assert np.isnan(table["roc_auc"].iloc[-1])


def test_text_shows_scores_classes_and_reasons(result):
    text = str(result)
    assert all(name in text for name in result.metrics)
    assert all(str(label) in text for label in result.classes)
    if result.task != "binary":
        assert "no image of this class" in text


def test_an_upper_bound_is_kept_and_shown_as_such(result):
    name = next(iter(result.metrics))
    changed = replace(result, metrics=result.metrics | {name: Metric(0.047, None, 0.061, "chance")})
    again = Evaluation.from_dict(json.loads(json.dumps(changed.to_dict())))
    assert again.metrics[name] == changed.metrics[name]
    assert again.metrics[name].interval is None
    assert "0.047 (at most 0.061: chance)" in str(again)
    assert "0.047 (at most 0.061: chance)" in again._repr_html_()
    row = again.table().loc[name]
    assert row["reason"] == "chance"
    assert np.isnan(row["low"])
    assert row["high"] == 0.061


def test_a_score_without_an_interval_says_why_beside_it():
    """One image is ill: resampling images never varies which one that is."""
    y, p = [1, 0, 0, 0], np.array([0.9, 0.2, 0.3, 0.8])
    result = evaluate(y, np.column_stack([1 - p, p]), [0, 1], n_boot=50)
    auc = result.metrics["roc_auc"]
    assert auc.value == 1
    assert auc.interval is None
    assert auc.reason.startswith("no interval: one of the two sides is a single image")
    for shown in (str(auc), str(result), result._repr_html_()):
        assert f"1.000 ({auc.reason})" in shown
    assert result.table().loc["roc_auc", "reason"] == auc.reason
    assert result.metrics["accuracy"].reason == ""
    assert "n_boot is 0" in str(evaluate(y, np.column_stack([1 - p, p]), [0, 1], n_boot=0))


def test_html_escapes_untrusted_names(result):
    html = result._repr_html_()
    assert "<script>" not in html
    assert "<td>" in html


@pytest.mark.medium
def test_evaluating_imports_no_heavy_package():
    code = (
        "import sys, hybrid.evaluation as e; e.evaluate([0, 1], [[.6, .4], [.3, .7]], [0, 1]);"
        "print([m for m in ('sklearn', 'scipy.stats', 'pandas', 'matplotlib', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_scores_can_be_read_by_the_names_of_scikit_learn():
    result = evaluate([0, 1, 1, 0], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]], n_boot=0)
    assert result.metrics["recall"] == result.metrics["sensitivity"] == result.per_class[1]["recall"]
    assert result.metrics["matthews_corrcoef"] == result.metrics["mcc"]
    assert list(Evaluation.from_dict(result.to_dict()).metrics) == list(result.metrics)
    with pytest.raises(KeyError, match=r"^Unknown score 'balanced_acuracy'\. Nearest: 'balanced_accuracy'"):
        result.metrics["balanced_acuracy"]
    several = evaluate([0, 1, 2], [0, 1, 2], n_boot=0)
    with pytest.raises(InputError, match="'recall_macro'"):
        several.metrics["recall"]


def test_a_result_is_shown_as_its_text(result):
    assert repr(result) == str(result)
