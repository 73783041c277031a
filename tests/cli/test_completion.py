"""What the Tab key offers in a shell."""

import os
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete

from hybrid.cli.main import main


def offered(*words: str) -> list[str]:
    """Return what is offered for the last of the words, files as ``<file>``."""
    items = BashComplete(main, {}, "hybrid", "_HYBRID_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return ["<file>" if item.type == "file" else str(item.value) for item in items]


@pytest.fixture
def named_files(tmp_path, monkeypatch):
    """A workspace with two models, a set and a network, as the names of empty files."""
    monkeypatch.chdir(tmp_path)
    names = ("models/svm-a/metrics.json", "models/knn-a/metrics.json", "models/.new/metrics.json", "models/half/model",
             "sets/a-vgg16.json", "networks/own/network.keras")  # fmt: skip
    for name in names:
        (path := tmp_path / "hybrid_runs" / name).parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "hybrid_runs"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["ex"], ["extract", "export"]),
        (["fit", "s"], ["softmax", "svm"]),
        (["fit", "svm", "--tu"], ["--tune", "--tune-on-val"]),
        (["fit", "svm", "--set", ""], ["a-vgg16"]),
        (["compare", ""], ["knn-a", "svm-a"]),
        (["compare", "svm-a", "k"], ["knn-a"]),
        (["compare", "--reference", "s"], ["svm-a"]),
        (["compare", "--metric", "roc_auc_m"], ["roc_auc_macro", "roc_auc_micro"]),
        (["predict", "sv"], ["svm-a"]),
        (["predict", "./"], ["<file>"]),
        (["predict", "svm-a", "p"], ["<file>"]),
        (["extract", "dig"], ["digits", "<file>"]),
        (["extract", "x", "--backbone", "mobilenet_v2"], ["mobilenet_v2"]),
        (["extract", "x", "--backbone", "hy"], ["hybrid_runs/networks/own/network.keras"]),
        (["backbones", "vgg1"], ["vgg16", "vgg19"]),
        (["cache", "ver"], ["verify"]),
        (["compare", "--workspace", "elsewhere", ""], []),
    ],
)
def test_names_are_offered(named_files, words, names):
    assert offered(*words) == names


@pytest.mark.medium
def test_a_shell_asks_without_loading_keras_or_changing_the_workspace(named_files):
    before = sorted(named_files.rglob("*"))
    code = (
        "import sys\nfrom hybrid.cli import main\ntry:\n    main(prog_name='hybrid')\nfinally:\n"
        "    print(sorted({'keras', 'tensorflow', 'sklearn', 'matplotlib', 'openvino'} & set(sys.modules)))"
    )
    environment = os.environ | {
        "_HYBRID_COMPLETE": "bash_complete", "COMP_WORDS": "hybrid predict s", "COMP_CWORD": "2"
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.split() == ["plain,svm-a", "[]"]
    assert sorted(named_files.rglob("*")) == before
