"""Print the installed versions of the direct and indirect requirements of this package, including the extra `dev`."""

import sys
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME = "hybrid-features"


def add_requirements(name: str, extras: set[str], versions: dict[str, str]) -> None:
    """Add the installed requirements of a distribution to a mapping of canonical names to versions."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        key = canonicalize_name(requirement.name)
        try:
            version = distribution(requirement.name).version
        except PackageNotFoundError:
            continue
        if key not in versions or requirement.extras:
            if key != NAME:
                versions[key] = version.partition("+")[0]
            add_requirements(requirement.name, set(requirement.extras), versions)


packages: dict[str, str] = {}
add_requirements(NAME, {"dev"}, packages)
print(f"# The versions that the tests ran with, on Python {sys.version_info.major}.{sys.version_info.minor}.")
print("# `make lock` updates this file, and `make test LOCK=requirements.lock` installs these versions.")
print(*(f"{name}=={version}" for name, version in sorted(packages.items())), sep="\n")
