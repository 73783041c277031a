"""Install this checkout into .venv, for make: `python install.py package` or `python install.py dev`.

It says first what it is going to do. If it is stopped, or fails, the next call starts with a new environment, so that
no package is left half installed. The code runs on every Python 3, so that an old one gets a sentence, too.
"""

import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

SUPPORTED = [(3, 11), (3, 12), (3, 13)]
VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / ".unfinished"
# The stamp that make looks for, what is installed, and GB to download and on disk (Linux, 64 bits; du and pip).
PARTS = {"package": (".package", "", 1.3, 3.4), "dev": (".installed", "[dev]", 1.6, 4.1)}
# pip shows this remark of setuptools as a warning. It is about folders called like the package, which are the package.
REMARK = "ignore:Editable installation"


def main(part: str, lock: str = "") -> None:
    """Install the package, or the package with the tools for its development."""
    stamp, extra, download, disk = PARTS[part]
    check_python(sys.version_info[:2], sys.executable)
    is_new = UNFINISHED.exists() or not PYTHON.exists()
    if is_new:
        check_disk(disk)
        what = "hybrid" if part == "package" else "hybrid and the tools for its development"
        print(f"Installing {what} into .venv, once. It downloads about {download:g} GB, most of it TensorFlow, and")
        print(f"needs {disk:g} GB on disk and some minutes: two or three, and the time of the download.", flush=True)
    try:
        make_environment()
        UNFINISHED.touch()
        install(extra, lock)
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command starts again, and uses what was downloaded so far.")
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"The installation failed (exit code {error.returncode}); the lines above say why. Without a network "
            "connection or behind a proxy, see the documentation of pip. The same command starts again."
        )
    UNFINISHED.unlink()
    (VENV / stamp).touch()


def check_python(version: tuple, name: str) -> None:
    """End with a sentence if this Python is too old or too new."""
    if version not in SUPPORTED:
        sys.exit(
            "hybrid needs Python 3.11, 3.12 or 3.13, and {} is Python {}.{}: install one of them and name it, as in "
            "make demo PYTHON=python3.12".format(name, *version)
        )


def check_disk(gigabytes: float) -> None:
    """End with a sentence if the disk has no room for the environment and the downloads."""
    free = shutil.disk_usage(".").free / 1e9
    if free < gigabytes:
        sys.exit(
            f"The installation needs {gigabytes:g} GB on disk, and {Path.cwd()} has {free:.1f} GB: make room first."
        )


def make_environment() -> None:
    """Create .venv, anew if an earlier installation was not finished."""
    again = UNFINISHED.exists()
    if again:
        print("The last installation was not finished: starting again.", flush=True)
    if find_spec("ensurepip") is None:
        sys.exit("This Python cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv")
    venv.create(VENV, with_pip=True, clear=again, symlinks=True)


def install(extra: str, lock: str) -> None:
    """Install the checkout with its requirements. pip shows its progress."""
    pip(["install", "--quiet", "--upgrade", "pip"])
    # The distribution hybrid-features was once called hybrid: two names must not own the same files.
    pip(["uninstall", "-qq", "--yes", "hybrid"])
    shutil.rmtree("hybrid.egg-info", ignore_errors=True)
    pip(["install", *(["-c", lock] if lock else []), "-e", f".{extra}"])


def pip(arguments: list) -> None:
    """Run pip in .venv."""
    environment = {**os.environ, "PYTHONWARNINGS": REMARK, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([str(PYTHON), "-m", "pip", *arguments], check=True, env=environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
