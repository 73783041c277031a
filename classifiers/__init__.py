"""Heads: scikit-learn classifiers that turn embeddings into labels and probabilities.

Importing this package is cheap: scikit-learn and XGBoost are imported when a head is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hybrid.classifiers.table import HEADS, HeadRow, make_head

if TYPE_CHECKING:
    from hybrid.classifiers.forest import RandomForest
    from hybrid.classifiers.network_output import NetworkOutput
    from hybrid.classifiers.softmax import Softmax
    from hybrid.classifiers.svm import LinearSVM
    from hybrid.classifiers.xgboost import XGBoost

__all__ = ["HEADS", "HeadRow", "LinearSVM", "NetworkOutput", "RandomForest", "Softmax", "XGBoost", "make_head"]

_MODULES = {row.class_name: row.module for row in HEADS.values()}
_MODULES["NetworkOutput"] = "hybrid.classifiers.network_output"


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
