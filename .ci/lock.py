"""Print the versions of what this environment has of hybrid's requirements, those of `dev` included, and of theirs."""

import sys
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(name: str, extras: set[str], found: dict[str, str]) -> None:
    """Add what a distribution needs here to what was found: canonical name to version."""
    for text in distribution(name).requires or ():
        one = Requirement(text)
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        key = canonicalize_name(one.name)
        try:
            version = distribution(one.name).version
        except PackageNotFoundError:
            continue
        if key not in found or one.extras:
            if key != "hybrid":
                found[key] = version.partition("+")[0]
            needed(one.name, set(one.extras), found)


packages: dict[str, str] = {}
needed("hybrid", {"dev"}, packages)
print(f"# The versions that the tests ran with, on Python {sys.version_info.major}.{sys.version_info.minor}.")
print("# `make lock` renews this; `make test LOCK=requirements.lock` installs these.")
print(*(f"{name}=={version}" for name, version in sorted(packages.items())), sep="\n")
