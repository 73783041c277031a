"""The command line, a thin layer over the library: each command reads its input, calls the library, and prints."""

from hybrid.cli.main import main

__all__ = ["main"]
