"""The type of a function that receives the progress of a long operation."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of finished items, such as images, and the number of all items."""
