"""Import Keras late and quietly: TensorFlow writes a page of remarks to standard error that no setting stops."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module

_REMARK = re.compile(r"[IWE]\d{4} \d|WARNING: All log messages before absl|To enable the following instructions")


def import_keras() -> None:
    """Import Keras and its backend once; what they write to standard error is kept back unless it says more."""
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
