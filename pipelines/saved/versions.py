"""Compare the versions that a saved model was saved with to the installed ones."""

import platform
from importlib.metadata import version

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.pipelines.saved.contents import is_booster
from hybrid.pipelines.saved.manifest import Manifest

_PACKAGES = ("numpy", "scikit-learn", "skops", "xgboost", "keras")


class OtherVersionsWarning(UserWarning):
    """A model was saved with other versions than the installed ones, or on another kind of machine."""


def describe_versions() -> dict[str, str]:
    """Return the versions of hybrid, Python and the packages that models depend on, and the kind of machine."""
    machine = f"{platform.system()} {platform.machine()}"
    packages = {name: version(name) for name in _PACKAGES}
    return {"hybrid": __version__, "python": platform.python_version(), "machine": machine, **packages}


def version_differences(model: str, manifest: Manifest) -> str:
    """Return the versions and the machine of a saved model that differ from those in use.

    Only the first two numbers of a version are compared, and only packages that the model uses.

    Parameters
    ----------
    model : str
        Name of the model in error messages.
    manifest : Manifest
        Its manifest.

    Returns
    -------
    str
        Such as "python 3.12.3 (here 3.13.1), numpy 1.26.4 (here 2.1.0)"; "" if nothing differs.

    Raises
    ------
    InputError
        If scikit-learn, skops or XGBoost has another major version, which may read the head wrongly.
    """
    boosters = any(map(is_booster, manifest.files))
    unused = {"xgboost": not boosters, "keras": not manifest.extractors}
    saved, installed = manifest.versions, describe_versions()
    names = [name for name in installed if name in saved and not unused.get(name)]
    for name in {"scikit-learn", "skops", "xgboost"}.intersection(names):
        if _major_minor(saved[name])[:1] != _major_minor(installed[name])[:1]:
            raise InputError(
                f"Model {model!r} was saved with {name} {saved[name]:.40}, which {name} {installed[name]} may read "
                "wrongly: install that version in a separate environment, or fit and save the model again."
            )
    different = [name for name in names if _major_minor(saved[name]) != _major_minor(installed[name])]
    return ", ".join(f"{name} {saved[name]:.40} (here {installed[name]})" for name in different)


def _major_minor(version: str) -> list[str]:
    return version.split(".")[:2]
