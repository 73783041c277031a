"""The values equal those of scikit-learn for the same predictions."""

import numpy as np
import pytest
import sklearn.metrics as sk

from hybrid.errors import InputError
from hybrid.evaluation import evaluate

CLOSE = {"rel": 0, "abs": 1e-12}


def predictions(n, k, seed=0, decimals=None):
    """Return labels and imperfect probabilities; few decimals give many ties."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    z = rng.normal(size=(n, k))
    z[np.arange(n), y] += 1
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    if decimals is not None:
        proba[:, 1:] = np.floor(proba[:, 1:] * 10**decimals) / 10**decimals
        proba[:, 0] = 1 - proba[:, 1:].sum(axis=1)
    return y, proba


def labels_and_proba(n, k, seed=0):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, k)) < 0.3).astype(int)
    return truth, np.round(np.clip(0.4 * truth + 0.7 * rng.random((n, k)), 0, 1), 2)


def values(metrics):
    return {name: metric.value for name, metric in metrics.items() if hasattr(metric, "value")}


def likelihood_ratios(true, predicted):
    return dict(zip(("lr_positive", "lr_negative"), sk.class_likelihood_ratios(true, predicted), strict=True))


def sklearn_single(y, proba, y_pred, classes):
    expected = {
        "accuracy": sk.accuracy_score(y, y_pred),
        "balanced_accuracy": sk.balanced_accuracy_score(y, y_pred),
        "mcc": sk.matthews_corrcoef(y, y_pred),
        "log_loss": sk.log_loss(y, proba, labels=classes),
    }
    for average in ("macro", "weighted"):
        scores = sk.precision_recall_fscore_support(y, y_pred, average=average)[:3]
        expected |= {f"{name}_{average}": s for name, s in zip(("precision", "recall", "f1"), scores, strict=True)}
    return expected


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("positive", ["ill", "well"])
def test_binary_equals_sklearn(decimals, positive):
    codes, proba = predictions(200, 2, decimals=decimals)
    classes = np.array(["ill", "well"])
    y, y_pred = classes[codes], classes[(proba[:, 1] >= 0.5).astype(int)]
    score = proba[:, list(classes).index(positive)]
    is_positive = y == positive
    expected = sklearn_single(y, proba, y_pred, classes) | {
        "sensitivity": sk.recall_score(y, y_pred, pos_label=positive),
        "specificity": sk.recall_score(is_positive, y_pred == positive, pos_label=False),
        "precision": sk.precision_score(y, y_pred, pos_label=positive),
        "npv": sk.precision_score(is_positive, y_pred == positive, pos_label=False),
        **likelihood_ratios(is_positive, y_pred == positive),
        "f1": sk.f1_score(y, y_pred, pos_label=positive),
        "roc_auc": sk.roc_auc_score(is_positive, score),
        "average_precision": sk.average_precision_score(is_positive, score),
        "brier": sk.brier_score_loss(y, score, pos_label=positive),
    }
    result = evaluate(y, proba, classes, pos_label=positive, n_boot=0)
    assert result.task == "binary"
    assert result.positive == positive
    found = values(result.metrics)
    del found["ece"]  # has a test of its own
    assert found == pytest.approx(expected, **CLOSE)
    np.testing.assert_array_equal(result.confusion, sk.confusion_matrix(y, y_pred))


@pytest.mark.parametrize("decimals", [None, 1])
def test_multiclass_equals_sklearn(decimals):
    y, proba = predictions(300, 5, decimals=decimals)
    y_pred = proba.argmax(axis=1)
    one_hot = np.eye(5)[y]
    expected = sklearn_single(y, proba, y_pred, range(5)) | {
        "roc_auc_macro": sk.roc_auc_score(y, proba, multi_class="ovr"),
        "average_precision_macro": sk.average_precision_score(one_hot, proba, average="macro"),
        "brier": sk.brier_score_loss(y, proba, labels=range(5)),
    }
    result = evaluate(y, proba, range(5), n_boot=0)
    found = values(result.metrics)
    del found["ece"]
    assert found == pytest.approx(expected, **CLOSE)
    np.testing.assert_array_equal(result.confusion, sk.confusion_matrix(y, y_pred))
    precision, recall, f1, support = sk.precision_recall_fscore_support(y, y_pred)
    for k in range(5):
        assert result.per_class[k]["support"] == support[k]
        assert values(result.per_class[k]) == pytest.approx(
            {
                "precision": precision[k],
                "npv": sk.precision_score(y != k, y_pred != k),
                **likelihood_ratios(y == k, y_pred == k),
                "recall": recall[k],
                "specificity": sk.recall_score(y != k, y_pred != k),
                "f1": f1[k],
                "roc_auc": sk.roc_auc_score(y == k, proba[:, k]),
                "average_precision": sk.average_precision_score(y == k, proba[:, k]),
            },
            **CLOSE,
        )


def test_multilabel_equals_sklearn():
    truth, proba = labels_and_proba(250, 4)
    predicted = proba >= 0.5
    expected = {
        "subset_accuracy": sk.accuracy_score(truth, predicted),
        "hamming_loss": sk.hamming_loss(truth, predicted),
        "balanced_accuracy_macro": np.mean(
            [sk.balanced_accuracy_score(truth[:, k], predicted[:, k]) for k in range(4)]
        ),
        "log_loss_macro": np.mean([sk.log_loss(truth[:, k], proba[:, k]) for k in range(4)]),
    }
    for average in ("macro", "micro"):
        scores = sk.precision_recall_fscore_support(truth, predicted, average=average)[:3]
        expected |= {f"{name}_{average}": s for name, s in zip(("precision", "recall", "f1"), scores, strict=True)}
        expected[f"roc_auc_{average}"] = sk.roc_auc_score(truth, proba, average=average)
        expected[f"average_precision_{average}"] = sk.average_precision_score(truth, proba, average=average)
    result = evaluate(truth, proba, ["sun", "sea", "sand", "snow"], n_boot=0)
    found = values(result.metrics)
    assert found.pop("ece_macro") == pytest.approx(np.mean([one["ece"].value for one in result.per_class.values()]))
    assert found == pytest.approx(expected, **CLOSE)
    np.testing.assert_array_equal(result.confusion, sk.multilabel_confusion_matrix(truth, predicted))
    for k, label in enumerate(result.classes):
        y, score, said = truth[:, k], proba[:, k], predicted[:, k]
        found = values(result.per_class[label])
        del found["ece"]
        assert found == pytest.approx(
            {
                "precision": sk.precision_score(y, said),
                "npv": sk.precision_score(y, said, pos_label=0),
                **likelihood_ratios(y, said),
                "recall": sk.recall_score(y, said),
                "specificity": sk.recall_score(y, said, pos_label=0),
                "f1": sk.f1_score(y, said),
                "roc_auc": sk.roc_auc_score(y, score),
                "average_precision": sk.average_precision_score(y, score),
                "accuracy": sk.accuracy_score(y, said),
                "balanced_accuracy": sk.balanced_accuracy_score(y, said),
                "mcc": sk.matthews_corrcoef(y, said),
                "log_loss": sk.log_loss(y, score, labels=[0, 1]),
                "brier": sk.brier_score_loss(y, score),
            },
            **CLOSE,
        )


def test_given_predictions_replace_the_default_predictions():
    y, proba = predictions(50, 3)
    result = evaluate(y, proba, range(3), y_pred=y, n_boot=0)
    assert result.metrics["accuracy"].value == 1
    assert result.metrics["log_loss"].value == pytest.approx(sk.log_loss(y, proba))


def test_a_certain_but_wrong_model_has_the_finite_loss_of_sklearn():
    y, proba = [0, 1], np.array([[1.0, 0.0], [1.0, 0.0]])
    assert evaluate(y, proba, [0, 1], n_boot=0).metrics["log_loss"].value == pytest.approx(sk.log_loss(y, proba))


def test_a_split_with_one_class_has_notes_on_undefined_scores():
    result = evaluate(["b"] * 4, [[0.2, 0.8]] * 3 + [[0.9, 0.1]], ["a", "b"], n_boot=50)
    for name in ("roc_auc", "average_precision", "specificity", "mcc"):
        metric = result.metrics[name]
        assert metric.value is metric.low is metric.high is None
        assert "class" in metric.note
    assert result.metrics["sensitivity"].value == 0.75
    assert result.per_class["a"]["recall"].value is None
    assert "no image of this class" in result.per_class["a"]["recall"].note


def test_a_class_absent_from_the_split_is_left_out_of_macro_averages_and_named():
    y, proba = predictions(60, 4)
    keep = y != 2
    result = evaluate(y[keep], proba[keep], range(4), n_boot=50)
    y_pred = proba[keep].argmax(axis=1)
    assert (y_pred == 2).any()
    expected = sk.f1_score(y[keep], y_pred, labels=[0, 1, 3], average="macro")
    assert result.metrics["f1_macro"].value == pytest.approx(expected, **CLOSE)
    assert "2" in result.metrics["f1_macro"].note
    assert all(result.per_class[2][name].value is None for name in ("precision", "recall", "f1", "roc_auc"))


def test_a_class_never_predicted_has_no_precision_and_is_named_in_the_macro():
    y = np.array([0, 0, 1, 1, 2])
    proba = np.array([[0.8, 0.1, 0.1]] * 2 + [[0.1, 0.8, 0.1]] * 2 + [[0.1, 0.5, 0.4]])
    result = evaluate(y, proba, [0, 1, 2], n_boot=20)
    assert result.per_class[2]["precision"].value is None
    assert "never predicted" in result.per_class[2]["precision"].note
    macro = result.metrics["precision_macro"]
    assert macro.value == pytest.approx(sk.precision_score(y, proba.argmax(axis=1), average="macro", zero_division=0))
    assert "never predicted: 2" in macro.note
    assert result.per_class[2]["recall"].value == 0


def test_a_constant_prediction_has_mcc_zero_and_a_note():
    metric = evaluate([0, 1, 1], [[0.4, 0.6]] * 3, [0, 1], n_boot=0).metrics["mcc"]
    assert metric.value == 0
    assert "convention" in metric.note


def test_a_label_without_images_is_undefined_and_left_out_of_the_macro():
    truth, proba = labels_and_proba(100, 3)
    truth[:, 1] = 0
    result = evaluate(truth, proba, ["x", "y", "z"], n_boot=50)
    assert result.per_class["y"]["roc_auc"].value is None
    expected = sk.roc_auc_score(truth[:, [0, 2]], proba[:, [0, 2]], average="macro")
    assert result.metrics["roc_auc_macro"].value == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"y_true": []}, "nothing to evaluate"),
        ({"proba": [[0.5, 0.5]]}, r"shape \(1, 2\)"),
        ({"proba": [[0.5, 0.4], [0.5, 0.5]]}, "sum to 1"),
        ({"proba": [[0.5, np.nan], [0.5, 0.5]]}, "NaN"),
        ({"proba": [[-0.5, 1.5], [0.5, 0.5]]}, "between 0 and 1"),
        ({"y_true": ["a", "c"]}, "not among the classes 'a', 'b': 'c'"),
        ({"y_pred": ["a", "d"]}, "y_pred holds"),
        ({"y_pred": ["a"]}, "y_pred has 1"),
        ({"pos_label": "z"}, "Unknown positive class 'z'"),
        ({"classes": ["a", "a"]}, "differ"),
        ({"y_true": [[0, 1], [2, 1]]}, "only 0 and 1"),
        ({"y_true": [[0], [1]]}, "one 0/1"),
        ({"y_true": [[0, 1], [1, 0]], "pos_label": "a"}, "no positive"),
        ({"level": 95}, "level"),
    ],
)
def test_invalid_input_is_rejected(change, sentence):
    given = {"y_true": ["a", "b"], "proba": [[0.7, 0.3], [0.4, 0.6]], "classes": ["a", "b"]} | change
    with pytest.raises(InputError, match=sentence):
        evaluate(given.pop("y_true"), given.pop("proba"), given.pop("classes"), **given)


def test_three_classes_have_no_positive_class():
    with pytest.raises(InputError, match="two classes"):
        evaluate([0], [[1, 0, 0]], [0, 1, 2], pos_label=1)
