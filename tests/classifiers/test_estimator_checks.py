"""scikit-learn's own checks of an estimator, over the table of heads."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from hybrid.classifiers import HEADS, make_head

# Smaller and single-threaded, for speed; nothing that is checked depends on it.
SMALL: dict[str, dict[str, float]] = {
    "forest": {"n_estimators": 20, "n_jobs": 1},
    "xgboost": {"n_estimators": 50, "n_jobs": 1},
}

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
EXPECTED_FAILURES = {
    "KNN": {WEIGHTS: "a row repeated takes several of the k places, a row weighted takes one"},
    "LinearSVM": {
        WEIGHTS: "equal to 1e-4 only, since products are float32 and the solver stops at tol=1e-4; the check demands "
        "1e-7. It also hands in folds as cv, where this head takes a number and keeps repeated rows together by groups"
    },
    "RandomForest": {WEIGHTS: "bootstrap draws rows: a row repeated is drawn more often, a row weighted is not"},
    "XGBoost": {WEIGHTS: "equal to 1e-6 only: sums are float32, and the check wants 1e-7"},
}


@parametrize_with_checks(
    [make_head(name, **SMALL.get(name, {})) for name in HEADS if name != "logistic"],
    expected_failed_checks=lambda head: EXPECTED_FAILURES.get(type(head).__name__, {}),
)
def test_estimator_check(estimator, check):
    check(estimator)
