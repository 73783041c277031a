"""What models cost is told in one measure, which is named, and what was measured otherwise is named too."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from hybrid.comparison.costs import cost_notes, cost_of, time_measure, times_of
from hybrid.report.elements.tables import _time_cell
from hybrid.workspace.model_record import Seconds

WALL = Seconds(train=0.0, extract=10.0, fit=2.0, predict=1.0, measure="wall")
BUSY = Seconds(train=0.0, extract=19.0, fit=3.0, predict=2.0, measure="processor")
NEW = SimpleNamespace(name="new", seconds=WALL, processor=BUSY, cuts=1, parameters=7)
FORMER = SimpleNamespace(name="former", seconds=replace(WALL, measure="runs"), processor=None, cuts=1, parameters=7)
LAYER = SimpleNamespace(name="layer", seconds=WALL, processor=BUSY, cuts=3, parameters=7)
PARTLY = SimpleNamespace(name="partly", seconds=WALL, processor=replace(BUSY, extract=None), cuts=1, parameters=7)


def test_processor_seconds_are_compared_where_all_models_have_them():
    assert time_measure([NEW, LAYER]) == "processor"
    assert time_measure([NEW, FORMER]) == time_measure([NEW, PARTLY]) == "seconds"
    assert (cost_of(NEW, "processor"), cost_of(NEW, "seconds"), cost_of(NEW, "parameters")) == (24.0, 13.0, 7)
    assert cost_of(FORMER, "processor") is None
    assert times_of(FORMER, "processor").train is None  # not known, which is not nothing


def test_what_was_measured_otherwise_is_named():
    assert cost_notes([NEW, PARTLY]) == []
    only_wall, runs, shared = cost_notes([NEW, FORMER, LAYER])
    assert only_wall == "former: an earlier version of hybrid recorded wall-clock seconds only."
    assert runs.startswith("former: extract is an average over whole runs of an earlier version of hybrid")
    assert shared.startswith("layer: one pass computed the features of several layers.")
    assert cost_notes([FORMER], ["short"])[0].startswith("short: ")


@pytest.mark.parametrize(
    ("wall", "busy", "measure", "shown"),
    [
        (7.0, 12.0, "processor", (12.0, "12 s", "7 s wall-clock")),
        (7.0, None, "processor", (None, "–", "7 s wall-clock")),
        (7.0, None, "seconds", (7.0, "7 s", "")),
    ],
)
def test_the_report_shows_processor_time_above_the_time_by_the_clock(wall, busy, measure, shown):
    cell = _time_cell({"seconds_extract": wall, "processor_extract": busy}, "extract", measure)
    assert (cell.value, cell.text, cell.sub) == shown


def test_what_was_not_trained_has_a_dash():
    cell = _time_cell({"seconds_train": 0.0, "processor_train": 0.0}, "train", "processor")
    assert (cell.text, cell.sub, cell.value) == ("–", "", 0.0)
