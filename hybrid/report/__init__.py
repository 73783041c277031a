"""The report of a comparison: one HTML file, and its figures and tables beside it."""

from hybrid.report.write import write_report

__all__ = ["write_report"]
