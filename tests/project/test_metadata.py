"""What the project says about itself is the same everywhere: names, versions, dates."""

import re
from configparser import ConfigParser

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from paths import ROOT

CONFIG = ConfigParser()
CONFIG.read(ROOT / "setup.cfg")


def texts():
    """Yield the path and the content of every text file of the package and its documentation."""
    for folder in ("hybrid", "pipelines", "extractors", "classifiers", "docs", "examples", "recipes", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md", ".toml", ".html", ".ipynb"):
                yield path, path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "setup.cfg"):
        yield path, path.read_text(encoding="utf-8")


def test_no_text_installs_the_other_package_that_is_called_hybrid():
    wrong = re.compile(r"pip install[^\n]*['\" ]hybrid(\[|['\"\s]|$)", re.MULTILINE)
    assert wrong.search("pip install 'hybrid[dicom]'")
    assert wrong.search("pip install hybrid\n")
    assert [path.name for path, text in texts() if wrong.search(text)] == []


def test_the_command_that_installs_an_extra_names_this_distribution_and_one_of_its_extras():
    from hybrid.errors import MissingExtraError, install_command

    assert CONFIG["metadata"]["name"] in install_command("dicom")
    assert install_command("onnx") in str(MissingExtraError("onnx", "onnx", "An export to ONNX"))
    code = "".join(text for path, text in texts() if path.suffix == ".py")
    used = set(re.findall(r"""(?:install_command\(|MissingExtraError\([\w"]+, )["'](\w+)["']""", code))
    assert {"dicom", "medmnist", "onnx", "parquet"} <= used <= set(CONFIG["options.extras_require"])


def test_the_classifiers_are_the_versions_of_python_that_pip_allows():
    allowed = SpecifierSet(CONFIG["options"]["python_requires"])
    named = re.findall(r":: (3\.\d+)$", CONFIG["metadata"]["classifiers"], re.MULTILINE)
    assert named == [version for version in (f"3.{minor}" for minor in range(30)) if f"{version}.5" in allowed]


def test_the_citation_names_this_version():
    import hybrid

    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    (version,) = [line.split(": ")[1] for line in lines if line.startswith("version: ")]
    assert hybrid.__version__ == version or hybrid.__version__.endswith(".dev0")


def test_the_changelog_has_what_is_new_first_and_then_dated_versions():
    import hybrid

    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", heading)[1] for heading in headings[1:]]
    assert versions == sorted(set(versions), key=Version, reverse=True)
    assert hybrid.__version__ == versions[0] or Version(hybrid.__version__).is_devrelease
