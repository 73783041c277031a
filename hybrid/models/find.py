"""Find a saved model by its name or its path."""

from pathlib import Path

from hybrid.errors import InputError
from hybrid.pipelines.saved.unpack import unpack_model
from hybrid.workspace.workspace import Workspace


def find_model(model: str, workspace: str | Path) -> Path:
    """Return the folder of a saved model: of one in the workspace by its name, or of any by its path.

    A .zip of a saved model is checked and unpacked into the cache.

    Raises
    ------
    InputError
        If there is none, or the .zip is not as it was saved.
    """
    given = Path(model).expanduser()
    if given.is_file():
        return unpack_model(given)
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
