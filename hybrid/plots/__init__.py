"""Figures of results.

They are drawn with Matplotlib's object-oriented interface, which needs neither a display nor global state. Names of
models, classes and files can contain any character, so they are never parsed as mathematical formulas.
"""

from hybrid.plots.adapting import adapting_curves
from hybrid.plots.augmented import augmentation_grid
from hybrid.plots.bars import bar_chart, interval_chart
from hybrid.plots.confusion import confusion_matrices
from hybrid.plots.cost import cost_chart
from hybrid.plots.counts import class_counts
from hybrid.plots.curves import precision_recall_curves, reliability_curves, roc_curves
from hybrid.plots.decision import decision_curves
from hybrid.plots.differences import difference_chart, group_chart
from hybrid.plots.examples import example_grid
from hybrid.plots.learning import interval_width_chart, learning_curve_chart
from hybrid.plots.pairs import pair_chart
from hybrid.plots.saving import save_figure
from hybrid.plots.scatter import class_map, error_map
from hybrid.plots.stress import StressLine, stress_chart
from hybrid.plots.training import training_curves

__all__ = [
    "StressLine",
    "adapting_curves",
    "augmentation_grid",
    "bar_chart",
    "class_counts",
    "class_map",
    "confusion_matrices",
    "cost_chart",
    "decision_curves",
    "difference_chart",
    "error_map",
    "example_grid",
    "group_chart",
    "interval_chart",
    "interval_width_chart",
    "learning_curve_chart",
    "pair_chart",
    "precision_recall_curves",
    "reliability_curves",
    "roc_curves",
    "save_figure",
    "stress_chart",
    "training_curves",
]
