"""The type of a function that long work reports its progress to."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of finished and of all items, such as images."""
