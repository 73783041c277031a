"""Labels of any type without `classes`, and predicted labels and probabilities in every form."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk

from hybrid.errors import InputError
from hybrid.evaluation import compare_models, evaluate, evaluate_models
from hybrid.evaluation.metrics import METRICS, metrics_of

CODES, SAID = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
SCORE = np.array([0.2, 0.7, 0.9, 0.6, 0.4])
PROBA = np.column_stack([1 - SCORE, SCORE])
FORMS = {
    "text": np.array(["cat", "dog"]),
    "integers": np.array([3, 7]),
    "booleans": np.array([False, True]),
    "floats": np.array([0.0, 1.0]),
    "objects": np.array(["cat", "dog"], dtype=object),
}


@pytest.fixture(params=FORMS)
def names(request):
    return FORMS[request.param]


@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series, lambda y: pd.DataFrame({"label": y})])
def test_probabilities_need_no_classes(names, kind):
    result = evaluate(kind(names[CODES]), PROBA, n_boot=0)
    assert result.classes == tuple(names.tolist())
    assert result.task == "binary"
    assert result.metrics["roc_auc"].value == pytest.approx(sk.roc_auc_score(CODES, SCORE))
    assert result.to_dict() == evaluate(names[CODES], PROBA, names, n_boot=0).to_dict()


@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series])
def test_predicted_labels_alone_leave_metrics_of_probabilities_undefined(names, kind):
    result = evaluate(names[CODES], kind(names[SAID]), n_boot=20)
    assert result.metrics["accuracy"].value == 0.6
    assert result.metrics["f1"].value == pytest.approx(sk.f1_score(CODES, SAID))
    assert list(result.metrics) == list(metrics_of("binary"))
    for name, metric in result.metrics.items():
        if METRICS[name].threshold_free:
            assert metric.value is None
            assert "needs probabilities" in metric.note
        else:
            assert metric.value is not None
    assert "needs probabilities, and only predicted labels were given" in str(result)
    assert evaluate(names[CODES], y_pred=names[SAID], n_boot=20).to_dict() == result.to_dict()


def test_numpy_scalars_are_labels():
    result = evaluate([np.str_("a"), np.str_("b")], [np.str_("a"), np.str_("a")], n_boot=0)
    assert result.classes == ("a", "b")
    assert [type(label) for label in result.classes] == [str, str]


def test_a_class_that_is_only_predicted_is_a_class():
    result = evaluate(["a", "b", "a"], ["a", "c", "a"], n_boot=0)
    assert result.classes == ("a", "b", "c")
    assert result.metrics["accuracy"].value == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("pos_label", ["dog", "cat"])
def test_one_number_per_image_is_the_probability_of_the_positive_class(shape, pos_label):
    y = FORMS["text"][CODES]
    result = evaluate(y, SCORE.reshape(shape), pos_label=pos_label, n_boot=0)
    assert result.positive == pos_label
    assert result.metrics["roc_auc"].value == pytest.approx(sk.roc_auc_score(y == pos_label, SCORE))
    assert result.metrics["brier"].value == pytest.approx(np.mean((SCORE - (y == pos_label)) ** 2))


def test_three_classes():
    y = np.array(["a", "b", "c", "a"])
    proba = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.6, 0.2, 0.2]])
    by_labels = evaluate(y, np.array(list("abc"))[proba.argmax(axis=1)], n_boot=0)
    by_proba = evaluate(y, proba, n_boot=0)
    assert by_labels.metrics["f1_macro"].value == by_proba.metrics["f1_macro"].value
    assert by_proba.metrics["log_loss"].value == pytest.approx(sk.log_loss(y, proba))


@pytest.mark.parametrize("kind", [int, bool])
def test_a_matrix_of_integers_or_booleans_holds_labels(kind):
    truth = pd.DataFrame({"sun": [1, 0, 1], "sea": [0, 1, 1]})
    result = evaluate(truth, np.array([[1, 0], [1, 1], [1, 0]], dtype=kind), n_boot=0)
    assert result.classes == ("sun", "sea")
    assert result.metrics["subset_accuracy"].value == pytest.approx(1 / 3)
    assert result.metrics["roc_auc_macro"].value is None
    assert result.per_class["sun"]["roc_auc"].note.startswith("needs probabilities")
    assert evaluate(truth.to_numpy(), np.full((3, 2), 0.5), n_boot=0).classes == (0, 1)


def test_several_models_need_no_classes():
    y = FORMS["text"][CODES]
    given = {"labels": FORMS["text"][SAID], "scores": SCORE, "matrix": PROBA}
    results = evaluate_models(y, given, n_boot=20)
    assert results["scores"].to_dict() == results["matrix"].to_dict()
    assert results["labels"].metrics["roc_auc"].value is None
    tests = compare_models(y, given, n_boot=20)
    assert {test.metric for test in tests} == {"accuracy"}
    with pytest.raises(InputError, match="roc_auc needs the probabilities of every model"):
        compare_models(y, given, metrics=["roc_auc"], n_boot=20)
    del given["labels"]
    assert {test.metric for test in compare_models(y, given, n_boot=20)} == {"accuracy", "roc_auc"}


@pytest.mark.parametrize(
    ("y_true", "given", "sentence"),
    [
        (["a", "b"], [2.5, -1.0], "predict_proba, not decision values"),
        (["a", "b", "c"], [0.1, 0.5, 0.9], r"probabilities of shape \(3, 3\)"),
        (["a", "b"], [1, 0], "different types: int and str"),
        (["a", None], ["a", "b"], "y_true holds 1 missing values, the first in row 1"),
        ([0.0, np.nan], [0.0, 1.0], "y_true holds 1 missing"),
        (["a", "b"], ["a", None], "y_pred holds 1 missing"),
        (["a", "a"], [[0.5, 0.5]] * 2, "All labels are 'a'"),
        (["a", "b"], [[0.2, 0.3, 0.5]] * 2, "3 columns, but y_true holds 2 classes"),
        ([["a", "b"], ["a"]], ["a", "b"], "MultiLabelBinarizer"),
        (["a", "b"], [["x", "y"], ["y", "x"]], "one predicted label per image"),
        (["a", "b"], None, "There are no predictions"),
        ("a", ["a"], r"y_true has shape \(\)"),
    ],
)
def test_ambiguous_labels_are_rejected(y_true, given, sentence):
    with pytest.raises(InputError, match=sentence):
        evaluate(y_true, given, n_boot=0)


def test_labels_given_twice_are_rejected():
    with pytest.raises(InputError, match="given twice"):
        evaluate(["a", "b"], ["a", "b"], y_pred=["a", "b"])


def test_former_names_of_parameters_are_accepted():
    y = FORMS["text"][CODES]
    with pytest.warns(FutureWarning) as caught:
        former = evaluate(y, PROBA, ["cat", "dog"], positive="cat", n_boot=20, seed=3)
    assert {str(one.message).split(" is called ")[1].split(" now")[0] for one in caught} == {
        "'pos_label'",
        "'random_state'",
    }
    now = evaluate(y, PROBA, ["cat", "dog"], pos_label="cat", n_boot=20, random_state=3)
    assert former.to_dict() == now.to_dict()


@pytest.mark.parametrize("given", [-1, 0.5, None])
def test_an_invalid_random_state_is_rejected(given):
    with pytest.raises(InputError, match="random_state=.* was given; expected a whole number"):
        evaluate(["a", "b"], ["a", "b"], random_state=given)
