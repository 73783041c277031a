"""Marks that change the direction of text do not reach a figure in SVG."""

import pytest
from matplotlib.figure import Figure

from hybrid.plots.saving import save_figure
from hybrid.report.elements.svg import svg_text


@pytest.mark.parametrize("mark", ["\u202e", "\u2067", "\u200f"])
def test_direction_marks_are_shown_as_signs(tmp_path, mark):
    figure = Figure()
    figure.subplots().set_xlabel(f"cat{mark}gnp.exe")
    path = save_figure(figure, tmp_path / "figure.svg")
    for text in (path.read_text(encoding="utf-8"), svg_text(figure)):
        assert mark not in text
        assert "cat\N{REPLACEMENT CHARACTER}gnp.exe" in text
