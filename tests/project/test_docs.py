"""What the documentation says is run: doctests, the README's Python, its commands."""

import doctest
import importlib
import re
import shlex
import warnings

import click
import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from hybrid.cli.main import COMMANDS, main
from hybrid.extractors import RandomWeightsWarning

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = [path.relative_to(ROOT) for folder in ("hybrid", "pipelines", "extractors", "classifiers")
         for path in sorted((ROOT / folder).rglob("*.py"))]  # fmt: skip
MODULES = [".".join(("hybrid", *path.with_suffix("").parts)).replace("hybrid.hybrid", "hybrid") for path in FILES]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.network
@pytest.mark.filterwarnings("ignore::hybrid.extractors.RandomWeightsWarning")  # nothing is downloaded
@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name.removesuffix(".__init__"))
    import numpy as np

    result = doctest.testmod(module, extraglobs={"np": np}, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_in_the_documentation_exist_with_their_options(path):
    text = "\n".join(blocks(path, "(?:sh|console)"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    commands = [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("hybrid ")]
    for line in commands:
        for part in re.split(r"&&|;", line.split("#")[0]):
            words = shlex.split(part)
            assert words[0] == "hybrid"
            assert words[1] in COMMANDS, line
            command = main.get_command(None, words[1])
            if isinstance(command, click.Group):
                command = command.get_command(None, words[2])
            known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
            assert {word for word in words[2:] if word.startswith("--")} <= known, line


def test_the_readme_is_short_and_lists_every_command():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 120
    listed = {name for line in lines if line.startswith("| `hybrid") for name in re.findall(r"`hybrid (\w+)`", line)}
    assert listed == set(COMMANDS)


@pytest.mark.network
@pytest.mark.parametrize("block", blocks(ROOT / "README.md", "python"))
def test_the_python_of_the_readme_runs(block, image_folder, monkeypatch):
    monkeypatch.chdir(image_folder.parent)
    block = block.replace('("mobilenet_v2")', '("mobilenet_v2", weights="random", size=32)')  # nothing is downloaded
    with pytest.warns(RandomWeightsWarning):
        exec(compile(block, "README.md", "exec"), {})
    assert (image_folder.parent / "my_model" / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["usual", "hybrid"])
@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")  # the usual notebook's SVC
def test_both_versions_of_the_notebook_run(number, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    for name, base in (("ill", 40), ("well", 120)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for patient in range(10):
            for k in range(2):
                pixels = (base + rng.integers(0, 100, (40, 40, 3))).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"patient{base}{patient}_{k}.png")
    monkeypatch.chdir(tmp_path)
    block = blocks(ROOT / "docs" / "from_your_notebook.md", "python")[number]
    for given, small in {  # a smaller network of the same kind, and nothing is downloaded
        "mobilenet_v2 import MobileNetV2": "mobilenet import MobileNet as MobileNetV2",
        '"imagenet"': "None, alpha=0.25",
        "(224, 224)": "(32, 32)",
        '("mobilenet_v2")': '("mobilenet:alpha=0.25", weights="random", size=32)',
    }.items():
        block = block.replace(given, small)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomWeightsWarning)
        exec(compile(block, "from_your_notebook.md", "exec"), {})
    assert (tmp_path / ("my_model/manifest.json" if number else "model.pkl")).exists()


def test_pictures_and_links_of_the_documentation_exist():
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hybrid.extractors.RandomWeightsWarning")
def test_a_model_is_saved_loaded_and_run_from_onnx_as_the_guides_show(hybrid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30), np.uint8)).save("image.png")
    names = {}
    for block in blocks(ROOT / "docs/guides/saving.md", "python"):
        exec(compile(block, "saving.md", "exec"), names)
    hybrid("export", "my_model", "--output", "model.onnx")
    exec(compile(blocks(ROOT / "docs/guides/onnx.md", "python")[0], "onnx.md", "exec"), names)
    np.testing.assert_allclose(names["probabilities"][0], names["frame"].filter(like="p_").iloc[0], atol=1e-4)
