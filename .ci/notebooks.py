"""Run the notebooks in examples/ and store their outputs, so that they can be read where they are.

With names of notebooks as arguments, only these are run. The outputs hold no times, paths or names of this machine.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PLACE = re.compile(r"(?:/tmp|/home|/root|/Users|/var|[A-Z]:\\)[\w./\\-]+")
# Lines that a progress bar erases, and the characters that move the cursor and colour the text.
CONTROL = re.compile(r"[^\n]*(?:\n\x1b\[1A|\x1b\[2K)|\x1b\[[0-9;?]*[A-Za-z]")
BAR = re.compile(r"^[\w ]+ [━╸╺ ]+\d+/\d+ [\d:-]+ *", re.MULTILINE)  # what is left of a bar before another text
LOG_MESSAGES = re.compile(r"(?:(?:[IWE]\d{4} |WARNING: All log messages before absl)[^\n]*\n|\s)*")  # TensorFlow's
MOST = 500_000  # bytes of a notebook with its outputs


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of a run in an empty folder, with an empty cache.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = os.environ | {"HYBRID_CACHE": f"{folder}/cache", "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": commands}
        variables.pop("HYBRID_WORKSPACE", None)
        work = Path(folder) / "work"
        work.mkdir()
        client = NotebookClient(
            notebook,
            timeout=1200,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": work}},
            kernel_name="python3",
        )
        client.execute(env=variables)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = settled(cell.outputs)
    return notebook


def settled(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return outputs as they stay on the screen: without progress bars and without TensorFlow's log messages."""
    kept = []
    for output in outputs:
        if output.output_type == "stream":
            output.text = BAR.sub("", CONTROL.sub("", output.text)).replace("\r", "")
            if LOG_MESSAGES.fullmatch(output.text):
                continue
        kept.append(output)
    return kept


def faults(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what is wrong with the stored outputs of a notebook, in sentences."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    found = []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("Its code cells were not run once each, from top to bottom.")
    if any(output.output_type == "error" for output in outputs):
        found.append("A cell ends with an error.")
    if warned := [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]:
        found.append(f"A cell prints a warning: {''.join(warned)}")
    if not any("image/png" in output.get("data", {}) for output in outputs):
        found.append("It shows no picture.")
    if places := [place for text in texts(outputs) for place in PLACE.findall(text)]:
        found.append(f"Its outputs name a place on the machine: {places[0]}.")
    if len(nbformat.writes(notebook)) > MOST:
        found.append(f"It has more than {MOST // 1000} kB.")
    return found


def texts(outputs: list[nbformat.NotebookNode]) -> list[str]:
    """Return the texts of outputs; pictures are left out."""
    parts = [
        text
        for output in outputs
        for kind, text in [("text", output.get("text", "")), *output.get("data", {}).items()]
        if kind.startswith("text")
    ]
    return ["".join(part) for part in parts]


def kinds(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """Return the kinds of outputs of each code cell, such as ``["stream"]`` or ``["image/png", "text/plain"]``."""
    return [
        sorted({kind for output in cell.outputs for kind in output.get("data", [output.output_type])})
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def main() -> None:
    """Run the notebooks, and store those without faults."""
    paths = [Path(name) for name in sys.argv[1:]] or sorted(EXAMPLES.glob("*.ipynb"))
    for path in paths:
        notebook = executed(path)
        if found := faults(notebook):
            sys.exit(f"{path.name} was not stored. {' '.join(found)}")
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
