"""The wheel holds every module, and what the report is made of."""

import shutil
import subprocess
import sys
import zipfile

import pytest
from paths import ROOT

PLACES = {"hybrid": "hybrid", **{name: f"hybrid/{name}" for name in ("classifiers", "extractors", "pipelines")}}
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(tmp_path):
    pytest.importorskip("setuptools")
    tree = tmp_path / "tree"
    for name in PLACES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    wanted = {
        f"{place}/{path.relative_to(tree / name).as_posix()}"
        for name, place in PLACES.items()
        for path in (tree / name).rglob("*")
        if path.is_file()
    }
    done = subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path], cwd=tree, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert "hybrid/report/templates/parts/models.html" in held
    assert held == wanted
