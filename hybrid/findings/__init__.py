"""What is wrong with a dataset's images: copies, blank ones, outliers, names that do not fit; and leaving them out."""

from hybrid.findings.checks import CHECKS, examine
from hybrid.findings.finding import Finding, Group

__all__ = ["CHECKS", "Finding", "Group", "examine"]
