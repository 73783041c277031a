"""`make release` refuses what is not ready, and the description on the package index has no dead links."""

import runpy

import pytest
from paths import ROOT

RELEASE = runpy.run_path(str(ROOT / ".ci" / "release.py"), run_name="release")
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-01-31\n"
CITATION = 'version: 1.2.0\ndate-released: "2026-01-31"\n'
READY = {"version": "1.2.0", "status": "", "tags": ["v1.1.0"], "changelog": CHANGELOG, "citation": CITATION}


def test_a_version_that_is_ready_is_not_refused():
    assert RELEASE["refusal"](**READY) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": " M setup.cfg\n"}, "not committed:\n M setup.cfg"),
        ({"version": "1.3.0.dev0"}, "1.3.0.dev0 is a development version"),
        ({"tags": ["v1.1.0", "v1.2.0"]}, "version 1.2.0 has been released: it has a tag"),
        ({"changelog": CHANGELOG.replace(" - 2026-01-31", " (unreleased)")}, "no heading '## 1.2.0 - YYYY-MM-DD'"),
        ({"citation": CITATION.replace("1.2", "1.1")}, "CITATION.cff has no line 'version: 1.2.0'"),
        ({"citation": CITATION.replace("31", "30")}, "CITATION.cff has no line 'date-released: \"2026-01-31\"'"),
    ],
)
def test_a_version_that_is_not_ready_is_refused_with_the_reason(changed, reason):
    assert reason in RELEASE["refusal"](**READY | changed)


def test_the_description_for_the_package_index_has_no_relative_links_and_keeps_all_else():
    description = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["description"]
    text = (
        "![A report](docs/report.png)\n\nSee [the guide](guide.md), [Keras](https://keras.io) and [below](#end).\n\n"
        "```python\nmodels[name](images)\n```\n"
    )
    assert description(text) == (
        "See the guide, [Keras](https://keras.io) and [below](#end).\n\n```python\nmodels[name](images)\n```\n"
    )
