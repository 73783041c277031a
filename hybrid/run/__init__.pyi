from .compare import compare
from .compare_results import compare_results
from .comparison import Comparison

__all__ = [
    "Comparison",
    "compare",
    "compare_results",
]
