"""Connect to a Dask cluster, and find the client that is connected to one."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hybrid.errors import InputError, MissingExtraError, reason_of

if TYPE_CHECKING:
    from distributed import Client

_SECONDS = 30  # for a scheduler to answer, and for the first worker to appear


def current_client() -> "Client | None":
    """Return the Dask client of this process; None if there is none, or if this process is a worker itself."""
    if "distributed" not in sys.modules:  # then nobody has made a client
        return None
    import distributed

    with contextlib.suppress(ValueError):
        distributed.get_worker()
        return None
    with contextlib.suppress(ValueError):
        return distributed.default_client()
    return None


@contextlib.contextmanager
def connected(address: str) -> Iterator["Client"]:
    """Connect to a cluster. Until the end of the block, extractors use its workers.

    Parameters
    ----------
    address : str
        Address of a scheduler, such as ``"tcp://10.0.0.5:8786"``; or ``"local:4"`` for four worker processes on this
        machine, which share its cores equally.

    Raises
    ------
    InputError
        If the address is of another form, nothing answers there, or the scheduler has no workers.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError("distributed", "cluster", "A cluster") from error
    with contextlib.ExitStack() as stack:
        if local := re.fullmatch(r"local:(\d{1,4})", address):
            address = stack.enter_context(_local_cluster(int(local[1])))
        elif not re.match(r"\w+://.", address):
            raise InputError(
                f"The cluster {address!r} was given; expected the address of a scheduler, such as "
                "tcp://10.0.0.5:8786, or local:4 for four processes on this machine."
            )
        try:
            client = stack.enter_context(distributed.Client(address, timeout=_SECONDS))
            client.wait_for_workers(1, timeout=_SECONDS)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"No scheduler with a worker answers at {address!r} ({reason_of(error)}): check the address, and start "
                "workers with `dask worker`."
            ) from error
        yield client


@contextlib.contextmanager
def _local_cluster(workers: int) -> Iterator[str]:
    import dask
    import distributed

    from hybrid.extractors.cluster.cores import OwnCores

    if not workers:
        raise InputError("local:0 was given; expected at least one worker process, such as local:2.")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    settings = {
        # A killed worker is replaced, and its shard is computed again, however often that happens.
        "distributed.scheduler.allowed-failures": 1000,
        "distributed.worker.memory.target": False,  # workers hold no results, so there is nothing to move to the disk
        "distributed.worker.memory.spill": False,
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
    ):
        with distributed.Client(cluster) as client:
            client.register_plugin(OwnCores(list(cores), workers))
        yield cluster.scheduler_address
