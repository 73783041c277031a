from .calibration import ReliabilityCurve, reliability_curve
from .measure import compare_models, evaluate, evaluate_models
from .paired import PairedTest
from .result import Evaluation, Metric
from .scores import LOWER_IS_BETTER
from .trial import Trial

__all__ = [
    "LOWER_IS_BETTER",
    "Evaluation",
    "Metric",
    "PairedTest",
    "ReliabilityCurve",
    "Trial",
    "compare_models",
    "evaluate",
    "evaluate_models",
    "reliability_curve",
]
