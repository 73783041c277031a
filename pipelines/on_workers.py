"""Fit heads on the workers of a Dask cluster, through joblib."""

import contextlib
from collections.abc import Iterator

from joblib import parallel_config

from hybrid.extractors.cluster.client import current_client


@contextlib.contextmanager
def on_workers() -> Iterator[bool]:
    """Run joblib's tasks on the cluster of the current Dask client until the end of the block.

    Yields
    ------
    bool
        Whether there is such a client. If not, nothing changes.
    """
    if current_client() is None:
        yield False
        return
    with parallel_config(backend="dask", wait_for_workers_timeout=60):
        yield True
