"""Progress where the output is not a terminal: a plain line now and then, on standard error."""

import pytest

from hybrid.cli import output


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until its time is set."""
    times = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: times[0])
    return times


def test_a_log_file_receives_a_line_now_and_then(clock, capsys):
    with output.progress_bar("training") as progress:
        for step in range(1201):  # a step takes a second
            progress(step, 1200)
            clock[0] += 1
    printed, lines = capsys.readouterr()
    assert printed == ""  # results alone go there
    first, *others = lines.splitlines()
    assert first == "training: 2 of 1,200"
    assert 15 < len(others) < 30
    assert all(line.startswith("training: ") and line.endswith(" of 1,200") for line in others)


def test_what_is_quick_prints_no_line(clock, capsys):
    with output.progress_bar("extracting") as progress:
        for done in range(100):
            progress(done, 100)
        clock[0] += 10
        progress(100, 100)
    assert capsys.readouterr() == ("", "")
