"""Import Keras late and quietly: TensorFlow writes a page of remarks to standard error that no setting stops."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module

_REMARK = re.compile(r"[IWE]\d{4} \d|WARNING: All log messages before absl|To enable the following instructions")

# Read when TensorFlow makes its device; the limit, in MB, is 64 GB if nothing is said.
_POOL = {"TF_CPU_ALLOCATOR_USE_BFC": "1", "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(2**20)}


def import_keras() -> None:
    """Import Keras and its backend once; what they write to standard error is kept back unless it says more.

    On a CPU TensorFlow is told to keep the memory of its arrays for the next ones, as it does on a GPU. Otherwise large
    arrays are asked of the system and given back in each training step, and filling them with zeros each time takes it
    up to half of the step. `TF_CPU_ALLOCATOR_USE_BFC=0` in the environment undoes this.
    """
    for name, value in _POOL.items():
        os.environ.setdefault(name, value)
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_remarks():
        import_module("keras")


@contextlib.contextmanager
def _without_remarks() -> Iterator[None]:
    """Hold back standard error at the level of the process, then write the lines that are no remarks."""
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines()
            for line in lines:
                if not _REMARK.match(line):
                    print(line, file=sys.stderr)
