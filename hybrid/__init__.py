"""Keras CNNs as feature extractors for scikit-learn: cached embeddings, honest comparisons."""

import os as _os
from pathlib import Path as _Path

import lazy_loader as _lazy_loader

from hybrid._version import __version__ as __version__

__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)

# Read when scikit-learn or XGBoost load GNU's OpenMP. By default its threads spin while they wait for each other. That
# takes processor time from the threads they wait for when the machine is busy: a fit can take ten times as long.
if "OMP_WAIT_POLICY" not in _os.environ:
    _os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# In a checkout without installation the subpackages lie beside this folder, not in it (see setup.cfg).
if not (_Path(__file__).parent / "extractors").is_dir():
    __path__.append(str(_Path(__file__).parents[1]))
