"""Import Keras without TensorFlow's log messages, which no setting can switch off completely."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")  # of a progress bar that is drawn meanwhile
_LOG_MESSAGE = re.compile(r"[IWE]\d{4} \d|WARNING: All log messages before absl|To enable the following instructions")

# TensorFlow reads these when it creates its device. The limit is in MB; without it, TensorFlow sets 64 GB.
_ALLOCATOR = {"TF_CPU_ALLOCATOR_USE_BFC": "1", "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(2**20)}


def import_keras() -> None:
    """Import Keras and its backend, and suppress the log messages that they write to standard error.

    On a CPU, TensorFlow is configured to reuse the memory of its arrays, as it does on a GPU. Otherwise it requests
    large arrays from the system and returns them in each training step, and the system takes up to half of the step to
    fill them with zeros. Set `TF_CPU_ALLOCATOR_USE_BFC=0` in the environment to undo this.
    """
    for name, value in _ALLOCATOR.items():
        os.environ.setdefault(name, value)
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_log_messages():
        import_module("keras")


@contextlib.contextmanager
def _without_log_messages() -> Iterator[None]:
    """Redirect the standard error of the process to a file, then print its lines except the log messages."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            lines = captured.read().decode(errors="replace").splitlines()
            for line in lines:
                if not _LOG_MESSAGE.match(_CONTROL.sub("", line)):
                    print(line, file=sys.stderr)
