"""Find a saved model by its name or its path."""

from pathlib import Path

from hybrid.errors import InputError
from hybrid.workspace.workspace import Workspace


def find_model(model: str, workspace: str | Path) -> Path:
    """Return the folder or .zip of a saved model, given its path, or its name in the workspace.

    Raises
    ------
    InputError
        If there is no such model.
    """
    given = Path(model).expanduser()
    if given.is_file():
        return given
    for folder in (given, given / "model"):
        if (folder / "manifest.json").is_file():
            return folder
    place = Workspace(workspace)
    if not place.records("models"):
        raise InputError(
            f"There is no model {model!r}: expected the folder of a saved model, or the name of one in "
            f"{str(place.folder)!r}, which has none; run `hybrid fit svm` first."
        )
    return place.find("models", model).parent / "model"
