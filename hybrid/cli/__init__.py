"""The command line: a thin skin over the library. Each command opens, calls and prints."""

from hybrid.cli.main import main

__all__ = ["main"]
