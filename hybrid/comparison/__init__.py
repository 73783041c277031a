"""Models side by side: one table for each set of images, what can be told apart there, and which one is chosen."""

from hybrid.comparison.choice import Choice
from hybrid.comparison.group import Group
from hybrid.comparison.grouping import compare_results
from hybrid.comparison.metrics import LOWER_IS_BETTER, MAIN_METRICS
from hybrid.comparison.result import Comparison
from hybrid.evaluation import load_results

__all__ = ["LOWER_IS_BETTER", "MAIN_METRICS", "Choice", "Comparison", "Group", "compare_results", "load_results"]
