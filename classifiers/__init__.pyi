from .forest import RandomForest
from .knn import KNN
from .network_output import NetworkOutput
from .registry import DEFAULT_HEADS, HEADS, HeadRow, make_head
from .sklearn_head import SklearnHead
from .softmax import Softmax
from .svm import LinearSVM
from .xgboost import XGBoost

__all__ = [
    "DEFAULT_HEADS",
    "HEADS",
    "KNN",
    "HeadRow",
    "LinearSVM",
    "NetworkOutput",
    "RandomForest",
    "SklearnHead",
    "Softmax",
    "XGBoost",
    "make_head",
]
