from .checks import CHECKS, examine
from .finding import Finding, Group

__all__ = [
    "CHECKS",
    "Finding",
    "Group",
    "examine",
]
