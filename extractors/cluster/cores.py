"""Give each worker process of a machine its own cores, and leave Ctrl-C to the process that started them."""

import contextlib
import os
import signal
from pathlib import Path

from distributed import Worker, WorkerPlugin


class OwnCores(WorkerPlugin):
    """Gives each worker of a machine its share of the cores.

    Parameters
    ----------
    cores : list of int
        Numbers of the cores.
    workers : int
        Number of worker processes, which are named 0, 1, ….
    """

    name = "cores"

    def __init__(self, cores: list[int], workers: int):
        self.cores, self.workers = cores, workers

    def setup(self, worker: Worker) -> None:
        """Bind all threads of this process to its share of the cores; those that start later inherit it."""
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not hasattr(os, "sched_setaffinity"):
            return
        number, count = int(worker.name), len(self.cores)
        first = number * count // self.workers
        own = self.cores[first : max(first + 1, (number + 1) * count // self.workers)]
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                os.sched_setaffinity(int(thread.name), own)
