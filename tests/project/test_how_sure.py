"""The page "How sure is it?" quotes what its script computes."""

import importlib.util
import json
import re

import pytest
from paths import ROOT

PICTURES = ROOT / "docs" / "pictures"
FIGURES = json.loads((PICTURES / "how_sure.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("how_sure", PICTURES / "how_sure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_quotes_the_computed_figure(name):
    page = (ROOT / "docs" / "explanation" / "how_sure.md").read_text(encoding="utf-8")
    assert FIGURES[name] in " ".join(page.split())


@pytest.mark.slow
def test_the_stored_figures_are_those_of_this_version(script):
    figures = script.quick_figures()
    assert figures == {name: FIGURES[name] for name in figures}


@pytest.mark.slow
def test_the_pictures_are_drawn_with_the_figures_of_the_text(script, tmp_path):
    script.draw_pictures("dark", tmp_path)
    assert len(list(tmp_path.glob("how_sure_*_dark.svg"))) == 3
    assert FIGURES["truth"] in (tmp_path / "how_sure_twenty_dark.svg").read_text(encoding="utf-8")
    best = (tmp_path / "how_sure_best_dark.svg").read_text(encoding="utf-8")
    assert FIGURES["best first"].split()[-1] in best


def test_the_picture_of_the_first_page_shows_the_results():
    from_results = re.findall(
        r"^\| (linear SVM|random forest|XGBoost|softmax) \| .+ \| 0\.(\d\d)(\d) \[",
        (ROOT / "docs" / "explanation" / "results.md").read_text(encoding="utf-8").split("**PneumoniaMNIST**")[0],
        re.MULTILINE,
    )
    for theme in ("light", "dark"):
        drawn = (PICTURES / f"landing_{theme}.svg").read_text(encoding="utf-8")
        for head, whole, tenth in from_results:
            assert f">{head}<" in drawn
            assert f">{whole}.{tenth}%<" in drawn
    assert len(from_results) == 4
