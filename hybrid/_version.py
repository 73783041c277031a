"""The version of this package and those of its dependencies."""

__version__ = "0.1.0"
DISTRIBUTION = "hybrid-features"  # the name of the package for pip

_DEPENDENCIES = (
    "keras", "tensorflow", "jax", "torch", "openvino", "scikit-learn", "xgboost", "skops", "numpy", "scipy", "pandas",
    "pillow",
)  # fmt: skip


def show_versions() -> None:
    """Print the versions of Python, of this package and of its dependencies, and what machine it is.

    Please add this text to a bug report. None of the packages is imported.

    Examples
    --------
    >>> show_versions()  # doctest: +ELLIPSIS
    System:
          python: 3...
    """
    import os
    import platform
    import sys

    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }
    versions = {"hybrid": __version__} | {name: _installed(name) for name in _DEPENDENCIES}
    versions["keras backend"] = os.environ.get("KERAS_BACKEND", "not set by KERAS_BACKEND")
    for title, lines in (("System", system), ("Python dependencies", versions)):
        width = max(map(len, lines))
        print(f"{title}:", *(f"{name:>{width + 2}}: {value}" for name, value in lines.items()), "", sep="\n")


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
