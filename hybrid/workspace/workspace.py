"""The workspace: a folder with embedding sets, trained networks, fitted models and reports."""

import re
from collections.abc import Iterable
from pathlib import Path

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.store.sharing import warn_if_shared
from hybrid.files import expanded, remove_abandoned, restore_folders

DEFAULT_WORKSPACE = "hybrid_runs"

HISTORY = "history.jsonl"
# Files in the folder of a model.
METRICS = "metrics.json"
PREDICTIONS = "predictions.csv"
# Files in the folder of a trained network: the networks of the best and the last epoch, the record, image digests.
BEST_NETWORK = "network.keras"
LAST_NETWORK = "last.keras"
TRAINING_RECORD = "training.json"
TRAINING_KEYS = "training.keys"
# File in the folder of an external validation, beside the predictions.
VALIDATION = "validation.json"


class Workspace:
    """The folder in which a project keeps its embedding sets, networks, models and reports.

    Parameters
    ----------
    folder : str or Path, default="hybrid_runs"
        Created when something is first written.

    Attributes
    ----------
    sets, networks, models, reports, external : Path
        The folders inside.
    """

    def __init__(self, folder: str | Path = DEFAULT_WORKSPACE):
        self.folder = expanded(folder)
        self.sets = self.folder / "sets"
        self.networks = self.folder / "networks"
        self.models = self.folder / "models"
        self.reports = self.folder / "reports"
        self.external = self.folder / "external"
        warn_if_shared(self.folder, "workspace", ("sets", "networks", "models", "reports", "external"))
        self._remove_abandoned()

    def _remove_abandoned(self) -> None:
        """Remove the temporary files and folders of killed processes."""
        folders = [self.folder, self.sets, self.networks, self.models, self.reports, self.external]
        for folder in (*folders, *(path for parent in folders[2:] for path in parent.glob("[!.]*/"))):
            remove_abandoned(folder)

    def latest(self, kind: str) -> Path | None:
        """Return the path of the newest record of a kind (``"sets"`` or ``"networks"``), or None if there is none."""
        return max(self.records(kind), key=lambda path: path.stat().st_mtime_ns, default=None)

    def find(self, kind: str, name: str) -> Path:
        """Return the path of a record.

        Parameters
        ----------
        kind : {"sets", "networks", "models"}
        name : str

        Raises
        ------
        InputError
            If there is no such record. The message suggests similar names.
        """
        paths = {path.stem if kind == "sets" else path.parent.name: path for path in self.records(kind)}
        if name not in paths:
            noun = {"sets": "embedding set", "networks": "network", "models": "model"}[kind]
            raise unknown_name(noun, name, paths, f"The workspace is {str(self.folder)!r}.")
        return paths[name]

    def records(self, kind: str) -> list[Path]:
        """Return the sorted paths of the records of a kind. Only complete sets, networks and models have a record."""
        restore_folders(self.folder / kind)
        pattern = {"sets": "*.json", "networks": f"*/{TRAINING_RECORD}", "models": f"*/{METRICS}"}[kind]
        return sorted(path for path in (self.folder / kind).glob(pattern) if not path.parent.name.startswith("."))


def slug(*parts: object) -> str:
    """Return a name that is a valid file name on every system.

    Examples
    --------
    >>> slug("chest_xray", "mobilenet:alpha=0.25")
    'chest_xray-mobilenet_alpha_0.25'
    """
    words = [re.sub(r"[^\w.-]+", "_", str(part)).strip("._-") for part in parts]
    return "-".join(word for word in words if word)[:100] or "unnamed"


def check_name(name: str) -> str:
    """Return a name given by a user; raise `InputError` if it is not a plain file name."""
    if not re.fullmatch(r"[\w][\w.+-]{0,99}", name):
        raise InputError(f"The name {name!r} was given; expected letters, digits and . _ + - (at most 100 characters).")
    return name


def unique_name(base: str, taken: Iterable[str]) -> str:
    """Return `base`, or `base` with the lowest number from 2 that makes it unique."""
    names, number, name = set(taken), 2, base
    while name in names:
        name, number = f"{base}-{number}", number + 1
    return name
