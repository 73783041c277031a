"""The names of `import hybrid`: complete, documented, typed, and quick to import."""

import inspect
import subprocess
import sys

import pytest
from paths import ROOT

import hybrid

MISSED = {"Comparison", "TrainingOptions", "predict", "set_max_pixels", "show_versions", "train_network"}


@pytest.mark.medium
def test_dir_and_star_import_have_every_name_and_import_nothing_heavy(python):
    listed = python(
        "import sys, hybrid\nnames = dir(hybrid)\nhybrid.show_versions()\n"
        "assert not {'sklearn', 'keras', 'pandas', 'numpy'} & set(sys.modules)\n"
        "from hybrid import *\nassert all(name in globals() for name in names)\nprint(*names)"
    )
    assert set(listed.splitlines()[-1].split()) == set(hybrid.__all__) >= MISSED


@pytest.mark.parametrize("name", hybrid.__all__)
def test_every_name_has_an_example(name):
    assert ">>>" in (inspect.getdoc(getattr(hybrid, name)) or "")  # run by test_docs.py


def test_versions_are_those_that_are_installed(capsys):
    from importlib.metadata import version

    hybrid.show_versions()
    printed = capsys.readouterr().out
    for package in ("keras", "scikit-learn", "openvino", "pillow"):
        assert f"{package}: {version(package)}" in printed
    assert f"hybrid: {hybrid.__version__}" in printed


SCRIPT = """\
from hybrid import FeatureExtractor, load_dataset, compare, evaluate, make_pipeline, predict

data = load_dataset("digits")
pipeline = make_pipeline(FeatureExtractor("convnet_small", random_state=1), "svm", C=0.1)
table = compare(data, "convnet_small", ["svm"], pos_label=None, random_state=1).table()
frame = predict("svm-digits", ["a.png"])
reveal_type(data)
reveal_type(compare)
wrong: int = load_dataset("digits")
"""


@pytest.mark.slow
def test_types_reach_a_users_script(tmp_path):
    """The package is installed as the wheel would be: its three other folders are subpackages."""
    package = tmp_path / "hybrid"
    package.mkdir()
    for path in (*(ROOT / "hybrid").iterdir(), *(ROOT / name for name in ("classifiers", "extractors", "pipelines"))):
        (package / path.name).symlink_to(path)
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", "script.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    errors = [line for line in said.splitlines() if "error:" in line]
    assert len(errors) == 1, said
    assert 'expression has type "Dataset", variable has type "int"' in errors[0]
    assert 'Revealed type is "hybrid.datasets.dataset.Dataset"' in said
    assert "pos_label" in said
    assert "Comparison" in said
