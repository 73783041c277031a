"""Build the sdist and the wheel of this version, check them, and say how to publish them. Nothing is uploaded.

The files are built from the last commit, in a folder outside the checkout. The wheel is then installed into a new
environment, with the newest versions of its requirements, and runs the demo there.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "build" / "release"
DIST = ROOT / "dist"
IN_WHEEL = {"hybrid/py.typed", "hybrid/__init__.pyi", "hybrid/report/templates/report.html",
            "hybrid/extractors/backbones/pretrained_layers.json.gz"}  # fmt: skip
IN_SDIST = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "Makefile", "requirements.lock", "setup.py",
            "tests/conftest.py", "docs/", "examples/", "recipes/"}  # fmt: skip
FOREIGN = re.compile(
    r"^(?!hybrid/|hybrid_features-[^/]+\.dist-info/)|(^|/)(tests?|benchmarks|docs)/|\.(png|npz|ipynb)$"
)


def main() -> None:
    """Do all steps; the first one that fails ends the program with its reason."""
    version = re.search(r'^__version__ = "(.+)"', (ROOT / "hybrid" / "_version.py").read_text(), re.MULTILINE)[1]
    check_state(version)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        scratch = Path(folder)
        tree = exported(scratch / "tree")
        sdist, wheel = build(tree, scratch)
        step("Checking what the files hold")
        check_wheel(wheel)
        check_sdist(sdist)
        try_wheel(wheel, version, scratch)
        DIST.mkdir(exist_ok=True)
        files = [Path(shutil.copy(path, DIST)) for path in (sdist, wheel)]
    print_next_steps(version, files)


def step(text: str) -> None:
    """Print what is done next."""
    print(f"== {text}", flush=True)


def run(*command: object, **kwargs: object) -> str:
    """Run a command and return what it printed; if it fails, show that and stop."""
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nmake release: this command failed: {' '.join(map(str, command))}")
    return done.stdout


def refusal(version: str, status: str, tags: list[str], changelog: str, citation: str) -> str | None:
    """Return why this version cannot be released, or None.

    Parameters
    ----------
    version : str
        The version in ``hybrid/_version.py``.
    status : str
        What ``git status --porcelain`` prints.
    tags : list of str
        The tags of the repository.
    changelog, citation : str
        The content of CHANGELOG.md and of CITATION.cff.
    """
    if status.strip():
        return f"there are changes that are not committed:\n{status}Commit or remove them first."
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return (
            f"{version} is a development version. Set the version in hybrid/_version.py, for example 0.2.0, and commit."
        )
    if {version, f"v{version}"} & set(tags):
        return f"version {version} has been released: it has a tag. Set a new version in hybrid/_version.py."
    dated = re.search(rf"^## {re.escape(version)} - (\d{{4}}-\d\d-\d\d)$", changelog, re.MULTILINE)
    if not dated:
        return f"CHANGELOG.md has no heading '## {version} - YYYY-MM-DD'."
    for line in (f"version: {version}", f'date-released: "{dated[1]}"'):
        if line not in citation.splitlines():
            return f"CITATION.cff has no line '{line}', as CHANGELOG.md has."
    return None


def check_state(version: str) -> None:
    """Stop unless this version can be released."""
    status = run("git", "status", "--porcelain", cwd=ROOT)
    tags = run("git", "tag", "--list", cwd=ROOT).split()
    texts = ((ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "CITATION.cff"))
    if reason := refusal(version, status, tags, *texts):
        sys.exit(f"make release: {reason}")


def exported(tree: Path) -> Path:
    """Write the files of the last commit into a folder, and return it."""
    tree.mkdir()
    archive = tree.with_suffix(".tar")
    run("git", "archive", "--output", archive, "HEAD", cwd=ROOT)
    with tarfile.open(archive) as file:
        file.extractall(tree, filter="data")
    return tree


def build(tree: Path, scratch: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel both from it and from the tree. Return the paths of the sdist and the wheel."""
    step(f"Installing the build tools into {TOOLS.relative_to(ROOT)}")
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    requirements = config["options.extras_require"]["release"].split()
    python = environment(TOOLS, *requirements)
    step("Building the sdist, and the wheel from it")
    epoch = run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    variables = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    run(python, "-m", "build", "--outdir", scratch / "dist", tree, env=variables)
    run(python, "-m", "build", "--wheel", "--outdir", scratch / "direct", tree, env=variables)
    (sdist,), (wheel,) = (sorted((scratch / "dist").glob(pattern)) for pattern in ("*.tar.gz", "*.whl"))
    (direct,) = (scratch / "direct").glob("*.whl")
    if contents(wheel) != contents(direct):
        sys.exit("make release: the wheel from the sdist differs from the wheel from the checkout. See MANIFEST.in.")
    print(run(python, "-m", "twine", "check", "--strict", sdist, wheel).strip())
    return sdist, wheel


