"""Progress and duration of long operations: the type of a function that receives progress, and a stopwatch."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Called with the number of finished items, such as images, and the number of all items."""


@dataclass(frozen=True)
class Spent:
    """The time that an operation took.

    Attributes
    ----------
    wall : float
        Seconds on the wall clock.
    processor : float or None
        Seconds of all processors in this process and in its finished child processes; None if they are not known.
    """

    wall: float
    processor: float | None

    def __add__(self, other: "Spent") -> "Spent":
        wall = self.wall + other.wall
        if self.processor is None or other.processor is None:
            return Spent(wall, None)
        return Spent(wall, self.processor + other.processor)


class Stopwatch:
    """Measure the time of consecutive operations."""

    def __init__(self) -> None:
        self._last = read_clocks()

    def lap(self) -> Spent:
        """Return the time since the last lap, or since the stopwatch was created, and begin the next lap."""
        before, self._last = self._last, read_clocks()
        wall, processor = (now - then for now, then in zip(self._last, before, strict=True))
        return Spent(wall, processor)


def read_clocks() -> tuple[float, float]:
    """Return the seconds on the wall clock and of the processors since some moment. Only differences have a meaning."""
    times = os.times()
    return time.perf_counter(), time.process_time() + times.children_user + times.children_system


def read_thread_clock() -> float:
    """Return the processor seconds of this thread since some moment."""
    return time.thread_time()
