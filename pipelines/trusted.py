"""Fitted steps as bytes and back through skops: the one place that says which types a saved model may hold."""

from typing import Any
from zipfile import ZIP_DEFLATED

import skops.io
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UnsupportedTypeException

from hybrid.errors import InputError
from hybrid.pipelines.trees import check_trees

# Beyond skops' own list (numbers, text, containers, arrays, scikit-learn's public estimators): the heads, what
# comes after them, and what scikit-learn keeps inside them. Trees are checked after loading: skops leaves them out
# since it does not.
TRUSTED = (
    "hybrid.classifiers.calibration.GivenValues",
    "hybrid.classifiers.calibration.Recalibration",
    "hybrid.classifiers.forest.RandomForest",
    "hybrid.classifiers.network_output.NetworkOutput",
    "hybrid.classifiers.softmax.Softmax",
    "hybrid.classifiers.svm.LinearSVM",
    "hybrid.classifiers.xgboost.XGBoost",
    "hybrid.pipelines.adjusted.AdjustedHead",
    "hybrid.pipelines.ensemble.Ensemble",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.tree._tree.Tree",
)


def to_bytes(pipeline: Pipeline) -> bytes:
    """Return a fitted Pipeline in skops' format.

    Raises
    ------
    InputError
        If it holds a type that would not be loaded again.
    """
    try:
        data = skops.io.dumps(pipeline, compression=ZIP_DEFLATED, compresslevel=1)
    except UnsupportedTypeException as error:
        raise InputError(f"The pipeline cannot be saved: {error}") from error
    if foreign := set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED):
        raise InputError(
            f"The pipeline holds {', '.join(sorted(foreign))}, which cannot be loaded safely, so it is not saved: "
            "use the heads of hybrid, or scikit-learn's own estimators."
        )
    return data


def from_bytes(data: bytes) -> Any:
    """Return what :func:`to_bytes` wrote.

    Raises
    ------
    InputError
        If the data holds a type that is not trusted, or is damaged.
    """
    try:
        loaded = skops.io.loads(data, trusted=list(TRUSTED))
        check_trees(loaded)
    except Exception as error:  # a stranger's file fails in any way it likes
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"The model's fitted steps cannot be loaded: {reason}") from error
    return loaded
