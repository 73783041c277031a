"""What a saved model was made with, and what is here instead."""

import platform
from importlib.metadata import version

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.pipelines.saved.contents import is_booster
from hybrid.pipelines.saved.manifest import Manifest

_PACKAGES = ("numpy", "scikit-learn", "skops", "xgboost", "keras")


class OtherVersionsWarning(UserWarning):
    """A model was saved with other versions than those here, or on another kind of machine."""


def describe_versions() -> dict[str, str]:
    """Return the versions of hybrid, Python and the packages that a model stands on, and the kind of machine."""
    machine = f"{platform.system()} {platform.machine()}"
    packages = {name: version(name) for name in _PACKAGES}
    return {"hybrid": __version__, "python": platform.python_version(), "machine": machine, **packages}


def other_versions(model: str, manifest: Manifest) -> str:
    """Return with what else than here a model was saved, as far as it uses that; "" if there is nothing.

    Only the first two numbers of a version count.

    Parameters
    ----------
    model : str
        What an error calls it.
    manifest : Manifest

    Raises
    ------
    InputError
        If a package that keeps the head has another first number: nobody can tell whether it would read it rightly.
    """
    boosters = any(map(is_booster, manifest.files))
    unused = {"xgboost": not boosters, "keras": not manifest.extractors}
    saved, here = manifest.versions, describe_versions()
    names = [name for name in here if name in saved and not unused.get(name)]
    for name in {"scikit-learn", "skops", "xgboost"}.intersection(names):
        if _numbers(saved[name])[:1] != _numbers(here[name])[:1]:
            raise InputError(
                f"Model {model!r} was saved with {name} {saved[name]:.40}, which {name} {here[name]} may read wrongly: "
                "install that version in an environment of its own, or fit and save the model again."
            )
    other = [name for name in names if _numbers(saved[name]) != _numbers(here[name])]
    return ", ".join(f"{name} {saved[name]:.40} (here {here[name]})" for name in other)


def _numbers(text: str) -> list[str]:
    return text.split(".")[:2]
