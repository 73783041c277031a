from .api import compare_models, evaluate, evaluate_models
from .calibration import ReliabilityCurve, reliability_curve
from .calibration_line import CalibrationLine, calibration_line
from .group_cases import GroupCases, per_group
from .metrics import LOWER_IS_BETTER, METRICS
from .paired_evaluation import PairedEvaluation
from .paired_test import PairedTest
from .registry.spec import MetricSpec
from .result import Evaluation, Metric

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "CalibrationLine",
    "Evaluation",
    "GroupCases",
    "Metric",
    "MetricSpec",
    "PairedEvaluation",
    "PairedTest",
    "ReliabilityCurve",
    "calibration_line",
    "compare_models",
    "evaluate",
    "evaluate_models",
    "per_group",
    "reliability_curve",
]
