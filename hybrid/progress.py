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
    processor : float
        Seconds of all processors in this process and in its finished child processes.
    """

    wall: float
    processor: float


class Stopwatch:
    """Measure the time of consecutive operations."""

    def __init__(self) -> None:
        self._last = read_clocks()

    def lap(self) -> Spent:
        """Return the time since the last lap, or since the stopwatch was created, and begin the next lap."""
        now = read_clocks()
        spent = Spent(now.wall - self._last.wall, now.processor - self._last.processor)
        self._last = now
        return spent


def read_clocks() -> Spent:
    """Return the seconds on the wall clock and of the processors since some moment. Only differences have a meaning."""
    times = os.times()
    return Spent(time.perf_counter(), time.process_time() + times.children_user + times.children_system)
