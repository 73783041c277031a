from .compare import compare
from .compare_results import compare_results
from .comparison import Comparison
from .validate import Validation, validate

__all__ = [
    "Comparison",
    "Validation",
    "compare",
    "compare_results",
    "validate",
]
