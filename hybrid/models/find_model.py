"""Find a saved model by its name or its path."""

from pathlib import Path

from hybrid.errors import InputError
from hybrid.files import expanded, restore_folder
from hybrid.workspace.workspace import Workspace


def find_model(model: str, workspace: str | Path) -> Path:
    """Return the path of a saved model: its folder or .zip file.

    Parameters
    ----------
    model : str
        A path, or the name of a model in the workspace.
    workspace : str or Path

    Raises
    ------
    InputError
        If there is no such model.
    """
    path = expanded(model)
    if path.is_file():
        return path
    restore_folder(path)
    for folder in (path, path / "model"):
        if (folder / "manifest.json").is_file():
            return folder
    opened = Workspace(workspace)
    if not opened.records("models"):
        raise InputError(
            f"There is no model {model!r}: expected the folder of a saved model, or the name of a model in the "
            f"workspace {str(opened.folder)!r}, which has no models yet; run `hybrid fit svm` first."
        )
    return opened.find("models", model).parent / "model"
