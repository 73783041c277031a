from .forest import RandomForest
from .network_output import NetworkOutput
from .registry import HEADS, HeadRow, make_head
from .softmax import Softmax
from .svm import LinearSVM
from .xgboost import XGBoost

__all__ = [
    "HEADS",
    "HeadRow",
    "LinearSVM",
    "NetworkOutput",
    "RandomForest",
    "Softmax",
    "XGBoost",
    "make_head",
]
