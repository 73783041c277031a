"""The notebooks in examples/ have stored outputs, and run from top to bottom with outputs of the same kinds."""

import runpy

import pytest
from paths import ROOT

nbformat = pytest.importorskip("nbformat")
TOOL = runpy.run_path(str(ROOT / ".ci" / "notebooks.py"), run_name="notebooks")
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
EACH_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.slow
@EACH_NOTEBOOK
def test_notebook_runs_and_its_stored_outputs_are_in_step(path, monkeypatch):
    monkeypatch.delenv("IMAGES", raising=False)
    fresh = TOOL["executed"](path)
    assert TOOL["faults"](fresh) == []
    assert TOOL["kinds"](fresh) == TOOL["kinds"](nbformat.read(path, as_version=4)), "make notebooks"


@EACH_NOTEBOOK
def test_notebook_can_be_read_with_its_stored_outputs(path):
    assert TOOL["faults"](nbformat.read(path, as_version=4)) == []


def notebook(*outputs, count=1):
    picture = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1", execution_count=count, outputs=[*outputs, picture])]
    )


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (notebook(count=None), "not run once each"),
        (notebook(count=2), "not run once each"),
        (notebook(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])), "an error"),
        (notebook(nbformat.v4.new_output("stream", name="stderr", text="careful")), "a warning"),
        (notebook(nbformat.v4.new_output("stream", text="saved in /home/ada/model\n")), "/home/ada/model"),
        (notebook(nbformat.v4.new_output("stream", text="x" * 600_000)), "500 kB"),
        (nbformat.v4.new_notebook(), "no picture"),
    ],
)
def test_faults_of_stored_outputs_are_found(made, fault):
    assert TOOL["faults"](notebook()) == []
    assert fault in " ".join(TOOL["faults"](made))
