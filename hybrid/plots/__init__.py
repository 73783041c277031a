"""Pictures of results.

Drawn through Matplotlib's object interface, so that no window system and no global state is needed. Names
come from strangers' files: they are shown as they are, never parsed as formulas.
"""

from hybrid.plots.bars import bar_chart
from hybrid.plots.confusion import confusion_matrices
from hybrid.plots.saving import save_figure
from hybrid.plots.training import training_curves

__all__ = ["bar_chart", "confusion_matrices", "save_figure", "training_curves"]