def environment(folder: Path, *requirements: object) -> Path:
    """Make a virtual environment with the given requirements, and return its Python."""
    run(sys.executable, "-m", "venv", "--clear", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements, cwd=folder)
    return python


def contents(wheel: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def check_wheel(wheel: Path) -> None:
    """Stop if the wheel lacks a file, holds one that is none of the package, or links into the repository."""
    names = set(contents(wheel))
    if missing := IN_WHEEL - names:
        sys.exit(f"make release: the wheel lacks {', '.join(sorted(missing))}.")
    if foreign := sorted(name for name in names if FOREIGN.search(name)):
        sys.exit(f"make release: the wheel holds what is no part of the package: {', '.join(foreign)}.")
    if not any(name.endswith("/LICENSE") for name in names):
        sys.exit("make release: the wheel has no licence.")
    with zipfile.ZipFile(wheel) as archive:
        text = next(archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    if links := re.findall(r"""(?:\]\(|src="|href=")(?!https?://|mailto:|#)[^)"]*""", text):
        sys.exit(f"make release: these links of README.md lead nowhere on the package index: {', '.join(links)}.")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1000:.0f} kB")


def check_sdist(sdist: Path) -> None:
    """Stop if the sdist lacks what is needed to test the package or to build its documentation."""
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    if missing := [needed for needed in sorted(IN_SDIST) if not any(name.startswith(needed) for name in names)]:
        sys.exit(f"make release: the sdist lacks {', '.join(missing)}. See MANIFEST.in.")
    print(f"{sdist.name}: {len(names)} files and folders, {sdist.stat().st_size / 1000:.0f} kB")


def try_wheel(wheel: Path, version: str, scratch: Path) -> None:
    """Install the wheel into a new environment, and run its command and its demo there."""
    step("Installing the wheel into a new environment (about 2 GB)")
    python = environment(scratch / "clean", wheel)
    command = python.with_name("hybrid")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HYBRID"))}
    variables = clean | {"HYBRID_CACHE": str(scratch / "cache"), "HYBRID_WORKSPACE": str(scratch / "runs")}
    said = run(command, "--version", cwd=scratch, env=variables)
    if version not in said:
        sys.exit(f"make release: hybrid --version says {said.strip()!r}, {version} was expected.")
    step("Running hybrid demo")
    run(command, "demo", cwd=scratch, env=variables)
    if not any((scratch / "runs").rglob("report.html")):
        sys.exit("make release: the demo wrote no report.")


def print_next_steps(version: str, files: list[Path]) -> None:
    """Print how to publish the files."""
    names = " ".join(str(path.relative_to(ROOT)) for path in files)
    print(f"""
Version {version} is built and checked, and nothing has been uploaded. To publish it:
  1. make test-all
  2. git tag -a v{version} -m "Version {version}" && git push origin v{version}
  3. {TOOLS.relative_to(ROOT)}/bin/python -m twine upload {names}
  4. Set the next version with .dev0 in hybrid/_version.py, and commit.""")


if __name__ == "__main__":
    main()
