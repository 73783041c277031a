"""Keras CNNs as feature extractors for scikit-learn: cached embeddings, honest comparisons."""

import os as _os
import signal as _signal
import sys as _sys


def _quit(*_: object) -> None:
    """End the process after Ctrl-C with one line and the exit code of an interrupted command."""
    _os.write(2, b"\nAborted!\n" if _os.isatty(2) else b"Aborted!\n")  # a terminal has shown ^C on this line
    _os._exit(130)


# In the process of the command, Ctrl-C shows no traceback while modules are imported (see hybrid/cli/interrupt.py).
_NAME = "".join(_sys.argv[:1]).replace("\\", "/").rsplit("/", 1)[-1].lower()
if (
    _NAME in ("hybrid", "hybrid.exe", "hybrid-script.py")
    and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
):
    _signal.signal(_signal.SIGINT, _quit)

from pathlib import Path as _Path  # noqa: E402

import lazy_loader as _lazy_loader  # noqa: E402

from hybrid._version import __version__ as __version__  # noqa: E402

__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)

# Read when scikit-learn or XGBoost load GNU's OpenMP. By default its threads spin while they wait for each other. That
# takes processor time from the threads they wait for when the machine is busy: a fit can take ten times as long.
if "OMP_WAIT_POLICY" not in _os.environ:
    _os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# In a checkout without installation the subpackages lie beside this folder, not in it (see setup.cfg).
if not (_Path(__file__).parent / "extractors").is_dir():
    __path__.append(str(_Path(__file__).parents[1]))
