"""The reference of the documentation is complete: commands, options, the Python API, environment variables."""

import importlib
import re
import shutil
import sys
import warnings

import click
import pytest
from paths import ROOT

from hybrid.cli.main import COMMANDS, main

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
