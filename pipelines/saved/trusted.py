"""Convert fitted steps to bytes and back with skops, and list the types that a saved model may hold."""

import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import skops.io
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UnsupportedTypeException

from hybrid.errors import InputError, reason_of
from hybrid.files import parse_json
from hybrid.pipelines.saved.arrays import check_arrays
from hybrid.pipelines.saved.trees import check_trees

# The only types that a saved model may hold. skops would trust all estimators of scikit-learn, but the compiled code of
# some of them (libsvm, neighbours, gradient boosting) uses indices and counts without checking them. Among the types in
# this list only trees do so, and they are checked after loading.
TRUSTED = (
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.NoneType",
    "builtins.str",
    "builtins.tuple",
    "hybrid.classifiers.calibration.GivenValues",
    "hybrid.classifiers.calibration.Recalibration",
    "hybrid.classifiers.forest.RandomForest",
    "hybrid.classifiers.knn.KNN",
    "hybrid.classifiers.network_output.NetworkOutput",
    "hybrid.classifiers.sklearn_head.SklearnHead",
    "hybrid.classifiers.shrunk_calibration.ShrunkCalibration",
    "hybrid.classifiers.softmax.Softmax",
    "hybrid.classifiers.svm.LinearSVM",
    "hybrid.classifiers.xgboost.XGBoost",
    "hybrid.pipelines.adapted.AdaptedHead",
    "hybrid.pipelines.adjusted.AdjustedHead",
    "hybrid.pipelines.ensemble.Ensemble",
    "numpy.bool",
    "numpy.float32",
    "numpy.float64",
    "numpy.int32",
    "numpy.int64",
    "numpy.ndarray",
    "numpy.str_",
    "sklearn.calibration.CalibratedClassifierCV",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.decomposition._pca.PCA",
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.feature_selection._univariate_selection.SelectKBest",
    "sklearn.feature_selection._univariate_selection.f_classif",  # a function of arrays, named and not called
    "sklearn.feature_selection._variance_threshold.VarianceThreshold",
    "sklearn.frozen._frozen.FrozenEstimator",
    "sklearn.isotonic.IsotonicRegression",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.naive_bayes.GaussianNB",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.MaxAbsScaler",
    "sklearn.preprocessing._data.MinMaxScaler",
    "sklearn.preprocessing._data.Normalizer",
    "sklearn.preprocessing._data.PowerTransformer",
    "sklearn.preprocessing._data.RobustScaler",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._tree.Tree",
)

_MOST_BYTES, _MOST_EXPANSION = 2**28, 50  # compression reduces a forest's nodes to about a tenth


class UntrustedTypeError(InputError):
    """A pipeline cannot be saved, because it holds a type that cannot be loaded safely."""


def to_bytes(pipeline: Pipeline) -> bytes:
    """Return a fitted Pipeline in the format of skops.

    Raises
    ------
    UntrustedTypeError
        If the pipeline holds a type that cannot be loaded safely.
    """
    try:
        data = skops.io.dumps(pipeline, compression=ZIP_DEFLATED, compresslevel=1)
    except UnsupportedTypeException as error:
        raise UntrustedTypeError(f"The pipeline cannot be saved: {error}") from error
    if untrusted := _untrusted_types(data):
        raise UntrustedTypeError(
            f"The pipeline holds {untrusted}, which cannot be loaded safely, so it is not saved. Use the heads of "
            "hybrid, or other estimators of scikit-learn: the guide 'Saving, loading and passing on a model' lists "
            "those that can be saved."
        )
    return data


def from_bytes(data: bytes) -> Any:
    """Load the object that :func:`to_bytes` wrote, and check it.

    Raises
    ------
    InputError
        If the data holds a type that is not trusted, or is damaged.
    """
    try:
        check_unpacked_size(data)
        if untrusted := _untrusted_types(data):
            raise InputError(f"it holds {untrusted}, which a saved model may not hold")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # `load_model` warns once for the whole model
            loaded = skops.io.loads(data, trusted=list(TRUSTED))
        check_trees(loaded)
        check_arrays(loaded)
    except Exception as error:  # an untrusted file can fail in any way
        raise InputError(f"The model's fitted steps cannot be loaded: {reason_of(error)}") from error
    return loaded


def check_unpacked_size(data: bytes) -> None:
    """Raise `InputError` if a .zip file would be unpacked to far more bytes than it has."""
    with ZipFile(BytesIO(data)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > max(_MOST_BYTES, _MOST_EXPANSION * len(data)):
        raise InputError(f"{len(data):,} bytes would be unpacked to {size:,}")


def _untrusted_types(data: bytes) -> str:
    """Return the names of the types in the data that are not trusted; "" if there are none."""
    with ZipFile(BytesIO(data)) as archive:
        schema = parse_json(archive.read("schema.json"))
    return ", ".join(sorted({*_types(schema), *skops.io.get_untrusted_types(data=data)} - set(TRUSTED)))


def _types(node: Any) -> Iterator[str]:
    """Yield the name of each type in skops' description of an object."""
    if isinstance(node, dict):
        if "__class__" in node:
            yield f"{node.get('__module__')}.{node['__class__']}"
        node = node.values()
    elif not isinstance(node, list):
        return
    for part in node:
        yield from _types(part)
