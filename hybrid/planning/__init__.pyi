from .interval_widths import IntervalWidths, interval_widths
from .learning_curve import learning_curve
from .power_law import Extrapolation, fit_power_law
from .result import LearningCurve, ScoreCurve

__all__ = [
    "Extrapolation",
    "IntervalWidths",
    "LearningCurve",
    "ScoreCurve",
    "fit_power_law",
    "interval_widths",
    "learning_curve",
]
