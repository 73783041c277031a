"""The reference of the documentation is complete: commands, options, the Python API, environment variables."""

import ast
import importlib
import re
import shutil
import sys
import warnings
from dataclasses import fields
from itertools import pairwise

import click
import pytest
from paths import ROOT

from hybrid.cli.main import COMMANDS, main
from hybrid.comparison import result
from hybrid.datasets.summary import DatasetSummary
from hybrid.extractors.images import decoding
from hybrid.extractors.store import identity
from hybrid.pipelines.saved import manifest
from hybrid.robustness import StressRecord
from hybrid.workspace import history
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.set_record import SetRecord
from hybrid.workspace.training_record import TrainingRecord

REFERENCE = ROOT / "docs" / "reference"
INTERNAL = {"hybrid.cli", "hybrid.files", "hybrid.datasets.quality"}  # packages whose names are for this code only


@pytest.fixture(scope="module")
def command_pages(tmp_path_factory):
    """The pages of the commands as Sphinx builds them, in HTML."""
    from sphinx.application import Sphinx

    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copytree(REFERENCE / "commands", source / "reference" / "commands")
    (source / "index.md").write_text("# Site\n\n```{toctree}\nreference/commands/index\n```\n")
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(action="ignore"),
    ):  # those of Sphinx's extensions
        patch.setattr(sys, "path", [str(ROOT / "docs" / "_extensions"), *sys.path])
        settings = {"extensions": ["myst_parser", "hybrid_commands"], "html_theme": "basic", "smartquotes": False}
        app = Sphinx(source, None, built, built / "trees", "html", confoverrides=settings, status=None, warning=None)
        app.build()
    return built / "reference" / "commands"


@pytest.mark.medium
def test_every_command_and_option_is_on_its_page(command_pages):
    index = (command_pages / "index.html").read_text()
    for name, summary in COMMANDS.items():
        assert f'href="{name}.html"' in index, f"reference/commands/index.md does not list {name}"
        assert summary in re.sub(r"</?(code|span|a)[^>]*>", "", index)
        command = main.get_command(None, name)
        groups = command.commands.values() if isinstance(command, click.Group) else ()
        page = (command_pages / f"{name}.html").read_text()
        for each in (command, *groups):
            options = [param for param in each.params if isinstance(param, click.Option) and not param.hidden]
            for option in options:
                for flag in (*option.opts, *option.secondary_opts):
                    label = f"hybrid {name} {each.name if each is not command else ''} {flag}"
                    assert f'id="{"-".join(re.findall("[a-z0-9]+", label))}"' in page, label


def public_packages():
    """The packages whose `__init__` says what users import."""
    files = [*ROOT.glob("hybrid/**/__init__.py"), *ROOT.glob("*/__init__.py")]
    names = {
        ".".join(("hybrid", *path.parent.relative_to(ROOT).parts)).replace("hybrid.hybrid", "hybrid") for path in files
    }
    return sorted(name for name in names if hasattr(importlib.import_module(name), "__all__") and name not in INTERNAL)


@pytest.mark.medium
def test_every_public_name_is_on_the_page_of_the_python_api():
    page = (REFERENCE / "api.md").read_text()
    listed = set(re.findall(r"^   ([\w.]+)$", page, re.MULTILINE)) | set(re.findall(r"`hybrid\.([\w.]+)`", page))
    top = importlib.import_module("hybrid")
    for package in public_packages():
        for name in importlib.import_module(package).__all__:
            if package != "hybrid" and name in top.__all__:
                continue
            qualified = f"{package}.{name}".removeprefix("hybrid.")
            assert qualified in listed, f"docs/reference/api.md lacks {qualified}"


def test_every_environment_variable_is_documented():
    folders = ("hybrid", "extractors", "pipelines", "classifiers")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"HYBRID_[A-Z_]+[A-Z]", path.read_text())}
    read |= {
        name for path in files for name in re.findall(r"environ(?:\.get\(|\[)[\"']([A-Z_]+)", path.read_text())
    } - {"SUDO_UID"}
    assert {"HYBRID_CACHE", "KERAS_HOME"} <= read
    page = (REFERENCE / "environment.md").read_text()
    assert [name for name in sorted(read) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("row", "version"),
    [
        ("embedding set", SetRecord.SCHEMA),
        ("model record", ModelRecord.SCHEMA),
        ("training record", TrainingRecord.SCHEMA),
        ("history", history.SCHEMA),
        ("stress run", StressRecord.SCHEMA),
        ("saved model", manifest.SCHEMA),
        ("comparison", result.SCHEMA),
        ("findings", DatasetSummary.SCHEMA),
        ("identity of an extractor", identity.FORMAT),
        ("decode policy", decoding.POLICY),
    ],
)
def test_versions_of_file_formats_are_those_that_are_written(row, version):
    assert re.search(rf"^\| {row}[^|]*\| {version} \|", (REFERENCE / "files.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("record", "section"),
    [
        (SetRecord, "Embedding sets"),
        (ModelRecord, "metrics.json"),
        (TrainingRecord, "Trained networks"),
        (StressRecord, "Stress runs"),
    ],
)
def test_every_key_of_a_record_is_documented(record, section):
    text = (REFERENCE / "files.md").read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    keys = [field.metadata.get("key") or field.name for field in fields(record) if field.metadata.get("saved", True)]
    assert [key for key in keys if f"`{key}`" not in text] == []


def texts_of_the_code():
    """All literal texts of the code, with an ellipsis in place of values."""
    for folder in ("hybrid", "extractors", "pipelines", "classifiers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


@pytest.mark.medium
def test_every_message_of_the_troubleshooting_page_is_one_of_the_code():
    page = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text()
    terms = [line for line, after in pairwise(page.split("\n")) if after.startswith(": ")]
    assert len(terms) > 60
    code = "\n".join(texts_of_the_code())
    for term in terms:
        for message in re.findall("`([^`]{20,})`", term):
            for part in re.split(r" ?…:? ?|\b[NM]\b", message):
                assert part.strip() in code, message
