"""Keras CNNs as feature extractors for scikit-learn: cached embeddings, honest comparisons."""

import os as _os
from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING
from typing import Any as _Any

from hybrid.errors import InputError

if TYPE_CHECKING:
    from hybrid.comparing import compare
    from hybrid.datasets import Dataset, load_dataset
    from hybrid.evaluation import Evaluation, evaluate
    from hybrid.extractors import FeatureExtractor
    from hybrid.pipelines import load_model, make_pipeline, save_model, tune

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Evaluation",
    "FeatureExtractor",
    "InputError",
    "compare",
    "evaluate",
    "load_dataset",
    "load_model",
    "make_pipeline",
    "save_model",
    "tune",
]

# Read when scikit-learn or XGBoost bring GNU's OpenMP. Its threads wait for each other by spinning, which takes from
# those that are waited for where other work runs: up to ten times as long a fit.
if "OMP_WAIT_POLICY" not in _os.environ:
    _os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# In a bare checkout the subpackages lie beside this folder, not in it (see setup.cfg).
if not (_Path(__file__).parent / "extractors").is_dir():
    __path__.append(str(_Path(__file__).parents[1]))

_HOMES = {
    "Dataset": "datasets",
    "Evaluation": "evaluation",
    "FeatureExtractor": "extractors",
    "compare": "comparing",
    "evaluate": "evaluation",
    "load_dataset": "datasets",
    "load_model": "pipelines",
    "make_pipeline": "pipelines",
    "save_model": "pipelines",
    "tune": "pipelines",
}


def __getattr__(name: str) -> _Any:
    """Import what is heavy at first use."""
    if name in _HOMES:
        return getattr(_import_module(f"hybrid.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
