"""scikit-learn Pipelines from images to labels: build them, search their settings, save and load them.

Importing this package is cheap: scikit-learn is imported when something here is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid.pipelines.adjusted import adjust
    from hybrid.pipelines.build import make_head_pipeline, make_pipeline
    from hybrid.pipelines.ensemble import Ensemble, make_ensemble
    from hybrid.pipelines.loading import load_model
    from hybrid.pipelines.manifest import read_manifest
    from hybrid.pipelines.saving import save_model
    from hybrid.pipelines.search import tune
    from hybrid.pipelines.versions import OtherVersionsWarning
    from hybrid.pipelines.weighting import choose_weights

__all__ = [
    "Ensemble",
    "OtherVersionsWarning",
    "adjust",
    "choose_weights",
    "load_model",
    "make_ensemble",
    "make_head_pipeline",
    "make_pipeline",
    "read_manifest",
    "save_model",
    "tune",
]

_HOMES = {
    "Ensemble": "ensemble",
    "OtherVersionsWarning": "versions",
    "adjust": "adjusted",
    "choose_weights": "weighting",
    "load_model": "loading",
    "make_ensemble": "ensemble",
    "make_head_pipeline": "build",
    "make_pipeline": "build",
    "read_manifest": "manifest",
    "save_model": "saving",
    "tune": "search",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"hybrid.pipelines.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
