from .api import compare_models, evaluate, evaluate_models
from .calibration import ReliabilityCurve, reliability_curve
from .calibration_line import CalibrationLine, calibration_line
from .decision_curve import DecisionCurve, decision_curve
from .group_cases import GroupCases, per_group
from .metrics import LOWER_IS_BETTER, METRICS
from .paired_evaluation import PairedEvaluation
from .paired_test import PairedTest
from .predictive_values import PredictiveValues, predictive_values
from .registry.spec import MetricSpec
from .result import Evaluation, Metric
from .subgroups.result import Gap, Subgroup, SubgroupScores
from .subgroups.scores import by_subgroup
from .unpaired import UnpairedTest, unpaired_tests

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "CalibrationLine",
    "DecisionCurve",
    "Evaluation",
    "Gap",
    "GroupCases",
    "Metric",
    "MetricSpec",
    "PairedEvaluation",
    "PairedTest",
    "PredictiveValues",
    "ReliabilityCurve",
    "Subgroup",
    "SubgroupScores",
    "UnpairedTest",
    "by_subgroup",
    "calibration_line",
    "compare_models",
    "decision_curve",
    "evaluate",
    "evaluate_models",
    "per_group",
    "predictive_values",
    "reliability_curve",
    "unpaired_tests",
]
